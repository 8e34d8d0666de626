//! The one hierarchy of version 2, with or without controllers.

use super::{Entry, Hierarchy, limit};
use grove_core_api::isolation::ExecutorLimits;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// Microseconds over which processor time is counted.
const PERIOD_US: u64 = 100_000;

#[derive(Debug)]
pub(super) struct Unified {
    base: PathBuf,
    has_memory: bool,
}

impl Unified {
    /// Prepares a directory for groups; `None` when this process may not.
    pub(super) fn open(own: &Path, name: &str) -> Option<Self> {
        let controllers = controllers(own);
        let is_delegatable = !controllers.is_empty();
        if is_delegatable && own.join("cgroup.type").exists() {
            // Below a group with processes nothing can be limited: this one steps aside.
            let aside = own.join(format!("{name}-main"));
            fs::create_dir_all(&aside).ok()?;
            fs::write(aside.join("cgroup.procs"), "0").ok()?;
        }
        let base = own.join(name);
        fs::create_dir_all(&base).ok()?;
        if is_delegatable {
            for group in [own, base.as_path()] {
                for controller in &controllers {
                    // One that cannot be had is a limit less, and the report says so.
                    fs::write(group.join("cgroup.subtree_control"), format!("+{controller}")).ok();
                }
            }
        }
        let has_memory = available(&base, "cgroup.subtree_control").contains(&"memory".to_owned());
        Some(Self { base, has_memory })
    }
}

fn available(group: &Path, file: &str) -> Vec<String> {
    let text = fs::read_to_string(group.join(file)).unwrap_or_default();
    text.split_whitespace().map(str::to_owned).collect()
}

fn controllers(own: &Path) -> Vec<String> {
    let wanted = ["pids", "memory", "cpu"];
    let mut found = available(own, "cgroup.controllers");
    found.retain(|it| wanted.contains(&it.as_str()));
    found
}

impl Hierarchy for Unified {
    fn base(&self) -> &Path {
        &self.base
    }

    fn make(&self, id: &str, limits: &ExecutorLimits) -> io::Result<(PathBuf, Vec<String>)> {
        let path = self.base.join(id);
        fs::create_dir(&path)?;
        let processes = limits.processes.map(|it| it.to_string());
        let memory = limits.memory_bytes.map(|it| it.to_string());
        let cpu = limits.cpu_percent.map(|it| {
            let quota = u64::from(it) * PERIOD_US / 100;
            format!("{quota} {PERIOD_US}")
        });
        // Without this a process over the limit swaps instead of ending.
        let no_swap = memory.as_ref().map(|_| "0".to_owned());
        let held = [
            limit(&path, "pids.max", processes, super::name_of("processes", limits.processes)),
            limit(
                &path,
                "memory.max",
                memory,
                super::name_of("MiB of memory", limits.memory_bytes.map(|it| it >> 20)),
            ),
            limit(&path, "cpu.max", cpu, super::name_of("% cpu", limits.cpu_percent)),
        ];
        limit(&path, "memory.swap.max", no_swap, String::new());
        Ok((path, held.into_iter().flatten().collect()))
    }

    fn is_needed(&self, _limits: &ExecutorLimits) -> bool {
        true
    }

    fn entry(&self) -> Entry {
        Entry::Birth
    }

    fn memory_events(&self) -> Option<&'static str> {
        self.has_memory.then_some("memory.events")
    }
}

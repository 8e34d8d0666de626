//! One of the old hierarchies, each with a controller of its own.

use super::{Entry, Hierarchy, limit, name_of};
use grove_core_api::isolation::ExecutorLimits;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// Microseconds over which processor time is counted.
const PERIOD_US: u64 = 100_000;

#[derive(Debug)]
pub(super) struct V1 {
    controller: &'static str,
    base: PathBuf,
}

impl V1 {
    /// Prepares a directory for groups; `None` when this process may not.
    pub(super) fn open(controller: &'static str, own: &Path, name: &str) -> Option<Self> {
        let base = own.join(name);
        fs::create_dir_all(&base).ok()?;
        Some(Self { controller, base })
    }
}

impl Hierarchy for V1 {
    fn base(&self) -> &Path {
        &self.base
    }

    fn make(&self, id: &str, limits: &ExecutorLimits) -> io::Result<(PathBuf, Vec<String>)> {
        let path = self.base.join(id);
        fs::create_dir(&path)?;
        let held = match self.controller {
            "pids" => {
                let value = limits.processes.map(|it| it.to_string());
                limit(&path, "pids.max", value, name_of("processes", limits.processes))
            }
            "memory" => {
                let value = limits.memory_bytes.map(|it| it.to_string());
                let name = name_of("MiB of memory", limits.memory_bytes.map(|it| it >> 20));
                limit(&path, "memory.limit_in_bytes", value, name)
            }
            _ => {
                let quota = limits.cpu_percent.map(|it| u64::from(it) * PERIOD_US / 100);
                let quota = quota.map(|it| it.to_string());
                limit(&path, "cpu.cfs_quota_us", quota, name_of("% cpu", limits.cpu_percent))
            }
        };
        Ok((path, held.into_iter().collect()))
    }

    fn is_needed(&self, limits: &ExecutorLimits) -> bool {
        match self.controller {
            "pids" => limits.processes.is_some(),
            "memory" => limits.memory_bytes.is_some(),
            _ => limits.cpu_percent.is_some(),
        }
    }

    fn entry(&self) -> Entry {
        Entry::Write
    }

    fn memory_events(&self) -> Option<&'static str> {
        (self.controller == "memory").then_some("memory.oom_control")
    }
}

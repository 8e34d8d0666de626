//! Control groups: killing everything at once, and limits.
//!
//! Version 2 is tried first, then the controllers of version 1. Groups made for a probe are removed
//! again.

use super::child::{At, Wrong, attempt, ends_within, wait_for};
use super::{Probe, is_root, sys};
use nix::errno::Errno;
use std::fs::{self, File};
use std::io;
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::time::Duration;

const DELEGATE: &str = "Boot with control groups of version 2 (`systemd.unified_cgroup_hierarchy=1`), \
                        and start Grove by its systemd unit, which has `Delegate=yes`.";
/// Most groups of the host that are looked at for stale ones, and how deep.
const MOST_GROUPS: usize = 4_096;
const GROUP_DEPTH: usize = 4;
const KILL_WITHIN: Duration = Duration::from_secs(2);

/// A limit: probe's name, controller, file and value in version 2, in version 1, and what is missing
/// without it.
struct Limit {
    name: &'static str,
    controller: &'static str,
    v2: (&'static str, &'static str),
    v1: (&'static str, &'static str),
    effect: &'static str,
}

const PROCESSES: Limit = Limit {
    name: "process limit",
    controller: "pids",
    v2: ("pids.max", "1"),
    v1: ("pids.max", "1"),
    effect: "one agent can use up the host's processes",
};
const MEMORY: Limit = Limit {
    name: "memory limit",
    controller: "memory",
    v2: ("memory.max", "67108864"),
    v1: ("memory.limit_in_bytes", "67108864"),
    effect: "one agent can use up the host's memory",
};
const PROCESSOR: Limit = Limit {
    name: "processor limit",
    controller: "cpu",
    v2: ("cpu.max", "50000 100000"),
    v1: ("cpu.cfs_quota_us", "50000"),
    effect: "one agent can slow down all others",
};

/// Every probe of control groups.
pub(super) fn all() -> Vec<Probe> {
    if !is_root() {
        let names = ["cgroup kill", PROCESSES.name, MEMORY.name, PROCESSOR.name];
        let mut rows: Vec<_> = names.map(Probe::only_root).into();
        rows.push(stale(&Mounts::read(), is_monitor_there()));
        return rows;
    }
    let mounts = Mounts::read();
    vec![
        kill(&mounts).required(),
        limit(&PROCESSES, &mounts).required(),
        limit(&MEMORY, &mounts),
        limit(&PROCESSOR, &mounts),
        stale(&mounts, is_monitor_there()),
    ]
}

/// Where control groups are mounted.
struct Mounts(String);

impl Mounts {
    fn read() -> Self {
        Self(fs::read_to_string("/proc/self/mounts").unwrap_or_default())
    }

    fn find(&self, is_wanted: impl Fn(&str, &str) -> bool) -> Option<PathBuf> {
        self.0.lines().find_map(|line| {
            let mut fields = line.split(' ').skip(1);
            let path = fields.next()?;
            is_wanted(fields.next()?, fields.next()?).then(|| PathBuf::from(path))
        })
    }

    /// Every place where control groups are mounted.
    fn all(&self) -> Vec<PathBuf> {
        let lines = self.0.lines().map(|line| line.split(' ').collect::<Vec<_>>());
        let is_group =
            |fields: &Vec<&str>| fields.get(2).is_some_and(|kind| kind.starts_with("cgroup"));
        lines.filter(is_group).filter_map(|it| it.get(1).map(PathBuf::from)).collect()
    }

    fn v2(&self) -> Option<PathBuf> {
        self.find(|kind, _| kind == "cgroup2")
    }

    fn v1(&self, controller: &str) -> Option<PathBuf> {
        self.find(|kind, options| kind == "cgroup" && options.split(',').any(|it| it == controller))
    }
}

/// A group that is removed when it is dropped.
struct Group(PathBuf);

impl Group {
    fn make(parent: &Path) -> io::Result<Self> {
        let path = parent.join(format!("grove-doctor-{}", std::process::id()));
        fs::create_dir(&path)?;
        Ok(Self(path))
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        // It is empty; one that is not stays visible as a stale group.
        drop(fs::remove_dir(&self.0));
    }
}

/// A group that is killed as a whole: at once by the kernel, or one process after the other.
fn kill(mounts: &Mounts) -> Probe {
    let at_once = mounts.v2().map(|parent| kill_a_group(&parent));
    let found = match (at_once, mounts.v1("pids")) {
        (Some(Ok(())), _) => {
            Ok("a child starts in a group, and the group is killed at once".to_owned())
        }
        (other, Some(parent)) => Group::make(&parent)
            .map(|_group| "version 1: processes are killed one by one".to_owned())
            .map_err(|error| match other {
                Some(Err(reason)) => format!("{reason}; version 1: {error}"),
                Some(Ok(())) | None => format!("version 1: {error}"),
            }),
        (Some(Err(reason)), None) => Err(reason),
        (None, None) => Err("control groups are not mounted".to_owned()),
    };
    let effect = "what an executor started cannot be found again when it hides, and may survive it";
    Probe::new("cgroup kill", found, effect, DELEGATE)
}

fn kill_a_group(parent: &Path) -> Result<(), String> {
    let words = |step: &'static str| move |error: io::Error| format!("{step}: {error}");
    let group = Group::make(parent).map_err(words("making a group"))?;
    let directory = File::open(&group.0).map_err(words("opening a group"))?;
    let child = sys::clone3(Some(directory.as_fd()), || {
        nix::unistd::pause();
        0
    });
    let (pid, pidfd) = child.map_err(|errno| format!("clone3 into a group: {errno}"))?;
    let killed = fs::write(group.0.join("cgroup.kill"), "1").map_err(words("cgroup.kill"));
    let is_dead = killed.is_ok() && ends_within(pidfd.as_fd(), KILL_WITHIN);
    // Reaped in any case, and killed in another way when this one failed.
    drop(wait_for(pid, pidfd.as_fd(), Duration::ZERO));
    killed?;
    if is_dead { Ok(()) } else { Err("cgroup.kill: the child lives on".to_owned()) }
}

fn limit(limit: &Limit, mounts: &Mounts) -> Probe {
    let v2 = mounts.v2().map(|parent| (parent, limit.v2, "version 2"));
    let v1 = mounts.v1(limit.controller).map(|parent| (parent, limit.v1, "version 1"));
    let mut reasons = Vec::new();
    for (parent, (file, value), version) in v2.into_iter().chain(v1) {
        match set_limit(&parent, file, value) {
            Ok(()) => {
                return Probe::new(limit.name, Ok(format!("{version}: {file}")), "", "");
            }
            Err(reason) => reasons.push(format!("{version}: {reason}")),
        }
    }
    if reasons.is_empty() {
        reasons.push("control groups are not mounted".to_owned());
    }
    Probe::new(limit.name, Err(reasons.join("; ")), limit.effect, DELEGATE)
}

/// Makes a group with the limit; the one of processes is also run into.
fn set_limit(parent: &Path, file: &str, value: &str) -> Result<(), String> {
    let group = Group::make(parent).map_err(|error| format!("making a group: {error}"))?;
    let path = group.0.join(file);
    if !path.exists() {
        return Err(format!("{file} is not there"));
    }
    fs::write(&path, value).map_err(|error| format!("{file}: {error}"))?;
    let kept = fs::read_to_string(&path).map_err(|error| format!("{file}: {error}"))?;
    if kept.trim() != value {
        return Err(format!("{file} became {}", kept.trim()));
    }
    if file != PROCESSES.v2.0 {
        return Ok(());
    }
    let members = group.0.join("cgroup.procs");
    attempt(move || {
        fs::write(&members, "0").at("joining a group")?;
        match sys::fork(|| 0) {
            Err(Errno::EAGAIN) => Ok(()),
            Err(errno) => Err(errno).at("fork"),
            Ok(_) => Err(Wrong::worked("one process too many")),
        }
    })
}

/// Whether any monitor runs on this host.
fn is_monitor_there() -> bool {
    let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
    let name = |entry: fs::DirEntry| fs::read_to_string(entry.path().join("comm")).ok();
    processes.filter_map(name).any(|name| name.trim() == "grove-monitor")
}

/// Groups that nobody will remove before Grove is started again: those of a monitor that was killed.
fn stale(mounts: &Mounts, is_monitor_there: bool) -> Probe {
    let mut groups = Vec::new();
    let mut left = MOST_GROUPS;
    for mount in mounts.all() {
        find_groups(&mount, GROUP_DEPTH, &mut left, &mut groups);
    }
    // The groups of a monitor that lives are its own business.
    let found = match (groups.is_empty(), is_monitor_there) {
        (true, _) => Ok("none".to_owned()),
        (false, true) => Ok("those that are there have a monitor".to_owned()),
        (false, false) => Err(groups.join(", ")),
    };
    let effect = "processes of executors whose monitor was killed may live in them";
    let fix = "Start Grove: a monitor kills and removes what an earlier one of the same home left.";
    Probe::new("stale groups", found, effect, fix)
}

/// Finds the groups of instances of Grove that hold any group of an executor.
fn find_groups(folder: &Path, depth: usize, left: &mut usize, groups: &mut Vec<String>) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        if *left == 0 {
            return;
        }
        let path = entry.path();
        if !entry.file_type().is_ok_and(|it| it.is_dir()) {
            continue;
        }
        *left -= 1;
        if entry.file_name().to_string_lossy().starts_with("grove-") {
            let entries = fs::read_dir(&path).into_iter().flatten().flatten();
            if entries.flat_map(|it| it.file_type()).any(|it| it.is_dir()) {
                groups.push(path.display().to_string());
            }
        } else if depth > 0 {
            find_groups(&path, depth - 1, left, groups);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIXED: &str = "proc /proc proc rw 0 0\n\
        cgroup /sys/fs/cgroup/cpu cgroup rw,cpu,cpuacct 0 0\n\
        cgroup2 /sys/fs/cgroup/unified cgroup2 rw 0 0\n";

    #[test]
    fn mounts_of_both_versions_are_told_apart() {
        let mounts = Mounts(MIXED.to_owned());
        assert_eq!(mounts.v2(), Some(PathBuf::from("/sys/fs/cgroup/unified")));
        assert_eq!(mounts.v1("cpu"), Some(PathBuf::from("/sys/fs/cgroup/cpu")));
        assert_eq!(mounts.v1("pids"), None);
    }

    #[test]
    fn a_limit_without_its_controller_says_where_it_was_looked_for() {
        let directory = tempfile::tempdir().unwrap();
        let text = format!("cgroup2 {} cgroup2 rw 0 0", directory.path().display());
        let row = limit(&PROCESSES, &Mounts(text));
        assert!(!row.is_ok && row.found.contains("pids.max is not there"), "{row:?}");
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0, "the group is gone");
        let none = limit(&MEMORY, &Mounts(String::new()));
        assert_eq!(none.found, "control groups are not mounted");
    }

    #[test]
    fn groups_of_a_monitor_that_is_gone_are_named() {
        let directory = tempfile::tempdir().unwrap();
        let base = directory.path().join("system.slice/grove-0123abcd");
        fs::create_dir_all(base.join("executor")).unwrap();
        fs::create_dir_all(directory.path().join("grove-empty")).unwrap();
        let mounts = Mounts(format!("cgroup2 {} cgroup2 rw 0 0", directory.path().display()));
        let row = stale(&mounts, false);
        assert_eq!((row.is_ok, row.found), (false, base.display().to_string()));
        assert!(stale(&mounts, true).is_ok && stale(&Mounts(String::new()), false).is_ok);
    }

    #[test]
    fn a_group_is_killed_one_by_one_where_there_is_only_version_one() {
        let directory = tempfile::tempdir().unwrap();
        let old = Mounts(format!("cgroup {} cgroup rw,pids 0 0", directory.path().display()));
        assert!(kill(&old).found.contains("one by one"));
        let absent = kill(&Mounts("cgroup /nowhere cgroup rw,pids 0 0".to_owned()));
        assert!(!absent.is_ok && absent.found.starts_with("version 1: "), "{absent:?}");
        assert!(!kill(&Mounts(String::new())).is_ok);
    }
}

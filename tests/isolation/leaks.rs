//! What a test may leave behind: nothing. Processes, control groups, mounts, sockets, files.

use crate::fixture::Fixture;
use crate::host::entries;
use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Longest time until killed processes and their groups are gone.
const PATIENCE: Duration = Duration::from_secs(5);

/// What is there at one moment, by name.
pub(crate) type Snapshot = BTreeSet<String>;

/// Looks at everything that a test might leave behind.
pub(crate) fn snapshot(fixture: &Fixture) -> Snapshot {
    let mut found = Snapshot::new();
    let victims = fixture.victims();
    let mut processes = processes_of(&fixture.base);
    processes.extend(processes_of_accounts(fixture));
    let strangers = processes.into_iter().filter(|it| !victims.contains(it));
    found.extend(strangers.map(|pid| format!("process {pid}: {}", command_line(pid))));
    let groups = groups_of(Path::new("/sys/fs/cgroup"), &format!("grove-{}", fixture.base), 0);
    found.extend(groups.into_iter().map(|path| format!("control group {}", path.display())));
    let mounts = fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
    found.extend(mounts.lines().map(|line| format!("mount {line}")));
    let sockets = fs::read_to_string("/proc/net/unix").unwrap_or_default();
    let sockets = sockets.lines().filter(|line| line.contains(&fixture.base));
    found.extend(
        sockets.filter_map(|line| line.split(' ').next_back()).map(|it| format!("socket {it}")),
    );
    for folder in ["/tmp", "/dev/shm", "/run"] {
        let names = entries(Path::new(folder), &fixture.base);
        found.extend(names.into_iter().map(|name| format!("file {folder}/{name}")));
    }
    for folder in [&fixture.targets.own_worktree, &fixture.targets.other_worktree] {
        let names = entries(Path::new(folder), "").into_iter().filter(|it| it != "setup.json");
        found.extend(names.map(|name| format!("file {folder}/{name}")));
    }
    found
}

/// What is there and was not before; waits until killed processes are gone.
pub(crate) fn since(before: &Snapshot, fixture: &Fixture) -> Vec<String> {
    let left = || -> Vec<String> { snapshot(fixture).difference(before).cloned().collect() };
    if grove_tests::settled(PATIENCE, || left().is_empty()) { Vec::new() } else { left() }
}

fn process_ids() -> impl Iterator<Item = i32> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok())
}

fn command_line(pid: i32) -> String {
    let text = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    String::from_utf8_lossy(&text).replace('\0', " ")
}

/// Processes whose program is one of the suite's.
pub(crate) fn processes_of(base: &str) -> Vec<i32> {
    let own = i32::try_from(std::process::id()).unwrap_or(0);
    let needle = format!("/{base}/");
    let is_ours = |pid: &i32| {
        *pid != own && command_line(*pid).starts_with('/') && {
            let line = command_line(*pid);
            line.split(' ').next().is_some_and(|it| it.contains(&needle))
        }
    };
    process_ids().filter(is_ours).collect()
}

/// Processes of the accounts that the suite made.
pub(crate) fn processes_of_accounts(fixture: &Fixture) -> Vec<i32> {
    let Some(people) = &fixture.people else { return Vec::new() };
    let uids = [&people.attacker, &people.other, &people.service].map(|it| it.uid.as_raw());
    let is_theirs = |pid: &i32| {
        fs::metadata(format!("/proc/{pid}")).is_ok_and(|found| uids.contains(&found.uid()))
    };
    process_ids().filter(is_theirs).collect()
}

/// Groups of executors below directories of that name.
fn groups_of(folder: &Path, name: &str, depth: usize) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten().map(|it| it.path());
    let mut found = Vec::new();
    for path in entries.filter(|it| it.is_dir() && !it.is_symlink()) {
        if path.file_name().is_some_and(|it| it == name) {
            let below = fs::read_dir(&path).into_iter().flatten().flatten();
            found.extend(below.map(|it| it.path()).filter(|it| it.is_dir()));
        } else if depth < 4 {
            found.extend(groups_of(&path, name, depth + 1));
        }
    }
    found
}

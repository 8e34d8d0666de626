//! The one place that starts processes, and the end of everything that they started.
//!
//! A tool runs in a session of its own. What it leaves behind, even after a double fork, comes to the
//! executor (a child subreaper) and is found by its parent in `/proc`.

use crate::{confine, environment, sys};
use grove_core_api::limits;
use nix::sys::signal::{Signal, kill, killpg};
use nix::sys::wait::{WaitPidFlag, waitpid};
use nix::unistd::Pid;
use std::collections::{HashMap, HashSet};
use tokio::process::{Child, Command};

/// Makes a command with the bare environment, nothing on its input, killed when dropped.
#[expect(clippy::disallowed_methods, reason = "the one home of process starts in the executor")]
pub(crate) fn command(program: &str) -> Command {
    let mut command = Command::new(program);
    command
        .env_clear()
        .envs(environment::base())
        .stdin(std::process::Stdio::null())
        .kill_on_drop(true);
    if let Some(domain) = confine::domain() {
        sys::in_domain(&mut command, domain);
    }
    command
}

/// A tool's process with all that it starts. Dropping it kills them all.
pub(crate) struct Family {
    child: Child,
    leader: Pid,
}

impl Family {
    /// Starts the command in a session of its own.
    ///
    /// # Errors
    /// When the program cannot be started.
    pub(crate) fn start(mut command: Command) -> std::io::Result<Self> {
        sys::in_new_session(&mut command);
        let child = command.spawn()?;
        let number = child.id().and_then(|id| i32::try_from(id).ok());
        let Some(number) = number else {
            return Err(std::io::Error::other("the process ended before it had a number"));
        };
        Ok(Self { child, leader: Pid::from_raw(number) })
    }

    /// Waits for the first process of the family.
    ///
    /// # Errors
    /// When the system does not tell.
    ///
    /// # Cancel safety
    /// Cancel safe.
    pub(crate) async fn wait(&mut self) -> std::io::Result<std::process::ExitStatus> {
        self.child.wait().await
    }
}

impl Drop for Family {
    fn drop(&mut self) {
        // The number of the leader is ours only until it has been reaped.
        if self.child.id().is_some() {
            report(killpg(self.leader, Signal::SIGKILL));
        }
        sweep(self.leader);
    }
}

fn report(outcome: nix::Result<()>) {
    match outcome {
        Ok(()) | Err(nix::errno::Errno::ESRCH) => {}
        Err(error) => tracing::warn!(%error, "failed to kill a tool's process"),
    }
}

/// Kills every descendant of this process that descends from `leader`, shares its session or has been
/// left to us by its dead parent.
fn sweep(leader: Pid) {
    let own = Pid::this();
    for _ in 0..limits::SWEEP_ROUNDS {
        let left = left_behind(own, leader);
        if left.is_empty() {
            return;
        }
        for pid in left {
            report(kill(pid, Signal::SIGKILL));
            // Only what came to us by re-parenting can be reaped here; the leader is tokio's.
            if pid != leader {
                match waitpid(pid, Some(WaitPidFlag::WNOHANG)) {
                    Ok(_) | Err(_) => {}
                }
            }
        }
    }
    tracing::warn!(leader = leader.as_raw(), "a tool's processes do not end");
}

struct Entry {
    pid: Pid,
    parent: Pid,
    session: Pid,
    is_zombie: bool,
}

fn left_behind(own: Pid, leader: Pid) -> Vec<Pid> {
    let entries = processes();
    let mut children: HashMap<Pid, Vec<&Entry>> = HashMap::new();
    for entry in &entries {
        children.entry(entry.parent).or_default().push(entry);
    }
    let own_session = entries.iter().find(|it| it.pid == own).map(|it| it.session);
    let mut left = Vec::new();
    let mut seen = HashSet::new();
    let mut open: Vec<&Entry> = children.get(&own).cloned().unwrap_or_default();
    // A child in our own session is one of git's, never a tool's: tools start in another session.
    open.retain(|entry| entry.pid == leader || Some(entry.session) != own_session);
    while let Some(entry) = open.pop() {
        if !seen.insert(entry.pid) {
            continue;
        }
        if !entry.is_zombie || (entry.parent == own && entry.pid != leader) {
            left.push(entry.pid);
        }
        open.extend(children.get(&entry.pid).into_iter().flatten());
    }
    left
}

fn processes() -> Vec<Entry> {
    let Ok(directory) = std::fs::read_dir("/proc") else { return Vec::new() };
    directory
        .flatten()
        .filter_map(|entry| {
            let pid: i32 = entry.file_name().to_str()?.parse().ok()?;
            let stat = std::fs::read_to_string(entry.path().join("stat")).ok()?;
            read_stat(pid, &stat)
        })
        .collect()
}

/// Reads one `/proc/<pid>/stat`: the name in brackets may hold anything, so it is skipped from behind.
fn read_stat(pid: i32, stat: &str) -> Option<Entry> {
    let (_, fields) = stat.rsplit_once(')')?;
    let mut fields = fields.split_ascii_whitespace();
    let state = fields.next()?;
    let parent = fields.next()?.parse().ok()?;
    let _group = fields.next()?;
    let session = fields.next()?.parse().ok()?;
    Some(Entry {
        pid: Pid::from_raw(pid),
        parent: Pid::from_raw(parent),
        session: Pid::from_raw(session),
        is_zombie: state == "Z" || state == "X",
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_name_with_brackets_and_spaces_is_read() {
        let entry = read_stat(7, "7 (a) b (c)) S 5 6 4 0 -1").expect("reads");
        assert_eq!((entry.parent.as_raw(), entry.session.as_raw()), (5, 4));
        assert!(!entry.is_zombie);
    }
}

//! The process tree below an executor, read from `/proc`, and its end.
//!
//! A tool may have left its session and its parents, so neither a process group nor a session holds
//! everything that an executor started. The tree does: executors are subreapers of what they start,
//! the monitor of what executors leave behind. Process ids are used only together with their start
//! time and through a pidfd, so that a reused id is never hit.

use crate::pidfd;
use nix::sys::signal::Signal;
use std::collections::HashSet;
use std::fs;
use std::hash::BuildHasher;
use std::os::fd::AsFd;

/// Processes looked at in one walk; a host with more has other worries.
const PROCESSES: usize = 65_536;
/// Walks in one kill: whoever was born during one is found by the next.
const ROUNDS: usize = 16;

/// A process at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Process {
    /// Its number.
    pub pid: i32,
    /// Its parent's number.
    pub parent: i32,
    /// Whether it has ended and only waits to be reaped.
    pub is_ended: bool,
    /// Start in clock ticks since boot; tells a process from a later one with the same id.
    pub start_ticks: u64,
}

/// Reads one process from `/proc`; `None` when it is gone.
#[must_use]
pub fn read(pid: i32) -> Option<Process> {
    parse(&fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
}

fn parse(stat: &str) -> Option<Process> {
    let (pid, rest) = stat.split_once(' ')?;
    // The name stands in parentheses and may itself hold blanks and parentheses.
    let mut fields = rest.get(rest.rfind(')')? + 1..)?.split_ascii_whitespace();
    let state = fields.next()?;
    let parent = fields.next()?.parse().ok()?;
    // Field 22 of the line; the state is field 3, the parent field 4.
    let start_ticks = fields.nth(17)?.parse().ok()?;
    let is_ended = matches!(state, "Z" | "X");
    Some(Process { pid: pid.parse().ok()?, parent, is_ended, start_ticks })
}

fn all() -> Vec<Process> {
    let Ok(entries) = fs::read_dir("/proc") else { return Vec::new() };
    let pids = entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    pids.take(PROCESSES).filter_map(read).collect()
}

fn descendants_in(processes: &[Process], roots: &[i32]) -> Vec<Process> {
    let mut found: HashSet<i32> = roots.iter().copied().collect();
    let mut result = Vec::new();
    loop {
        let before = result.len();
        for process in processes {
            if found.contains(&process.parent) && found.insert(process.pid) {
                result.push(*process);
            }
        }
        if result.len() == before {
            return result;
        }
    }
}

/// Kills everything below a process until nothing of it lives; the process itself stays.
pub fn kill_below(pid: i32) {
    for _ in 0..ROUNDS {
        let below = descendants_in(&all(), &[pid]);
        if !kill_each(&below) {
            return;
        }
    }
}

/// Kills the children of this process that are not in `known`, with everything below them: what
/// executors left behind when they ended.
pub fn kill_adopted<S: BuildHasher>(me: i32, known: &HashSet<i32, S>) {
    for _ in 0..ROUNDS {
        let processes = all();
        let is_adopted = |process: &&Process| process.parent == me && !known.contains(&process.pid);
        let adopted: Vec<Process> = processes.iter().filter(is_adopted).copied().collect();
        let roots: Vec<i32> = adopted.iter().map(|process| process.pid).collect();
        let below = descendants_in(&processes, &roots);
        let is_any_left = kill_each(&adopted);
        if !kill_each(&below) && !is_any_left {
            return;
        }
    }
}

/// Returns whether there was one that still lived.
fn kill_each(processes: &[Process]) -> bool {
    let mut is_any = false;
    for process in processes.iter().filter(|process| !process.is_ended) {
        is_any = true;
        kill(process);
    }
    is_any
}

fn kill(process: &Process) {
    let Ok(pidfd) = pidfd::open(process.pid) else { return };
    // The id may have been given away between the walk and the line above; the start time tells.
    let now = read(process.pid);
    if now.is_some_and(|now| now.start_ticks == process.start_ticks) {
        // It may have ended by itself in the meantime, which is what was wanted.
        drop(pidfd::signal(pidfd.as_fd(), Signal::SIGKILL));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_blanks_and_parentheses_does_not_shift_the_fields() {
        let line = "41 (a) S 1 (b)) Z 7 41 41 0 -1 4194560 1 0 0 0 0 0 0 0 20 0 1 0 9001 0 0";
        let expected = Process { pid: 41, parent: 7, is_ended: true, start_ticks: 9001 };
        assert_eq!(parse(line), Some(expected));
        for broken in ["", "41", "41 (a", "41 (a) S", "x (a) S 1 2"] {
            assert_eq!(parse(broken), None, "{broken}");
        }
    }

    #[test]
    fn descendants_are_found_in_whatever_order_they_are_listed() {
        let process = |pid, parent| Process { pid, parent, is_ended: false, start_ticks: 0 };
        let processes = [process(40, 30), process(30, 20), process(20, 10), process(50, 1)];
        let pids: Vec<i32> = descendants_in(&processes, &[10]).iter().map(|it| it.pid).collect();
        assert_eq!(pids, [20, 30, 40]);
        assert_eq!(descendants_in(&processes, &[50]), []);
    }

    #[test]
    fn this_process_is_there() {
        let me = read(i32::try_from(std::process::id()).unwrap()).unwrap();
        assert!(!me.is_ended && me.start_ticks > 0);
    }
}

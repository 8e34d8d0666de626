//! Processes on this machine: the one place of the command line that starts any.

use super::sys;
use std::ffi::OsStr;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// Start time of a process in clock ticks since boot; `None` when it does not live.
pub(crate) fn start_ticks(pid: i32) -> Option<u64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name stands in parentheses and may itself hold blanks and parentheses.
    let mut fields = stat.get(stat.rfind(')')? + 1..)?.split_ascii_whitespace();
    let has_ended = fields.next().is_none_or(|state| matches!(state, "Z" | "X"));
    // Field 22 of the line; the state is field 3.
    let ticks = fields.nth(18)?.parse().ok()?;
    (!has_ended).then_some(ticks)
}

/// Path of a program that stands beside this one.
pub(crate) fn beside(name: &str) -> io::Result<PathBuf> {
    Ok(fs::read_link("/proc/self/exe")?.with_file_name(name))
}

#[expect(clippy::disallowed_methods, reason = "the command line's one home of starting processes")]
fn command(program: impl AsRef<OsStr>) -> Command {
    Command::new(program)
}

/// The monitor, ready to be started on its own or in the foreground.
pub(super) fn monitor(program: &Path, is_detached: bool) -> Command {
    let mut command = command(program);
    command.stdin(Stdio::null()).stdout(Stdio::piped());
    if is_detached {
        sys::detach(&mut command);
    }
    command
}

/// Runs git, with nothing to answer questions from.
pub(crate) fn git<S: AsRef<OsStr>>(
    directory: &Path,
    arguments: impl IntoIterator<Item = S>,
) -> io::Result<Output> {
    command("git")
        .args(arguments)
        .current_dir(directory)
        .env("GIT_TERMINAL_PROMPT", "0")
        .env("LC_ALL", "C")
        .stdin(Stdio::null())
        .output()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_lives_and_one_that_cannot_be_does_not() {
        let me = i32::try_from(std::process::id()).unwrap();
        assert!(start_ticks(me).is_some_and(|ticks| ticks > 0));
        assert_eq!(start_ticks(-1), None);
    }
}

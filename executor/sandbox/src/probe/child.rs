//! Doing something that cannot be undone, in a child with a deadline.
//!
//! A child that ends otherwise than it should, or not at all, is a failed probe and never a doctor
//! that hangs.

use super::sys;
use nix::errno::Errno;
use nix::fcntl::OFlag;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::{Pid, pipe2, read, write};
use std::os::fd::{AsFd, BorrowedFd};
use std::time::{Duration, Instant};

/// Longest time of one child, in milliseconds.
const DEADLINE_MS: u64 = 5_000;
/// Time for a killed child to be gone, in milliseconds.
const KILLED_MS: u64 = 1_000;

/// Which step went wrong, and the kernel's reason; without one, something was possible that should
/// not have been.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Wrong {
    step: &'static str,
    errno: Option<Errno>,
}

impl Wrong {
    /// Something worked that should have failed.
    pub(super) const fn worked(step: &'static str) -> Self {
        Self { step, errno: None }
    }
}

/// Names the step of a system call.
pub(super) trait At<T> {
    fn at(self, step: &'static str) -> Result<T, Wrong>;
}

impl<T> At<T> for nix::Result<T> {
    fn at(self, step: &'static str) -> Result<T, Wrong> {
        self.map_err(|errno| Wrong { step, errno: Some(errno) })
    }
}

impl<T> At<T> for std::io::Result<T> {
    fn at(self, step: &'static str) -> Result<T, Wrong> {
        self.map_err(|error| {
            let errno = error.raw_os_error().map_or(Errno::UnknownErrno, Errno::from_raw);
            Wrong { step, errno: Some(errno) }
        })
    }
}

/// Does the work in a forked child.
///
/// # Errors
/// What went wrong, in words.
pub(super) fn attempt(work: impl FnOnce() -> Result<(), Wrong>) -> Result<(), String> {
    attempt_within(Duration::from_millis(DEADLINE_MS), work)
}

fn attempt_within(limit: Duration, work: impl FnOnce() -> Result<(), Wrong>) -> Result<(), String> {
    let pipe = pipe2(OFlag::O_CLOEXEC | OFlag::O_NONBLOCK);
    let (reader, writer) = pipe.map_err(|errno| format!("pipe: {errno}"))?;
    let child = move || {
        let Err(Wrong { step, errno }) = work() else { return 0 };
        let number = errno.map_or(0, |it| it as i32).to_ne_bytes();
        // Both fit into the pipe; a parent that is gone needs no answer.
        write(&writer, &number).and_then(|_| write(&writer, step.as_bytes())).ok();
        1
    };
    let pid = sys::fork(child).map_err(|errno| format!("fork: {errno}"))?;
    let status = wait(pid, limit)?;
    if let WaitStatus::Exited(_, 0) = status {
        return Ok(());
    }
    if let WaitStatus::Exited(_, 1) = status {
        let mut answer = [0_u8; 256];
        let length = read(&reader, &mut answer).unwrap_or(0);
        return Err(in_words(answer.get(..length).unwrap_or_default()));
    }
    Err(format!("the child that tried it ended unexpectedly: {status:?}"))
}

fn in_words(answer: &[u8]) -> String {
    let Some((number, step)) = answer.split_first_chunk::<4>() else {
        return "the child that tried it did not say what failed".to_owned();
    };
    let step = String::from_utf8_lossy(step);
    match i32::from_ne_bytes(*number) {
        0 => format!("{step} was possible"),
        number => format!("{step}: {}", Errno::from_raw(number)),
    }
}

/// Waits for a child of ours until it ends, and kills it after a while.
///
/// # Errors
/// When it had to be killed, or cannot be waited for.
pub(super) fn wait(pid: i32, limit: Duration) -> Result<WaitStatus, String> {
    let pidfd = sys::pidfd_open(pid).map_err(|errno| {
        // Without a descriptor there is no waiting with a deadline.
        kill(Pid::from_raw(pid), Signal::SIGKILL).ok();
        waitpid(Pid::from_raw(pid), None).ok();
        format!("pidfd_open: {errno}")
    })?;
    wait_for(pid, pidfd.as_fd(), limit)
}

/// The same with a descriptor that is there already.
///
/// # Errors
/// When it had to be killed, or cannot be waited for.
pub(super) fn wait_for(
    pid: i32,
    pidfd: BorrowedFd<'_>,
    limit: Duration,
) -> Result<WaitStatus, String> {
    let pid = Pid::from_raw(pid);
    let has_ended = ends_within(pidfd, limit);
    if !has_ended {
        kill(pid, Signal::SIGKILL).ok();
        ends_within(pidfd, Duration::from_millis(KILLED_MS));
    }
    let status = waitpid(pid, Some(WaitPidFlag::WNOHANG));
    if !has_ended {
        return Err(format!("no answer within {} s", limit.as_secs()));
    }
    status.map_err(|errno| format!("waitpid: {errno}"))
}

/// Whether the process ends in time.
pub(super) fn ends_within(pidfd: BorrowedFd<'_>, limit: Duration) -> bool {
    let start = Instant::now();
    loop {
        let left = limit.saturating_sub(start.elapsed());
        let left = PollTimeout::try_from(left).unwrap_or(PollTimeout::ZERO);
        match poll(&mut [PollFd::new(pidfd, PollFlags::POLLIN)], left) {
            Ok(ready) => return ready > 0,
            Err(Errno::EINTR) => {}
            Err(_) => return false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use nix::unistd::pause;

    #[test]
    fn a_child_says_which_step_failed_and_why() {
        assert_eq!(attempt(|| Ok(())), Ok(()));
        let refused = attempt(|| Err(Errno::EPERM).at("mount"));
        assert!(refused.unwrap_err().starts_with("mount: EPERM"));
        let open = attempt(|| Err(Wrong::worked("reading a secret")));
        assert_eq!(open.unwrap_err(), "reading a secret was possible");
    }

    #[test]
    fn a_child_that_hangs_or_dies_is_a_failure_and_not_a_hang() {
        let start = Instant::now();
        let hung = attempt_within(Duration::from_millis(50), || {
            pause();
            Ok(())
        });
        assert!(hung.unwrap_err().contains("no answer"));
        assert!(start.elapsed() < Duration::from_millis(KILLED_MS));
        let killed = attempt(|| {
            kill(Pid::this(), Signal::SIGKILL).ok();
            Ok(())
        });
        assert!(killed.unwrap_err().contains("SIGKILL"));
    }
}

//! The first process of a process namespace: it reaps, and ends when the executor does.
//!
//! The kernel kills whatever is left in the namespace when its first process ends. Nothing else here:
//! no runtime, no descriptor, no secret.

use crate::sys::{self, Forked};
use nix::errno::Errno;
use nix::sys::prctl;
use nix::sys::signal::Signal;
use nix::sys::wait::{WaitStatus, waitpid};
use nix::unistd::Pid;

/// Exit code of a shell for a program that a signal ended, less the signal's number.
const SIGNALLED: i32 = 128;

/// Forks; the child goes on as the executor, the parent stays until it has ended.
///
/// Call it first in `main`. Returns `None` in the child, the executor's exit code in the parent.
#[must_use]
pub fn init() -> Option<u8> {
    // The copy of the environment here is nobody's business either.
    prctl::set_dumpable(false).ok();
    match sys::fork() {
        Ok(Forked::Child) => {
            // With the executor's parent the whole namespace ends; this is for the moment before.
            prctl::set_pdeathsig(Signal::SIGKILL).ok();
            None
        }
        Ok(Forked::Parent(child)) => Some(reap(child)),
        Err(_) => Some(u8::MAX),
    }
}

fn reap(executor: Pid) -> u8 {
    sys::close_all();
    loop {
        let code = match waitpid(None, None) {
            Ok(WaitStatus::Exited(pid, code)) if pid == executor => code,
            Ok(WaitStatus::Signaled(pid, signal, _)) if pid == executor => {
                SIGNALLED + signal as i32
            }
            Ok(_) | Err(Errno::EINTR) => continue,
            // Nobody is left.
            Err(_) => return u8::MAX,
        };
        return u8::try_from(code).unwrap_or(u8::MAX);
    }
}

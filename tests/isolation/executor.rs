//! Stands for an executor: keeps itself untraceable and starts the attempt as agents are started.

use crate::setup::{SETUP_FILE, Setup};
use crate::sys;
use grove_sandbox::inner::Domain;
use nix::sys::wait::{WaitStatus, wait, waitpid};
use nix::unistd::Pid;
use std::fs;
use std::io;
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::{Command, ExitStatus};

/// Added to the number of a signal in the exit code of who waited for it.
const SIGNALLED: i32 = 128;

/// Starts the attempt and ends as it ends.
pub(crate) fn run(row: &str) -> io::Result<()> {
    let setup: Setup = serde_json::from_str(&fs::read_to_string(SETUP_FILE)?)?;
    let program = std::env::current_exe()?;
    if setup.executor.is_traceable {
        sys::become_traceable();
    } else {
        sys::become_untraceable()?;
    }
    #[expect(clippy::disallowed_methods, reason = "it starts what agents would")]
    let mut command = Command::new(program);
    command.args(row.split(' '));
    if setup.executor.has_inner_domain {
        let paths = |list: &[String]| list.iter().map(PathBuf::from).collect::<Vec<_>>();
        let domain = Domain::new(&paths(&setup.executor.write), &paths(&setup.executor.read))?;
        if !domain.is_enforced() {
            return Err(io::Error::other("the kernel has no second domain"));
        }
        sys::before_exec(&mut command, move || domain.enter());
    }
    leave(command.status()?)
}

/// As the first process of its namespace: leaves the work to a child and reaps what is left over.
pub(crate) fn init() -> io::Result<()> {
    let child = sys::fork()?;
    if child == 0 {
        return Ok(());
    }
    let child = Pid::from_raw(child);
    loop {
        match wait() {
            Ok(WaitStatus::Exited(pid, code)) if pid == child => end(code),
            Ok(WaitStatus::Signaled(pid, signal, _)) if pid == child => {
                end(SIGNALLED + signal as i32);
            }
            Ok(_) | Err(nix::Error::EINTR) => {}
            Err(errno) => return Err(errno.into()),
        }
    }
}

/// Waits for one child and passes its end on.
pub(crate) fn wait_for(child: i32) -> io::Result<()> {
    let status = waitpid(Pid::from_raw(child), None)?;
    if matches!(status, WaitStatus::Exited(_, 0)) {
        return Ok(());
    }
    Err(io::Error::other(format!("{status:?}")))
}

fn leave(status: ExitStatus) -> io::Result<()> {
    if status.success() {
        return Ok(());
    }
    end(status.code().unwrap_or_else(|| SIGNALLED + status.signal().unwrap_or(0)))
}

fn end(code: i32) -> ! {
    sys::exit(u8::try_from(code).unwrap_or(u8::MAX))
}

//! The only unsafe code of the command line: what happens between fork and exec.
#![expect(unsafe_code, reason = "the one home of raw system calls in the command line")]

use std::io;
use std::os::unix::process::CommandExt;
use std::process::Command;

/// Lets the program start in a session of its own, so that closing the terminal does not end it.
pub(super) fn detach(command: &mut Command) {
    let prepare = || -> io::Result<()> {
        nix::unistd::setsid()?;
        Ok(())
    };
    // SAFETY: setsid is async-signal-safe, and the closure does nothing else.
    unsafe { command.pre_exec(prepare) };
}

//! The only unsafe code of the command line: what happens between fork and exec, and one question to
//! the kernel.
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

/// Lets the program start in a user namespace of its own; starting fails where that is forbidden.
pub(super) fn in_user_namespace(command: &mut Command) {
    let prepare = || -> io::Result<()> {
        // SAFETY: unshare takes flags and touches no memory of ours.
        if unsafe { libc::unshare(libc::CLONE_NEWUSER) } < 0 {
            return Err(io::Error::last_os_error());
        }
        Ok(())
    };
    // SAFETY: unshare is a bare system call, and an error is built from its number.
    unsafe { command.pre_exec(prepare) };
}

/// Asks the kernel for its version of Landlock; an error means that it has none.
pub(super) fn landlock_version() -> io::Result<i64> {
    const VERSION_FLAG: libc::c_uint = 1;
    let no_attributes = std::ptr::null::<libc::c_void>();
    // SAFETY: with this flag the call takes no attributes and only returns a number.
    let version = unsafe {
        libc::syscall(libc::SYS_landlock_create_ruleset, no_attributes, 0_usize, VERSION_FLAG)
    };
    if version < 0 { Err(io::Error::last_os_error()) } else { Ok(version) }
}

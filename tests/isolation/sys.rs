//! Raw system calls of the attack program: the one home of its unsafe code.
//!
//! Attacks need calls that no wrapper offers, with arguments that no wrapper permits.
#![expect(unsafe_code, reason = "the one home of raw system calls in the attack program")]

use std::ffi::CString;
use std::io;
use std::os::fd::{FromRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

/// Makes a system call. Pointers are passed as their addresses.
pub(crate) fn call(number: libc::c_long, arguments: &[usize]) -> io::Result<usize> {
    let at = |index: usize| arguments.get(index).copied().unwrap_or(0);
    // SAFETY: callers pass addresses of memory that lives across the call, or calls that fail.
    let result = unsafe { libc::syscall(number, at(0), at(1), at(2), at(3), at(4), at(5)) };
    usize::try_from(result).ok().ok_or_else(io::Error::last_os_error)
}

/// A path as the kernel wants it.
pub(crate) fn path(path: impl AsRef<Path>) -> io::Result<CString> {
    CString::new(path.as_ref().as_os_str().as_bytes()).map_err(io::Error::other)
}

/// Address of a C string.
pub(crate) fn address(text: &CString) -> usize {
    text.as_ptr() as usize
}

/// Process id or descriptor as an argument; negative numbers keep their bits.
pub(crate) const fn signed(number: i32) -> usize {
    number as isize as usize
}

/// Opens a path with flags that the standard library does not know.
pub(crate) fn open(at: &str, flags: i32) -> io::Result<usize> {
    let name = path(at)?;
    call(libc::SYS_openat, &[signed(libc::AT_FDCWD), address(&name), signed(flags), 0o600])
}

/// Reads eight bytes of shared memory that was attached.
pub(crate) fn peek(address: usize) -> [u8; 8] {
    let from = address as *const [u8; 8];
    // SAFETY: `address` is the start of a segment of at least one page that `shmat` gave.
    unsafe { from.read_unaligned() }
}

/// Makes a system call without arguments through the table of 32-bit programs.
#[cfg(target_arch = "x86_64")]
pub(crate) fn call_compat(number: i64) -> i64 {
    let mut answer = number;
    // SAFETY: `int 0x80` takes the number in eax and answers there; it changes no memory for calls
    // without arguments, and r8 to r11 are named as lost.
    unsafe {
        core::arch::asm!(
            "int 0x80", inout("rax") answer,
            out("r8") _, out("r9") _, out("r10") _, out("r11") _,
        );
    }
    answer
}

/// Makes a copy of this process, which has one thread; 0 in the copy.
pub(crate) fn fork() -> io::Result<i32> {
    let child = usize::try_from(libc::SIGCHLD).map_err(io::Error::other)?;
    let process = call(libc::SYS_clone, &[child, 0, 0, 0, 0])?;
    i32::try_from(process).map_err(io::Error::other)
}

/// Ends this process at once.
pub(crate) fn exit(code: u8) -> ! {
    // SAFETY: _exit ends the process; nothing of it runs on.
    unsafe { libc::_exit(i32::from(code)) }
}

/// Starts a program that first does something async-signal-safe.
pub(crate) fn before_exec(
    command: &mut Command,
    step: impl FnMut() -> io::Result<()> + Send + Sync + 'static,
) {
    // SAFETY: callers pass steps that allocate nothing and take no lock.
    unsafe { command.pre_exec(step) };
}

/// Becomes traceable by every process of the account, where a host limits that to parents.
pub(crate) fn become_traceable() {
    let (set, anybody) = (0x5961_6d61, usize::MAX);
    // Fails where there is no such limit.
    call(libc::SYS_prctl, &[set, anybody]).ok();
}

/// Becomes undumpable: others of the same account may not trace it.
pub(crate) fn become_untraceable() -> io::Result<()> {
    let set = usize::try_from(libc::PR_SET_DUMPABLE).map_err(io::Error::other)?;
    call(libc::SYS_prctl, &[set, 0]).map(drop)
}

/// Takes over descriptor 3, which the runner gave.
pub(crate) fn connection() -> OwnedFd {
    // SAFETY: called once, by a program whose descriptor 3 nothing else of it uses.
    unsafe { OwnedFd::from_raw_fd(3) }
}

/// Gives a program `CAP_NET_BIND_SERVICE`, to whoever runs it.
pub(crate) fn give_capability(program: &str) -> io::Result<()> {
    // struct vfs_cap_data: version 2 and "effective", permitted, inheritable, and the upper halves.
    let value: [u32; 5] = [0x0200_0001, 1 << 10, 0, 0, 0];
    let (place, name) = (path(program)?, path("security.capability")?);
    let arguments = [address(&place), address(&name), value.as_ptr() as usize, 20, 0];
    call(libc::SYS_setxattr, &arguments).map(drop)
}

/// Gives up one capability for good, in every set.
pub(crate) fn lose_capability(number: u32) -> io::Result<()> {
    // Version 3 of capset(2): the header, then effective, permitted and inheritable, twice.
    let header = [0x2008_0522_u32, 0];
    let mut sets = [0_u32; 6];
    let header_at = header.as_ptr() as usize;
    call(libc::SYS_capget, &[header_at, sets.as_mut_ptr() as usize])?;
    for set in &mut sets[..3] {
        *set &= !(1 << number);
    }
    let bounding = usize::try_from(libc::PR_CAPBSET_DROP).map_err(io::Error::other)?;
    let capability = usize::try_from(number).map_err(io::Error::other)?;
    call(libc::SYS_prctl, &[bounding, capability])?;
    call(libc::SYS_capset, &[header_at, sets.as_ptr() as usize]).map(drop)
}

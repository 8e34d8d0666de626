//! The only unsafe code of the monitor: descriptors that the kernel hands over.
//!
//! Not here: policy. Callers decide what is started and who is killed.
#![expect(unsafe_code, reason = "the one home of raw system calls in the privileged half")]

use nix::fcntl::{FcntlArg, FdFlag, fcntl};
use nix::sys::prctl::set_dumpable;
use nix::sys::signal::Signal;
use nix::sys::socket::{ControlMessageOwned, MsgFlags, recvmsg};
use std::io::{self, IoSliceMut};
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};
use std::sync::atomic::{AtomicBool, Ordering};

/// Descriptor on which children find their channel to the monitor.
pub(super) const CHANNEL_FD: RawFd = 3;

/// Descriptors that one datagram can bring along; more are closed by the kernel.
const PASSED_FDS: usize = 4;

/// What was received in one datagram.
pub(super) struct Received {
    /// Bytes in the buffer.
    pub(super) len: usize,
    /// Whether the datagram was longer than the buffer.
    pub(super) is_truncated: bool,
    /// Descriptors that came along, close-on-exec.
    pub(super) fds: Vec<OwnedFd>,
}

/// Receives one datagram with the descriptors that come along.
pub(super) fn receive(socket: BorrowedFd<'_>, buffer: &mut [u8]) -> nix::Result<Received> {
    let mut parts = [IoSliceMut::new(buffer)];
    let mut space = nix::cmsg_space!([RawFd; PASSED_FDS]);
    let message = recvmsg::<()>(
        socket.as_raw_fd(),
        &mut parts,
        Some(&mut space),
        MsgFlags::MSG_CMSG_CLOEXEC,
    )?;
    let mut fds = Vec::new();
    for part in message.cmsgs()? {
        if let ControlMessageOwned::ScmRights(raw) = part {
            // SAFETY: the kernel has just put these descriptors into our table for this message,
            // and nobody else knows their numbers.
            fds.extend(raw.into_iter().map(|fd| unsafe { OwnedFd::from_raw_fd(fd) }));
        }
    }
    let is_truncated = message.flags.contains(MsgFlags::MSG_TRUNC);
    Ok(Received { len: message.bytes, is_truncated, fds })
}

/// Takes descriptor 3, which the monitor put there, once in the life of the process.
///
/// # Errors
/// When it is not open, or was taken before.
pub(super) fn take_channel() -> io::Result<OwnedFd> {
    static TAKEN: AtomicBool = AtomicBool::new(false);
    // SAFETY: the borrow ends with the next line, and fcntl reports a closed descriptor as an error.
    let borrowed = unsafe { BorrowedFd::borrow_raw(CHANNEL_FD) };
    fcntl(borrowed, FcntlArg::F_SETFD(FdFlag::FD_CLOEXEC))?;
    if TAKEN.swap(true, Ordering::SeqCst) {
        return Err(io::Error::other("descriptor 3 was taken before"));
    }
    // SAFETY: it is open (checked above), came with the program's start, and the flag makes sure
    // that it gets one owner only.
    Ok(unsafe { OwnedFd::from_raw_fd(CHANNEL_FD) })
}

/// Opens a descriptor that stands for a process for as long as it is held.
pub(super) fn pidfd_open(pid: i32) -> io::Result<OwnedFd> {
    // SAFETY: pidfd_open takes two integers and touches no memory of ours.
    let raw = unsafe { libc::syscall(libc::SYS_pidfd_open, pid, 0) };
    let raw = RawFd::try_from(raw).map_err(io::Error::other)?;
    if raw < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the kernel has just made this descriptor for us.
    Ok(unsafe { OwnedFd::from_raw_fd(raw) })
}

/// Sends a signal to exactly the process that the descriptor stands for.
pub(super) fn pidfd_signal(pidfd: BorrowedFd<'_>, signal: Signal) -> io::Result<()> {
    let no_info = std::ptr::null::<libc::siginfo_t>();
    // SAFETY: a null `info` is allowed and makes the call behave as kill(2).
    let result = unsafe {
        libc::syscall(libc::SYS_pidfd_send_signal, pidfd.as_raw_fd(), signal as i32, no_info, 0)
    };
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// Marks every descriptor from 3 on as close-on-exec: what the monitor inherited is nobody else's.
///
/// # Errors
/// When the kernel knows no `close_range` (before Linux 5.11).
pub(super) fn seal_descriptors() -> io::Result<()> {
    cloexec_from(CHANNEL_FD)
}

fn cloexec_from(first: RawFd) -> io::Result<()> {
    let first = libc::c_uint::try_from(first).map_err(io::Error::other)?;
    let flags = libc::CLOSE_RANGE_CLOEXEC;
    // SAFETY: close_range takes three integers; with this flag it closes nothing now.
    let result = unsafe { libc::syscall(libc::SYS_close_range, first, libc::c_uint::MAX, flags) };
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// Closes this process's memory, environment and descriptors to other processes of its account.
///
/// Agents run under the same account, and the environment may hold provider keys.
///
/// # Errors
/// The kernel's (prctl(2), `PR_SET_DUMPABLE`).
pub(crate) fn hide() -> nix::Result<()> {
    set_dumpable(false)
}

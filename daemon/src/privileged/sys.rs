//! The only unsafe code of the monitor: descriptors that the kernel hands over.
//!
//! Not here: policy. Callers decide what is started and who is killed.
#![expect(unsafe_code, reason = "the one home of raw system calls in the privileged half")]

use nix::fcntl::{FcntlArg, FdFlag, fcntl};
use nix::sys::prctl::set_dumpable;
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

/// Closes this process's memory, environment and descriptors to other processes of its account.
///
/// Agents run under the same account, and the environment may hold provider keys.
///
/// # Errors
/// The kernel's (prctl(2), `PR_SET_DUMPABLE`).
pub(crate) fn hide() -> nix::Result<()> {
    set_dumpable(false)
}

//! The system calls that need `unsafe`, each behind a safe function. Nothing else here.
#![expect(unsafe_code, reason = "the one home of unsafe code in the executor")]

use grove_sandbox::inner::Domain;
use nix::cmsg_space;
use nix::sys::socket::{ControlMessageOwned, MsgFlags, recvmsg};
use std::io::{self, IoSliceMut};
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};
use std::sync::Arc;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

/// Descriptor of the control socket, by contract with the monitor.
const CONTROL: RawFd = 3;

/// Takes over the control descriptor, once and before any other descriptor is opened.
///
/// # Errors
/// `EBADF` when descriptor 3 is not open.
pub(crate) fn take_control() -> nix::Result<OwnedFd> {
    // SAFETY: fcntl with F_GETFD has no effect on memory and reports a closed descriptor as an error.
    let flags = unsafe { libc::fcntl(CONTROL, libc::F_GETFD) };
    nix::errno::Errno::result(flags)?;
    // SAFETY: descriptor 3 is open (checked above) and was inherited for this purpose; this function
    // runs first in `main`, before anything else could have opened or taken it.
    let control = unsafe { OwnedFd::from_raw_fd(CONTROL) };
    nix::fcntl::fcntl(&control, nix::fcntl::FcntlArg::F_SETFD(nix::fcntl::FdFlag::FD_CLOEXEC))?;
    Ok(control)
}

/// One datagram with the descriptors that came along.
pub(crate) struct Datagram {
    /// Its bytes; empty at the end of the stream.
    pub(crate) bytes: Vec<u8>,
    /// Its descriptors, close-on-exec.
    pub(crate) descriptors: Vec<OwnedFd>,
}

/// Receives one datagram of at most `most` bytes without waiting.
///
/// # Errors
/// `WouldBlock` when none is there, `InvalidData` when it is longer or was cut.
pub(crate) fn receive(socket: BorrowedFd<'_>, most: usize) -> io::Result<Datagram> {
    // Only as much memory as it needs: what was touched once stays with the process.
    let look = MsgFlags::MSG_PEEK | MsgFlags::MSG_TRUNC | MsgFlags::MSG_DONTWAIT;
    let length = nix::sys::socket::recv(socket.as_raw_fd(), &mut [], look)?;
    let mut bytes = vec![0_u8; length.min(most)];
    let mut parts = [IoSliceMut::new(&mut bytes)];
    let mut space = cmsg_space!([RawFd; 4]);
    let flags = MsgFlags::MSG_CMSG_CLOEXEC | MsgFlags::MSG_DONTWAIT;
    let message = recvmsg::<()>(socket.as_raw_fd(), &mut parts, Some(&mut space), flags)?;
    let mut descriptors = Vec::new();
    for control in message.cmsgs()? {
        if let ControlMessageOwned::ScmRights(numbers) = control {
            for number in numbers {
                // SAFETY: the kernel has just installed this descriptor for us with this message;
                // nobody else knows its number, and it is taken exactly once.
                descriptors.push(unsafe { OwnedFd::from_raw_fd(number) });
            }
        }
    }
    let is_cut = message.flags.intersects(MsgFlags::MSG_TRUNC | MsgFlags::MSG_CTRUNC);
    let length = message.bytes;
    if is_cut {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "the datagram was cut"));
    }
    bytes.truncate(length);
    Ok(Datagram { bytes, descriptors })
}

/// Registers the descriptor with the runtime, to wait until it can be read.
///
/// # Errors
/// When the kernel cannot wait for it.
pub(crate) fn watch(descriptor: OwnedFd) -> io::Result<AsyncFd<OwnedFd>> {
    // SAFETY: the OwnedFd moves into the AsyncFd and is never given out, so that it stays open and
    // the same file for as long as it is registered; its AsRawFd always names the same descriptor.
    let watched = unsafe { AsyncFd::register_with_interest(descriptor, Interest::READABLE) };
    watched.map_err(io::Error::from)
}

/// Makes the command start in a session and process group of its own.
pub(crate) fn in_new_session(command: &mut tokio::process::Command) {
    // SAFETY: between fork and exec only setsid is called, which is async-signal-safe and touches no
    // memory of the parent.
    unsafe {
        command.pre_exec(|| {
            nix::unistd::setsid()?;
            Ok(())
        });
    }
}

/// Makes the command enter the domain before it begins.
pub(crate) fn in_domain(command: &mut tokio::process::Command, domain: Arc<Domain>) {
    // SAFETY: entering is documented to be async-signal-safe; the domain lives as long as the closure.
    unsafe {
        command.pre_exec(move || domain.enter());
    }
}

/// The side on which a fork returns.
pub(crate) enum Forked {
    /// In the new process.
    Child,
    /// In the old one.
    Parent(nix::unistd::Pid),
}

/// Forks this process, which has one thread.
///
/// # Errors
/// The kernel's.
pub(crate) fn fork() -> nix::Result<Forked> {
    // SAFETY: called first in main, before any thread was made, so the child may run any code.
    match unsafe { nix::unistd::fork()? } {
        nix::unistd::ForkResult::Child => Ok(Forked::Child),
        nix::unistd::ForkResult::Parent { child } => Ok(Forked::Parent(child)),
    }
}

/// Closes every descriptor from the control socket on: whoever waits for their end waits for the
/// executor alone.
pub(crate) fn close_all() {
    let first = libc::c_uint::try_from(CONTROL).unwrap_or(3);
    // SAFETY: close_range takes three integers; the process that calls it uses no descriptor.
    unsafe { libc::syscall(libc::SYS_close_range, first, libc::c_uint::MAX, 0) };
}

/// Has the C library keep one heap for all threads: there are few, and each heap has pages of its own.
pub(crate) fn share_heap() {
    // SAFETY: mallopt takes two integers; called before a second thread is made.
    unsafe { libc::mallopt(libc::M_ARENA_MAX, 1) };
}

/// Gives memory back that was freed: an executor waits far longer than it works.
pub(crate) fn give_back_memory() {
    // SAFETY: malloc_trim takes an integer and locks the heap itself.
    unsafe { libc::malloc_trim(0) };
}

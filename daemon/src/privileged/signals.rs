//! Signals as things to read: one descriptor for the poll loop instead of handlers.

use nix::errno::Errno;
use nix::sys::signal::{SigSet, Signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use std::os::fd::{AsFd, BorrowedFd};

/// Blocks SIGTERM, SIGINT, SIGHUP and SIGCHLD and reads them instead.
pub(super) struct Signals(SignalFd);

/// What a signal asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Notice {
    /// Somebody wants Grove to end.
    End,
    /// At least one child has ended.
    ChildEnded,
}

impl Signals {
    pub(super) fn new() -> nix::Result<Self> {
        let mut mask = SigSet::empty();
        for signal in [Signal::SIGTERM, Signal::SIGINT, Signal::SIGHUP, Signal::SIGCHLD] {
            mask.add(signal);
        }
        mask.thread_block()?;
        let flags = SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK;
        Ok(Self(SignalFd::with_flags(&mask, flags)?))
    }

    /// Returns the next notice, or `None` when nothing waits.
    pub(super) fn next(&self) -> nix::Result<Option<Notice>> {
        let info = match self.0.read_signal() {
            Ok(Some(info)) => info,
            Ok(None) | Err(Errno::EINTR) => return Ok(None),
            Err(errno) => return Err(errno),
        };
        let is_child = i32::try_from(info.ssi_signo) == Ok(Signal::SIGCHLD as i32);
        Ok(Some(if is_child { Notice::ChildEnded } else { Notice::End }))
    }
}

impl AsFd for Signals {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

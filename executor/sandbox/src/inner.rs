//! The second tier: what an agent starts has a narrower place than the executor that starts it.
//!
//! A Landlock domain inside the executor's own: its processes cannot signal or trace the executor,
//! and reach only the directories that are named. They cannot ask the scheduler for what makes the
//! executor answer soon either. Nothing else changes, so it needs no privilege and costs two system
//! calls.

use crate::landlock::{self, Grants};
use crate::{seccomp, sys};
use nix::sys::prctl::set_no_new_privs;
use seccompiler::BpfProgram;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::path::PathBuf;

/// A domain that can be entered any number of times.
#[derive(Debug)]
pub struct Domain {
    /// Absent on a kernel without Landlock: entering changes nothing then.
    ruleset: Option<OwnedFd>,
    /// Absent on a kernel without filters.
    filter: Option<BpfProgram>,
}

impl Domain {
    /// Prepares a domain in which only these directories and the system's are there.
    ///
    /// # Errors
    /// When the kernel takes no ruleset.
    pub fn new(write: &[PathBuf], read: &[PathBuf]) -> io::Result<Self> {
        let ruleset =
            landlock::ruleset(&Grants::new(write, read)).map_err(io::Error::other)?.into();
        Ok(Self { ruleset, filter: seccomp::second_tier() })
    }

    /// Whether entering it restricts anything on this kernel.
    #[must_use]
    pub const fn is_enforced(&self) -> bool {
        self.ruleset.is_some()
    }

    /// Restricts the calling process for good.
    ///
    /// Async-signal-safe: allocates nothing and takes no lock, for use between fork and exec.
    ///
    /// # Errors
    /// The kernel's.
    pub fn enter(&self) -> io::Result<()> {
        set_no_new_privs()?;
        if let Some(ruleset) = &self.ruleset {
            sys::landlock_restrict_self(ruleset.as_fd())?;
        }
        if let Some(filter) = &self.filter {
            seccomp::add(filter)?;
        }
        Ok(())
    }
}

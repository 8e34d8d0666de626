//! Why the monitor ends before its time, and with which exit code.
//!
//! Not here: refusals of single requests; those are answers (`core_api::monitor::Refusal`).

use std::io;
use std::path::PathBuf;

/// Exit code for a mistake in the configuration or the surroundings (`EX_CONFIG` of sysexits.h).
pub const EXIT_CONFIG: u8 = 78;
/// Exit code when another monitor serves the same home (`EX_TEMPFAIL` of sysexits.h).
pub const EXIT_BUSY: u8 = 75;

/// Why the monitor cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum MonitorError {
    /// The home is not an absolute path.
    #[error("the home must be an absolute path, not `{}`", .0.display())]
    HomeNotAbsolute(PathBuf),
    /// The home cannot be made, read or written.
    #[error("cannot use {} as Grove's home; choose a directory that you can write with --home", path.display())]
    Home {
        /// The path that could not be used.
        path: PathBuf,
        /// What the operating system said.
        #[source]
        source: io::Error,
    },
    /// The home belongs to somebody else.
    #[error("{} belongs to the account with uid {owner}, not to you (uid {me}); choose another directory with --home", path.display())]
    ForeignHome {
        /// The home.
        path: PathBuf,
        /// Its owner.
        owner: u32,
        /// The account that the monitor runs as.
        me: u32,
    },
    /// Another monitor holds the lock.
    #[error("Grove runs already in {} (process {pid})", home.display())]
    AlreadyRunning {
        /// The home.
        home: PathBuf,
        /// What the lock file names as its holder.
        pid: String,
    },
    /// A program is missing beside the monitor.
    #[error("`{}` is missing or cannot be executed; install groved, grove-executor and grove-monitor in one directory", .0.display())]
    ProgramMissing(PathBuf),
    /// Accounts can be changed by root alone.
    #[error("a shared host needs root: start grove-monitor as root, or without --service-account")]
    NeedsRoot,
    /// The daemon's own account cannot be used.
    #[error("the service account `{name}` cannot be used: {why}; make it with `useradd --system`")]
    ServiceAccount {
        /// Its name.
        name: String,
        /// Why.
        why: String,
    },
    /// The home of a shared host could not be laid out.
    #[error("failed to lay out Grove's home: {0}")]
    Layout(String),
    /// The daemon could not be started or ended too often.
    #[error("the daemon ended {restarts} times within a minute (last: {last}); giving up")]
    DaemonKeepsEnding {
        /// How often it was started again.
        restarts: u32,
        /// How it ended last.
        last: String,
    },
    /// A system call failed that the monitor cannot work without.
    #[error("failed to {what}")]
    System {
        /// What was tried.
        what: &'static str,
        /// What the operating system said.
        #[source]
        source: io::Error,
    },
}

impl MonitorError {
    /// Returns the exit code for this end.
    #[must_use]
    pub const fn exit_code(&self) -> u8 {
        match self {
            Self::HomeNotAbsolute(_)
            | Self::Home { .. }
            | Self::ForeignHome { .. }
            | Self::NeedsRoot
            | Self::ServiceAccount { .. }
            | Self::Layout(_)
            | Self::ProgramMissing(_) => EXIT_CONFIG,
            Self::AlreadyRunning { .. } => EXIT_BUSY,
            Self::DaemonKeepsEnding { .. } | Self::System { .. } => 1,
        }
    }
}

/// Adds what was tried to an error of the operating system.
pub(super) fn system<E: Into<io::Error>>(what: &'static str) -> impl FnOnce(E) -> MonitorError {
    move |error| MonitorError::System { what, source: error.into() }
}

//! The closed table of requests from daemon to monitor.
//!
//! One JSON datagram per request on a `SOCK_SEQPACKET` pair, one per answer; descriptors travel as
//! `SCM_RIGHTS`. The monitor never takes a command line or a program from a request: it starts the
//! one executor that stands beside it. New kinds need an ADR; there are never more than twelve.

use crate::ExecutorId;
use crate::isolation::{
    ExecutorLimits, IsolationMode, NetworkProfile, Roots, SandboxReport, UnixAccount,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What an executor is for.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema, ToSchema, ts_rs::TS,
)]
#[serde(rename_all = "snake_case")]
pub enum ExecutorRole {
    /// Runs the agent of one session.
    Session,
    /// Runs git for one user's repositories and worktrees.
    Keeper,
}

/// One request to the monitor.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "request", rename_all = "snake_case", deny_unknown_fields)]
pub enum MonitorRequest {
    /// Says that the daemon listens; the monitor prints the ready line. Permitted once per daemon.
    Ready {
        /// URL of the web interface.
        url: String,
    },
    /// Starts an executor. The answer carries its connection and where its standard
    /// error comes out.
    Spawn {
        /// The new executor.
        id: ExecutorId,
        /// How it is to be started.
        launch: Launch,
        /// One-time token (32 hex digits) that the executor demands in `initialize`.
        token: String,
    },
    /// Makes a fresh connection to an executor that lives. The answer carries what
    /// that of `Spawn` does.
    Attach {
        /// The executor.
        id: ExecutorId,
        /// One-time token for the new connection.
        token: String,
    },
    /// Kills an executor and everything it started.
    Kill {
        /// The executor.
        id: ExecutorId,
    },
    /// Lists the executors that live.
    List,
    /// Says how an executor ended. Kept for the newest `limits::ENDED_EXECUTORS` of them.
    Outcome {
        /// The executor.
        id: ExecutorId,
    },
    /// Makes the Unix account, or takes the one that is there. Only on a shared host.
    EnsureAccount {
        /// Its name.
        name: String,
    },
    /// Kills everything of the account, puts its files out of reach and removes it. Only on a shared
    /// host; refused for accounts that Grove did not make.
    RetireAccount {
        /// The account.
        account: UnixAccount,
    },
    /// Makes a directory that belongs to the account. Done when it is there already.
    MakeDirectory {
        /// The account.
        account: UnixAccount,
        /// Which one.
        place: Place,
    },
    /// Removes such a directory; it must be empty.
    RemoveDirectory {
        /// The account.
        account: UnixAccount,
        /// Which one.
        place: Place,
    },
    /// Ends everything: executors, daemon, monitor.
    Shutdown,
}

impl MonitorRequest {
    /// Returns the executor that it is about.
    #[must_use]
    pub const fn subject(&self) -> Option<ExecutorId> {
        match self {
            Self::Spawn { id, .. }
            | Self::Attach { id, .. }
            | Self::Kill { id }
            | Self::Outcome { id } => Some(*id),
            Self::Ready { .. }
            | Self::List
            | Self::EnsureAccount { .. }
            | Self::RetireAccount { .. }
            | Self::MakeDirectory { .. }
            | Self::RemoveDirectory { .. }
            | Self::Shutdown => None,
        }
    }
}

/// How an executor is to be started.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Launch {
    /// What it is for.
    pub role: ExecutorRole,
    /// The account that it runs as; absent: the daemon's own, which is for keepers alone on a shared
    /// host.
    pub account: Option<UnixAccount>,
    /// Its working directory: absolute, below the home, no link in it.
    pub directory: String,
    /// What else it may use.
    #[serde(default)]
    pub roots: Roots,
    /// What it may reach over the network.
    #[serde(default)]
    pub network: NetworkProfile,
    /// What it may use up.
    #[serde(default)]
    pub limits: ExecutorLimits,
    /// How much isolation is insisted on for this one; never less than the monitor was started with.
    #[serde(default)]
    pub isolation: Option<IsolationMode>,
}

/// A directory of an account, below a parent that only root can change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "place", rename_all = "snake_case", deny_unknown_fields)]
pub enum Place {
    /// `git/<account>`: its private bare repositories; and `wt/<account>`, which holds its worktrees.
    Repositories,
    /// `wt/<account>/<repo>/<name>`: one worktree.
    Worktree {
        /// Name of the repository.
        repo: String,
        /// Name of the worktree.
        name: String,
    },
}

/// An executor that lives.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LiveExecutor {
    /// The executor.
    pub id: ExecutorId,
    /// What it is for.
    pub role: ExecutorRole,
    /// Its process id.
    pub pid: i32,
}

/// Why the monitor refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Refusal {
    /// The datagram is not a request.
    Malformed,
    /// The request is not permitted in this state.
    NotPermitted,
    /// A name, path or token is not valid.
    Invalid,
    /// No such executor.
    Unknown,
    /// The executor is there already, or there are too many.
    Busy,
    /// A layer of the sandbox that is required does not hold on this host.
    Isolation,
    /// The operating system said no.
    System,
}

impl Refusal {
    /// Name as on the wire.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Malformed => "malformed",
            Self::NotPermitted => "not_permitted",
            Self::Invalid => "invalid",
            Self::Unknown => "unknown",
            Self::Busy => "busy",
            Self::Isolation => "isolation",
            Self::System => "system",
        }
    }
}

/// The monitor's answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "answer", rename_all = "snake_case")]
pub enum MonitorAnswer {
    /// Done.
    Done,
    /// The executor's process; descriptors come along: connection, standard error.
    Started {
        /// Its process id.
        pid: i32,
        /// Which layers of the sandbox hold.
        report: SandboxReport,
    },
    /// The executors that live.
    Executors {
        /// One entry each.
        executors: Vec<LiveExecutor>,
    },
    /// How the executor ended.
    Outcome {
        /// In words: `exit code 1`, `killed by SIGKILL`.
        how: String,
        /// Whether the kernel killed a process of it because its memory limit was reached.
        is_out_of_memory: bool,
    },
    /// The account.
    Account {
        /// Name and number.
        account: UnixAccount,
        /// Its home directory.
        home: String,
        /// Whether Grove made it.
        is_managed: bool,
    },
    /// It was not done.
    Refused {
        /// Why.
        refusal: Refusal,
        /// In words.
        detail: String,
    },
}

/// What the monitor tells an executor with each connection that it hands over.
///
/// One JSON datagram on the executor's descriptor 3, with the connection as `SCM_RIGHTS`. The first
/// one comes right after the start. The end of descriptor 3 means that the monitor is gone: the
/// executor ends too.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExecutorGreeting {
    /// The executor.
    pub id: ExecutorId,
    /// What it is for.
    pub role: ExecutorRole,
    /// Token that `initialize` on this connection must carry.
    pub token: crate::Secret,
    /// Which layers of the sandbox the monitor put around it.
    pub report: SandboxReport,
}

/// What the monitor writes to `run/grove.json` in Grove's home once the daemon listens.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunFile {
    /// Process id of the monitor.
    pub pid: i32,
    /// Start time of that process in clock ticks since boot (field 22 of `/proc/<pid>/stat`), so
    /// that a reused process id is not taken for it.
    pub start_ticks: u64,
    /// URL of the web interface.
    pub url: String,
    /// Version of Grove.
    pub version: String,
}

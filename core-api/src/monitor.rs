//! The closed table of requests from daemon to monitor.
//!
//! One JSON datagram per request on a `SOCK_SEQPACKET` pair, one per answer; descriptors travel as
//! `SCM_RIGHTS`. The monitor never takes a command line or a program from a request: it starts the
//! one executor that stands beside it. New kinds need an ADR; there are never more than twelve.

use crate::ExecutorId;
use serde::{Deserialize, Serialize};

/// What an executor is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
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
    /// Starts an executor. The answer carries its connection and its pidfd.
    Spawn {
        /// The new executor.
        id: ExecutorId,
        /// What it is for.
        role: ExecutorRole,
        /// Its working directory: absolute, below one of the monitor's roots, no link in it.
        directory: String,
        /// One-time token (32 hex digits) that the executor demands in `initialize`.
        token: String,
    },
    /// Makes a fresh connection to an executor that lives. The answer carries it and the pidfd.
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
    /// Ends everything: executors, daemon, monitor.
    Shutdown,
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
    /// The operating system said no.
    System,
}

/// The monitor's answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "answer", rename_all = "snake_case")]
pub enum MonitorAnswer {
    /// Done.
    Done,
    /// The executor's process; descriptors come along: connection, pidfd.
    Started {
        /// Its process id.
        pid: i32,
    },
    /// The executors that live.
    Executors {
        /// One entry each.
        executors: Vec<LiveExecutor>,
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

//! Executors: the processes that agents run in, what they may use, and how they ended.

use crate::isolation::{IsolationMode, NetworkProfile, SandboxReport};
use crate::monitor::ExecutorRole;
use crate::{ExecutorId, SessionId, UnixMillis};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// How an executor is, as the supervisor of its session sees it.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema, ToSchema, ts_rs::TS,
)]
#[serde(rename_all = "snake_case")]
pub enum ExecutorState {
    /// It lives, and none before it crashed lately.
    Healthy,
    /// It crashed and is started again after a pause, or one before it crashed lately.
    Degraded,
    /// It crashed too often; none is started until somebody restarts it. A keeper never is: the next
    /// wish starts another one.
    Failed,
    /// It ended as it was meant to; the next prompt starts another one.
    Ended,
}

impl ExecutorState {
    /// Every state.
    pub const ALL: [Self; 4] = [Self::Healthy, Self::Degraded, Self::Failed, Self::Ended];

    /// The state as it stands on the wire and in the database.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Healthy => "healthy",
            Self::Degraded => "degraded",
            Self::Failed => "failed",
            Self::Ended => "ended",
        }
    }
}

/// How an executor ended.
#[derive(
    Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema, ToSchema, ts_rs::TS,
)]
pub struct ExecutorEnd {
    /// In words: `exit code 1`, `killed by SIGKILL`, `out of memory: the limit of 4096 MiB was reached`.
    pub how: String,
    /// Whether it ended by itself, without having been asked to.
    pub is_crash: bool,
    /// Whether the kernel ended it because its memory limit was reached.
    pub is_out_of_memory: bool,
}

/// What one executor with all its processes may use. Absent: the host's own limits.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    Serialize,
    Deserialize,
    JsonSchema,
    ToSchema,
    ts_rs::TS,
)]
#[serde(default, deny_unknown_fields)]
pub struct ResourceLimits {
    /// Processes and threads: 16 to 65,536.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub processes: Option<u32>,
    /// Memory in MiB: 64 to 16,777,216.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub memory_mib: Option<u32>,
    /// Processor time in percent of one processor: 5 to 102,400; 150 is one and a half.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub cpu_percent: Option<u32>,
    /// Private temporary files in MiB: 1 to 16,777,216.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub tmp_mib: Option<u32>,
    /// Files of the worktree in MiB: 1 to 16,777,216. Above it the running task is stopped.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub disk_mib: Option<u32>,
}

/// What the executors of a repository's sessions may reach and use, as far as it is less than the
/// instance permits. Absent fields: as the instance.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    Serialize,
    Deserialize,
    JsonSchema,
    ToSchema,
    ts_rs::TS,
)]
#[serde(default, deny_unknown_fields)]
pub struct ExecutorPolicy {
    /// What they may reach over the network.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub network: Option<NetworkProfile>,
    /// How much isolation is insisted on: as much as the instance does, or more.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub isolation: Option<IsolationMode>,
    /// What they may use.
    pub limits: ResourceLimits,
}

/// The newest executor of a session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema, ToSchema, ts_rs::TS)]
pub struct SessionExecutor {
    /// Its id.
    pub id: ExecutorId,
    /// How it is.
    pub state: ExecutorState,
    /// How often it was started again after crashes, since it last ran for five minutes.
    pub restarts: u32,
    /// When it is started again at the earliest, after a crash.
    #[ts(type = "number | null")]
    pub retry_at_ms: Option<UnixMillis>,
    /// How it ended; absent while it lives.
    pub end: Option<ExecutorEnd>,
}

/// One run of one executor process.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema, ToSchema, ts_rs::TS)]
pub struct Executor {
    /// Its id.
    pub id: ExecutorId,
    /// What it is for.
    pub role: ExecutorRole,
    /// The session that it works for; absent for a keeper, which works for everybody of its account.
    pub session_id: Option<SessionId>,
    /// Name of the daemon that it works for; empty where there is only one.
    pub node: String,
    /// How it is.
    pub state: ExecutorState,
    /// Unix account that it runs as; empty until it has started.
    pub account: String,
    /// User id of that account.
    pub uid: u32,
    /// Its process id, outside of its own namespaces.
    pub pid: Option<i32>,
    /// How often it was started again after crashes before this run.
    pub restarts: u32,
    /// What it may use.
    pub limits: ResourceLimits,
    /// Which layers of the sandbox hold; absent until it has started.
    pub report: Option<SandboxReport>,
    /// How it ended; absent while it lives.
    pub end: Option<ExecutorEnd>,
    /// When it was started.
    #[ts(type = "number")]
    pub started_at_ms: UnixMillis,
    /// When it ended.
    #[ts(type = "number | null")]
    pub ended_at_ms: Option<UnixMillis>,
}

/// Which executors are wanted, next to `limit` and `cursor`.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct ExecutorQuery {
    /// Only those of this session.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session_id: Option<SessionId>,
    /// Most items on the page: 1 to 200, default 50.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<i64>,
    /// `next_cursor` of the page before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
}

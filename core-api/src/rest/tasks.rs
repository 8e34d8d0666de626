//! Tasks: one prompt's turn in a session.

use crate::agent::{GitState, Usage};
use crate::{SessionId, TaskId, UnixMillis, UserId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// Where a task stands.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema, ToSchema, ts_rs::TS,
)]
#[serde(rename_all = "snake_case")]
pub enum TaskState {
    /// Waits for its turn.
    Queued,
    /// The agent works on it.
    Running,
    /// Done.
    Completed,
    /// Stopped by a person.
    Cancelled,
    /// Ended in an error.
    Failed,
    /// The executor went away before it ended.
    Lost,
}

impl TaskState {
    /// The state as it stands on the wire and in the database.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Completed => "completed",
            Self::Cancelled => "cancelled",
            Self::Failed => "failed",
            Self::Lost => "lost",
        }
    }
}

/// One prompt's turn.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema, ToSchema, ts_rs::TS)]
pub struct Task {
    /// Its id.
    pub id: TaskId,
    /// Its session.
    pub session_id: SessionId,
    /// Its place in the session: 1, 2, 3 …
    pub index: i32,
    /// The prompt.
    pub prompt: String,
    /// Who prompted.
    pub created_by: UserId,
    /// Through what: `web`, `api`, `cli` or `mcp:<session>`.
    pub via: String,
    /// Where it stands.
    pub state: TaskState,
    /// Why it failed or was lost.
    pub failure: Option<String>,
    /// git before it.
    pub start: Option<GitState>,
    /// git after it.
    pub end: Option<GitState>,
    /// Snapshot of the worktree before it.
    pub snapshot_before: Option<String>,
    /// Snapshot of the worktree after it.
    pub snapshot_after: Option<String>,
    /// Tokens and cost.
    pub usage: Usage,
    /// When it was asked for.
    #[ts(type = "number")]
    pub created_at_ms: UnixMillis,
    /// When the agent began.
    #[ts(type = "number | null")]
    pub started_at_ms: Option<UnixMillis>,
    /// When it ended.
    #[ts(type = "number | null")]
    pub ended_at_ms: Option<UnixMillis>,
}

/// Which tasks are wanted, next to `limit` and `cursor`.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct TaskQuery {
    /// Only those of this session.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session_id: Option<SessionId>,
    /// Only those in this state.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<TaskState>,
    /// Most items on the page: 1 to 200, default 50.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<i64>,
    /// `next_cursor` of the page before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
}

//! Sessions: an agent's conversation with its genealogy.

use crate::agent::{Decision, Usage};
use crate::isolation::SandboxReport;
use crate::rest::executors::SessionExecutor;
use crate::rest::tasks::Task;
use crate::{BoardId, PermissionId, RepoId, SessionId, UnixMillis, UserId, WorktreeId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// What a session's agent does now: a pure function of facts that the daemon owns.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema, ToSchema, ts_rs::TS,
)]
#[serde(rename_all = "snake_case")]
pub enum RunState {
    /// Nothing to do.
    Idle,
    /// A prompt waits for its turn.
    Queued,
    /// The executor is being started.
    Starting,
    /// The agent works.
    Running,
    /// The agent waits for a permission.
    AwaitingApproval,
    /// The agent asked a question.
    AwaitingInput,
    /// It was told to stop.
    Stopping,
    /// The last turn failed.
    Failed,
    /// The executor went away in the middle of a turn.
    Lost,
    /// Put away.
    Archived,
}

impl RunState {
    /// Every state, in the order of the life cycle.
    pub const ALL: [Self; 10] = [
        Self::Idle,
        Self::Queued,
        Self::Starting,
        Self::Running,
        Self::AwaitingApproval,
        Self::AwaitingInput,
        Self::Stopping,
        Self::Failed,
        Self::Lost,
        Self::Archived,
    ];

    /// Whether a task of the session is on its way: the agent is at work, or waits for an answer.
    #[must_use]
    pub const fn is_working(self) -> bool {
        match self {
            Self::Starting
            | Self::Running
            | Self::AwaitingApproval
            | Self::AwaitingInput
            | Self::Stopping => true,
            Self::Idle | Self::Queued | Self::Failed | Self::Lost | Self::Archived => false,
        }
    }

    /// The state as it stands on the wire and in the database.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Idle => "idle",
            Self::Queued => "queued",
            Self::Starting => "starting",
            Self::Running => "running",
            Self::AwaitingApproval => "awaiting_approval",
            Self::AwaitingInput => "awaiting_input",
            Self::Stopping => "stopping",
            Self::Failed => "failed",
            Self::Lost => "lost",
            Self::Archived => "archived",
        }
    }

    /// Whether a turn is under way.
    #[must_use]
    pub const fn is_busy(self) -> bool {
        matches!(
            self,
            Self::Queued
                | Self::Starting
                | Self::Running
                | Self::AwaitingApproval
                | Self::AwaitingInput
                | Self::Stopping
        )
    }
}

/// How a session came from its parent.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema, ToSchema, ts_rs::TS,
)]
#[serde(rename_all = "snake_case")]
pub enum Relation {
    /// Child with its own prompt.
    Spawn,
    /// Sibling from a point of the history.
    Fork,
}

/// The fact that a state was derived from: the answer to "why?".
#[derive(
    Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema, ToSchema, ts_rs::TS,
)]
pub struct Evidence {
    /// Stable name of the fact, such as `task_ended` or `process_exited`.
    #[serde(default)]
    pub fact: String,
    /// The fact in words.
    #[serde(default)]
    pub detail: String,
    /// When it was found out.
    #[serde(default)]
    #[ts(type = "number")]
    pub at_ms: UnixMillis,
}

/// An agent conversation in its own worktree.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema, ToSchema, ts_rs::TS)]
pub struct Session {
    /// Its id; its card on the board has the same.
    pub id: SessionId,
    /// The board that its card lies on.
    pub board_id: BoardId,
    /// Its worktree.
    pub worktree_id: WorktreeId,
    /// The repository of the worktree.
    pub repo_id: RepoId,
    /// Name of the repository.
    pub repo: String,
    /// Branch of the worktree.
    pub branch: String,
    /// Its title.
    pub title: String,
    /// The agent: `rehearsal` or `native`.
    pub agent: String,
    /// The model: a scenario of the rehearsal agent, or `<provider>/<model>`.
    pub model: String,
    /// What the agent does now.
    pub state: RunState,
    /// Why it is in this state.
    pub evidence: Evidence,
    /// One line about what it does now, or how it ended.
    pub line: String,
    /// Its newest executor; absent before the first prompt.
    pub executor: Option<SessionExecutor>,
    /// Which layers of the sandbox held around its newest executor.
    pub sandbox: Option<SandboxReport>,
    /// The session it came from.
    pub parent_id: Option<SessionId>,
    /// How it came from it.
    pub relation: Option<Relation>,
    /// Steps from the root of its genealogy.
    pub depth: i32,
    /// Tokens and cost of all its tasks.
    pub usage: Usage,
    /// Number of its tasks.
    pub task_count: i32,
    /// Who made it.
    pub created_by: UserId,
    /// When it was made.
    #[ts(type = "number")]
    pub created_at_ms: UnixMillis,
    /// When it was last changed.
    #[ts(type = "number")]
    pub updated_at_ms: UnixMillis,
    /// When it was archived.
    #[ts(type = "number | null")]
    pub archived_at_ms: Option<UnixMillis>,
}

/// A new session. Name a repository (a worktree is made) or a worktree that is there.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema, ToSchema, ts_rs::TS)]
#[serde(deny_unknown_fields)]
pub struct CreateSession {
    /// The board; by default the first one that is not archived.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub board_id: Option<BoardId>,
    /// The repository to make a worktree of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub repo_id: Option<RepoId>,
    /// A worktree that is there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub worktree_id: Option<WorktreeId>,
    /// Branch, tag or commit to start from; by default the repository's default branch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub base_ref: Option<String>,
    /// Branch to make; by default `grove/<title>`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub branch: Option<String>,
    /// Its title; by default the beginning of the prompt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub title: Option<String>,
    /// First prompt; without it the session waits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub prompt: Option<String>,
    /// The agent; by default the instance's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub agent: Option<String>,
    /// The model; by default the agent's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub model: Option<String>,
    /// Where to put its card, in board units; by default a free place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub pos: Option<[f64; 2]>,
}

/// Changes of a session; absent fields stay as they are.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema, ToSchema, ts_rs::TS)]
#[serde(deny_unknown_fields)]
pub struct PatchSession {
    /// Its title: 1 to 200 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub title: Option<String>,
    /// Archives the session, or brings it back. A busy session is refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub is_archived: Option<bool>,
}

/// Which sessions are wanted, next to `limit` and `cursor`.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct SessionQuery {
    /// Only those on this board.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub board_id: Option<BoardId>,
    /// Only those in this state.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<RunState>,
    /// Only children of this session.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent_id: Option<SessionId>,
    /// Archived ones too; by default not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub include_archived: Option<bool>,
    /// Most items on the page: 1 to 200, default 50.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<i64>,
    /// `next_cursor` of the page before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
}

/// A prompt for a session. While the agent is busy it waits in the session's queue.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema, ToSchema, ts_rs::TS)]
#[serde(deny_unknown_fields)]
pub struct CreatePrompt {
    /// The prompt: 1 byte to 256 KiB.
    pub text: String,
    /// Takes the prompt out of the session's shared draft in the same step.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub draft: Option<TakenDraft>,
}

/// What a prompt takes out of the shared draft: exactly the characters that its author saw. What others
/// write meanwhile stays.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema, ToSchema, ts_rs::TS)]
#[serde(deny_unknown_fields)]
pub struct TakenDraft {
    /// The draft's epoch, from `subok`.
    pub epoch: String,
    /// An update of Yjs (version 1) in Base64 with all that the author's window has.
    pub update: String,
    /// An update on top of it that deletes the prompt's text, as it stands in `text`.
    pub clear: String,
}

/// A child session with its own prompt, in a new worktree that starts at the parent's present state.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema, ToSchema, ts_rs::TS)]
#[serde(deny_unknown_fields)]
pub struct SpawnSession {
    /// What the child is told.
    pub prompt: String,
    /// Its title; by default the beginning of the prompt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub title: Option<String>,
    /// The agent; by default the parent's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub agent: Option<String>,
    /// The model; by default the parent's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub model: Option<String>,
}

/// A person's answer to a request for permission.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema, ToSchema, ts_rs::TS)]
#[serde(deny_unknown_fields)]
pub struct AnswerPermission {
    /// Yes or no.
    pub decision: Decision,
    /// Reason, which the agent is told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub reason: Option<String>,
}

/// What came out of a session.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema, ToSchema, ts_rs::TS)]
pub struct SessionResult {
    /// Its state.
    pub state: RunState,
    /// Last words of the agent.
    pub text: String,
    /// Files changed since the worktree's start.
    pub changed_files: Vec<String>,
    /// The last task.
    pub last_task: Option<Task>,
    /// Requests for permission that wait.
    pub pending_permissions: Vec<PermissionId>,
}

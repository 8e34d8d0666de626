//! Names and parameters of the MCP tools. Their results are the REST types.

use crate::rest::sessions::RunState;
use crate::{BoardId, RepoId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Every tool that `/mcp` offers.
pub const TOOLS: [&str; 16] = [
    "grove_sessions_list",
    "grove_sessions_get",
    "grove_sessions_get_current",
    "grove_sessions_spawn",
    "grove_worktrees_get",
    "grove_worktrees_list",
    "grove_worktrees_create",
    "grove_worktrees_update",
    "grove_boards_get",
    "grove_boards_list",
    "grove_tasks_list",
    "grove_tasks_get",
    "grove_users_list",
    "grove_users_get",
    "grove_users_get_current",
    "grove_users_update_current",
];

/// Names one thing.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct IdParams {
    /// Its id, or the last eight digits of it.
    pub id: String,
}

/// Which page of a list.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ListParams {
    /// Most items, 1 to 200; default 50.
    #[serde(default)]
    pub limit: Option<i64>,
    /// `next_cursor` of the page before.
    #[serde(default)]
    pub cursor: Option<String>,
}

/// Which sessions.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SessionsListParams {
    /// Only those in this state.
    #[serde(default)]
    pub status: Option<RunState>,
    /// Only those on this board.
    #[serde(default)]
    pub board_id: Option<BoardId>,
    /// Most items, 1 to 200; default 50.
    #[serde(default)]
    pub limit: Option<i64>,
    /// `next_cursor` of the page before.
    #[serde(default)]
    pub cursor: Option<String>,
}

/// A child session.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SessionsSpawnParams {
    /// What the child is told.
    pub prompt: String,
    /// Its title; by default the beginning of the prompt.
    #[serde(default)]
    pub title: Option<String>,
    /// The parent's id; by default the session that calls.
    #[serde(default)]
    pub parent_id: Option<String>,
    /// The agent; by default the parent's.
    #[serde(default)]
    pub agent: Option<String>,
    /// The model; by default the parent's.
    #[serde(default)]
    pub model: Option<String>,
}

/// Which tasks.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TasksListParams {
    /// Only those of this session (id or its last eight digits).
    #[serde(default)]
    pub session_id: Option<String>,
    /// Most items, 1 to 200; default 50.
    #[serde(default)]
    pub limit: Option<i64>,
    /// `next_cursor` of the page before.
    #[serde(default)]
    pub cursor: Option<String>,
}

/// A new worktree.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WorktreesCreateParams {
    /// The repository.
    pub repo_id: RepoId,
    /// Its name: letters, digits, `.`, `_` and `-`.
    pub worktree_name: String,
    /// Branch, tag or commit to start from.
    #[serde(default)]
    pub base_ref: Option<String>,
    /// Issue that it is about.
    #[serde(default)]
    pub issue_url: Option<String>,
}

/// Changes of a worktree.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WorktreesUpdateParams {
    /// Its id, or the last eight digits of it; by default the calling session's worktree.
    #[serde(default)]
    pub id: Option<String>,
    /// Issue that it is about.
    #[serde(default)]
    pub issue_url: Option<String>,
    /// Pull request that came out of it.
    #[serde(default)]
    pub pull_request_url: Option<String>,
    /// Notes.
    #[serde(default)]
    pub notes: Option<String>,
}

/// Changes of one's own user.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct UsersUpdateCurrentParams {
    /// Name that others see.
    #[serde(default)]
    pub name: Option<String>,
    /// One emoji.
    #[serde(default)]
    pub emoji: Option<String>,
}

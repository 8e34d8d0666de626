//! Worktrees: one directory and one branch for each session's work.

use crate::isolation::UnixAccount;
use crate::{BoardId, RepoId, UnixMillis, UserId, WorktreeId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// Where a worktree stands.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema, ToSchema, ts_rs::TS,
)]
#[serde(rename_all = "snake_case")]
pub enum WorktreeState {
    /// Being checked out.
    Creating,
    /// Can be worked in.
    Ready,
    /// Could not be made.
    Failed,
    /// Removed; its snapshot is kept.
    Trashed,
}

/// A git worktree that Grove made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema, ToSchema, ts_rs::TS)]
pub struct Worktree {
    /// Its id.
    pub id: WorktreeId,
    /// The repository.
    pub repo_id: RepoId,
    /// The board whose rights hold for it; absent: only who made it and admins see it.
    pub board_id: Option<BoardId>,
    /// Its name, unique in the repository.
    pub name: String,
    /// Its branch.
    pub branch: String,
    /// Branch, tag or commit that it started from.
    pub base_ref: String,
    /// Commit that it started from, 40 hex digits.
    pub base_commit: String,
    /// Its directory.
    pub path: String,
    /// Where it stands.
    pub state: WorktreeState,
    /// Why it could not be made.
    pub failure: Option<String>,
    /// Issue that it is about.
    pub issue_url: Option<String>,
    /// Pull request that came out of it.
    pub pull_request_url: Option<String>,
    /// Notes.
    pub notes: String,
    /// Snapshot reference taken when it was removed.
    pub trash_snapshot: Option<String>,
    /// Unix account that its files belong to and its sessions run as; absent: the daemon's own.
    pub unix_account: Option<UnixAccount>,
    /// Who made it.
    pub created_by: UserId,
    /// When it was made.
    #[ts(type = "number")]
    pub created_at_ms: UnixMillis,
    /// When it was last changed.
    #[ts(type = "number")]
    pub updated_at_ms: UnixMillis,
    /// When it was removed.
    #[ts(type = "number | null")]
    pub trashed_at_ms: Option<UnixMillis>,
}

/// A new worktree.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema, ToSchema, ts_rs::TS)]
#[serde(deny_unknown_fields)]
pub struct CreateWorktree {
    /// The repository.
    pub repo_id: RepoId,
    /// The board that it belongs to; by default that of the session whose agent asks, else the
    /// oldest on which one may prompt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub board_id: Option<BoardId>,
    /// Its name: letters, digits, `.`, `_` and `-`, at most 100.
    pub name: String,
    /// Its branch; by default `grove/<name>`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub branch: Option<String>,
    /// Branch, tag or commit to start from; by default the repository's default branch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub base_ref: Option<String>,
    /// Issue that it is about (http or https).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub issue_url: Option<String>,
}

/// Changes of a worktree; absent fields stay as they are, an empty string clears a field.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema, ToSchema, ts_rs::TS)]
#[serde(deny_unknown_fields)]
pub struct PatchWorktree {
    /// Issue that it is about (http or https).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub issue_url: Option<String>,
    /// Pull request that came out of it (http or https).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub pull_request_url: Option<String>,
    /// Notes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub notes: Option<String>,
}

/// Which worktrees are wanted, next to `limit` and `cursor`.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct WorktreeQuery {
    /// Only those of this repository.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repo_id: Option<RepoId>,
    /// Those in the trash too; by default not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub include_trashed: Option<bool>,
    /// Most items on the page: 1 to 200, default 50.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<i64>,
    /// `next_cursor` of the page before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
}

/// A branch that everybody can start from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema, ToSchema)]
pub struct Published {
    /// Its reference in the repository's mirror, such as `refs/users/ana/fix-login`; may be the base of
    /// a worktree.
    pub reference: String,
    /// Commit that it names.
    pub commit: String,
}

/// How one file changed.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema, ToSchema, ts_rs::TS,
)]
#[serde(rename_all = "snake_case")]
pub enum FileStatus {
    /// New.
    Added,
    /// Changed.
    Modified,
    /// Removed.
    Deleted,
    /// Moved, perhaps changed too.
    Renamed,
}

/// One file of a diff.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema, ToSchema, ts_rs::TS)]
pub struct DiffFile {
    /// Path inside the worktree.
    pub path: String,
    /// Path before a rename.
    pub old_path: Option<String>,
    /// How it changed.
    pub status: FileStatus,
    /// Lines added.
    #[ts(type = "number")]
    pub additions: i64,
    /// Lines removed.
    #[ts(type = "number")]
    pub deletions: i64,
    /// Whether git takes it for binary; then there is no patch.
    pub is_binary: bool,
    /// Unified diff; empty when binary or left out.
    pub patch: String,
    /// Whether the patch was cut or left out because of its size.
    pub is_truncated: bool,
}

/// What a worktree changed since it started, committed or not, new files included.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema, ToSchema, ts_rs::TS)]
pub struct Diff {
    /// Commit that it is compared with.
    pub base_commit: String,
    /// Commit that `HEAD` names now.
    pub head_commit: String,
    /// Whether something is not committed.
    pub is_dirty: bool,
    /// The files, by path.
    pub files: Vec<DiffFile>,
    /// Whether files were left out because there were too many.
    pub is_truncated: bool,
}

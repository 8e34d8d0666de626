//! Repositories: a read-only bare mirror each.

use crate::rest::executors::ExecutorPolicy;
use crate::{RepoId, UnixMillis, UserId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Where the making of a repository's mirror stands.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema, ToSchema, ts_rs::TS,
)]
#[serde(rename_all = "snake_case")]
pub enum RepoState {
    /// The mirror is being fetched.
    Cloning,
    /// Worktrees can be made from it.
    Ready,
    /// The clone failed; `failure` says why.
    Failed,
}

/// A registered repository.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema, ToSchema, ts_rs::TS)]
pub struct Repo {
    /// Its id.
    pub id: RepoId,
    /// Its name, unique on the instance.
    pub name: String,
    /// Path or URL that it was cloned from, without credentials.
    pub source: String,
    /// Branch that new worktrees start from.
    pub default_branch: String,
    /// Where its mirror stands.
    pub state: RepoState,
    /// Progress of the clone in percent while it runs.
    pub progress_percent: Option<i32>,
    /// Why the clone failed.
    pub failure: Option<String>,
    /// What the executors of its sessions may reach and use, where that is less than the instance
    /// permits.
    pub policy: ExecutorPolicy,
    /// Who registered it.
    pub created_by: UserId,
    /// When it was registered.
    #[ts(type = "number")]
    pub created_at_ms: UnixMillis,
    /// When it was last changed.
    #[ts(type = "number")]
    pub updated_at_ms: UnixMillis,
    /// When it was archived.
    #[ts(type = "number | null")]
    pub archived_at_ms: Option<UnixMillis>,
}

/// Registers a repository.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema, ToSchema, ts_rs::TS)]
#[serde(deny_unknown_fields)]
pub struct CreateRepo {
    /// Absolute path of a local repository, or a clone URL (https, ssh, git or file).
    pub source: String,
    /// Its name: letters, digits, `.`, `_` and `-`; by default the last part of the source.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub name: Option<String>,
}

/// Changes of a repository; absent fields stay as they are.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema, ToSchema, ts_rs::TS)]
#[serde(deny_unknown_fields)]
pub struct PatchRepo {
    /// Branch that new worktrees start from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub default_branch: Option<String>,
    /// What executors may reach and use: replaces the policy as a whole; nothing in it may be more
    /// than the instance permits. Executors that live keep what they were started with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub policy: Option<ExecutorPolicy>,
    /// Archives the repository, or brings it back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub is_archived: Option<bool>,
}

/// Branches of a repository's mirror.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema, ToSchema, ts_rs::TS)]
pub struct Branches {
    /// Their names, newest commit first, at most 200.
    pub names: Vec<String>,
}

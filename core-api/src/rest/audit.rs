//! The audit: who asked whom for what, in a chain that shows when something was changed.

use crate::{ExecutorId, SessionId, UnixMillis, UserId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

/// Between whom something was asked.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema, ToSchema, ts_rs::TS,
)]
#[serde(rename_all = "snake_case")]
pub enum AuditKind {
    /// Daemon and executor.
    Ipc,
    /// Daemon and monitor.
    Monitor,
    /// A person (or Grove itself) and the instance: an administrative act.
    Admin,
}

impl AuditKind {
    /// The kind as it stands on the wire and in the database.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ipc => "ipc",
            Self::Monitor => "monitor",
            Self::Admin => "admin",
        }
    }
}

/// Which way something was asked.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema, ToSchema, ts_rs::TS,
)]
#[serde(rename_all = "snake_case")]
pub enum AuditDirection {
    /// The daemon asked.
    Out,
    /// The daemon was asked.
    In,
}

impl AuditDirection {
    /// The direction as it stands on the wire and in the database.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Out => "out",
            Self::In => "in",
        }
    }
}

/// One entry of the audit. Secrets are never in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema, ToSchema, ts_rs::TS)]
pub struct AuditEntry {
    /// Its place in the chain: 1, 2, 3 … without holes.
    #[ts(type = "number")]
    pub seq: i64,
    /// When it began.
    #[ts(type = "number")]
    pub at_ms: UnixMillis,
    /// Between whom.
    pub kind: AuditKind,
    /// The executor that was asked, that asked, or that the request is about.
    pub executor_id: Option<ExecutorId>,
    /// The session that the executor works for.
    pub session_id: Option<SessionId>,
    /// Unix account of the executor, or of whoever acted.
    pub account: Option<String>,
    /// The session's owner, or who acted.
    pub user_id: Option<UserId>,
    /// Which way.
    pub direction: AuditDirection,
    /// What was asked: a method of docs/ipc.md, a request to the monitor, or an act. `unknown` is a
    /// method that is not in the table.
    pub method: String,
    /// Bytes of the parameters.
    #[ts(type = "number")]
    pub bytes: i64,
    /// How long it took.
    #[ts(type = "number")]
    pub duration_us: i64,
    /// `ok`, `counted` (several calls in one entry, see `detail.count`), or why it came to nothing.
    pub outcome: String,
    /// SHA-256 of the parameters as JSON with `[redacted]` in place of secrets; absent when there
    /// are none that are known.
    pub params_sha256: Option<String>,
    /// More about it, without secrets.
    #[ts(type = "unknown")]
    pub detail: Value,
    /// `hash` of the entry before it; 64 zeros for the first.
    pub previous_hash: String,
    /// SHA-256 of this entry and `previous_hash` (form: docs/ipc.md).
    pub hash: String,
}

/// Which entries are wanted. Each page is in order.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct AuditQuery {
    /// The oldest ones after this number. `next_cursor` is then the next `after`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<i64>,
    /// The newest ones before this number; without `after` and `before` the newest of all.
    /// `next_cursor` is then the next `before`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<i64>,
    /// Most items on the page: 1 to 200, default 50.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<i64>,
    /// Only those of this executor.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub executor_id: Option<ExecutorId>,
    /// Only those of this session.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session_id: Option<SessionId>,
    /// Only those of this kind.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<AuditKind>,
}

/// Whether the chain is whole.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema, ToSchema, ts_rs::TS)]
pub struct AuditVerification {
    /// Entries that were looked at.
    #[ts(type = "number")]
    pub entries: i64,
    /// Number of the oldest entry; older ones were pruned.
    #[ts(type = "number | null")]
    pub first_seq: Option<i64>,
    /// Number of the newest entry that was looked at.
    #[ts(type = "number | null")]
    pub last_seq: Option<i64>,
    /// Whether nothing was changed, removed or put in since.
    pub is_intact: bool,
    /// Number of the first entry that is not as it was written, or is not there.
    #[ts(type = "number | null")]
    pub broken_at: Option<i64>,
    /// What is wrong there.
    pub problem: Option<String>,
}

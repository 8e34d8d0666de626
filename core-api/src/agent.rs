//! What agents do, in one vocabulary for all of them.
//!
//! An adapter translates its vendor's stream into [`AgentEvent`]s; everything behind it (storage,
//! board, browser) knows only these. A turn's output is a sequence of numbered blocks.

use crate::PermissionId;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

/// State of a worktree's git at one moment.
#[derive(
    Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema, ToSchema, ts_rs::TS,
)]
pub struct GitState {
    /// Commit that `HEAD` names, 40 hex digits.
    pub commit: String,
    /// Whether something differs from that commit.
    pub is_dirty: bool,
}

/// Tokens and money of one or several model calls.
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
pub struct Usage {
    /// Tokens read by the model, without those from its cache.
    #[ts(type = "number")]
    pub input_tokens: i64,
    /// Tokens written by the model.
    #[ts(type = "number")]
    pub output_tokens: i64,
    /// Tokens read from the cache.
    #[ts(type = "number")]
    pub cache_read_tokens: i64,
    /// Tokens written to the cache.
    #[ts(type = "number")]
    pub cache_write_tokens: i64,
    /// Cost in millionths of a US dollar.
    #[ts(type = "number")]
    pub cost_micro_usd: i64,
}

impl Usage {
    /// Returns the sum of both.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self {
            input_tokens: self.input_tokens + other.input_tokens,
            output_tokens: self.output_tokens + other.output_tokens,
            cache_read_tokens: self.cache_read_tokens + other.cache_read_tokens,
            cache_write_tokens: self.cache_write_tokens + other.cache_write_tokens,
            cost_micro_usd: self.cost_micro_usd + other.cost_micro_usd,
        }
    }
}

/// Kind of a streamed block.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema, ToSchema, ts_rs::TS,
)]
#[serde(rename_all = "snake_case")]
pub enum StreamKind {
    /// Words for the person.
    Text,
    /// The model's reasoning.
    Thinking,
}

/// A person's word on a request for permission.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema, ToSchema, ts_rs::TS,
)]
#[serde(rename_all = "snake_case")]
pub enum Decision {
    /// Go on, this once.
    Allow,
    /// Do not do it; the agent is told why.
    Deny,
}

/// How a turn ended.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema, ToSchema, ts_rs::TS,
)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// The agent said all it had to say.
    Completed,
    /// A person stopped it.
    Cancelled,
    /// It ended in an error.
    Failed,
}

/// What kind of failure it was, as far as it decides what to do next.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema, ToSchema, ts_rs::TS,
)]
#[serde(rename_all = "snake_case")]
pub enum ErrorClass {
    /// Too many requests.
    RateLimit,
    /// The credential is wrong or missing.
    Auth,
    /// No money or quota left.
    Quota,
    /// The provider is overloaded.
    Overloaded,
    /// The provider cannot be reached.
    Network,
    /// The conversation no longer fits the model.
    Context,
    /// The model answered with something that does not follow the protocol.
    Protocol,
    /// The agent took more steps than allowed, or its commands more memory.
    Limit,
    /// A defect in the agent or in Grove.
    Internal,
}

/// A change of one file, made by a tool.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema, ToSchema, ts_rs::TS)]
pub struct FileChange {
    /// Path inside the worktree.
    pub path: String,
    /// Unified diff of this one change.
    pub patch: String,
}

/// One thing that happened in a turn.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum AgentEvent {
    /// The turn began; the snapshot holds the worktree as it was.
    TaskStarted {
        /// git at that moment.
        git: GitState,
        /// Snapshot reference, such as `refs/grove/snap/<task>/before`.
        snapshot: Option<String>,
    },
    /// A streamed block begins.
    BlockStarted {
        /// Number of the block in the turn: 0, 1, 2 …
        block: u32,
        /// What it is.
        kind: StreamKind,
    },
    /// More of a streamed block.
    TextDelta {
        /// The block.
        block: u32,
        /// Where the text goes, in UTF-16 code units from the start of the block.
        offset: u64,
        /// The text.
        text: String,
    },
    /// A streamed block is complete.
    BlockEnded {
        /// The block.
        block: u32,
        /// All of its text.
        text: String,
    },
    /// A tool was called.
    ToolStarted {
        /// The block.
        block: u32,
        /// The model's own id of the call.
        call_id: String,
        /// Name of the tool, such as `bash` or `grove_sessions_spawn`.
        tool: String,
        /// One line for people, such as `cargo test`.
        title: String,
        /// The arguments.
        input: Value,
    },
    /// More output of a running tool.
    ToolOutput {
        /// The block.
        block: u32,
        /// Where the text goes, in UTF-16 code units.
        offset: u64,
        /// The text.
        text: String,
    },
    /// A tool has ended.
    ToolEnded {
        /// The block.
        block: u32,
        /// Whether it did what it was asked to.
        is_ok: bool,
        /// What it said, bounded by `limits::TOOL_OUTPUT_BYTES`.
        output: String,
        /// The file that it changed.
        change: Option<FileChange>,
        /// How long it ran.
        duration_ms: u64,
    },
    /// The agent waits for a person.
    PermissionRequested {
        /// The block of the tool call that waits.
        block: u32,
        /// The request.
        request_id: PermissionId,
        /// The tool.
        tool: String,
        /// Exactly what it wants to do, for people.
        title: String,
        /// Why it asks, such as `runs a command`.
        reason: String,
        /// The arguments.
        input: Value,
    },
    /// The request was answered, or withdrawn because the turn was stopped (`decision` is `None`).
    PermissionResolved {
        /// The block of the tool call.
        block: u32,
        /// The request.
        request_id: PermissionId,
        /// The answer.
        decision: Option<Decision>,
        /// The reason that the person gave.
        reason: Option<String>,
    },
    /// A model call was metered.
    Usage {
        /// Model that was called.
        model: String,
        /// What it took.
        usage: Usage,
    },
    /// Something failed; `TaskEnded` follows when the turn cannot go on.
    Error {
        /// What kind.
        class: ErrorClass,
        /// For people.
        message: String,
    },
    /// The turn is over.
    TaskEnded {
        /// How.
        outcome: Outcome,
        /// git at that moment.
        git: GitState,
        /// Snapshot reference of the worktree as it is now.
        snapshot: Option<String>,
    },
}

//! Messages: the entries of a session's history.

use crate::agent::{Decision, ErrorClass, FileChange};
use crate::event::Event;
use crate::{MessageId, PermissionId, SessionId, TaskId, UnixMillis, UserId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// Who speaks.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema, ToSchema, ts_rs::TS,
)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// A person, or another session.
    User,
    /// The agent.
    Assistant,
    /// Grove itself.
    System,
}

/// Where a tool call stands.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema, ToSchema, ts_rs::TS,
)]
#[serde(rename_all = "snake_case")]
pub enum ToolState {
    /// Waits for a permission.
    AwaitingApproval,
    /// Runs.
    Running,
    /// Did what it was asked to.
    Done,
    /// Ended in an error.
    Failed,
    /// A person said no.
    Denied,
    /// The turn ended before it did.
    Cancelled,
}

/// A request for permission and its answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema, ToSchema, ts_rs::TS)]
pub struct Permission {
    /// The request.
    pub id: PermissionId,
    /// Why the agent asks.
    pub reason: String,
    /// The answer; absent while it waits or when it was withdrawn.
    #[serde(default)]
    pub decision: Option<Decision>,
    /// Who answered.
    #[serde(default)]
    pub answered_by: Option<UserId>,
    /// The reason that the person gave.
    #[serde(default)]
    pub answer_reason: Option<String>,
}

/// What a message holds, by kind.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema, ToSchema, ts_rs::TS)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[expect(
    clippy::large_enum_variant,
    reason = "one body per message; boxing would only complicate its use"
)]
pub enum Body {
    /// A prompt.
    Prompt,
    /// Words for the person.
    Text,
    /// The model's reasoning.
    Thinking,
    /// A tool call; the message's text is its output.
    Tool {
        /// The model's own id of the call.
        call_id: String,
        /// Name of the tool.
        tool: String,
        /// One line for people.
        title: String,
        /// The arguments.
        #[schema(value_type = Object)]
        #[ts(type = "unknown")]
        input: serde_json::Value,
        /// Where it stands.
        state: ToolState,
        /// The file that it changed.
        #[serde(default)]
        change: Option<FileChange>,
        /// How long it ran.
        #[serde(default)]
        #[ts(type = "number | null")]
        duration_ms: Option<u64>,
        /// The permission that it needs.
        #[serde(default)]
        permission: Option<Permission>,
    },
    /// Something failed; the message's text says what.
    Error {
        /// What kind of failure.
        class: ErrorClass,
    },
    /// A remark of Grove itself.
    Notice,
}

/// One entry of a session's history.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema, ToSchema, ts_rs::TS)]
pub struct Message {
    /// Its id.
    pub id: MessageId,
    /// Its session.
    pub session_id: SessionId,
    /// Its task.
    pub task_id: TaskId,
    /// Its place in the session: 1, 2, 3 …
    pub index: i32,
    /// Who speaks.
    pub role: Role,
    /// The person, when one speaks.
    pub author: Option<UserId>,
    /// Whether more text is to come.
    pub is_streaming: bool,
    /// Its words: Markdown of text and thinking, output of a tool.
    pub text: String,
    /// What else it holds.
    pub body: Body,
    /// When it was made.
    #[ts(type = "number")]
    pub created_at_ms: UnixMillis,
    /// When it was last changed.
    #[ts(type = "number")]
    pub updated_at_ms: UnixMillis,
}

/// Which messages of a session or task are wanted. Without `before` and `after`: the newest.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct MessageQuery {
    /// Only messages before this index.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<i64>,
    /// Only messages after this index.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<i64>,
    /// Most items: 1 to 200, default 50.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<i64>,
}

/// A stretch of a session's history in order of index.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema, ToSchema, ts_rs::TS)]
pub struct MessageList {
    /// The messages, oldest first.
    pub items: Vec<Message>,
    /// Whether there are older ones.
    pub has_before: bool,
    /// Whether there are newer ones.
    pub has_after: bool,
}

/// Which part of a topic's log is wanted.
#[derive(Clone, Debug, Default, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct EventQuery {
    /// Only events after this sequence number; default 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<i64>,
    /// Most items: 1 to 200, default 50.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<i64>,
}

/// A stretch of a topic's log.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema, ts_rs::TS)]
pub struct EventList {
    /// Identity of the log; another one means that numbers started anew.
    pub epoch: String,
    /// Newest sequence number of the topic.
    #[ts(type = "number")]
    pub seq: i64,
    /// The events in order.
    pub items: Vec<Event>,
}

//! What waits for one person: objects of the topic `user:me`.

use crate::rest::comments::CommentAnchor;
use crate::rest::grants::BoardRight;
use crate::{BoardId, CommentId, SessionId, UnixMillis, UserId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A board that one may open (`kind: "board"`); archived boards are not there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema, ToSchema, ts_rs::TS)]
pub struct UserBoard {
    /// Its name.
    pub name: String,
    /// What one may do on it.
    pub right: BoardRight,
    /// When it was made.
    #[ts(type = "number")]
    pub created_at_ms: UnixMillis,
}

/// Why a session waits for a person.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema, ToSchema, ts_rs::TS,
)]
#[serde(rename_all = "snake_case")]
pub enum AttentionReason {
    /// Its agent asks for permission.
    Approval,
    /// Its agent asks a question.
    Input,
    /// Its last task failed, or its executor was lost.
    Failed,
}

/// A session that waits for a person (`kind: "attention"`, the session's id).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema, ToSchema, ts_rs::TS)]
pub struct Attention {
    /// Why.
    pub reason: AttentionReason,
    /// The session.
    pub session: SessionId,
    /// The board that its card is on.
    pub board: BoardId,
    /// The session's title.
    pub title: String,
    /// Since when.
    #[ts(type = "number")]
    pub since_ms: UnixMillis,
}

/// A comment that names one (`kind: "mention"`, the comment's id).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema, ToSchema, ts_rs::TS)]
pub struct Mention {
    /// The comment.
    pub comment: CommentId,
    /// What the comment is about.
    pub anchor: CommentAnchor,
    /// Its thread: the comment that began it.
    pub thread: CommentId,
    /// Who wrote it.
    pub by: UserId,
    /// The first 200 characters of it.
    pub excerpt: String,
    /// When one was mentioned.
    #[ts(type = "number")]
    pub at_ms: UnixMillis,
}

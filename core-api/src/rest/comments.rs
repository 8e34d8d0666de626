//! Comments: threads on a board, an object, a message or a line of a diff.

use crate::{BoardId, BoardObjectId, CommentId, MessageId, SessionId, UnixMillis, UserId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// Which side of a diff a line is on.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema, ToSchema, ts_rs::TS,
)]
#[serde(rename_all = "snake_case")]
pub enum DiffSide {
    /// As it was.
    Old,
    /// As it is.
    New,
}

/// What a comment is about.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema, ToSchema, ts_rs::TS)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum CommentAnchor {
    /// A place on a board.
    Point {
        /// The board.
        board: BoardId,
        /// The place in board units.
        pos: [f64; 2],
    },
    /// Something on a board; the comment stays when the object goes.
    Object {
        /// The board.
        board: BoardId,
        /// The object.
        object: BoardObjectId,
    },
    /// A message of a session.
    Message {
        /// The session.
        session: SessionId,
        /// The message.
        message: MessageId,
    },
    /// A line of a session's diff.
    DiffLine {
        /// The session.
        session: SessionId,
        /// Path of the file, relative to the worktree.
        path: String,
        /// Side of the diff.
        side: DiffSide,
        /// Line, counted from 1.
        line: u32,
    },
}

/// A comment. In a topic (`kind: "comment"`) its properties are these fields without `id`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema, ToSchema, ts_rs::TS)]
pub struct Comment {
    /// Its id.
    pub id: CommentId,
    /// What it is about; a reply says what its thread is about.
    pub anchor: CommentAnchor,
    /// The comment that began the thread; absent in that one itself.
    pub parent: Option<CommentId>,
    /// Markdown.
    pub text: String,
    /// People who are told of it.
    pub mentions: Vec<UserId>,
    /// Whether the thread is resolved; replies say `false`.
    pub is_resolved: bool,
    /// Who resolved it.
    pub resolved_by: Option<UserId>,
    /// Who wrote it.
    pub created_by: UserId,
    /// When it was written.
    #[ts(type = "number")]
    pub created_at_ms: UnixMillis,
    /// When its words were last changed, if they were.
    #[ts(type = "number | null")]
    pub edited_at_ms: Option<UnixMillis>,
}

/// A new comment: `anchor` begins a thread, `parent` answers in one.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema, ToSchema, ts_rs::TS)]
#[serde(deny_unknown_fields)]
pub struct CreateComment {
    /// What it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub anchor: Option<CommentAnchor>,
    /// The comment that it answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub parent: Option<CommentId>,
    /// Markdown, 1 byte to 16 KiB.
    pub text: String,
    /// People who are told of it, at most 50.
    #[serde(default)]
    #[ts(optional, as = "Option<Vec<UserId>>")]
    pub mentions: Vec<UserId>,
}

/// Changes of a comment; absent fields stay as they are. Words and mentions are the author's.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema, ToSchema, ts_rs::TS)]
#[serde(deny_unknown_fields)]
pub struct PatchComment {
    /// Markdown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub text: Option<String>,
    /// People who are told of it; those who are new are told now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub mentions: Option<Vec<UserId>>,
    /// Resolves the thread, or opens it again; anybody may.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub is_resolved: Option<bool>,
}

/// Which comments.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct CommentQuery {
    /// Only those on this board and its objects (id or its last eight digits).
    #[serde(default)]
    pub board_id: Option<String>,
    /// Only those on messages and the diff of this session (id or its last eight digits).
    #[serde(default)]
    pub session_id: Option<String>,
    /// Only this comment and the answers to it.
    #[serde(default)]
    pub thread_id: Option<CommentId>,
    /// Only threads that are resolved, or only those that are not; answers are left out then.
    #[serde(default)]
    pub is_resolved: Option<bool>,
    /// Most items, 1 to 200; default 50.
    #[serde(default)]
    pub limit: Option<i64>,
    /// `next_cursor` of the page before.
    #[serde(default)]
    pub cursor: Option<String>,
}

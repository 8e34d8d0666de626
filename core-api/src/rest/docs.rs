//! Texts that several people write together.

use crate::{BoardId, DocId, SessionId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What a document belongs to.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema, ToSchema, ts_rs::TS,
)]
#[serde(rename_all = "snake_case")]
pub enum DocKind {
    /// An object on a board; its `text` follows the document.
    Note,
    /// The next prompt of a session, while people write it.
    Draft,
}

/// A text that several people write together.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema, ToSchema, ts_rs::TS)]
pub struct Doc {
    /// Its id: the note's or the session's own.
    pub id: DocId,
    /// What it belongs to.
    pub kind: DocKind,
    /// The note's board.
    pub board_id: Option<BoardId>,
    /// The draft's session.
    pub session_id: Option<SessionId>,
    /// The text as it stands.
    pub text: String,
    /// Identity of its history; another one means that it began anew.
    pub epoch: String,
    /// How many updates it has seen.
    #[ts(type = "number")]
    pub seq: i64,
    /// Its whole state as an update of Yjs (version 1), in Base64.
    pub state: String,
}

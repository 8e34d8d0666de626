//! Boards and what lies on them.

use crate::rest::sessions::{Relation, RunState};
use crate::{BoardId, BoardObjectId, SessionId, UnixMillis, UserId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A shared spatial board.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema, ToSchema, ts_rs::TS)]
pub struct Board {
    /// Its id.
    pub id: BoardId,
    /// Its name.
    pub name: String,
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
    /// Raised by one with each change; send it as `If-Match`.
    #[ts(type = "number")]
    pub version: i64,
}

/// A new board.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema, ToSchema, ts_rs::TS)]
#[serde(deny_unknown_fields)]
pub struct CreateBoard {
    /// Its name: 1 to 200 characters.
    pub name: String,
}

/// Changes of a board; absent fields stay as they are.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema, ToSchema, ts_rs::TS)]
#[serde(deny_unknown_fields)]
pub struct PatchBoard {
    /// Its name: 1 to 200 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub name: Option<String>,
    /// Archives the board, or brings it back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub is_archived: Option<bool>,
}

/// What an object on a board is.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema, ToSchema, ts_rs::TS,
)]
#[serde(rename_all = "snake_case")]
pub enum ObjectKind {
    /// The card of a session; made and removed with the session.
    Session,
    /// A note in Markdown.
    Note,
    /// Plain words on the board.
    Text,
    /// A named area.
    Zone,
}

/// Colours of notes and zones.
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
#[serde(rename_all = "snake_case")]
pub enum ObjectColor {
    /// Grey.
    #[default]
    Neutral,
    /// Amber.
    Amber,
    /// Green.
    Green,
    /// Blue.
    Blue,
    /// Violet.
    Violet,
    /// Rose.
    Rose,
}

/// A note, text, zone or session card on a board.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema, ToSchema, ts_rs::TS)]
pub struct BoardObject {
    /// Its id; the card of a session has the session's id.
    pub id: BoardObjectId,
    /// The board it lies on.
    pub board_id: BoardId,
    /// What it is.
    pub kind: ObjectKind,
    /// Upper left corner in board units.
    pub pos: [f64; 2],
    /// Width and height in board units; absent where the kind has a fixed size.
    pub size: Option<[f64; 2]>,
    /// Words on it: Markdown of a note, the words of a text, the name of a zone.
    pub text: String,
    /// Its colour.
    pub color: ObjectColor,
    /// Who put it there.
    pub created_by: UserId,
    /// When it was made.
    #[ts(type = "number")]
    pub created_at_ms: UnixMillis,
    /// When it was last changed.
    #[ts(type = "number")]
    pub updated_at_ms: UnixMillis,
}

/// A new note, text or zone. Session cards come with their sessions.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema, ToSchema, ts_rs::TS)]
#[serde(deny_unknown_fields)]
pub struct CreateBoardObject {
    /// `note`, `text` or `zone`.
    pub kind: ObjectKind,
    /// Upper left corner in board units.
    pub pos: [f64; 2],
    /// Width and height in board units, 20 to 20,000.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub size: Option<[f64; 2]>,
    /// Words on it.
    #[serde(default)]
    pub text: String,
    /// Its colour.
    #[serde(default)]
    pub color: ObjectColor,
}

/// Changes of an object; absent fields stay as they are. Of a session card only `pos` can change.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema, ToSchema, ts_rs::TS)]
#[serde(deny_unknown_fields)]
pub struct PatchBoardObject {
    /// Upper left corner in board units.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub pos: Option<[f64; 2]>,
    /// Width and height in board units.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub size: Option<[f64; 2]>,
    /// Words on it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub text: Option<String>,
    /// Its colour.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub color: Option<ObjectColor>,
}

/// Properties of a session's card in a board topic (`kind: "session"`).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema, ts_rs::TS)]
pub struct SessionCard {
    /// Upper left corner in board units.
    pub pos: [f64; 2],
    /// The session's title.
    pub title: String,
    /// Its run state.
    pub state: RunState,
    /// One line about what it does now, or how it ended.
    pub line: String,
    /// The agent.
    pub agent: String,
    /// The model.
    pub model: String,
    /// Name of the repository.
    pub repo: String,
    /// The session's branch.
    pub branch: String,
    /// The session it came from.
    pub parent: Option<SessionId>,
    /// How it came from it.
    pub relation: Option<Relation>,
    /// Who made it.
    pub created_by: UserId,
    /// Cost so far in millionths of a US dollar.
    #[ts(type = "number")]
    pub cost_micro_usd: i64,
    /// Tokens so far, all kinds together.
    #[ts(type = "number")]
    pub tokens: i64,
}

/// Properties of a note, text or zone in a board topic.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema, ts_rs::TS)]
pub struct BoardMark {
    /// Upper left corner in board units.
    pub pos: [f64; 2],
    /// Width and height in board units.
    pub size: Option<[f64; 2]>,
    /// Words on it.
    pub text: String,
    /// Its colour.
    pub color: ObjectColor,
    /// Who put it there.
    pub created_by: UserId,
}

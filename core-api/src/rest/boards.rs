//! Boards and what lies on them.

use crate::event::Object;
use crate::rest::grants::{BoardRight, BoardVisibility};
use crate::rest::sessions::{Relation, RunState};
use crate::{BoardId, BoardObjectId, SessionId, UnixMillis, UserId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use utoipa::{IntoParams, ToSchema};

/// A shared spatial board.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema, ToSchema, ts_rs::TS)]
pub struct Board {
    /// Its id.
    pub id: BoardId,
    /// Its name.
    pub name: String,
    /// Whose it is: one of those who may do everything on it.
    pub owner: UserId,
    /// Who sees it without a grant.
    pub visibility: BoardVisibility,
    /// What everybody on the instance may do on it when `visibility` is `members`.
    pub members_right: BoardRight,
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
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema, ToSchema, ts_rs::TS)]
#[serde(deny_unknown_fields)]
pub struct CreateBoard {
    /// Its name: 1 to 200 characters.
    pub name: String,
    /// Who sees it without a grant; by default everybody on the instance.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub visibility: Option<BoardVisibility>,
    /// What everybody may do on it when `visibility` is `members`; by default `steer`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub members_right: Option<BoardRight>,
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
    /// Who sees it without a grant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub visibility: Option<BoardVisibility>,
    /// What everybody may do on it when `visibility` is `members`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub members_right: Option<BoardRight>,
    /// Hands the board over to somebody else; who had it keeps `admin` by a grant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub owner: Option<UserId>,
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
    /// A line from one object to another; goes with either of them.
    Edge,
    /// A picture that was sent to the board before.
    Image,
    /// A titled text, opened beside the board.
    Document,
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

/// What lies on a board: a session's card, or a mark that people put there.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema, ToSchema, ts_rs::TS)]
pub struct BoardObject {
    /// Its id; the card of a session has the session's id.
    pub id: BoardObjectId,
    /// The board it lies on.
    pub board_id: BoardId,
    /// What it is.
    pub kind: ObjectKind,
    /// Upper left corner in board units; an edge has none of its own and says `[0, 0]`.
    pub pos: [f64; 2],
    /// Width and height in board units; absent where the kind has a fixed size.
    pub size: Option<[f64; 2]>,
    /// Words on it: Markdown of a note or document, the words of a text, the name of a zone, the
    /// label of an edge, what an image shows.
    pub text: String,
    /// Its colour.
    pub color: ObjectColor,
    /// Place in the order of drawing and of lists: a fractional key, compared byte by byte; of two
    /// equal ones the smaller id comes first.
    pub ord: String,
    /// Whether it is fixed: while it is, neither place nor size change and it is not removed.
    pub is_locked: bool,
    /// Where an edge begins.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub from: Option<BoardObjectId>,
    /// Where an edge ends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub to: Option<BoardObjectId>,
    /// Title of a document.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub title: Option<String>,
    /// Content of an image: `GET /boards/{id}/images/{image}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub image: Option<String>,
    /// Width and height of an image's content in pixels.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub natural_size: Option<[u32; 2]>,
    /// Who put it there.
    pub created_by: UserId,
    /// When it was made.
    #[ts(type = "number")]
    pub created_at_ms: UnixMillis,
    /// When it was last changed.
    #[ts(type = "number")]
    pub updated_at_ms: UnixMillis,
}

/// A new note, text, zone, edge, image or document. Session cards come with their sessions.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema, ToSchema, ts_rs::TS)]
#[serde(deny_unknown_fields)]
pub struct CreateBoardObject {
    /// `note`, `text`, `zone`, `edge`, `image` or `document`.
    pub kind: ObjectKind,
    /// Upper left corner in board units; an edge needs none.
    #[serde(default)]
    #[ts(optional, as = "Option<[f64; 2]>")]
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
    /// Place in the order of drawing; absent: above everything that is there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub ord: Option<String>,
    /// Whether it is fixed.
    #[serde(default)]
    #[ts(optional, as = "Option<bool>")]
    pub is_locked: bool,
    /// Where an edge begins; it must lie on the same board.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub from: Option<BoardObjectId>,
    /// Where an edge ends; it must lie on the same board.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub to: Option<BoardObjectId>,
    /// Title of a document, at most 200 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub title: Option<String>,
    /// Content of an image, as `POST /boards/{id}/images` answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub image: Option<String>,
}

/// Changes of an object; absent fields stay as they are. Of a session card only `pos`,
/// `ord` and `is_locked` can change.
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
    /// Place in the order of drawing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub ord: Option<String>,
    /// Whether it is fixed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub is_locked: Option<bool>,
    /// Where an edge begins.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub from: Option<BoardObjectId>,
    /// Where an edge ends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub to: Option<BoardObjectId>,
    /// Title of a document.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub title: Option<String>,
}

/// Properties of a session's card in a board topic (`kind: "session"`).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema, ts_rs::TS)]
pub struct SessionCard {
    /// Upper left corner in board units.
    pub pos: [f64; 2],
    /// Place in the order of drawing, as of any object.
    pub ord: String,
    /// Whether it is fixed.
    pub is_locked: bool,
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

/// Properties of a note, text, zone, edge, image or document in a board topic.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema, ts_rs::TS)]
pub struct BoardMark {
    /// Upper left corner in board units; an edge has none of its own and says `[0, 0]`.
    pub pos: [f64; 2],
    /// Width and height in board units.
    pub size: Option<[f64; 2]>,
    /// Words on it: Markdown of a note or document, the words of a text, the name of a zone, the
    /// label of an edge, what an image shows.
    pub text: String,
    /// Its colour.
    pub color: ObjectColor,
    /// Place in the order of drawing and of lists: a fractional key, compared byte by byte; of two
    /// equal ones the smaller id comes first.
    pub ord: String,
    /// Whether it is fixed: while it is, neither place nor size change and it is not removed.
    pub is_locked: bool,
    /// Where an edge begins.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub from: Option<BoardObjectId>,
    /// Where an edge ends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub to: Option<BoardObjectId>,
    /// Title of a document.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub title: Option<String>,
    /// Content of an image: `GET /boards/{id}/images/{image}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub image: Option<String>,
    /// Width and height of an image's content in pixels.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub natural_size: Option<[u32; 2]>,
    /// Who put it there.
    pub created_by: UserId,
}

/// Content of an image that was sent to a board; put an object of kind `image` to show it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema, ToSchema, ts_rs::TS)]
pub struct BoardImage {
    /// SHA-256 of the content, in hex.
    pub id: String,
    /// `image/png`, `image/jpeg`, `image/gif` or `image/webp`, told by the content.
    pub media_type: String,
    /// Its length in bytes.
    #[ts(type = "number")]
    pub size_bytes: i64,
    /// Width and height in pixels.
    pub natural_size: [u32; 2],
}

/// How one person last looked at a board; nobody else sees it.
#[derive(
    Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema, ToSchema, ts_rs::TS,
)]
#[serde(deny_unknown_fields)]
pub struct BoardView {
    /// Version of this form: 1.
    pub v: u32,
    /// Left and top in board units, and zoom.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub viewport: Option<[f64; 3]>,
    /// Open panels, in the order of their tabs; at most 32.
    #[serde(default)]
    pub panels: Vec<ViewPanel>,
    /// Which of them is in front.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub active_panel: Option<u32>,
    /// Width of the panels in pixels, 200 to 4,000.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub panel_width_px: Option<u32>,
}

/// An open panel.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema, ToSchema, ts_rs::TS)]
#[serde(deny_unknown_fields)]
pub struct ViewPanel {
    /// What it shows, such as `session:<id>` or `document:<id>`; at most 128 bytes.
    pub target: String,
    /// Which of its tabs is in front, such as `diff`; at most 64 bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub tab: Option<String>,
}

/// The state of a topic at an event: what a `snap` frame says, over HTTP.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema, ts_rs::TS)]
pub struct TopicState {
    /// Identity of the log.
    pub epoch: String,
    /// Newest event in the state.
    #[ts(type = "number")]
    pub seq: i64,
    /// When that event was stored; 0 before the first one.
    #[ts(type = "number")]
    pub at_ms: UnixMillis,
    /// The objects.
    pub state: BTreeMap<String, Object>,
}

/// A moment of a board.
#[derive(Clone, Copy, Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct AtQuery {
    /// The state after this event.
    #[serde(default)]
    pub seq: Option<i64>,
    /// The state at this time, in milliseconds since 1970.
    #[serde(default)]
    pub at_ms: Option<i64>,
}

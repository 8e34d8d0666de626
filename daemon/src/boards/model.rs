//! Pure rules of board objects.

use crate::error::Error;
use grove_core_api::limits;
use grove_core_api::realtime::NackCode;
use grove_core_api::rest::boards::{
    BoardMark, BoardObject, BoardView, ObjectColor, ObjectKind, ViewPanel,
};
use grove_core_api::{BoardId, BoardObjectId, UnixMillis, UserId};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// What a row of `board_objects` keeps in its JSON column.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct ObjectData {
    pub(crate) v: u32,
    pub(crate) size: Option<[f64; 2]>,
    pub(crate) text: String,
    pub(crate) color: ObjectColor,
    pub(crate) is_locked: bool,
    pub(crate) title: Option<String>,
    pub(crate) image: Option<String>,
    pub(crate) natural_size: Option<[u32; 2]>,
    /// Number of the event that put the object on the board.
    pub(crate) put_seq: i64,
    /// Number of the event that last changed a property (compare and set).
    pub(crate) seqs: BTreeMap<String, i64>,
}

/// A row of `board_objects`.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Placed {
    pub(crate) id: BoardObjectId,
    pub(crate) board_id: BoardId,
    pub(crate) kind: ObjectKind,
    pub(crate) pos: [f64; 2],
    pub(crate) ord: String,
    /// Both ends of an edge; nothing else has them.
    pub(crate) ends: Option<[BoardObjectId; 2]>,
    pub(crate) data: ObjectData,
    pub(crate) created_by: UserId,
    pub(crate) created_at_ms: UnixMillis,
    pub(crate) updated_at_ms: UnixMillis,
}

/// What of a session's card is the board's.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct CardPlace {
    pub(crate) pos: [f64; 2],
    pub(crate) ord: String,
    pub(crate) is_locked: bool,
}

/// What was removed from a board: who may bring it back (rule RT-23).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Removed {
    pub(crate) board_id: BoardId,
    pub(crate) created_by: UserId,
    pub(crate) created_at_ms: UnixMillis,
    pub(crate) removed_by: UserId,
}

/// Why an operation cannot be applied.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub(crate) struct Refused {
    pub(crate) code: NackCode,
    pub(crate) message: String,
}

pub(crate) fn refused<T>(code: NackCode, message: impl Into<String>) -> Result<T, Refused> {
    Err(Refused { code, message: message.into() })
}

impl Placed {
    /// A bare object; its properties are set one by one.
    pub(crate) fn fresh(
        id: BoardObjectId,
        board_id: BoardId,
        kind: ObjectKind,
        created_by: UserId,
        now: UnixMillis,
    ) -> Self {
        Self {
            id,
            board_id,
            kind,
            pos: [0.0, 0.0],
            ord: String::new(),
            ends: None,
            data: ObjectData { v: 1, ..ObjectData::default() },
            created_by,
            created_at_ms: now,
            updated_at_ms: now,
        }
    }

    /// Makes an object of the properties that somebody sent; what the server itself knows of it
    /// (`created_by`, `natural_size`) is left out, whatever is said.
    ///
    /// # Errors
    /// `Invalid` when a property is missing, unknown or does not fit.
    pub(crate) fn with(mut self, v: &Map<String, Value>) -> Result<Self, Refused> {
        let is_edge = self.kind == ObjectKind::Edge;
        let needed: &[&str] = match self.kind {
            ObjectKind::Edge => &["from", "to"],
            ObjectKind::Image => &["pos", "image"],
            ObjectKind::Session
            | ObjectKind::Note
            | ObjectKind::Text
            | ObjectKind::Zone
            | ObjectKind::Document => &["pos"],
        };
        if let Some(missing) = needed.iter().find(|it| v.get(**it).is_none_or(Value::is_null)) {
            return refused(NackCode::Invalid, format!("`{missing}` is missing"));
        }
        for (property, value) in v {
            let is_known = matches!(property.as_str(), "created_by" | "natural_size");
            let is_place = is_edge && matches!(property.as_str(), "pos" | "size");
            let is_absent = value.is_null() || (property == "ord" && value == "");
            if is_known || is_place || is_absent {
                continue;
            }
            if is_edge && matches!(property.as_str(), "from" | "to") {
                self.ends.get_or_insert([self.id; 2])[usize::from(property == "to")] =
                    object_id(property, value)?;
            } else if property == "image" && self.kind == ObjectKind::Image {
                self.data.image = Some(words("image", value, limits::TITLE_CHARS)?);
            } else {
                self.set(property, value)?;
            }
        }
        if self.kind == ObjectKind::Document {
            self.data.title.get_or_insert_default();
        }
        Ok(self)
    }

    pub(crate) fn object(&self) -> BoardObject {
        BoardObject {
            id: self.id,
            board_id: self.board_id,
            kind: self.kind,
            pos: self.pos,
            size: self.data.size,
            text: self.data.text.clone(),
            color: self.data.color,
            ord: self.ord.clone(),
            is_locked: self.data.is_locked,
            from: self.ends.map(|it| it[0]),
            to: self.ends.map(|it| it[1]),
            title: self.data.title.clone(),
            image: self.data.image.clone(),
            natural_size: self.data.natural_size,
            created_by: self.created_by,
            created_at_ms: self.created_at_ms,
            updated_at_ms: self.updated_at_ms,
        }
    }

    pub(crate) fn mark(&self) -> BoardMark {
        BoardMark {
            pos: self.pos,
            size: self.data.size,
            text: self.data.text.clone(),
            color: self.data.color,
            ord: self.ord.clone(),
            is_locked: self.data.is_locked,
            from: self.ends.map(|it| it[0]),
            to: self.ends.map(|it| it[1]),
            title: self.data.title.clone(),
            image: self.data.image.clone(),
            natural_size: self.data.natural_size,
            created_by: self.created_by,
        }
    }

    pub(crate) fn card_place(&self) -> CardPlace {
        CardPlace { pos: self.pos, ord: self.ord.clone(), is_locked: self.data.is_locked }
    }

    /// Number of the event that last changed a property; that which put the object counts too.
    pub(crate) fn changed_at(&self, property: &str) -> i64 {
        self.data.seqs.get(property).copied().unwrap_or(0).max(self.data.put_seq)
    }

    /// Number of the newest event that changed anything of the object.
    pub(crate) fn newest_change(&self) -> i64 {
        self.data.seqs.values().copied().max().unwrap_or(0).max(self.data.put_seq)
    }

    /// Notes the event that changed these properties.
    pub(crate) fn note(&mut self, properties: impl IntoIterator<Item = String>, seq: i64) {
        self.data.seqs.extend(properties.into_iter().map(|property| (property, seq)));
    }

    /// Notes the event that put the object on the board.
    pub(crate) fn note_put(&mut self, seq: i64) {
        self.data.put_seq = seq;
        self.data.seqs.clear();
    }

    /// Fails when the object is fixed and the change would move or remove it (rule RT-24).
    ///
    /// # Errors
    /// `Locked`.
    pub(crate) fn check_lock(&self, property: Option<&str>) -> Result<(), Refused> {
        let would_move = property.is_none_or(|it| matches!(it, "pos" | "size"));
        if self.data.is_locked && would_move {
            return refused(NackCode::Locked, "it is locked: unlock it first");
        }
        Ok(())
    }

    /// Sets one property from the wire.
    ///
    /// # Errors
    /// `Invalid` when the kind has no such property or the value does not fit it, `Locked` when the
    /// object is fixed.
    pub(crate) fn set(&mut self, property: &str, value: &Value) -> Result<(), Refused> {
        self.check_lock(Some(property))?;
        let is_edge = self.kind == ObjectKind::Edge;
        match (self.kind, property) {
            (_, "pos") if !is_edge => self.pos = place(value)?,
            (_, "ord") => self.ord = ord(value)?,
            (_, "is_locked") => self.data.is_locked = flag("is_locked", value)?,
            (ObjectKind::Session, _) => {
                let message = "of a session's card only `pos`, `ord` and `is_locked` can be set";
                return refused(NackCode::Invalid, message);
            }
            (_, "size") if !is_edge => self.data.size = size(value)?,
            (ObjectKind::Document, "text") => {
                self.data.text = words("text", value, limits::DOCUMENT_BYTES)?;
            }
            (_, "text") => self.data.text = words("text", value, limits::NOTE_BYTES)?,
            (_, "color") => self.data.color = color(value)?,
            (ObjectKind::Edge, "from" | "to") => {
                let ends = self.ends.get_or_insert([self.id; 2]);
                ends[usize::from(property == "to")] = object_id(property, value)?;
            }
            (ObjectKind::Document, "title") => self.data.title = Some(title(value)?),
            _ => {
                let kind = kind_name(self.kind);
                let message = format!("`{property}` of this ({kind}) cannot be set");
                return refused(NackCode::Invalid, message);
            }
        }
        Ok(())
    }
}

const KINDS: [ObjectKind; 7] = [
    ObjectKind::Session,
    ObjectKind::Note,
    ObjectKind::Text,
    ObjectKind::Zone,
    ObjectKind::Edge,
    ObjectKind::Image,
    ObjectKind::Document,
];

/// Name of a kind on the wire and in the database.
pub(crate) const fn kind_name(kind: ObjectKind) -> &'static str {
    match kind {
        ObjectKind::Session => "session",
        ObjectKind::Note => "note",
        ObjectKind::Text => "text",
        ObjectKind::Zone => "zone",
        ObjectKind::Edge => "edge",
        ObjectKind::Image => "image",
        ObjectKind::Document => "document",
    }
}

pub(crate) fn kind_of(name: &str) -> Option<ObjectKind> {
    KINDS.into_iter().find(|kind| kind_name(*kind) == name)
}

/// An object as a map of properties.
pub(crate) fn properties(value: &impl Serialize) -> Result<Map<String, Value>, serde_json::Error> {
    // A map from a map: structs serialise to objects and nothing else.
    serde_json::from_value(serde_json::to_value(value)?)
}

pub(crate) fn place(value: &Value) -> Result<[f64; 2], Refused> {
    let pos = pair(value, "pos")?;
    if pos.iter().all(|it| it.abs() <= limits::BOARD_EXTENT_UNITS) {
        return Ok(pos);
    }
    refused(NackCode::Invalid, "`pos` lies outside of the board")
}

fn size(value: &Value) -> Result<Option<[f64; 2]>, Refused> {
    if value.is_null() {
        return Ok(None);
    }
    let size = pair(value, "size")?;
    if is_size(size) {
        return Ok(Some(size));
    }
    refused(NackCode::Invalid, "`size` must be two numbers from 20 to 20,000")
}

/// Whether width and height are within their range.
pub(crate) fn is_size(size: [f64; 2]) -> bool {
    size.iter().all(|it| (20.0..=20_000.0).contains(it))
}

fn pair(value: &Value, name: &str) -> Result<[f64; 2], Refused> {
    let numbers = value.as_array().map(|items| items.iter().map(Value::as_f64).collect());
    let numbers: Vec<Option<f64>> = numbers.unwrap_or_default();
    match numbers[..] {
        [Some(x), Some(y)] if x.is_finite() && y.is_finite() => Ok([x, y]),
        _ => refused(NackCode::Invalid, format!("`{name}` must be two numbers")),
    }
}

fn words(name: &str, value: &Value, most_bytes: usize) -> Result<String, Refused> {
    match value.as_str() {
        Some(text) if text.len() <= most_bytes && !text.contains('\0') => Ok(text.to_owned()),
        _ => {
            let message = format!("`{name}` must be words of at most {most_bytes} bytes");
            refused(NackCode::Invalid, message)
        }
    }
}

fn title(value: &Value) -> Result<String, Refused> {
    match value.as_str() {
        Some(text)
            if text.chars().count() <= limits::TITLE_CHARS
                && !text.chars().any(char::is_control) =>
        {
            Ok(text.to_owned())
        }
        _ => refused(NackCode::Invalid, "`title` must be one line of at most 200 characters"),
    }
}

fn flag(name: &str, value: &Value) -> Result<bool, Refused> {
    match value.as_bool() {
        Some(flag) => Ok(flag),
        None => refused(NackCode::Invalid, format!("`{name}` must be true or false")),
    }
}

fn ord(value: &Value) -> Result<String, Refused> {
    match value.as_str() {
        Some(key) if grove_core_api::ord::is_key(key, limits::ORD_BYTES) => Ok(key.to_owned()),
        _ => refused(NackCode::Invalid, "`ord` must be a fractional key such as `a0V`"),
    }
}

fn object_id(name: &str, value: &Value) -> Result<BoardObjectId, Refused> {
    let id = value.as_str().and_then(|text| text.parse().ok());
    id.ok_or_else(|| Refused {
        code: NackCode::Invalid,
        message: format!("`{name}` must be the id of an object"),
    })
}

fn color(value: &Value) -> Result<ObjectColor, Refused> {
    serde_json::from_value(value.clone())
        .or_else(|error| refused(NackCode::Invalid, format!("`color` is not one of ours: {error}")))
}

/// Tells a picture's media type and its size in pixels from its content.
///
/// # Errors
/// `Invalid` when it is none of the four kinds, or too large to be shown.
pub(crate) fn picture(content: &[u8]) -> Result<(&'static str, [u32; 2]), Refused> {
    let media_type = match imagesize::image_type(content) {
        Ok(imagesize::ImageType::Png) => "image/png",
        Ok(imagesize::ImageType::Jpeg) => "image/jpeg",
        Ok(imagesize::ImageType::Gif) => "image/gif",
        Ok(imagesize::ImageType::Webp) => "image/webp",
        Ok(_) | Err(_) => {
            return refused(NackCode::Invalid, "must be a PNG, JPEG, GIF or WebP picture");
        }
    };
    let size = imagesize::blob_size(content)
        .or_else(|error| refused(NackCode::Invalid, format!("is a broken picture: {error}")))?;
    let side = 1..=limits::IMAGE_SIDE_PX;
    if !side.contains(&size.width) || !side.contains(&size.height) {
        let most = limits::IMAGE_SIDE_PX;
        return refused(NackCode::Invalid, format!("must have 1 to {most} pixels a side"));
    }
    let natural_size = [size.width, size.height].map(|it| u32::try_from(it).unwrap_or(u32::MAX));
    Ok((media_type, natural_size))
}

/// Checks a person's view of a board.
///
/// # Errors
/// `InvalidRequest`, naming the field.
pub(crate) fn check_view(view: &BoardView) -> Result<(), Error> {
    if view.v != 1 {
        return Err(Error::field("v", "must be 1"));
    }
    let is_place = |it: &[f64; 3]| {
        it[..2].iter().all(|it| it.is_finite() && it.abs() <= 2.0 * limits::BOARD_EXTENT_UNITS)
            && it[2].is_finite()
            && it[2] > 0.0
            && it[2] <= 100.0
    };
    if view.viewport.is_some_and(|it| !is_place(&it)) {
        return Err(Error::field("viewport", "must be left, top, and a zoom above 0 up to 100"));
    }
    let is_panel = |it: &ViewPanel| {
        let is_short = |text: &str, most| !text.contains('\0') && text.len() <= most;
        is_short(&it.target, 128) && it.tab.as_deref().is_none_or(|tab| is_short(tab, 64))
    };
    if view.panels.len() > limits::VIEW_PANELS || !view.panels.iter().all(is_panel) {
        return Err(Error::field("panels", "are at most 32, with short targets and tabs"));
    }
    if view.panel_width_px.is_some_and(|it| !(200..=4_000).contains(&it)) {
        return Err(Error::field("panel_width_px", "must be from 200 to 4,000"));
    }
    Ok(())
}

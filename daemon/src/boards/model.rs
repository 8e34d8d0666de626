//! Pure rules of board objects.

use grove_core_api::event::Op;
use grove_core_api::limits;
use grove_core_api::realtime::NackCode;
use grove_core_api::rest::boards::{BoardMark, BoardObject, ObjectColor, ObjectKind};
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
    pub(crate) data: ObjectData,
    pub(crate) created_by: UserId,
    pub(crate) created_at_ms: UnixMillis,
    pub(crate) updated_at_ms: UnixMillis,
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
    pub(crate) fn object(&self) -> BoardObject {
        BoardObject {
            id: self.id,
            board_id: self.board_id,
            kind: self.kind,
            pos: self.pos,
            size: self.data.size,
            text: self.data.text.clone(),
            color: self.data.color,
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
            created_by: self.created_by,
        }
    }

    /// Sets one property from the wire.
    ///
    /// # Errors
    /// `Invalid` when the kind has no such property or the value does not fit it.
    pub(crate) fn set(&mut self, property: &str, value: &Value) -> Result<(), Refused> {
        match (self.kind, property) {
            (_, "pos") => self.pos = place(value)?,
            (ObjectKind::Session, _) => {
                return refused(NackCode::Invalid, "of a session's card only `pos` can be set");
            }
            (_, "size") => self.data.size = size(value)?,
            (_, "text") => self.data.text = words(value)?,
            (_, "color") => self.data.color = color(value)?,
            _ => {
                return refused(NackCode::Invalid, format!("there is no property `{property}`"));
            }
        }
        Ok(())
    }
}

/// Name of a kind on the wire and in the database.
pub(crate) const fn kind_name(kind: ObjectKind) -> &'static str {
    match kind {
        ObjectKind::Session => "session",
        ObjectKind::Note => "note",
        ObjectKind::Text => "text",
        ObjectKind::Zone => "zone",
    }
}

pub(crate) fn kind_of(name: &str) -> Option<ObjectKind> {
    [ObjectKind::Session, ObjectKind::Note, ObjectKind::Text, ObjectKind::Zone]
        .into_iter()
        .find(|kind| kind_name(*kind) == name)
}

/// The event for a list of changed properties.
pub(crate) fn set_ops(id: BoardObjectId, properties: Vec<(&str, Value)>) -> Vec<Op> {
    properties
        .into_iter()
        .map(|(k, v)| Op::Set { id: id.to_string(), k: k.to_owned(), v, if_seq: None })
        .collect()
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

fn words(value: &Value) -> Result<String, Refused> {
    match value.as_str() {
        Some(text) if text.len() <= limits::NOTE_BYTES && !text.contains('\0') => {
            Ok(text.to_owned())
        }
        _ => refused(NackCode::Invalid, "`text` must be words of at most 64 KiB"),
    }
}

fn color(value: &Value) -> Result<ObjectColor, Refused> {
    serde_json::from_value(value.clone())
        .or_else(|error| refused(NackCode::Invalid, format!("`color` is not one of ours: {error}")))
}

//! Pure rules of comments.

use crate::boards::service::{Refused, refused};
use grove_core_api::event::Topic;
use grove_core_api::realtime::NackCode;
use grove_core_api::rest::comments::{Comment, CommentAnchor, CreateComment, PatchComment};
use grove_core_api::{BoardId, SessionId, UserId, limits};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// A row of `comments`.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Record {
    pub(crate) comment: Comment,
    /// Number of the event that brought it.
    pub(crate) put_seq: i64,
    /// Number of the event that last changed a property (compare and set).
    pub(crate) seqs: BTreeMap<String, i64>,
}

impl Record {
    /// A comment that no event has told of yet.
    pub(crate) fn new(comment: Comment) -> Self {
        Self { comment, put_seq: 0, seqs: BTreeMap::new() }
    }

    /// Number of the event that last changed a property.
    pub(crate) fn changed_at(&self, property: &str) -> i64 {
        self.seqs.get(property).copied().unwrap_or(0).max(self.put_seq)
    }

    /// Number of the newest event that changed anything.
    pub(crate) fn newest_change(&self) -> i64 {
        self.seqs.values().copied().max().unwrap_or(0).max(self.put_seq)
    }

    /// Whether it began a thread.
    pub(crate) fn is_first(&self) -> bool {
        self.comment.parent.is_none()
    }
}

/// The board that an anchor is on, when it is on one.
pub(crate) fn board_of(anchor: &CommentAnchor) -> Option<BoardId> {
    match anchor {
        CommentAnchor::Point { board, .. } | CommentAnchor::Object { board, .. } => Some(*board),
        CommentAnchor::Message { .. } | CommentAnchor::DiffLine { .. } => None,
    }
}

/// The session that an anchor is in, when it is in one.
pub(crate) fn session_of(anchor: &CommentAnchor) -> Option<SessionId> {
    match anchor {
        CommentAnchor::Message { session, .. } | CommentAnchor::DiffLine { session, .. } => {
            Some(*session)
        }
        CommentAnchor::Point { .. } | CommentAnchor::Object { .. } => None,
    }
}

/// The topic in which a comment appears.
pub(crate) fn topic_of(anchor: &CommentAnchor) -> Topic {
    match anchor {
        CommentAnchor::Point { board, .. } | CommentAnchor::Object { board, .. } => {
            Topic::Board(*board)
        }
        CommentAnchor::Message { session, .. } | CommentAnchor::DiffLine { session, .. } => {
            Topic::Session(*session)
        }
    }
}

/// Checks the values of an anchor; whether it names something is another question.
///
/// # Errors
/// `Invalid`.
pub(crate) fn check_anchor(anchor: &CommentAnchor) -> Result<(), Refused> {
    match anchor {
        CommentAnchor::Point { pos, .. }
            if !pos.iter().all(|it| it.is_finite() && it.abs() <= limits::BOARD_EXTENT_UNITS) =>
        {
            refused(NackCode::Invalid, "the place lies outside of the board")
        }
        CommentAnchor::DiffLine { path, line, .. }
            if path.is_empty()
                || path.len() > limits::REPO_SOURCE_BYTES
                || path.starts_with('/')
                || path.contains('\0')
                || *line == 0 =>
        {
            refused(NackCode::Invalid, "name a file of the worktree, and a line from 1 on")
        }
        CommentAnchor::Point { .. }
        | CommentAnchor::Object { .. }
        | CommentAnchor::Message { .. }
        | CommentAnchor::DiffLine { .. } => Ok(()),
    }
}

/// Checks the words of a comment.
///
/// # Errors
/// `Invalid`.
pub(crate) fn words(text: &str) -> Result<String, Refused> {
    let fits = !text.trim().is_empty() && text.len() <= limits::COMMENT_BYTES;
    if fits && !text.contains('\0') {
        return Ok(text.to_owned());
    }
    refused(NackCode::Invalid, "a comment has 1 byte to 16 KiB of words")
}

/// Names each mentioned person once.
///
/// # Errors
/// `Invalid` when they are too many.
pub(crate) fn mentions(mut people: Vec<UserId>) -> Result<Vec<UserId>, Refused> {
    people.sort_unstable();
    people.dedup();
    if people.len() <= limits::COMMENT_MENTIONS {
        return Ok(people);
    }
    let most = limits::COMMENT_MENTIONS;
    refused(NackCode::Invalid, format!("a comment mentions at most {most} people"))
}

/// The beginning of a comment, for a list.
pub(crate) fn excerpt(text: &str) -> String {
    text.chars().take(limits::TITLE_CHARS).collect()
}

/// Reads the `v` of a `put`; what the server itself knows of a comment is left out.
///
/// # Errors
/// `Invalid`.
pub(crate) fn from_put(v: &Map<String, Value>) -> Result<CreateComment, Refused> {
    const KNOWN: [&str; 6] =
        ["created_by", "created_at_ms", "edited_at_ms", "resolved_by", "is_resolved", "id"];
    let said: Map<String, Value> = v
        .iter()
        .filter(|(property, value)| !KNOWN.contains(&property.as_str()) && !value.is_null())
        .map(|(property, value)| (property.clone(), value.clone()))
        .collect();
    serde_json::from_value(Value::Object(said))
        .or_else(|error| refused(NackCode::Invalid, format!("this is no comment: {error}")))
}

/// Reads a `set`.
///
/// # Errors
/// `Invalid`.
pub(crate) fn from_set(property: &str, value: Value) -> Result<PatchComment, Refused> {
    let said = Map::from_iter([(property.to_owned(), value)]);
    serde_json::from_value(Value::Object(said))
        .or_else(|error| refused(NackCode::Invalid, format!("`{property}`: {error}")))
}

//! What happened: operations on a topic's objects, and the ordered events that carry them.
//!
//! A topic is a set of objects, each with a kind and named properties. Every durable change is a
//! list of operations, applied all or nothing, under one sequence number. The same form serves the
//! WebSocket, the log, resume and replay.

use crate::{BoardId, DocId, SessionId, UnixMillis, UserId};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::fmt;
use std::str::FromStr;
use utoipa::ToSchema;

/// What one can subscribe to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Topic {
    /// Objects of a board; presence belongs to it.
    Board(BoardId),
    /// A session's row, tasks and messages, and its streamed text.
    Session(SessionId),
    /// A text that several people write together; it has no log, but Yjs' own synchronization.
    Doc(DocId),
    /// What concerns one person alone; on the wire `user:me`.
    User(UserId),
}

impl Topic {
    /// The topic's name in frames: a person's own is `user:me`, as nobody else can read it.
    #[must_use]
    pub fn channel(&self) -> String {
        match self {
            Self::User(_) => USER_CHANNEL.to_owned(),
            Self::Board(_) | Self::Session(_) | Self::Doc(_) => self.to_string(),
        }
    }

    /// Where the topic's whole state is read over HTTP.
    #[must_use]
    pub fn state_path(&self) -> String {
        match self {
            Self::Board(id) => format!("/api/v1/boards/{id}/snapshot"),
            Self::Session(id) => format!("/api/v1/sessions/{id}/snapshot"),
            Self::Doc(id) => format!("/api/v1/docs/{id}"),
            Self::User(_) => "/api/v1/users/me/inbox".to_owned(),
        }
    }

    /// Reads a topic's name from a frame; `me` is who sent it.
    ///
    /// # Errors
    /// When it names no topic.
    pub fn of_frame(ch: &str, me: UserId) -> Result<Self, UnknownTopic> {
        if ch == USER_CHANNEL { Ok(Self::User(me)) } else { ch.parse() }
    }
}

/// Name of a person's own topic in frames.
pub const USER_CHANNEL: &str = "user:me";

impl fmt::Display for Topic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Board(id) => write!(f, "board:{id}"),
            Self::Session(id) => write!(f, "session:{id}"),
            Self::Doc(id) => write!(f, "doc:{id}"),
            Self::User(id) => write!(f, "user:{id}"),
        }
    }
}

/// The text names no topic.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown topic: write `board:<id>`, `session:<id>`, `doc:<id>` or `user:me`")]
pub struct UnknownTopic;

impl FromStr for Topic {
    type Err = UnknownTopic;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (kind, id) = text.split_once(':').ok_or(UnknownTopic)?;
        match kind {
            "board" => id.parse().map(Self::Board).or(Err(UnknownTopic)),
            "session" => id.parse().map(Self::Session).or(Err(UnknownTopic)),
            "doc" => id.parse().map(Self::Doc).or(Err(UnknownTopic)),
            "user" => id.parse().map(Self::User).or(Err(UnknownTopic)),
            _ => Err(UnknownTopic),
        }
    }
}

/// An object of a topic.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema, ts_rs::TS)]
#[ts(rename = "TopicObject")]
pub struct Object {
    /// `session`, `note`, `text`, `zone`, `edge`, `image`, `document`, `comment` on a board;
    /// `session`, `task`, `message`, `comment` in a session; `board`, `attention`, `mention`, `user`
    /// in one's own topic.
    pub kind: String,
    /// Its properties; which ones a kind has, says the REST type of the same name.
    #[schema(value_type = Object)]
    #[ts(type = "Record<string, unknown>")]
    pub v: Map<String, Value>,
}

/// One change of one object.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema, ts_rs::TS)]
#[serde(tag = "op", rename_all = "snake_case", deny_unknown_fields)]
pub enum Op {
    /// Adds an object, or brings back one that the same person removed (rule RT-23).
    Put {
        /// The object.
        id: String,
        /// Its kind.
        kind: String,
        /// Its properties.
        #[schema(value_type = Object)]
        #[ts(type = "Record<string, unknown>")]
        v: Map<String, Value>,
    },
    /// Sets one property; the last writer wins (rule RT-06).
    Set {
        /// The object.
        id: String,
        /// The property.
        k: String,
        /// Its new value.
        #[ts(type = "unknown")]
        v: Value,
        /// Only if the property was last changed by this event (compare and set).
        #[serde(default, rename = "if", skip_serializing_if = "Option::is_none")]
        #[ts(optional, type = "number")]
        if_seq: Option<i64>,
    },
    /// Removes an object; a later `set` is refused with `gone`.
    Del {
        /// The object.
        id: String,
        /// Only if nothing of the object was changed after this event.
        #[serde(default, rename = "if", skip_serializing_if = "Option::is_none")]
        #[ts(optional, type = "number")]
        if_seq: Option<i64>,
    },
}

impl Op {
    /// Removes an object, whatever was done to it.
    #[must_use]
    pub fn del(id: impl ToString) -> Self {
        Self::Del { id: id.to_string(), if_seq: None }
    }

    /// The object that the operation changes.
    #[must_use]
    pub fn id(&self) -> &str {
        match self {
            Self::Put { id, .. } | Self::Set { id, .. } | Self::Del { id, .. } => id,
        }
    }
}

/// One entry of a topic's log.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema, ts_rs::TS)]
pub struct Event {
    /// Position in the topic: 1, 2, 3 … without holes.
    #[ts(type = "number")]
    pub seq: i64,
    /// When it was stored.
    #[ts(type = "number")]
    pub at: UnixMillis,
    /// Who did it; absent for what the system itself found out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub by: Option<String>,
    /// Through what: `web`, `api`, `cli`, `mcp:<session>`, `agent:<session>`, `system`.
    pub via: String,
    /// What happened, such as `session.created` or `session.patched`.
    pub kind: String,
    /// The client's own id of the mutation, when a client asked for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub mid: Option<String>,
    /// The changes, all or nothing.
    pub ops: Vec<Op>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn topics_read_back_what_they_print() {
        let id = uuid::Uuid::from_u128(7);
        let (user, doc) = (Topic::User(UserId(id)), Topic::Doc(DocId(id)));
        for topic in [Topic::Board(BoardId(id)), Topic::Session(SessionId(id)), user, doc] {
            assert_eq!(topic.to_string().parse(), Ok(topic));
        }
        assert_eq!("board:nope".parse::<Topic>(), Err(UnknownTopic));
        assert_eq!(user.channel(), "user:me");
    }

    #[test]
    fn a_set_without_condition_has_no_if_on_the_wire() {
        let op = Op::Set { id: "a".into(), k: "pos".into(), v: Value::from(1), if_seq: None };
        let text = serde_json::to_string(&op).unwrap_or_default();
        assert_eq!(text, r#"{"op":"set","id":"a","k":"pos","v":1}"#);
    }
}

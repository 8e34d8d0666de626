//! What daemons on one database tell each other, and the two ways in which it goes.
//!
//! A message may be lost, come late or come twice: what counts is in the database, and a room that
//! notices a gap reads it there (rule RT-04). So nothing here waits, answers or stores.
//! [`InProcess`] joins hubs of one process, or none; [`Nats`] joins daemons through a NATS server
//! ([ADR-0013](../../../docs/adr/0013-several-daemons.md)). Deliberately not here: what a message
//! means (`realtime::afar`).

mod local;
mod nats;

pub use local::{Exchange, InProcess};
pub(crate) use nats::{Joining, Nats};

use grove_core_api::event::Event;
use grove_core_api::realtime::{Identity, Presence};
use grove_core_api::{BoardId, DocId, MessageId, SessionId, UserId};
use serde::{Deserialize, Serialize};
use std::fmt;
use tokio::sync::mpsc;

/// One run of one daemon; 0 where there is only one daemon.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct NodeId(pub u32);

impl NodeId {
    /// The daemon that has no others.
    pub const ALONE: Self = Self(0);
}

/// A participant as other daemons are told of it: always everything, so that a message that is lost
/// is made good by the next one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Peer {
    /// Its number; the upper half is its daemon's [`NodeId`].
    pub id: u64,
    /// Who it is.
    pub identity: Identity,
    /// Where it points and looks.
    pub values: Presence,
}

/// What daemons tell each other.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "t", rename_all = "snake_case")]
pub enum Message {
    /// An event was committed.
    Event {
        /// Its topic.
        topic: String,
        /// The event.
        event: Event,
    },
    /// An event was committed that is too large to travel.
    Newest {
        /// Its topic.
        topic: String,
        /// Its number.
        seq: i64,
    },
    /// Text of a message that streams.
    Text {
        /// Its session.
        session: SessionId,
        /// The message.
        message: MessageId,
        /// Where it goes, in UTF-16 code units; absent: it is the beginning, and replaces what is there.
        at: Option<u64>,
        /// Newest event that the sender's room had; absent when nobody reads there.
        seq: Option<i64>,
        /// The text.
        text: String,
    },
    /// Participants of a board.
    Presence {
        /// The board.
        board: BoardId,
        /// Those that came or changed.
        peers: Vec<Peer>,
        /// Those that left.
        gone: Vec<u64>,
        /// When it is there: all participants that the sender has on this board.
        all: Option<Vec<u64>>,
    },
    /// Whoever has participants or streaming text of a topic says so.
    Ask {
        /// The topic.
        topic: String,
    },
    /// A document was changed or is gone: whoever has it in memory reads on.
    Doc {
        /// The document.
        doc: DocId,
    },
    /// What a client tells of itself in a document.
    Caret {
        /// The document.
        doc: DocId,
        /// The connection that speaks for the client; the upper half is its daemon's [`NodeId`].
        origin: u64,
        /// Whose connection it is.
        user: UserId,
        /// The client.
        client: u64,
        /// What it tells, with what its server says of it; absent: it left.
        state: Option<String>,
    },
    /// A person may not be here any more: close their connections.
    Dismiss {
        /// The person.
        user: UserId,
    },
    /// Rights were changed: whoever has kept some asks again.
    Rights {
        /// Whose, when it is only one person's.
        user: Option<UserId>,
    },
    /// A person may not read a topic any more.
    Revoke {
        /// The person.
        user: UserId,
        /// The topic.
        topic: String,
    },
    /// A daemon lives.
    Alive {
        /// Its name, which outlives its restarts.
        name: String,
    },
    /// A daemon ends.
    Left,
}

impl Message {
    /// The topic whose room it concerns; without a room nobody needs to look at it.
    fn topic(&self) -> Option<String> {
        match self {
            Self::Event { topic, .. } | Self::Newest { topic, .. } | Self::Ask { topic } => {
                Some(topic.clone())
            }
            Self::Text { session, .. } => Some(format!("session:{session}")),
            Self::Presence { board, .. } => Some(format!("board:{board}")),
            Self::Doc { doc } | Self::Caret { doc, .. } => Some(format!("doc:{doc}")),
            Self::Dismiss { .. }
            | Self::Revoke { .. }
            | Self::Rights { .. }
            | Self::Alive { .. }
            | Self::Left => None,
        }
    }

    /// What is sent instead when it is too large.
    fn in_short(&self) -> Option<Self> {
        match self {
            Self::Event { topic, event } => {
                Some(Self::Newest { topic: topic.clone(), seq: event.seq })
            }
            Self::Newest { .. }
            | Self::Text { .. }
            | Self::Presence { .. }
            | Self::Ask { .. }
            | Self::Doc { .. }
            | Self::Caret { .. }
            | Self::Dismiss { .. }
            | Self::Alive { .. }
            | Self::Revoke { .. }
            | Self::Rights { .. }
            | Self::Left => None,
        }
    }
}

/// How the way to the others is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// There are no others.
    Alone,
    /// It is open.
    Open,
    /// It is interrupted; people at other daemons see changes when their daemon looks at the database.
    Interrupted,
}

/// The way to the other daemons.
pub trait Bus: fmt::Debug + Send + Sync + 'static {
    /// Who this daemon is.
    fn node(&self) -> NodeId;

    /// The name of this daemon, which outlives its restarts; empty where there is only one.
    fn name(&self) -> &str;

    /// Whether there may be others.
    fn is_shared(&self) -> bool;

    /// Tells all others, without waiting; what finds no room is lost.
    fn publish(&self, message: Message);

    /// How the way is.
    fn standing(&self) -> Standing;
}

/// What others say, with who said it.
pub type Inbox = mpsc::Receiver<(NodeId, Message)>;

#[cfg(test)]
mod tests {
    use super::*;
    use grove_core_api::realtime::presence::Drag;
    use uuid::Uuid;

    #[test]
    fn messages_read_back_what_they_print() {
        let identity = Identity {
            user: "u".to_owned(),
            name: "Ana".to_owned(),
            emoji: "🌱".to_owned(),
            slot: 3,
            is_agent: false,
        };
        let drag = Some(Drag { ids: vec!["a".to_owned()], dx: 0.5, dy: -1.0 });
        let values = Presence { cur: Some([1.5, 2.0]), drag, ..Presence::default() };
        let peer = Peer { id: (7 << 32) | 1, identity, values };
        let board = BoardId(Uuid::from_u128(1));
        let messages = [
            Message::Presence { board, peers: vec![peer], gone: vec![u64::MAX], all: Some(vec![]) },
            Message::Text {
                session: SessionId(Uuid::from_u128(2)),
                message: MessageId(Uuid::from_u128(3)),
                at: None,
                seq: Some(4),
                text: "ü".to_owned(),
            },
            Message::Alive { name: "alpha".to_owned() },
            Message::Left,
        ];
        for message in messages {
            let text = serde_json::to_string(&message).unwrap();
            assert_eq!(serde_json::from_str::<Message>(&text).unwrap(), message, "{text}");
        }
    }
}

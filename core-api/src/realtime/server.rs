//! Frames from server to client.

use super::presence::{Identity, PresenceUpdate};
use crate::event::{Event, Object};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Why a mutation was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ts_rs::TS)]
#[serde(rename_all = "snake_case")]
pub enum NackCode {
    /// The property changed since (`if`).
    Conflict,
    /// The caller may not do this.
    Forbidden,
    /// The object is not there any more.
    Gone,
    /// An object of that id is there already.
    Exists,
    /// The operation does not fit the object.
    Invalid,
    /// The object is fixed (`is_locked`).
    Locked,
    /// Too many mutations.
    Rate,
    /// The server could not store it; send it again later.
    Unavailable,
}

/// One text frame to a client.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ts_rs::TS)]
#[serde(tag = "t", rename_all = "snake_case")]
pub enum ServerFrame {
    /// Answer to `hello`.
    Welcome {
        /// Protocol version.
        v: u32,
        /// This connection's participant id, such as `p17`.
        peer: String,
        /// The user.
        user: String,
        /// Changes with each start of the daemon.
        boot: String,
        /// Version of Grove.
        app: String,
    },
    /// The whole state of a topic.
    Snap {
        /// Number of the `sub` that it answers; absent when the client fell behind.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[ts(optional, type = "number")]
        id: Option<i64>,
        /// The topic.
        ch: String,
        /// Identity of the log.
        epoch: String,
        /// Newest event in the state.
        #[ts(type = "number")]
        seq: i64,
        /// The objects.
        state: BTreeMap<String, Object>,
    },
    /// The whole state is too large for a frame: read it at `url`, then `sub` again from the epoch and
    /// number that came with it. The topic is not subscribed meanwhile. Only for clients that said
    /// `refetch` in `hello`.
    Refetch {
        /// Number of the `sub` that it answers; absent when the client fell behind.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[ts(optional, type = "number")]
        id: Option<i64>,
        /// The topic.
        ch: String,
        /// Where the state is, on this host.
        url: String,
        /// Identity of the log.
        epoch: String,
        /// Newest event of the topic.
        #[ts(type = "number")]
        seq: i64,
    },
    /// The topic is resumed; the events after the client's `seq` follow.
    Subok {
        /// Number of the `sub` that it answers.
        #[ts(type = "number")]
        id: i64,
        /// The topic.
        ch: String,
        /// Identity of the log.
        epoch: String,
        /// Newest event of the topic; of a document, how many updates it has seen.
        #[ts(type = "number")]
        seq: i64,
        /// Number of a document in binary frames, on this connection.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[ts(optional)]
        n: Option<u32>,
    },
    /// Events of a topic, in order, without holes.
    Ev {
        /// The topic.
        ch: String,
        /// The events.
        evs: Vec<Event>,
    },
    /// A mutation is stored.
    Ack {
        /// The mutation.
        mid: String,
        /// Its event.
        #[ts(type = "number")]
        seq: i64,
    },
    /// A mutation was refused; nothing of it was applied.
    Nack {
        /// The mutation.
        mid: String,
        /// Why.
        code: NackCode,
        /// For people.
        msg: String,
    },
    /// Who is on a board: everybody after a `sub`, then whoever joins.
    Peers {
        /// The board's topic.
        ch: String,
        /// Participants by id.
        join: BTreeMap<String, Identity>,
    },
    /// Changed presence on a board, all participants in one frame.
    Pres {
        /// The board's topic.
        ch: String,
        /// Changed values by participant.
        u: BTreeMap<String, PresenceUpdate>,
        /// Participants that left.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        gone: Vec<String>,
    },
    /// Streamed text of a message.
    St {
        /// The session's topic.
        ch: String,
        /// The message.
        m: String,
        /// Where the text goes, in UTF-16 code units from the start of the message's text.
        #[ts(type = "number")]
        o: u64,
        /// The text.
        d: String,
    },
    /// Updates of a document that this connection sent are stored.
    Saved {
        /// The document's topic.
        ch: String,
        /// How many of the connection's updates since `subok` are dealt with: stored, or refused by an
        /// `error` that came before.
        #[ts(type = "number")]
        n: u64,
    },
    /// Answer to `ping`.
    Pong {
        /// What the client sent.
        #[ts(type = "number")]
        ts: i64,
    },
    /// A frame could not be used, or the right to a topic has ended (`ch`).
    Error {
        /// Code as in REST problems.
        code: crate::ErrorCode,
        /// For people.
        msg: String,
        /// Number of the `sub` that it answers.
        #[serde(default, rename = "ref", skip_serializing_if = "Option::is_none")]
        #[ts(optional, type = "number")]
        reference: Option<i64>,
        /// The topic: one that is no longer subscribed, or a document that a binary frame was about.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[ts(optional)]
        ch: Option<String>,
        /// When it is there, the `sub` was right and comes too early: ask again after this many
        /// milliseconds at the earliest, and not all at once (rule RT-29).
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[ts(optional, type = "number")]
        retry_ms: Option<u64>,
    },
}

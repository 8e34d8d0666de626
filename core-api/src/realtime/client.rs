//! Frames from client to server.

use super::presence::PresenceUpdate;
use crate::event::Op;
use serde::{Deserialize, Serialize};

/// One text frame from a client.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ts_rs::TS)]
#[serde(tag = "t", rename_all = "snake_case", deny_unknown_fields)]
pub enum ClientFrame {
    /// First frame of a connection.
    Hello {
        /// Protocol version.
        v: u32,
        /// Version of the client.
        #[serde(default)]
        app: String,
        /// Id of the browser tab.
        #[serde(default)]
        tab: String,
        /// What the client can do beyond the frames of version 1: `refetch`.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        #[ts(optional, as = "Option<Vec<String>>")]
        caps: Vec<String>,
    },
    /// Joins a topic, or resumes it from `(epoch, seq)`.
    Sub {
        /// Comes back in the answer.
        #[ts(type = "number")]
        id: i64,
        /// The topic: `board:<id>`, `session:<id>` or `user:me`.
        ch: String,
        /// Epoch that the client has seen.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[ts(optional)]
        epoch: Option<String>,
        /// Newest event that the client has applied.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[ts(optional, type = "number")]
        seq: Option<i64>,
        /// Whether streamed text is wanted; a tile needs none. Absent means yes.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[ts(optional)]
        text: Option<bool>,
    },
    /// Leaves a topic.
    Unsub {
        /// The topic.
        ch: String,
    },
    /// Changes objects of a board, all or nothing.
    Mut {
        /// The topic.
        ch: String,
        /// The client's id of the mutation; sent again after a reconnect, it is applied once.
        mid: String,
        /// The changes.
        ops: Vec<Op>,
    },
    /// New values of one's presence on a board; absent fields stay as they are.
    Pres {
        /// The board's topic.
        ch: String,
        /// The values.
        d: PresenceUpdate,
    },
    /// Asks for a `pong`.
    Ping {
        /// Comes back.
        #[ts(type = "number")]
        ts: i64,
    },
}

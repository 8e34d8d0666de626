//! The calls that carry byte streams: an executor without a network of its own reaches Grove and
//! permitted hosts through the daemon.
//!
//! The executor numbers its tunnels and asks for each one. Bytes go both ways as notifications, as
//! many as the other side has given credit for (rules IPC-21 to IPC-25 of `docs/ipc.md`).

use serde::{Deserialize, Serialize};

/// Where a tunnel leads.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "to", rename_all = "snake_case", deny_unknown_fields)]
pub enum TunnelTarget {
    /// To Grove itself: what executors may use of its HTTP server.
    Grove,
    /// To a host that the instance permits.
    Host {
        /// Its name, or an address without brackets.
        host: String,
        /// Its port.
        port: u16,
    },
}

/// Opens a tunnel. Answered when the other end is connected; refused with `denied` when the
/// instance does not permit it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OpenTunnel {
    /// A number that no other tunnel of this connection has had.
    pub tunnel: u64,
    /// Where it leads.
    pub target: TunnelTarget,
}

/// Bytes, at most `limits::TUNNEL_PIECE_BYTES` and never more than the receiver gave credit for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TunnelData {
    /// The tunnel.
    pub tunnel: u64,
    /// The bytes in base64 (RFC 4648, with padding).
    pub data: String,
}

/// The receiver has passed bytes on: so many more may be sent. Each direction starts with
/// `limits::TUNNEL_WINDOW_BYTES`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TunnelCredit {
    /// The tunnel.
    pub tunnel: u64,
    /// How many.
    pub bytes: usize,
}

/// How one side leaves a tunnel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TunnelEnd {
    /// Nothing more comes from this side; it still takes what comes.
    Finished,
    /// The tunnel is gone, with whatever was on its way.
    Reset,
}

/// Ends one or both directions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CloseTunnel {
    /// The tunnel.
    pub tunnel: u64,
    /// How.
    pub end: TunnelEnd,
}

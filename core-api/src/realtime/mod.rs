//! The WebSocket protocol: frames of both sides, text and binary. Rules with numbers: `docs/realtime.md`.

pub mod binary;
pub mod client;
pub mod presence;
pub mod server;

pub use client::ClientFrame;
pub use presence::{Identity, Presence};
pub use server::{NackCode, ServerFrame};

/// Why the server closed a connection (application codes of RFC 6455 section 7.4.2).
pub mod close {
    /// The server restarts; come back.
    pub const RESTART: u16 = 1012;
    /// Sign in again.
    pub const UNAUTHENTICATED: u16 = 4401;
    /// No right to this.
    pub const FORBIDDEN: u16 = 4403;
    /// The client did not take its frames in time.
    pub const TOO_SLOW: u16 = 4408;
    /// The client speaks another version; reload it.
    pub const UPGRADE: u16 = 4409;
    /// The client broke the protocol.
    pub const PROTOCOL: u16 = 4400;
}

//! The vocabulary of Grove and every byte that crosses a process boundary.
//!
//! Types only: REST bodies, WebSocket frames, JSON-RPC methods between daemon and executor, monitor
//! requests, MCP parameters, limits and errors. Deliberately absent: I/O, async, clocks, randomness.
//! Whoever needs an id or a time is handed one.

pub mod agent;
pub mod error;
pub mod event;
pub mod ids;
pub mod ipc;
pub mod isolation;
pub mod limits;
pub mod mcp;
pub mod monitor;
pub mod ord;
pub mod page;
pub mod realtime;
pub mod rehearsal;
pub mod rest;
pub mod secret;
pub mod version;

pub use error::{ErrorCode, FieldError, Problem};
pub use ids::*;
pub use page::{Page, PageQuery};
pub use secret::Secret;

/// Milliseconds since 1970-01-01T00:00:00Z, as everywhere on Grove's wire.
pub type UnixMillis = i64;

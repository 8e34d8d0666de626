//! Versions of the protocols; each is raised when an older peer could misunderstand a newer one.

/// This build of Grove.
pub const GROVE: &str = env!("CARGO_PKG_VERSION");
/// WebSocket protocol, sent in `hello` and `welcome`.
pub const REALTIME: u32 = 1;
/// WebSocket subprotocol name.
pub const REALTIME_SUBPROTOCOL: &str = "grove.v1";
/// JSON-RPC protocol between daemon and executor, sent in `initialize`.
pub const IPC: u32 = 2;
/// Request table between daemon and monitor.
pub const MONITOR: u32 = 1;

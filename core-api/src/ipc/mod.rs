//! JSON-RPC 2.0 between daemon and executor: newline-delimited, both sides may ask.
//!
//! `frame` is the envelope, `method` the table of typed calls; `bundle`, `credential` and `tunnel` hold
//! the calls that carry repositories, keys and byte streams. The peer that moves bytes is the crate `grove-ipc`; here
//! is no I/O. Described in `docs/ipc.md`.

pub mod bundle;
pub mod credential;
pub mod frame;
pub mod method;
pub mod tunnel;

pub use frame::{Frame, FrameError, RpcError};
pub use method::{Method, Notification};

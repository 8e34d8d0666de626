//! Moves JSON-RPC 2.0 lines between daemon and executor; both sides may ask.
//!
//! [`Peer::start`] takes a byte stream and a [`Handler`] and returns the handle and the driver, a
//! future that does all the work and that the caller spawns. An [`Observer`] sees every call.
//! [`Tunnels`] carries byte streams over the same connection. Rules IPC-01 … are in `docs/ipc.md`.
//! Deliberately absent: the methods themselves (`grove_core_api::ipc::method`), how the stream comes
//! to be, event replay, and any spawned task.

mod driver;
mod error;
mod handler;
mod observer;
mod outbox;
mod peer;
mod tunnel;

pub use driver::End;
pub use error::{CallError, reason};
pub use handler::{Handler, Raw, answer, call, method_not_found, params};
pub use observer::{Begin, Call, Direction, Ending, Observer, Unobserved};
pub use peer::{Counters, Options, Peer};
pub use tunnel::{OpenError, Received, RelayEnd, Traffic, Tunnel, Tunnels, relay};

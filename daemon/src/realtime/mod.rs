//! Live boards and sessions over WebSocket: rooms, presence, streamed text.
//!
//! The rules have numbers and stand in `docs/realtime.md`; tests carry them in their names. The pure
//! half (`room`, `presence`, `stream`, `tick`) takes values and the time and returns values; the other
//! half (`hub`, `live`, `driver`, `connection`) moves them. A room holds what its connections have yet
//! to take; each connection remembers how far it has read and pulls the rest, so that no queue exists
//! per client and a slow one costs the others nothing.
//!
//! Deliberately not here: storage, rights and the meaning of a mutation. They are the
//! [`Backend`]'s.

mod admission;
mod afar;
mod agents;
mod backend;
mod bell;
mod connection;
mod docs;
mod driver;
mod encode;
mod hub;
mod inbound;
mod live;
mod presence;
mod rate;
mod revoked;
mod room;
mod socket;
mod stream;
mod subscription;
#[cfg(test)]
mod tests;
mod tick;
mod upgrade;

pub use backend::{
    AgentAt, Backend, DocHead, DocUpdate, Head, MutationError, Snapshot, UpdateRefused,
    UserIdentity,
};
pub use hub::Hub;
pub use upgrade::{Upgrade, upgrade};

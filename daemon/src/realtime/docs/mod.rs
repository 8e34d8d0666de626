//! Documents over the WebSocket: updates to everybody, carets, one number per document.
//!
//! The room of a document holds the newest updates and what each client tells of itself; connections
//! pull from it as from any other room. Deliberately not here: the texts themselves, which are the
//! backend's, and the merging of updates, which is the library's behind it.

mod afar;
mod awareness;
mod inbound;
mod ring;
mod room;

pub(super) use afar::{ChangedDocs, read_changed};
pub(super) use inbound::DocSubscription;
pub(super) use room::DocRoom;

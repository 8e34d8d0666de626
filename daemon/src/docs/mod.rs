//! Documents: texts that several people write together, as Yjs in the browser and `yrs` here.
//!
//! A document belongs to a board object with words (a note) or to a session (the draft of its next
//! prompt) and has that thing's id. Invariants: an update is stored before anybody else gets it; a
//! document is made from the note's text once, in one transaction; whoever changes a note's `text` by
//! other ways changes its document in the same transaction; `text` follows the document. What is in
//! memory can be dropped at any time and is read again.

mod model;
pub(crate) mod routes;
pub(crate) mod service;
mod store;
#[cfg(test)]
mod tests;

pub(crate) use service::Docs;

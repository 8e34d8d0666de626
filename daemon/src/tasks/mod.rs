//! Tasks: one prompt's turn in a session, from the queue to its end.
//!
//! Invariants: positions in a session run 1, 2, 3 …; at most one task of a session runs; a task
//! that ended never changes again.

pub(crate) mod routes;
pub(crate) mod service;
mod store;
pub(crate) mod tools;

//! Messages: the entries of a session's history, in one order.
//!
//! Invariants: positions in a session run 1, 2, 3 … and never change; a block of a task is one
//! message; text grows only while `is_streaming`.

pub(crate) mod service;
mod store;

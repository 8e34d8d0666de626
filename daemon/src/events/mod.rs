//! The log of each topic: numbered events, written in the transaction of the change they tell of.
//!
//! Invariants: numbers of a topic run 1, 2, 3 … without holes; an event is never changed.

pub(crate) mod service;
pub(crate) mod store;

//! The log of each topic: numbered events, written in the transaction of the change they tell of.
//!
//! Invariants: numbers of a topic run 1, 2, 3 … without holes; an event is never changed; what is no
//! longer kept of a board's log is replaced by a snapshot, so that every later moment can be read.

mod model;
pub(crate) mod service;
pub(crate) mod store;

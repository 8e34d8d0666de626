//! What waits for one person, live: the topic `user:me`.
//!
//! Its objects are derived from other slices' rows (boards, sessions that need somebody, one's own
//! user) but for mentions, which are rows of their own until the person puts them away. Invariants:
//! only the person reads the topic; a person's log begins when they first subscribe, and nobody
//! writes into a log that has not begun.

mod model;
pub(crate) mod routes;
pub(crate) mod service;
mod store;

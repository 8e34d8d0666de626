//! Boards and what lies on them.
//!
//! A board topic's objects are the session cards (rows of `sessions`, placed by `board_objects`)
//! and the marks: notes, texts, zones, edges, images, documents. Invariants: both ends of an edge lie on
//! its board, so that an edge goes with either; a session has exactly one card, with the
//! session's id; a card goes when its session is archived and comes back with it; of a card only
//! the place can be changed here.

mod model;
pub(crate) mod routes;
pub(crate) mod service;
mod store;
#[cfg(test)]
mod tests;
pub(crate) mod tools;

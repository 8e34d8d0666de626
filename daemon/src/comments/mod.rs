//! Comments: threads on a place or an object of a board, on a message, or on a line of a diff.
//!
//! Invariants: a thread has one level, and its answers are about what its first comment is about;
//! only the author changes words and mentions; a thread's first comment goes with all its answers.
//! Comments on boards are objects of the board's topic, those on sessions of the session's.

pub(crate) mod model;
pub(crate) mod routes;
pub(crate) mod service;
mod store;
#[cfg(test)]
mod tests;

//! Worktrees: a directory and a branch for each session's work.
//!
//! Invariants: the row is there before the directory (`creating`), so that a crash leaves a row to
//! clean up and never an unknown directory; removing takes a snapshot first and keeps the branch.

pub(crate) mod routes;
pub(crate) mod service;
pub(crate) mod store;
pub(crate) mod tools;

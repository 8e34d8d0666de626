//! Rights on boards: who holds which, from what, and how they are given.
//!
//! Everything of a board (its objects, sessions, tasks, messages, comments, documents, worktrees,
//! executors) has the rights of the board. Invariants: a right is computed by `model::judge` and
//! nowhere else; who has none is answered as if the board did not exist; each change of rights is
//! told to open connections at once (`hub.recheck`). The tables are in docs/permissions.md.

pub(crate) mod model;
pub(crate) mod routes;
pub(crate) mod seen;
pub(crate) mod service;
mod store;

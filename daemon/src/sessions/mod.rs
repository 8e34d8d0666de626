//! Sessions: an agent's conversation in its own worktree, with its genealogy.
//!
//! Owns the life cycle. The run state is a pure function of facts (`model::run_state`): tasks in
//! the database, requests for permission that wait, whether a stop was asked for. It is computed in
//! the transaction that changes a fact, never guessed from silence or text.
//!
//! Invariants: a session has exactly one worktree and one card; at most one task of it runs; each
//! event of its executor is applied once (`executor_seq`).

pub(crate) mod model;
pub(crate) mod routes;
pub(crate) mod service;
mod store;
#[cfg(test)]
mod tests;
pub(crate) mod tools;

//! Executors: which ones there are and were, what each may use, and when a crashed one starts again.
//!
//! A row is written before its process is started and gets its end when the process is gone, so the
//! registry knows of every executor that a session ever had. The supervisor is a pure machine
//! (`model::Health`); what it says is stored with the session and obeyed by the session's unit
//! (`executor_pool`). What executors may use is decided in `allowance`, pure too.

pub(crate) mod allowance;
pub(crate) mod model;
pub(crate) mod routes;
pub(crate) mod service;
mod store;

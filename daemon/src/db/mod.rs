//! The database: one writer with group commit on libSQL, serializable transactions on PostgreSQL.
//!
//! Owns the connections and the order of commits. Deliberately absent: queries (they live in each
//! slice's `store.rs`) and rules (they live in `service.rs`). Why it is built so: ADR-0004.

pub(crate) mod entity;
mod libsql;
mod migrate;
mod open;
#[cfg(test)]
pub(crate) mod tests;
mod writer;

pub(crate) use open::Database;
pub(crate) use open::OpenError;
pub(crate) use writer::{WriteFn, is_serialization_failure};

//! The audit: who asked whom for what, in a chain of hashes.
//!
//! Every request between daemon and executor, every request to the monitor and every administrative
//! act is an entry; notifications and heartbeats are counted. Invariants: numbers run 1, 2, 3 …
//! without holes; each entry holds the hash of the one before; a call is not made before there is
//! room for its entry; secrets are neither stored nor hashed. What is not here: the log, which is for
//! whoever runs Grove and may be lost. Why it is built so: ADR-0010.

mod model;
pub(crate) mod routes;
pub(crate) mod service;
mod store;
#[cfg(test)]
mod tests;

//! Groups: people under one name, who are given rights together.
//!
//! Invariants: a name is that of one group; a group that goes takes its grants with it; whoever joins
//! or leaves has other rights at once.

pub(crate) mod routes;
pub(crate) mod service;
mod store;

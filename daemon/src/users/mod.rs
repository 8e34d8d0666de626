//! People: everyone who acts on an instance is a user, whatever the way in.
//!
//! Invariant: names are unique, so that two people on one board can be told apart.

pub(crate) mod routes;
pub(crate) mod service;
mod store;
pub(crate) mod tools;

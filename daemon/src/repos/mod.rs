//! Repositories: registered once, mirrored as bare repositories that only Grove writes.
//!
//! A repository is `cloning` until its mirror is complete; a clone that a restart interrupted is
//! begun anew. Names are unique. git itself runs in the keeper, never here.

pub(crate) mod routes;
pub(crate) mod service;
mod store;

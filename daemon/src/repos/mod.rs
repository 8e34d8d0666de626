//! Repositories: registered once, mirrored as bare repositories that only Grove writes.
//!
//! A repository is `cloning` until its mirror is complete; a clone that a restart interrupted is
//! begun anew. Names are unique. git itself runs in keepers, never here: on a
//! shared host the keeper of the person reads the source, and the keeper of the mirrors writes them.

pub(crate) mod routes;
pub(crate) mod service;
mod store;

//! The instance itself: what it offers and how it is.

pub(crate) mod routes;
pub(crate) mod service;

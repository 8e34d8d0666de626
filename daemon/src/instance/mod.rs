//! The instance itself: what it offers and how it is.

mod model;
pub(crate) mod routes;
pub(crate) mod service;

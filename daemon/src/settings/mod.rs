//! Named settings of the instance, such as who owns it.

pub(crate) mod service;
mod store;

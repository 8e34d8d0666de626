//! What lies between the socket and the routes: one layer or extractor per file.

pub(crate) mod conditional;
pub(crate) mod executors;
pub(crate) mod extract;
pub(crate) mod idempotency;
pub(crate) mod origin;
pub(crate) mod request_id;
pub(crate) mod security_headers;
pub(crate) mod static_files;

//! stub

pub mod realtime;

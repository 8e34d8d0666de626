//! The monitor: the one process of Grove that starts and kills others.
//!
//! It is the parent of the daemon (`groved`) and of every executor, holds no more state than that,
//! and answers the closed table of requests in [`grove_core_api::monitor`]. Deliberately absent: the
//! network, the database, any async runtime, any command line taken from a request. The one
//! exception to "no runtime" is [`client`], which is the daemon's half of the conversation and runs
//! in the daemon's process.

mod audit;
pub mod channel;
pub mod client;
mod daemon;
mod error;
mod executors;
mod home;
mod host;
mod monitor;
mod permit;
mod request;
mod serve;
mod signals;
mod spawn;
mod sys;

pub use error::{EXIT_BUSY, EXIT_CONFIG, MonitorError};
pub use monitor::{Options, run};

/// Closes this process to others of its account; see `sys::hide`.
///
/// # Errors
/// The kernel's (prctl(2)).
pub fn hide() -> std::io::Result<()> {
    Ok(sys::hide()?)
}

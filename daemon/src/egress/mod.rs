//! What executors without a network of their own reach through the daemon, and the record of it.
//!
//! Each connection to a session's executor gets a [`Door`]. It decides by the profile that the
//! monitor reported for that executor, never by what the executor says: Grove itself is always
//! permitted (what of it, `http::executors` decides), hosts only with the profile `proxy` and only
//! when they are on the list of `grove.toml`. Names are resolved here, and the address that was
//! checked is the one that is connected to. Each attempt leaves one line in the log.

mod address;
mod allow;
mod door;
mod resolve;
#[cfg(test)]
mod tests;

pub(crate) use allow::AllowList;
pub(crate) use door::{Door, Who};

use grove_core_api::limits;
use resolve::{Resolver, SystemResolver};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::io::DuplexStream;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Tunnels to Grove that wait to be served; more wait to be opened.
const BACKLOG: usize = 64;

/// What all doors share.
pub(crate) struct Egress {
    allow: AllowList,
    resolver: Box<dyn Resolver>,
    to_grove: mpsc::Sender<DuplexStream>,
    from_executors: Mutex<Option<mpsc::Receiver<DuplexStream>>>,
    spawner: TaskTracker,
    shutdown: CancellationToken,
}

impl Egress {
    pub(crate) fn new(
        allow: AllowList,
        spawner: TaskTracker,
        shutdown: CancellationToken,
    ) -> Arc<Self> {
        Self::with_resolver(allow, Box::new(SystemResolver), spawner, shutdown)
    }

    fn with_resolver(
        allow: AllowList,
        resolver: Box<dyn Resolver>,
        spawner: TaskTracker,
        shutdown: CancellationToken,
    ) -> Arc<Self> {
        let (to_grove, from_executors) = mpsc::channel(BACKLOG);
        let from_executors = Mutex::new(Some(from_executors));
        Arc::new(Self { allow, resolver, to_grove, from_executors, spawner, shutdown })
    }

    /// The streams of executors that want Grove itself; the first call gets them.
    pub(crate) fn streams_to_grove(&self) -> Option<mpsc::Receiver<DuplexStream>> {
        self.from_executors.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// One end of a stream whose other end Grove's HTTP server has.
    async fn grove(&self) -> Option<DuplexStream> {
        let (ours, theirs) = tokio::io::duplex(limits::TUNNEL_WINDOW_BYTES);
        self.to_grove.send(theirs).await.is_ok().then_some(ours)
    }
}

//! Leads connections to Grove itself, byte by byte.

use super::link::{Held, Link};
use grove_core_api::ipc::tunnel::TunnelTarget;
use grove_core_api::limits;
use grove_ipc::relay;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::task::TaskTracker;

/// Accepts for as long as the executor lives.
pub(super) async fn serve(listener: TcpListener, link: Arc<Link>, spawner: TaskTracker) {
    let places = Arc::new(Semaphore::new(limits::PROXY_CONNECTIONS));
    while let Some((stream, place)) = accept(&listener, &places).await {
        let link = Arc::clone(&link);
        spawner.spawn(async move {
            lead(stream, &link).await;
            drop(place);
        });
    }
}

async fn lead(stream: TcpStream, link: &Link) {
    match link.open(TunnelTarget::Grove).await {
        Ok(Held { tunnel, permit }) => {
            let traffic =
                relay(tunnel, stream, Duration::from_millis(limits::TUNNEL_IDLE_MS)).await;
            tracing::debug!(?traffic, "connection to Grove ended");
            drop(permit);
        }
        Err(reason) => tracing::warn!(?reason, "failed to reach Grove"),
    }
}

/// The next connection, once there is a place for it; `None` at the end.
pub(super) async fn accept(
    listener: &TcpListener,
    places: &Arc<Semaphore>,
) -> Option<(TcpStream, OwnedSemaphorePermit)> {
    loop {
        let place = Arc::clone(places).acquire_owned().await.ok()?;
        match listener.accept().await {
            Ok((stream, _)) => {
                if let Err(error) = stream.set_nodelay(true) {
                    tracing::debug!(%error, "failed to set TCP_NODELAY");
                }
                return Some((stream, place));
            }
            Err(error) => {
                tracing::warn!(%error, "failed to accept a connection");
                // Out of descriptors, most likely: others must end first.
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

/// Pause after a connection that could not be accepted.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

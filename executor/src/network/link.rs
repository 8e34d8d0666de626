//! The connection that tunnels go through: the daemon's newest one.

use grove_core_api::ipc::frame;
use grove_core_api::ipc::tunnel::TunnelTarget;
use grove_core_api::{ErrorCode, limits};
use grove_ipc::{CallError, OpenError, Tunnel, Tunnels};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::time::{Instant, timeout_at};

/// A tunnel that counts against the most that may be open.
pub(super) struct Held {
    pub(super) tunnel: Tunnel,
    pub(super) permit: OwnedSemaphorePermit,
}

/// Why there is no tunnel, as whoever wanted it is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum NoTunnel {
    /// The instance does not permit it.
    Refused(String),
    /// The host cannot be reached.
    Unreachable(String),
    /// It took too long.
    Timeout(String),
    /// No daemon, or too many tunnels.
    Unavailable(String),
}

/// Opens tunnels.
pub(crate) struct Link {
    newest: watch::Sender<Option<Tunnels>>,
    permits: Arc<Semaphore>,
}

impl Default for Link {
    fn default() -> Self {
        let permits = Arc::new(Semaphore::new(limits::TUNNELS_OPENED));
        Self { newest: watch::Sender::new(None), permits }
    }
}

impl Link {
    /// Uses a connection from now on; tunnels of the one before end with it.
    pub(crate) fn attach(&self, tunnels: Tunnels) {
        self.newest.send_replace(Some(tunnels));
    }

    /// Opens a tunnel, and waits for that when there is no daemon for a moment or too many are open.
    ///
    /// # Cancel safety
    /// Dropping the future leaves no tunnel behind.
    pub(super) async fn open(&self, target: TunnelTarget) -> Result<Held, NoTunnel> {
        let deadline = Instant::now() + Duration::from_millis(limits::TUNNEL_OPEN_MS);
        let unavailable = |what: &str| NoTunnel::Unavailable(what.to_owned());
        let permit = timeout_at(deadline, Arc::clone(&self.permits).acquire_owned())
            .await
            .map_err(|_elapsed| unavailable("too many connections are open in this session"))?
            .map_err(|_closed| unavailable("the session is ending"))?;
        loop {
            let tunnels = timeout_at(deadline, self.connection())
                .await
                .map_err(|_elapsed| unavailable("Grove is not there at the moment"))?;
            let time = deadline.saturating_duration_since(Instant::now());
            let error = match tunnels.open(target.clone(), time).await {
                Ok(tunnel) => return Ok(Held { tunnel, permit }),
                Err(error) => error,
            };
            match &error {
                // The daemon went away before it answered: the next one may.
                OpenError::Call(CallError::Closed) => {}
                OpenError::Call(CallError::Remote(refused)) if refused.code == frame::BUSY => {
                    let pause = Duration::from_millis(limits::TUNNEL_BUSY_MS);
                    if Instant::now() + pause >= deadline {
                        return Err(described(error));
                    }
                    tokio::time::sleep(pause).await;
                }
                OpenError::Full | OpenError::InUse | OpenError::Call(_) => {
                    return Err(described(error));
                }
            }
        }
    }

    async fn connection(&self) -> Tunnels {
        let mut newest = self.newest.subscribe();
        let is_alive = |it: &Option<Tunnels>| it.as_ref().is_some_and(|it| !it.is_closed());
        loop {
            let found = newest.wait_for(is_alive).await.ok().and_then(|it| it.clone());
            match found {
                Some(tunnels) => return tunnels,
                // The sender lives as long as this link does.
                None => std::future::pending().await,
            }
        }
    }
}

fn described(error: OpenError) -> NoTunnel {
    let text = error.to_string();
    match error {
        OpenError::Call(CallError::Remote(error)) => match (error.code, error.data) {
            (frame::DENIED, _) => NoTunnel::Refused(error.message),
            (frame::BUSY, _) => NoTunnel::Unavailable(error.message),
            (_, Some(ErrorCode::Timeout)) => NoTunnel::Timeout(error.message),
            _ => NoTunnel::Unreachable(error.message),
        },
        OpenError::Call(CallError::Timeout(_)) => NoTunnel::Timeout(text),
        OpenError::Full | OpenError::InUse | OpenError::Call(_) => NoTunnel::Unavailable(text),
    }
}

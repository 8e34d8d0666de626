//! The keeper: the executor that runs git, started on first use and again when it ended.

use super::connection::{self, Connection, Progress, Reach, call};
use crate::clock;
use crate::error::Error;
use crate::privileged::client::MonitorClient;
use grove_core_api::ipc::Method;
use grove_core_api::ipc::method::Ping;
use grove_core_api::limits;
use grove_core_api::monitor::ExecutorRole;
use grove_ipc::Peer;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Mutex;
use tokio_util::task::TaskTracker;

/// Starts keepers and hands out the one that lives.
pub(super) struct Keepers {
    monitor: Arc<MonitorClient>,
    spawner: TaskTracker,
    progress: Progress,
    directory: String,
    /// Held while one is started, so that there is never a second.
    live: Mutex<Option<Peer>>,
}

/// A keeper that was alive a moment ago.
pub(crate) struct Keeper {
    peer: Peer,
}

impl Keeper {
    /// Has the keeper do something and waits at most `time`.
    ///
    /// # Errors
    /// What git said, or `ExecutorFailed` when the keeper went away.
    pub(crate) async fn call<M: Method>(
        &self,
        method: M,
        time: Duration,
    ) -> Result<M::Answer, Error> {
        call(&self.peer, method, time).await
    }
}

impl Keepers {
    pub(super) fn new(
        monitor: Arc<MonitorClient>,
        spawner: TaskTracker,
        progress: Progress,
        directory: String,
    ) -> Self {
        Self { monitor, spawner, progress, directory, live: Mutex::new(None) }
    }

    pub(super) async fn get(&self) -> Result<Keeper, Error> {
        let mut live = self.live.lock().await;
        if let Some(peer) = live.as_ref().filter(|peer| !peer.is_closed()) {
            return Ok(Keeper { peer: peer.clone() });
        }
        let id = clock::fresh_id();
        let reach = Reach::Start { role: ExecutorRole::Keeper, directory: &self.directory };
        let connection =
            connection::connect(&self.monitor, &self.spawner, &self.progress, id, (reach, None))
                .await?;
        let Connection { peer, .. } = connection;
        *live = Some(peer.clone());
        self.spawner.spawn(keep_lease(peer.clone()));
        Ok(Keeper { peer })
    }
}

/// Pings a keeper until it ends, so that it knows its daemon and we know it lives.
async fn keep_lease(peer: Peer) {
    let mut ticks = tokio::time::interval(Duration::from_millis(limits::IPC_PING_MS));
    loop {
        tokio::select! {
            () = peer.closed() => return,
            _ = ticks.tick() => {
                let lease = Duration::from_millis(limits::IPC_LEASE_MS);
                if let Err(error) = peer.request_within(Ping {}, lease).await {
                    tracing::warn!(%error, "the keeper does not answer");
                    peer.close();
                    return;
                }
            }
        }
    }
}

//! The keepers: the executors that run git, one per Unix account, started on first use and again when
//! they ended.
//!
//! The keeper without an account is the daemon's own: where the host is not shared it does
//! everything, on a shared host it keeps the mirrors and never sees a tree of a person.

use super::connection::{self, Connection, Progress, Reach, call, monitor_failed};
use crate::audit::service::{Audit, Subject};
use crate::clock;
use crate::error::Error;
use crate::paths::{Paths, text};
use crate::privileged::client::MonitorClient;
use grove_core_api::ipc::Method;
use grove_core_api::ipc::bundle::DropBundle;
use grove_core_api::ipc::method::{Ping, Shutdown};
use grove_core_api::isolation::{ExecutorLimits, NetworkProfile, Roots, UnixAccount};
use grove_core_api::monitor::{ExecutorRole, Launch, Place};
use grove_core_api::{ErrorCode, ExecutorId, limits};
use grove_ipc::Peer;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::time::Instant;
use tokio_util::task::TaskTracker;

/// Starts keepers and hands out the ones that live.
pub(super) struct Keepers {
    monitor: Arc<MonitorClient>,
    audit: Arc<Audit>,
    spawner: TaskTracker,
    progress: Progress,
    paths: Paths,
    is_shared_host: bool,
    slots: Mutex<HashMap<Option<UnixAccount>, Arc<Slot>>>,
}

/// The place of one account's keeper. Whoever uses the keeper holds the slot too.
#[derive(Default)]
struct Slot {
    /// Held while one is started, so that there is never a second.
    live: tokio::sync::Mutex<Option<Live>>,
    used_at: Mutex<Option<Instant>>,
}

#[derive(Clone)]
struct Live {
    id: ExecutorId,
    peer: Peer,
}

/// A keeper that was alive a moment ago.
pub(crate) struct Keeper {
    peer: Peer,
    slot: Arc<Slot>,
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

impl Drop for Keeper {
    fn drop(&mut self) {
        self.slot.touch();
    }
}

impl Slot {
    fn touch(&self) {
        *self.used_at.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
    }

    fn idle_for(&self) -> Duration {
        let used_at = *self.used_at.lock().unwrap_or_else(PoisonError::into_inner);
        used_at.map_or(Duration::ZERO, |used_at| used_at.elapsed())
    }
}

/// Whether nobody holds the slot but the table: only asked with the table locked, so it stays so.
fn is_unused(slot: &Arc<Slot>) -> bool {
    Arc::strong_count(slot) == 1
}

impl Keepers {
    pub(super) fn new(
        monitor: Arc<MonitorClient>,
        audit: Arc<Audit>,
        spawner: TaskTracker,
        progress: Progress,
        paths: Paths,
        is_shared_host: bool,
    ) -> Arc<Self> {
        let slots = Mutex::default();
        Arc::new(Self { monitor, audit, spawner, progress, paths, is_shared_host, slots })
    }

    /// The keeper of an account; without one the daemon's own.
    pub(super) async fn get(
        self: &Arc<Self>,
        account: Option<&UnixAccount>,
    ) -> Result<Keeper, Error> {
        let slot = self.slot(account)?;
        slot.touch();
        let mut live = slot.live.lock().await;
        if let Some(live) = live.as_ref().filter(|live| !live.peer.is_closed()) {
            return Ok(Keeper { peer: live.peer.clone(), slot: Arc::clone(&slot) });
        }
        let id = clock::fresh_id();
        let launch = self.launch(account).await?;
        let reach = Reach::Start(Box::new(launch));
        let account_name = account.map(|it| it.name.clone());
        let subject = Subject { executor: Some(id), account: account_name, ..Subject::default() };
        let watch = self.audit.executor(subject);
        let (spawner, progress) = (&self.spawner, &self.progress);
        let connection =
            connection::connect(&self.monitor, spawner, progress, id, (reach, None), watch).await?;
        let Connection { peer, .. } = connection;
        self.clean(&peer, account).await;
        *live = Some(Live { id, peer: peer.clone() });
        drop(live);
        self.spawner.spawn(keep_lease(Arc::clone(self), peer.clone(), account.cloned()));
        Ok(Keeper { peer, slot })
    }

    fn slot(self: &Arc<Self>, account: Option<&UnixAccount>) -> Result<Arc<Slot>, Error> {
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        let key = account.cloned();
        if slots.len() >= limits::KEEPERS && !slots.contains_key(&key) {
            let unused = slots.iter().filter(|(key, slot)| key.is_some() && is_unused(slot));
            let longest = unused.max_by_key(|(_, slot)| slot.idle_for());
            let Some(key) = longest.map(|(key, _)| key.clone()) else {
                let detail = "too many people use git at this moment";
                return Err(
                    Error::new(ErrorCode::Unavailable, detail).hint("try again in a moment")
                );
            };
            if let Some(slot) = slots.remove(&key) {
                self.spawner.spawn(Arc::clone(self).end(slot));
            }
        }
        Ok(Arc::clone(slots.entry(key).or_default()))
    }

    /// How a keeper is started: beside its repositories, with its own trees and the mirrors.
    async fn launch(&self, account: Option<&UnixAccount>) -> Result<Launch, Error> {
        let mirrors = text(&self.paths.mirrors());
        let repositories = text(&self.paths.repositories(account));
        let worktrees = text(&self.paths.worktrees(account));
        let (directory, roots) = match account {
            None if self.is_shared_host => {
                (mirrors.clone(), Roots { write: vec![mirrors], read: Vec::new() })
            }
            None => {
                let write = vec![mirrors.clone(), repositories, worktrees];
                (mirrors, Roots { write, read: Vec::new() })
            }
            Some(account) => {
                let made = self.monitor.make_directory(account.clone(), Place::Repositories).await;
                made.map_err(monitor_failed)?;
                let write = vec![repositories.clone(), worktrees];
                (repositories, Roots { write, read: vec![mirrors] })
            }
        };
        Ok(Launch {
            role: ExecutorRole::Keeper,
            account: account.cloned(),
            directory,
            roots,
            network: NetworkProfile::default(),
            limits: ExecutorLimits::default(),
        })
    }

    /// Removes bundles that a keeper left behind when it was killed.
    async fn clean(&self, peer: &Peer, account: Option<&UnixAccount>) {
        let mut places = Vec::new();
        if account.is_none() {
            places.push(self.paths.incoming());
        }
        if account.is_some() || !self.is_shared_host {
            places.push(self.paths.outgoing(account));
        }
        for place in places {
            let call = DropBundle { bundle: text(&place) };
            let time = Duration::from_millis(limits::GIT_LOCAL_MS);
            if let Err(error) = peer.request_within(call, time).await {
                tracing::warn!(%error, "failed to remove what an earlier keeper left");
            }
        }
    }

    /// Lets go of all keepers: Grove stops, and they end when nobody comes back to them.
    pub(super) fn leave(&self) {
        let slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        for slot in slots.values() {
            // One that is just being started is let go of with the task that starts it.
            if let Ok(live) = slot.live.try_lock()
                && let Some(live) = live.as_ref()
            {
                live.peer.close();
            }
        }
    }

    /// Ends the keeper of an account, whoever uses it.
    pub(super) async fn retire(self: &Arc<Self>, account: &UnixAccount) {
        let key = Some(account.clone());
        let slot = self.slots.lock().unwrap_or_else(PoisonError::into_inner).remove(&key);
        if let Some(slot) = slot {
            Arc::clone(self).end(slot).await;
        }
    }

    /// Asks a keeper to end, and makes sure that it does.
    async fn end(self: Arc<Self>, slot: Arc<Slot>) {
        let Some(Live { id, peer }) = slot.live.lock().await.take() else { return };
        let grace_ms = limits::EXECUTOR_GRACE_MS;
        let time = Duration::from_millis(grace_ms);
        if peer.request_within(Shutdown { grace_ms }, time).await.is_ok() {
            // Its connection ends with it; a kill follows when it does not.
            drop(tokio::time::timeout(time, peer.closed()).await);
        }
        peer.close();
        if let Err(error) = self.monitor.kill(id).await {
            tracing::debug!(executor.id = %id, %error, "the keeper was gone already");
        }
    }

    /// Takes the keeper of a person out of the table when nobody has used it for long.
    fn take_idle(&self, account: Option<&UnixAccount>, peer: &Peer) -> Option<Arc<Slot>> {
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        let key = Some(account?.clone());
        let slot = slots.get(&key)?;
        let is_same = slot
            .live
            .try_lock()
            .is_ok_and(|live| live.as_ref().is_some_and(|it| !it.peer.is_closed()));
        let idle = Duration::from_millis(limits::EXECUTOR_IDLE_MS);
        if peer.is_closed() || !is_same || !is_unused(slot) {
            return None;
        }
        if slot.idle_for() < idle { None } else { slots.remove(&key) }
    }
}

/// Pings a keeper until it ends, so that it knows its daemon and we know it lives; ends it when it
/// has been idle.
async fn keep_lease(keepers: Arc<Keepers>, peer: Peer, account: Option<UnixAccount>) {
    let mut ticks = tokio::time::interval(Duration::from_millis(limits::IPC_PING_MS));
    loop {
        tokio::select! {
            () = peer.closed() => return,
            _ = ticks.tick() => {
                if let Some(slot) = keepers.take_idle(account.as_ref(), &peer) {
                    Arc::clone(&keepers).end(slot).await;
                    return;
                }
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

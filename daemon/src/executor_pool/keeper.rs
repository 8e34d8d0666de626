//! The keepers: the executors that run git, one per Unix account, started on first use and again when
//! they ended.
//!
//! The keeper without an account is the daemon's own: where the host is not shared it does
//! everything, on a shared host it keeps the mirrors and never sees a tree of a person. Each is in
//! the registry of executors (`executors`), from before its start until its end is known.

use super::connection::{self, Common, Connection, Reach, call, monitor_failed};
use super::ending::{self, Why};
use crate::app::App;
use crate::audit::service::Subject;
use crate::clock;
use crate::context::Ctx;
use crate::error::Error;
use crate::executors::service::{self as registry, Health};
use crate::paths::text;
use grove_core_api::ipc::Method;
use grove_core_api::ipc::bundle::DropBundle;
use grove_core_api::ipc::method::{Ping, Shutdown};
use grove_core_api::isolation::{ExecutorLimits, NetworkProfile, Roots, UnixAccount};
use grove_core_api::monitor::{ExecutorRole, Launch, Place};
use grove_core_api::rest::executors::{ExecutorEnd, ExecutorState};
use grove_core_api::{ErrorCode, ExecutorId, limits};
use grove_ipc::Peer;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;
use tokio::time::Instant;

/// Starts keepers and hands out the ones that live.
pub(super) struct Keepers {
    app: Weak<App>,
    common: Arc<Common>,
    slots: Mutex<HashMap<Option<UnixAccount>, Arc<Slot>>>,
}

/// The place of one account's keeper. Whoever uses the keeper holds the slot too.
#[derive(Default)]
struct Slot {
    /// Held while one is started or settled, so that there is never a second.
    live: tokio::sync::Mutex<Option<Live>>,
    used_at: Mutex<Option<Instant>>,
    /// How the keepers of this account fare.
    health: Mutex<Health>,
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

    /// How its keepers fare, after `change`.
    fn health(&self, change: impl FnOnce(Health) -> Health) -> Health {
        let mut health = self.health.lock().unwrap_or_else(PoisonError::into_inner);
        *health = change(*health);
        *health
    }

    /// The keeper, when it lives.
    async fn living(&self) -> Option<Peer> {
        let live = self.live.lock().await;
        live.as_ref().map(|it| &it.peer).filter(|it| !it.is_closed()).cloned()
    }
}

/// Whether nobody holds the slot but the table: only asked with the table locked, so it stays so.
fn is_unused(slot: &Arc<Slot>) -> bool {
    Arc::strong_count(slot) == 1
}

impl Keepers {
    pub(super) fn new(app: Weak<App>, common: Arc<Common>) -> Arc<Self> {
        Arc::new(Self { app, common, slots: Mutex::default() })
    }

    fn ctx(&self) -> Result<Ctx, Error> {
        let app = self.app.upgrade().filter(|app| !app.shutdown.is_cancelled());
        let app =
            app.ok_or_else(|| Error::new(ErrorCode::Unavailable, "Grove is shutting down"))?;
        Ok(Ctx::system(&app, app.owner()))
    }

    /// The keeper of an account; without one the daemon's own.
    pub(super) async fn get(
        self: &Arc<Self>,
        account: Option<&UnixAccount>,
    ) -> Result<Keeper, Error> {
        let slot = self.slot(account)?;
        slot.touch();
        if let Some(peer) = slot.living().await {
            return Ok(Keeper { peer, slot });
        }
        // To its end, whether somebody waits for it or not: one that is half started is nobody's.
        let start = Arc::clone(self).start(Arc::clone(&slot), account.cloned());
        let started = self.common.spawner.spawn(start).await;
        let peer = started.map_err(|error| Error::internal(error.to_string()))??;
        Ok(Keeper { peer, slot })
    }

    /// Starts the keeper of a slot unless it lives.
    async fn start(
        self: Arc<Self>,
        slot: Arc<Slot>,
        account: Option<UnixAccount>,
    ) -> Result<Peer, Error> {
        let mut live = slot.live.lock().await;
        if let Some(live) = live.as_ref().filter(|live| !live.peer.is_closed()) {
            return Ok(live.peer.clone());
        }
        let ctx = self.ctx()?;
        if let Some(Live { id, .. }) = live.take() {
            self.gone(&ctx, &slot, id, Why::Crashed).await;
        }
        let launch = self.launch(&ctx, account.as_ref()).await?;
        let id = clock::fresh_id();
        let health = slot.health(|it| it.started(clock::now()));
        registry::keeper_begins(&ctx, id, health.restarts()).await?;
        let connection = match self.connect(&ctx, id, launch, account.clone()).await {
            Ok(connection) => connection,
            Err(error) => {
                self.not_started(&ctx, &slot, id).await;
                return Err(error);
            }
        };
        let Connection { peer, pid, report, .. } = connection;
        if let Err(error) = registry::keeper_lives(&ctx, id, pid, report).await {
            tracing::warn!(executor.id = %id, %error, "failed to store that a keeper lives");
        }
        self.clean(&ctx, &peer, account.as_ref()).await;
        *live = Some(Live { id, peer: peer.clone() });
        drop(live);
        let kept = Kept { id, peer: peer.clone(), account, slot: Arc::downgrade(&slot) };
        self.common.spawner.spawn(keep_lease(Arc::clone(&self), kept));
        Ok(peer)
    }

    async fn connect(
        &self,
        ctx: &Ctx,
        id: ExecutorId,
        launch: Launch,
        account: Option<UnixAccount>,
    ) -> Result<Connection, Error> {
        let account = account.map(|it| it.name);
        let subject = Subject { executor: Some(id), account, ..Subject::default() };
        let watch = ctx.app.audit.executor(subject);
        let reach = (Reach::Start(Box::new(launch)), None);
        connection::connect(&self.common, id, reach, watch).await
    }

    /// Notes the end of one that was never of use.
    async fn not_started(&self, ctx: &Ctx, slot: &Slot, id: ExecutorId) {
        let outcome = self.common.monitor.outcome(id).await.ok();
        let why =
            if outcome.is_some() { Why::Crashed } else { Why::Asked("it could not be started") };
        note_end(ctx, slot, id, ending::end(why, outcome, None)).await;
    }

    /// Finds out how one ended and notes it.
    async fn gone(&self, ctx: &Ctx, slot: &Slot, id: ExecutorId, why: Why) {
        let outcome = ending::outcome(&self.common.monitor, id).await;
        note_end(ctx, slot, id, ending::end(why, outcome, None)).await;
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
                let why = "others needed git more than this account";
                self.common.spawner.spawn(Arc::clone(self).end(slot, why));
            }
        }
        Ok(Arc::clone(slots.entry(key).or_default()))
    }

    /// How a keeper is started: beside its repositories, with its own trees and the mirrors.
    async fn launch(&self, ctx: &Ctx, account: Option<&UnixAccount>) -> Result<Launch, Error> {
        let paths = &ctx.app.paths;
        let mirrors = text(&paths.mirrors());
        let repositories = text(&paths.repositories(account));
        let worktrees = text(&paths.worktrees(account));
        let (directory, roots) = match account {
            None if ctx.app.config.is_shared_host => {
                (mirrors.clone(), Roots { write: vec![mirrors], read: Vec::new() })
            }
            None => {
                let write = vec![mirrors.clone(), repositories, worktrees];
                (mirrors, Roots { write, read: Vec::new() })
            }
            Some(account) => {
                let made =
                    self.common.monitor.make_directory(account.clone(), Place::Repositories).await;
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
            isolation: None,
        })
    }

    /// Removes bundles that a keeper left behind when it was killed.
    async fn clean(&self, ctx: &Ctx, peer: &Peer, account: Option<&UnixAccount>) {
        let (paths, mut places) = (&ctx.app.paths, Vec::new());
        if account.is_none() {
            places.push(paths.incoming());
        }
        if account.is_some() || !ctx.app.config.is_shared_host {
            places.push(paths.outgoing(account));
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
            Arc::clone(self).end(slot, "its account was retired").await;
        }
    }

    /// Asks a keeper to end, and makes sure that it does.
    async fn end(self: Arc<Self>, slot: Arc<Slot>, why: &'static str) {
        let Some(Live { id, peer }) = slot.live.lock().await.take() else { return };
        let grace_ms = limits::EXECUTOR_GRACE_MS;
        let time = Duration::from_millis(grace_ms);
        if peer.request_within(Shutdown { grace_ms }, time).await.is_ok() {
            // Its connection ends with it; a kill follows when it does not.
            drop(tokio::time::timeout(time, peer.closed()).await);
        }
        peer.close();
        if let Err(error) = self.common.monitor.kill(id).await {
            tracing::debug!(executor.id = %id, %error, "the keeper was gone already");
        }
        if let Ok(ctx) = self.ctx() {
            self.gone(&ctx, &slot, id, Why::Asked(why)).await;
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

async fn note_end(ctx: &Ctx, slot: &Slot, id: ExecutorId, end: ExecutorEnd) {
    let now = clock::now();
    let after = |it: Health| if end.is_crash { it.keeper_crashed(now) } else { it.ended(now) };
    let state = slot.health(after).state(now);
    if end.is_crash {
        tracing::warn!(executor.id = %id, how = end.how, "a keeper ended");
    }
    if let Err(error) = registry::keeper_ended(ctx, id, state, end).await {
        tracing::warn!(executor.id = %id, %error, "failed to store how a keeper ended");
    }
}

/// A keeper whose lease is kept.
struct Kept {
    id: ExecutorId,
    peer: Peer,
    account: Option<UnixAccount>,
    /// Not held: whoever holds it uses the keeper.
    slot: Weak<Slot>,
}

/// Pings a keeper until it ends, so that it knows its daemon and we know it lives; ends it when it
/// has been idle.
async fn keep_lease(keepers: Arc<Keepers>, kept: Kept) {
    let mut ticks = tokio::time::interval(Duration::from_millis(limits::IPC_PING_MS));
    let mut shown = None;
    let why = loop {
        tokio::select! {
            () = kept.peer.closed() => break Why::Crashed,
            _ = ticks.tick() => {
                if let Some(slot) = keepers.take_idle(kept.account.as_ref(), &kept.peer) {
                    Arc::clone(&keepers).end(slot, "it was not needed any more").await;
                    return;
                }
                let lease = Duration::from_millis(limits::IPC_LEASE_MS);
                if let Err(error) = kept.peer.request_within(Ping {}, lease).await
                    && !kept.peer.is_closed()
                {
                    tracing::warn!(executor.id = %kept.id, %error, "the keeper does not answer");
                    kept.peer.close();
                    break Why::Useless("it did not answer any more and was killed");
                }
                kept.note_health(&keepers, &mut shown).await;
            }
        }
    };
    kept.settle(&keepers, why).await;
}

impl Kept {
    /// Notes that the keeper has been calm for long enough after crashes before it.
    async fn note_health(&self, keepers: &Keepers, shown: &mut Option<ExecutorState>) {
        let (Some(slot), Ok(ctx)) = (self.slot.upgrade(), keepers.ctx()) else { return };
        let state = slot.health(|it| it).state(clock::now());
        if shown.replace(state).is_some_and(|before| before != state)
            && let Err(error) = registry::keeper_fares(&ctx, self.id, state).await
        {
            tracing::warn!(executor.id = %self.id, %error, "failed to store how a keeper fares");
        }
    }

    /// Notes how it ended, unless that was done by whoever ended it or wants the next one.
    async fn settle(self, keepers: &Keepers, why: Why) {
        let (Some(slot), Ok(ctx)) = (self.slot.upgrade(), keepers.ctx()) else { return };
        let mut live = slot.live.lock().await;
        if live.take_if(|it| it.id == self.id).is_none() {
            return;
        }
        if matches!(why, Why::Useless(_))
            && let Err(error) = keepers.common.monitor.kill(self.id).await
        {
            tracing::debug!(executor.id = %self.id, %error, "the keeper was gone already");
        }
        keepers.gone(&ctx, &slot, self.id, why).await;
    }
}

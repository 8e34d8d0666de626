//! All units and the keeper; the doors for the services.

use super::connection::{Common, Progress};
use super::ending::{self, Why};
use super::keeper::{Keeper, Keepers};
use super::said::Ears;
use super::unit::{self, Order, Unit};
use crate::app::App;
use crate::context::Ctx;
use crate::error::Error;
use crate::privileged::client::{MonitorCallError, MonitorClient};
use crate::repos::service::Homes;
use crate::sessions::service as sessions;
use crate::sessions::service::Record;
use crate::{executors, repos, tasks, worktrees};
use grove_core_api::ipc::method::{AnswerPermission, Ping};
use grove_core_api::isolation::UnixAccount;
use grove_core_api::monitor::{ExecutorRole, LiveExecutor};
use grove_core_api::rest::tasks::TaskState;
use grove_core_api::{ErrorCode, ExecutorId, SessionId, TaskId, limits};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;
use tokio::sync::{Semaphore, mpsc, oneshot, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Orders that may wait for a unit; waking twice is waking once, so a full queue loses nothing.
const ORDERS: usize = 64;

/// The executors of this daemon.
pub(crate) struct Pool {
    app: Weak<App>,
    pub(crate) monitor: Arc<MonitorClient>,
    pub(super) common: Arc<Common>,
    keepers: Arc<Keepers>,
    units: Mutex<HashMap<SessionId, UnitHandle>>,
    /// One permit per executor of a session; a prompt waits for one in its queue.
    pub(super) slots: Arc<Semaphore>,
}

#[derive(Clone)]
struct UnitHandle {
    orders: mpsc::Sender<Order>,
    is_idle: watch::Receiver<bool>,
}

impl Pool {
    pub(crate) fn new(
        app: Weak<App>,
        monitor: MonitorClient,
        (spawner, shutdown): (TaskTracker, CancellationToken),
    ) -> Self {
        let monitor = Arc::new(monitor);
        let common = Arc::new(Common {
            monitor: Arc::clone(&monitor),
            spawner: spawner.clone(),
            progress: Progress::default(),
            ears: Ears::new(spawner, shutdown),
        });
        let keepers = Keepers::new(app.clone(), Arc::clone(&common));
        let slots = Arc::new(Semaphore::new(limits::EXECUTORS));
        Self { app, monitor, common, keepers, units: Mutex::default(), slots }
    }

    /// The keeper of an account (absent: the daemon's own), started when there is none.
    ///
    /// # Errors
    /// `ExecutorFailed` when it cannot be started.
    pub(crate) async fn keeper(&self, account: Option<&UnixAccount>) -> Result<Keeper, Error> {
        self.keepers.get(account).await
    }

    /// Ends the keeper of an account, when it has one.
    pub(crate) async fn end_keeper(&self, account: &UnixAccount) {
        self.keepers.retire(account).await;
    }

    /// Lets go of the keepers at the end of Grove; units let go of their own executors.
    pub(crate) fn leave(&self) {
        self.keepers.leave();
    }

    /// Percent of a clone.
    pub(crate) fn progress(&self, token: &str) -> Option<i32> {
        self.common.progress.lock().unwrap_or_else(PoisonError::into_inner).get(token).copied()
    }

    pub(crate) fn forget_progress(&self, token: &str) {
        self.common.progress.lock().unwrap_or_else(PoisonError::into_inner).remove(token);
    }

    /// Has the session's unit look for work.
    pub(crate) fn wake(&self, session: SessionId) {
        self.order(session, Order::Look);
    }

    /// Has the executor stop its task; killed when it does not.
    pub(crate) fn cancel(&self, session: SessionId, task: TaskId) {
        self.order(session, Order::Cancel(task));
    }

    /// Hands a person's answer to the executor.
    pub(crate) fn tell_answer(&self, session: SessionId, answer: AnswerPermission) {
        self.order(session, Order::Answer(answer));
    }

    /// Waits until the session has no running task and no queue.
    ///
    /// # Errors
    /// `Timeout` when that takes longer than stopping may take.
    pub(crate) async fn until_idle(&self, session: SessionId) -> Result<(), Error> {
        let Some(mut handle) = self.existing(session) else { return Ok(()) };
        let time = Duration::from_millis(limits::EXECUTOR_GRACE_MS * 4);
        let idle = handle.is_idle.wait_for(|is_idle| *is_idle);
        match tokio::time::timeout(time, idle).await {
            Ok(_) => Ok(()),
            Err(_elapsed) => Err(Error::new(ErrorCode::Timeout, "the session does not stop")
                .hint("try again in a moment")),
        }
    }

    /// Ends the session's executor, when it has one.
    pub(crate) async fn retire(&self, session: SessionId) {
        if let Some(handle) = self.existing(session) {
            // A unit that ended meanwhile has no executor.
            drop(handle.orders.send(Order::Retire).await);
            handle.orders.closed().await;
        }
    }

    /// Ends the session's executor, forgets its crashes and starts a fresh one; answers which.
    ///
    /// # Errors
    /// `Conflict` while a task runs, `ExecutorFailed` when it cannot be started.
    pub(crate) async fn restart(&self, session: SessionId) -> Result<ExecutorId, Error> {
        let (answer, answered) = oneshot::channel();
        self.order(session, Order::Restart(answer));
        answered.await.unwrap_or_else(|_gone| {
            Err(Error::new(ErrorCode::Unavailable, "the session's executor is just being ended")
                .hint("try again in a moment"))
        })
    }

    /// How many executors live, as the monitor says.
    ///
    /// # Errors
    /// When the monitor does not answer.
    pub(crate) async fn monitor_answers(&self) -> Result<usize, MonitorCallError> {
        Ok(self.monitor.list().await?.len())
    }

    /// Tells the monitor that the daemon listens.
    ///
    /// # Errors
    /// When the monitor refuses or does not answer.
    pub(crate) async fn monitor_ready(&self, url: &str) -> Result<(), MonitorCallError> {
        self.monitor.ready(url).await
    }

    /// Whether the keeper answers.
    ///
    /// # Errors
    /// `ExecutorFailed` when it does not.
    pub(crate) async fn keeper_answers(&self) -> Result<(), Error> {
        let time = Duration::from_millis(limits::IPC_PING_MS);
        self.keeper(None).await?.call(Ping {}, time).await.map(|_| ())
    }

    /// After a start: attaches to executors that live, settles sessions whose executor does not,
    /// and goes on with what a stop interrupted.
    ///
    /// # Errors
    /// The database's or the monitor's.
    pub(crate) async fn recover(&self) -> Result<(), Error> {
        let Some(app) = self.app.upgrade() else { return Ok(()) };
        let ctx = Ctx::system(&app, app.owner());
        let live = self.monitor.list().await.map_err(|error| {
            Error::new(ErrorCode::Unavailable, "the monitor does not answer").because(error)
        })?;
        self.end_strangers(&ctx, &live).await?;
        let homes = repos::service::homes(&ctx).await?;
        let mut others = Vec::new();
        for record in sessions::with_executors(&ctx).await? {
            if !homes.has(record.session.repo_id) {
                others.push(record.session.id);
                continue;
            }
            let id = record.session.id;
            let lives = live.iter().find(|it| Some(it.id) == record.executor);
            match lives {
                Some(executor) => {
                    self.add_unit(&app, id, Some((executor.id, record.executor_seq)));
                }
                None => self.ended_unwatched(&ctx, &record).await?,
            }
        }
        let live = live.iter().map(|it| it.id).collect();
        executors::service::settle_strays(&ctx, live, others).await?;
        worktrees::service::clean_interrupted(&ctx, &homes).await?;
        repos::service::resume_clones(&ctx, &homes).await?;
        self.look_everywhere(&ctx, &homes).await
    }

    /// Settles a session whose executor ended while no daemon watched.
    async fn ended_unwatched(&self, ctx: &Ctx, record: &Record) -> Result<(), Error> {
        let Some(executor) = record.executor else { return Ok(()) };
        let outcome = ending::outcome(&self.monitor, executor).await;
        let memory_mib = executors::service::memory_mib_of(ctx, executor).await;
        let end = ending::end(Why::Unwatched, outcome, memory_mib);
        sessions::executor_gone(ctx, record.session.id, end).await
    }

    /// Executors that no session knows: keepers of the daemon before, and ones that it had no time
    /// to note.
    async fn end_strangers(&self, ctx: &Ctx, live: &[LiveExecutor]) -> Result<(), Error> {
        let known: Vec<_> =
            sessions::with_executors(ctx).await?.iter().filter_map(|it| it.executor).collect();
        for executor in live {
            let is_ours = executor.role == ExecutorRole::Session && known.contains(&executor.id);
            if !is_ours && let Err(error) = self.monitor.kill(executor.id).await {
                tracing::warn!(executor.id = %executor.id, %error, "failed to end an executor");
            }
        }
        Ok(())
    }

    async fn look_everywhere(&self, ctx: &Ctx, homes: &Homes) -> Result<(), Error> {
        for state in [TaskState::Running, TaskState::Queued] {
            for session in tasks::service::sessions_with(ctx.read(), state).await? {
                let repo = sessions::load(ctx.read(), session).await?.session.repo_id;
                if homes.has(repo) {
                    self.wake(session);
                }
            }
        }
        Ok(())
    }

    fn existing(&self, session: SessionId) -> Option<UnitHandle> {
        self.units.lock().unwrap_or_else(PoisonError::into_inner).get(&session).cloned()
    }

    fn order(&self, session: SessionId, order: Order) {
        let Some(app) = self.app.upgrade() else { return };
        let handle = self.add_unit(&app, session, None);
        if let Err(mpsc::error::TrySendError::Full(order)) = handle.orders.try_send(order) {
            // The unit is behind; its orders are few and must not be lost.
            self.common.spawner.spawn(async move { drop(handle.orders.send(order).await) });
        }
    }

    /// The session's unit; made when there is none or the one that was there has just ended.
    fn add_unit(
        &self,
        app: &Arc<App>,
        session: SessionId,
        attach: Option<(ExecutorId, u64)>,
    ) -> UnitHandle {
        let mut units = self.units.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(handle) = units.get(&session).filter(|handle| !handle.orders.is_closed()) {
            return handle.clone();
        }
        let (orders, receiver) = mpsc::channel(ORDERS);
        let (idle, is_idle) = watch::channel(false);
        let handle = UnitHandle { orders, is_idle };
        units.insert(session, handle.clone());
        let unit = Unit::new(Arc::clone(app), session, receiver, idle);
        self.common.spawner.spawn(unit::run(unit, attach));
        handle
    }

    /// Forgets units that have ended.
    pub(super) fn sweep(&self) {
        let mut units = self.units.lock().unwrap_or_else(PoisonError::into_inner);
        units.retain(|_, handle| !handle.orders.is_closed());
    }
}

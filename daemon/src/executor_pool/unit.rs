//! One session's unit: the only owner of its executor.
//!
//! It sleeps until there is an order, an event, or silence that lasted too long. Everything that it
//! learns is stored by `sessions::service` before it acts on it.

mod life;

use super::connection::{Connection, call_failed};
use super::disk::DiskWatch;
use super::ending::{self, Why};
use super::prompt;
use crate::app::App;
use crate::context::Ctx;
use crate::error::Error;
use crate::executors::service::Allowance;
use crate::executors::service::Permit;
use crate::sessions::service::{self as sessions, Ingest, Live, Start};
use crate::{tasks, worktrees};
use grove_core_api::ipc::Method;
use grove_core_api::ipc::method::{
    AnswerPermission, Cancel, EventAck, MeasureUsage, Ping, Prompt, SessionEvent,
};
use grove_core_api::rest::tasks::TaskState;
use grove_core_api::{ErrorCode, ExecutorId, SessionId, TaskId, limits};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, mpsc, oneshot, watch};
use tokio::time::Instant;
use tokio_util::task::TaskTracker;

/// What a unit is asked to do.
#[derive(Debug)]
pub(super) enum Order {
    /// See whether a prompt waits.
    Look,
    /// Stop a task.
    Cancel(TaskId),
    /// Hand over a person's answer.
    Answer(AnswerPermission),
    /// Start a fresh executor and say which.
    Restart(oneshot::Sender<Result<ExecutorId, Error>>),
    /// End the executor, and the unit.
    Retire,
}

/// A session's unit.
pub(super) struct Unit {
    app: Arc<App>,
    session: SessionId,
    orders: mpsc::Receiver<Order>,
    is_idle: watch::Sender<bool>,
    live: Live,
    running: Option<TaskId>,
    executor: Option<Executor>,
    /// When the task that is being stopped is killed.
    kill_at: Option<(Instant, TaskId)>,
    idle_since: Instant,
    /// A prompt may wait for the pause after a crash to be over.
    is_pausing: bool,
    /// The executor that is being started, until it has answered.
    starting: Option<(ExecutorId, Allowance)>,
}

struct Executor {
    connection: Connection,
    /// What it was started with.
    allowance: Allowance,
    disk: DiskWatch,
    /// When it counts as healthy again, after crashes before it.
    stable_at: Option<Instant>,
    /// Counts against `limits::EXECUTORS` as long as the executor lives.
    _slot: OwnedSemaphorePermit,
    /// When it last sent an event or an answer.
    heard_at: HeardAt,
    pinged_at: Instant,
}

type HeardAt = Arc<Mutex<Instant>>;

fn hear(heard_at: &HeardAt) {
    *heard_at.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
}

fn last_heard(heard_at: &HeardAt) -> Instant {
    *heard_at.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Drop for Executor {
    fn drop(&mut self) {
        // Others hold its peer too; without this the connection would stay when nobody reads it.
        self.connection.peer.close();
    }
}

impl Executor {
    fn new(connection: Connection, slot: OwnedSemaphorePermit, allowance: Allowance) -> Self {
        let now = Instant::now();
        Self {
            connection,
            allowance,
            disk: DiskWatch::default(),
            stable_at: None,
            _slot: slot,
            heard_at: Arc::new(Mutex::new(now)),
            pinged_at: now,
        }
    }

    /// Has the worktree measured without waiting for it.
    fn measure(&self, spawner: &TaskTracker) {
        let (peer, answer) = (self.connection.peer.clone(), self.disk.answer());
        let time = Duration::from_millis(limits::DISK_WALK_MS * 2);
        spawner.spawn(async move {
            match peer.request_within(MeasureUsage {}, time).await {
                Ok(usage) => answer.put(usage),
                Err(error) => tracing::debug!(%error, "the worktree was not measured"),
            }
        });
    }
}

/// What woke a unit.
enum Wake {
    Order(Order),
    Event(SessionEvent),
    Ended,
    Tick,
}

impl Unit {
    pub(super) fn new(
        app: Arc<App>,
        session: SessionId,
        orders: mpsc::Receiver<Order>,
        is_idle: watch::Sender<bool>,
    ) -> Self {
        Self {
            app,
            session,
            orders,
            is_idle,
            live: Live::default(),
            running: None,
            executor: None,
            kill_at: None,
            idle_since: Instant::now(),
            is_pausing: false,
            starting: None,
        }
    }

    fn ctx(&self) -> Ctx {
        Ctx::system(&self.app, self.app.owner())
    }
}

/// Runs a unit until its session has had nothing to do for a while, or Grove stops.
///
/// # Cancel safety
/// Not cancel safe; the shutdown token ends it.
pub(super) async fn run(mut unit: Unit, attach: Option<(ExecutorId, u64)>) {
    if let Some((executor, last_seq)) = attach
        && let Err(error) = unit.attach(executor, last_seq).await
    {
        unit.report("failed to attach to an executor", &error);
        unit.gone_without_link(executor, AFTER_RESTART).await;
    }
    unit.look().await;
    let mut ticks = tokio::time::interval(Duration::from_millis(500));
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let shutdown = unit.app.shutdown.clone();
    loop {
        let wake = tokio::select! {
            biased;
            // Executors live on: the next daemon attaches to them.
            () = shutdown.cancelled() => return,
            wake = unit.next(&mut ticks) => wake,
        };
        let is_over = match wake {
            Wake::Order(Order::Retire) => {
                unit.end_executor("the session was put away").await;
                true
            }
            Wake::Order(order) => {
                unit.obey(order).await;
                false
            }
            Wake::Event(event) => {
                unit.take(event).await;
                false
            }
            Wake::Ended => {
                unit.gone(Why::Crashed).await;
                unit.look().await;
                false
            }
            Wake::Tick => unit.tick().await,
        };
        if is_over {
            break;
        }
    }
    unit.orders.close();
    // Orders that came in between: a new unit takes them.
    let is_wanted = unit.orders.try_recv().is_ok();
    unit.app.pool.sweep();
    if is_wanted {
        unit.app.pool.wake(unit.session);
    }
}

impl Unit {
    async fn next(&mut self, ticks: &mut tokio::time::Interval) -> Wake {
        let Some(executor) = &mut self.executor else {
            return tokio::select! {
                Some(order) = self.orders.recv() => Wake::Order(order),
                _ = ticks.tick() => Wake::Tick,
            };
        };
        let connection = &mut executor.connection;
        tokio::select! {
            Some(order) = self.orders.recv() => Wake::Order(order),
            event = connection.events.recv() => match event {
                Some(event) => Wake::Event(event),
                None => Wake::Ended,
            },
            _ = ticks.tick() => Wake::Tick,
        }
    }

    fn report(&self, what: &str, error: &Error) {
        tracing::warn!(session.id = %self.session, %error, "{what}");
    }

    async fn obey(&mut self, order: Order) {
        match order {
            Order::Look => self.look().await,
            Order::Cancel(task) => self.cancel(task),
            Order::Answer(answer) => self.answer(answer),
            Order::Restart(answer) => {
                let restarted = self.restart().await;
                // Whoever asked may have gone away; the executor is there all the same.
                drop(answer.send(restarted));
                self.look().await;
            }
            Order::Retire => {}
        }
    }

    /// Starts the next prompt, when there is one and nothing runs.
    async fn look(&mut self) {
        if self.running.is_none() && self.may_start().await {
            match sessions::start_next(&self.ctx(), self.session).await {
                Ok(Some(start)) => self.start(start).await,
                Ok(None) => self.settle_orphan().await,
                Err(error) => self.report("failed to start the next task", &error),
            }
        }
        self.is_idle.send_replace(self.running.is_none());
    }

    /// Whether there is an executor, or one may be started.
    async fn may_start(&mut self) -> bool {
        self.is_pausing = false;
        if self.executor.as_ref().is_some_and(|it| it.connection.peer.is_closed()) {
            self.gone(Why::Crashed).await;
        }
        if self.executor.is_some() {
            return true;
        }
        match sessions::executor_permit(&self.ctx(), self.session).await {
            Ok(Permit::Now) => true,
            Ok(Permit::At(_)) => {
                self.is_pausing = true;
                false
            }
            Ok(Permit::Never) => false,
            Err(error) => {
                self.report("failed to read how the executor fares", &error);
                false
            }
        }
    }

    /// A task that the database calls running, but no executor works on it: it never began (then it
    /// goes back into the queue) or its executor is gone.
    async fn settle_orphan(&mut self) {
        let ctx = self.ctx();
        let running = tasks::service::first_in(ctx.read(), self.session, TaskState::Running).await;
        let Ok(Some(task)) = running else { return };
        let settled = if task.started_at_ms.is_none() {
            sessions::give_back(&ctx, self.session, task.id).await
        } else {
            let end = ending::end(Why::Crashed, None, None);
            sessions::executor_gone(&ctx, self.session, end).await
        };
        match settled {
            Ok(()) if task.started_at_ms.is_none() && self.may_start().await => {
                if let Ok(Some(start)) = sessions::start_next(&ctx, self.session).await {
                    self.start(start).await;
                }
            }
            Ok(()) => {}
            Err(error) => self.report("failed to settle a task", &error),
        }
    }

    async fn start(&mut self, start: Start) {
        let task = start.task.id;
        self.running = Some(task);
        self.is_idle.send_replace(false);
        let Err(error) = self.hand_over(start).await else { return };
        self.report("failed to hand a task to the executor", &error);
        let end = self.end_at_start().await;
        if let Some(end) = end.clone().filter(|end| end.is_crash) {
            self.put_back(task, end).await;
            return;
        }
        let detail = error.detail().to_owned();
        let failed = sessions::failed_to_start(&self.ctx(), self.session, task, detail).await;
        if let Err(error) = failed {
            self.report("failed to store that a task failed", &error);
        }
        self.running = None;
        if let Some(end) = end {
            self.settle_end(end).await;
        }
        // The next prompt may fare better; one at a time, so this ends with the queue.
        self.app.pool.wake(self.session);
    }

    async fn hand_over(&mut self, start: Start) -> Result<(), Error> {
        let ctx = self.ctx();
        let launch = worktrees::service::launch(&ctx, start.session.worktree_id).await?;
        let prompt: Prompt = prompt::build(&self.app, &start).await?;
        self.ensure_executor(launch).await?;
        let Some(executor) = &mut self.executor else {
            return Err(Error::internal("an executor vanished right after its start"));
        };
        let mut measured = None;
        if executor.disk.is_new() {
            // A worktree that takes longer to look at counts with what the first sample says.
            let time = Duration::from_millis(limits::DISK_FIRST_MS);
            measured = executor.connection.peer.request_within(MeasureUsage {}, time).await.ok();
        }
        executor.disk.begin_task(measured);
        let time = Duration::from_millis(limits::IPC_REQUEST_MS);
        let peer = &executor.connection.peer;
        peer.request_within(prompt, time).await.map_err(call_failed)?;
        Ok(())
    }

    async fn take(&mut self, event: SessionEvent) {
        let seq = event.seq;
        let outcome = self.ingest(event).await;
        let Some(executor) = &mut self.executor else { return };
        hear(&executor.heard_at);
        match outcome {
            Ok(Ingest::Held) => {}
            Ok(stored @ (Ingest::Stored | Ingest::TaskEnded)) => {
                // A connection that ended meanwhile is attached anew; the event is known then.
                drop(executor.connection.peer.notify(EventAck { seq }).await);
                if stored == Ingest::TaskEnded {
                    executor.measure(&self.app.spawner);
                    self.running = None;
                    self.kill_at = None;
                    self.idle_since = Instant::now();
                    self.look().await;
                }
            }
            Err(error) => {
                self.report("failed to store an event; attaching anew", &error);
                self.reattach().await;
            }
        }
    }

    /// Stores an event, again and again for a while when the database cannot just now.
    async fn ingest(&mut self, event: SessionEvent) -> Result<Ingest, Error> {
        let ctx = self.ctx();
        let mut pause = Duration::from_millis(50);
        loop {
            match sessions::ingest(&ctx, self.session, &mut self.live, event.clone()).await {
                Err(error)
                    if pause < Duration::from_secs(4) && error.code() != ErrorCode::Internal =>
                {
                    self.report("failed to store an event; trying again", &error);
                    tokio::time::sleep(pause).await;
                    pause *= 2;
                }
                outcome => return outcome,
            }
        }
    }

    /// Drops the connection and takes up the executor again from what is stored.
    async fn reattach(&mut self) {
        let Some(executor) = self.executor.take() else { return };
        let id = executor.connection.id;
        executor.connection.peer.close();
        drop(executor);
        self.live = Live::default();
        let stored = sessions::load(self.ctx().read(), self.session).await;
        let last_seq = stored.map_or(0, |record| record.executor_seq);
        if let Err(error) = self.attach(id, last_seq).await {
            self.report("failed to attach to an executor", &error);
            self.gone_without_link(id, "it could not be reached again").await;
        }
    }

    fn cancel(&mut self, task: TaskId) {
        if self.running != Some(task) {
            return;
        }
        let grace = Duration::from_millis(limits::EXECUTOR_GRACE_MS);
        self.kill_at = Some((Instant::now() + grace, task));
        self.tell(Cancel { task_id: task }, grace);
    }

    fn answer(&self, answer: AnswerPermission) {
        self.tell(answer, Duration::from_millis(limits::IPC_REQUEST_MS));
    }

    /// Asks the executor without waiting here: its answer is read behind its events, and those wait
    /// for this unit to take them.
    fn tell<M: Method>(&self, method: M, time: Duration) {
        let Some(executor) = &self.executor else { return };
        let (peer, session) = (executor.connection.peer.clone(), self.session);
        let heard_at = Arc::clone(&executor.heard_at);
        self.app.spawner.spawn(async move {
            match peer.request_within(method, time).await {
                Ok(_) => hear(&heard_at),
                Err(error) => {
                    tracing::warn!(session.id = %session, method = M::NAME, %error, "no answer");
                }
            }
        });
    }

    /// Half a second has passed: lease, stop that takes too long, idleness. True ends the unit.
    async fn tick(&mut self) -> bool {
        if let Some((at, task)) = self.kill_at
            && Instant::now() >= at
        {
            self.kill(task).await;
        }
        self.keep_lease().await;
        self.watch_disk().await;
        if self.is_pausing {
            self.look().await;
        }
        self.note_health().await;
        let idle = Duration::from_millis(limits::EXECUTOR_IDLE_MS);
        let has_nothing = self.running.is_none() && !self.is_pausing;
        let is_done = has_nothing && self.idle_since.elapsed() >= idle;
        if is_done {
            self.end_executor("it was not needed any more").await;
        }
        is_done
    }

    /// Asks a silent executor whether it lives; ends one that has been silent for too long.
    async fn keep_lease(&mut self) {
        let Some(executor) = &mut self.executor else { return };
        let lease = Duration::from_millis(limits::IPC_LEASE_MS);
        let silent_for = last_heard(&executor.heard_at).elapsed();
        if silent_for >= lease {
            tracing::warn!(session.id = %self.session, "the executor's lease is over");
            self.kill_executor().await;
            self.gone(Why::Useless("it did not answer any more and was killed")).await;
            self.look().await;
            return;
        }
        let ping = Duration::from_millis(limits::IPC_PING_MS);
        if silent_for >= ping && executor.pinged_at.elapsed() >= ping {
            executor.pinged_at = Instant::now();
            self.tell(Ping {}, lease);
        }
    }

    async fn kill(&mut self, task: TaskId) {
        self.kill_at = None;
        self.kill_executor().await;
        let ctx = self.ctx();
        if let Err(error) = sessions::stopped_by_force(&ctx, self.session, task).await {
            self.report("failed to store that a task was killed", &error);
        }
        self.gone(Why::Asked("its task did not stop, so it was killed")).await;
        self.look().await;
    }

    async fn kill_executor(&mut self) {
        let Some(executor) = &self.executor else { return };
        if let Err(error) = self.app.pool.monitor.kill(executor.connection.id).await {
            tracing::warn!(session.id = %self.session, %error, "failed to kill an executor");
        }
    }
}

const AFTER_RESTART: &str = "it did not answer after a restart of Grove";

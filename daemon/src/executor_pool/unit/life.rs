//! The life of a unit's executor: started, taken up, measured, ended, and told of.

use super::{Executor, Unit};
use crate::audit::service::Subject;
use crate::clock;
use crate::error::Error;
use crate::executor_pool::connection::{self, Connection, Reach};
use crate::executor_pool::ending::{self, Why};
use crate::sessions::service::StopReason;
use crate::sessions::service::{self as sessions, Live};
use crate::{auth, executors, tasks, worktrees};
use grove_core_api::ipc::method::Shutdown;
use grove_core_api::monitor::Launch;
use grove_core_api::rest::executors::{ExecutorEnd, ExecutorState};
use grove_core_api::rest::tasks::TaskState;
use grove_core_api::{ErrorCode, ExecutorId, TaskId, limits};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

impl Unit {
    /// How the executor ended that was being started; `None` when none was.
    pub(super) async fn end_at_start(&mut self) -> Option<ExecutorEnd> {
        let (id, allowance) = self.starting.take()?;
        let outcome = self.app.pool.monitor.outcome(id).await.ok();
        let why =
            if outcome.is_some() { Why::Crashed } else { Why::Asked("it could not be started") };
        Some(ending::end(why, outcome, allowance.limits.memory_mib))
    }

    /// An executor died before it could take its task: that goes back into the queue and waits for
    /// the next one.
    pub(super) async fn put_back(&mut self, task: TaskId, end: ExecutorEnd) {
        if let Err(error) = sessions::give_back(&self.ctx(), self.session, task).await {
            self.report("failed to put a task back into the queue", &error);
        }
        self.settle_end(end).await;
        self.is_pausing = true;
        self.is_idle.send_replace(true);
    }

    pub(super) async fn ensure_executor(&mut self, launch: Launch) -> Result<(), Error> {
        if self.executor.as_ref().is_some_and(|it| !it.connection.peer.is_closed()) {
            return Ok(());
        }
        self.executor = None;
        let slot = Arc::clone(&self.app.pool.slots)
            .acquire_owned()
            .await
            .map_err(|_closed| Error::new(ErrorCode::Unavailable, "Grove is shutting down"))?;
        let id = clock::fresh_id();
        let ctx = self.ctx();
        let allowance = executors::service::allowance(&ctx, self.session).await?;
        // Noted before the start: after a crash in between, the executor is known as this session's.
        sessions::assign_executor(&ctx, self.session, id, allowance).await?;
        self.starting = Some((id, allowance));
        let (network, limits) = (allowance.network, allowance.for_monitor());
        let isolation = allowance.isolation;
        let reach = Reach::Start(Box::new(Launch { network, limits, isolation, ..launch }));
        let connection = self.connect(id, reach).await?;
        self.starting = None;
        self.live = Live::default();
        self.take_up(Executor::new(connection, slot, allowance)).await
    }

    /// Connects to the executor; the audit sees whose it is.
    async fn connect(&self, id: ExecutorId, reach: Reach) -> Result<Connection, Error> {
        let ctx = self.ctx();
        let session = sessions::load(ctx.read(), self.session).await?.session;
        let account = worktrees::service::account_name(&ctx, session.worktree_id).await?;
        let watch = self.app.audit.executor(Subject {
            executor: Some(id),
            session: Some(self.session),
            user: Some(session.created_by),
            account,
        });
        let session = Some((&self.app, self.session));
        connection::connect(&self.app.pool.common, id, (reach, session), watch).await
    }

    /// Goes on with an executor that has answered.
    pub(super) async fn take_up(&mut self, mut executor: Executor) -> Result<(), Error> {
        let Connection { pid, report, .. } = &executor.connection;
        let (pid, report) = (*pid, report.clone());
        let state = sessions::executor_lives(&self.ctx(), self.session, pid, report).await;
        if matches!(state, Ok(ExecutorState::Degraded)) {
            let calm = u64::try_from(limits::EXECUTOR_STABLE_MS).unwrap_or(u64::MAX);
            executor.stable_at = Some(Instant::now() + Duration::from_millis(calm));
        }
        self.executor = Some(executor);
        state.map(|_| ())
    }

    /// Ends the executor, forgets its crashes and starts a fresh one.
    pub(super) async fn restart(&mut self) -> Result<ExecutorId, Error> {
        if self.running.is_some() {
            return Err(Error::new(ErrorCode::Conflict, "a task runs in this executor")
                .hint("stop the session first"));
        }
        self.end_executor("somebody restarted it").await;
        let ctx = self.ctx();
        sessions::forget_crashes(&ctx, self.session).await?;
        let session = sessions::load(ctx.read(), self.session).await?.session;
        let launch = worktrees::service::launch(&ctx, session.worktree_id).await?;
        if let Err(error) = self.ensure_executor(launch).await {
            if let Some(end) = self.end_at_start().await {
                self.settle_end(end).await;
            }
            return Err(error);
        }
        self.idle_since = Instant::now();
        let executor = self.executor.as_ref().map(|it| it.connection.id);
        executor.ok_or_else(|| Error::internal("an executor vanished right after its start"))
    }

    pub(super) async fn attach(&mut self, id: ExecutorId, last_seq: u64) -> Result<(), Error> {
        let slot = Arc::clone(&self.app.pool.slots)
            .acquire_owned()
            .await
            .map_err(|_closed| Error::new(ErrorCode::Unavailable, "Grove is shutting down"))?;
        let connection = self.connect(id, Reach::Attach { last_seq }).await?;
        let facts = &connection.facts;
        let ctx = self.ctx();
        let running =
            tasks::service::first_in(ctx.read(), self.session, TaskState::Running).await?;
        // Events that are still to come tell how a task ended that the executor no longer runs.
        let has_news = facts.newest_seq > last_seq;
        self.running =
            running.map(|task| task.id).filter(|id| has_news || facts.task_id == Some(*id));
        tracing::info!(session.id = %self.session, executor.id = %id, "attached to an executor");
        let allowance = match executors::service::allowance_of(&ctx, id).await {
            Ok(allowance) => allowance,
            Err(error) => {
                // One that the registry lost is held to what the session may use now, never to nothing.
                self.report("an executor's limits are not known", &error);
                executors::service::allowance(&ctx, self.session).await?
            }
        };
        self.take_up(Executor::new(connection, slot, allowance)).await?;
        for answer in sessions::unconfirmed_answers(&ctx, self.session).await? {
            self.answer(answer);
        }
        if let Some(task) = self.running
            && sessions::load(ctx.read(), self.session).await?.is_stopping
        {
            self.cancel(task);
        }
        Ok(())
    }

    /// Notes that an executor has been calm for long enough after crashes before it.
    pub(super) async fn note_health(&mut self) {
        let Some(executor) = &mut self.executor else { return };
        if executor.stable_at.is_none_or(|at| Instant::now() < at) {
            return;
        }
        executor.stable_at = None;
        if let Err(error) = sessions::executor_fares(&self.ctx(), self.session).await {
            self.report("failed to store how the executor fares", &error);
        }
    }

    /// Has the worktree measured now and then while a task runs, and stops the task when it has
    /// grown above its limit.
    pub(super) async fn watch_disk(&mut self) {
        let (Some(task), Some(executor)) = (self.running, &mut self.executor) else { return };
        let Some(limit) = executor.allowance.disk_bytes() else { return };
        if executor.disk.is_due() {
            executor.measure(&self.app.spawner);
        }
        let Some(detail) = executor.disk.excess(limit) else { return };
        tracing::warn!(session.id = %self.session, task.id = %task, "{detail}");
        let reason = StopReason { fact: "disk_limit".to_owned(), detail };
        match sessions::stop_for(&self.ctx(), self.session, task, reason).await {
            Ok(true) => self.cancel(task),
            Ok(false) => {}
            Err(error) => self.report("failed to store why a task is stopped", &error),
        }
    }

    /// Asks the executor to end, and makes sure that it does.
    pub(super) async fn end_executor(&mut self, reason: &'static str) {
        if let Some(executor) = &self.executor {
            let grace_ms = limits::EXECUTOR_GRACE_MS;
            let time = Duration::from_millis(grace_ms);
            let peer = &executor.connection.peer;
            if peer.request_within(Shutdown { grace_ms }, time).await.is_ok() {
                // Its connection ends with it; a kill follows when it does not.
                drop(tokio::time::timeout(time, peer.closed()).await);
            }
            self.kill_executor().await;
            self.gone(Why::Asked(reason)).await;
        }
    }

    /// The executor is gone: what ran is lost, and its token is worth nothing any more.
    pub(super) async fn gone(&mut self, why: Why) {
        let Some(executor) = self.executor.take() else { return };
        executor.connection.peer.close();
        let (id, memory_mib) = (executor.connection.id, executor.allowance.limits.memory_mib);
        drop(executor);
        let outcome = ending::outcome(&self.app.pool.monitor, id).await;
        self.settle_end(ending::end(why, outcome, memory_mib)).await;
    }

    /// As `gone`, for an executor that there is no connection to.
    pub(super) async fn gone_without_link(&mut self, id: ExecutorId, reason: &'static str) {
        let outcome = ending::outcome(&self.app.pool.monitor, id).await;
        let memory_mib = executors::service::memory_mib_of(&self.ctx(), id).await;
        self.settle_end(ending::end(Why::Useless(reason), outcome, memory_mib)).await;
    }

    /// Stores how the executor ended.
    pub(super) async fn settle_end(&mut self, end: ExecutorEnd) {
        self.executor = None;
        self.running = None;
        self.kill_at = None;
        self.idle_since = Instant::now();
        self.live = Live::default();
        tracing::info!(session.id = %self.session, how = end.how, "the executor ended");
        if let Err(error) = sessions::executor_gone(&self.ctx(), self.session, end).await {
            self.report("failed to store the end of an executor", &error);
        }
        if let Err(error) = auth::session_token::revoke(&self.app, self.session).await {
            self.report("failed to revoke a session token", &error);
        }
    }
}

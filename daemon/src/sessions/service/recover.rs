//! What becomes of a session whose executor went away, and which executor serves which session.

use super::{load, state};
use crate::clock;
use crate::context::{Ctx, Tx};
use crate::error::Error;
use crate::executors::service::Allowance;
use crate::executors::service::{Health, Permit};
use crate::sessions::model::Record;
use crate::sessions::store;
use crate::{executors, messages, tasks};
use grove_core_api::isolation::SandboxReport;
use grove_core_api::rest::executors::{ExecutorEnd, ExecutorState, SessionExecutor};
use grove_core_api::rest::messages::{Body, ToolState};
use grove_core_api::rest::tasks::TaskState;
use grove_core_api::{ExecutorId, SessionId, TaskId, limits};

/// Sessions that had an executor when the daemon last wrote.
pub(crate) async fn with_executors(ctx: &Ctx) -> Result<Vec<Record>, Error> {
    store::with_executor(ctx.read()).await
}

/// Whether an executor may be started for the session.
pub(crate) async fn executor_permit(ctx: &Ctx, id: SessionId) -> Result<Permit, Error> {
    Ok(load(ctx.read(), id).await?.health.permit(clock::now()))
}

/// Notes which executor serves a session from now on; its events start at 1.
pub(crate) async fn assign_executor(
    ctx: &Ctx,
    id: SessionId,
    executor: ExecutorId,
    allowance: Allowance,
) -> Result<(), Error> {
    let node = ctx.app.hub.bus().name().to_owned();
    ctx.write(move |tx| {
        let node = node.clone();
        Box::pin(async move {
            let mut record = load(tx.connection(), id).await?;
            record.executor = Some(executor);
            record.executor_seq = 0;
            record.health = record.health.started(tx.now);
            let restarts = record.health.restarts();
            executors::service::begin(tx, (executor, id), restarts, &allowance, &node).await?;
            store::update(tx.connection(), &record).await
        })
    })
    .await
}

/// The session's executor has answered: how it is kept in its place is known. Answers how it is.
pub(crate) async fn executor_lives(
    ctx: &Ctx,
    id: SessionId,
    pid: i32,
    report: SandboxReport,
) -> Result<ExecutorState, Error> {
    ctx.write(move |tx| {
        let report = report.clone();
        Box::pin(async move {
            let before = load(tx.connection(), id).await?;
            let mut after = before.clone();
            let state = before.health.state(tx.now);
            if let Some(executor) = before.executor {
                executors::service::lives(tx, executor, pid, &report).await?;
                after.session.executor = Some(shown(executor, state, &after.health, None));
            }
            after.session.sandbox = Some(report);
            state::store_and_tell(tx, &before, after).await?;
            Ok(state)
        })
    })
    .await
}

/// The session's executor has run for a while: it may be healthy again.
pub(crate) async fn executor_fares(ctx: &Ctx, id: SessionId) -> Result<(), Error> {
    ctx.write(move |tx| {
        Box::pin(async move {
            let before = load(tx.connection(), id).await?;
            let Some(executor) = before.executor else { return Ok(()) };
            let mut after = before.clone();
            let state = before.health.state(tx.now);
            executors::service::fares(tx, executor, state).await?;
            after.session.executor = Some(shown(executor, state, &after.health, None));
            state::store_and_tell(tx, &before, after).await?;
            Ok(())
        })
    })
    .await
}

fn shown(
    id: ExecutorId,
    state: ExecutorState,
    health: &Health,
    end: Option<ExecutorEnd>,
) -> SessionExecutor {
    let (restarts, retry_at_ms) = (health.restarts(), health.retry_at_ms());
    SessionExecutor { id, state, restarts, retry_at_ms, end }
}

/// The executor ended. A task that ran is lost.
pub(crate) async fn executor_gone(ctx: &Ctx, id: SessionId, end: ExecutorEnd) -> Result<(), Error> {
    ctx.write(move |tx| {
        let end = end.clone();
        Box::pin(async move {
            let before = load(tx.connection(), id).await?;
            let mut after = before.clone();
            let health = before.health;
            after.health = if end.is_crash { health.crashed(tx.now) } else { health.ended(tx.now) };
            let (fact, detail) = evidence_of(&end);
            let running = tasks::service::first_in(tx.connection(), id, TaskState::Running).await?;
            if let Some(task) = running {
                close_open_messages(tx, id, task.id).await?;
                let failure = Some(detail.clone());
                tasks::service::end(tx, task.id, TaskState::Lost, failure).await?;
                after.is_stopping = false;
                after.stop_reason = None;
                after.session.line.clone_from(&detail);
            }
            if let Some(executor) = after.executor.take() {
                let state = after.health.state(tx.now);
                executors::service::ended(tx, executor, state, end.clone()).await?;
                after.session.executor = Some(shown(executor, state, &after.health, Some(end)));
            }
            after.executor_seq = 0;
            let evidence = match after.health.has_failed() {
                true => ("executor_given_up", given_up(&detail)),
                false => (fact, detail),
            };
            state::settle(tx, &before, after, Some((evidence.0, &evidence.1))).await?;
            Ok(())
        })
    })
    .await
}

fn evidence_of(end: &ExecutorEnd) -> (&'static str, String) {
    if end.is_out_of_memory {
        return ("out_of_memory", end.how.clone());
    }
    ("executor_gone", format!("the executor ended: {}", end.how))
}

fn given_up(detail: &str) -> String {
    let crashes = limits::EXECUTOR_RESTARTS + 1;
    format!("the executor crashed {crashes} times in a row and stays down; the last time {detail}")
}

/// Somebody restarts the executor: its crashes are forgotten.
pub(crate) async fn forget_crashes(ctx: &Ctx, id: SessionId) -> Result<(), Error> {
    ctx.write(move |tx| {
        Box::pin(async move {
            let before = load(tx.connection(), id).await?;
            let mut after = before.clone();
            after.health = Health::default();
            let evidence = Some(("executor_restarted", "somebody restarted the executor"));
            state::settle(tx, &before, after, evidence).await?;
            Ok(())
        })
    })
    .await
}

/// A task could not be handed to an executor.
pub(crate) async fn failed_to_start(
    ctx: &Ctx,
    id: SessionId,
    task: TaskId,
    detail: String,
) -> Result<(), Error> {
    end_task(ctx, id, task, TaskState::Failed, ("executor_failed", &detail)).await
}

/// Ends a task from outside of its executor, with everything that hangs on it.
pub(super) async fn end_task(
    ctx: &Ctx,
    id: SessionId,
    task: TaskId,
    outcome: TaskState,
    evidence: (&str, &str),
) -> Result<(), Error> {
    let (fact, detail) = (evidence.0.to_owned(), evidence.1.to_owned());
    ctx.write(move |tx| {
        let (fact, detail) = (fact.clone(), detail.clone());
        Box::pin(async move {
            close_open_messages(tx, id, task).await?;
            let failure = (outcome != TaskState::Cancelled).then(|| detail.clone());
            tasks::service::end(tx, task, outcome, failure).await?;
            let before = load(tx.connection(), id).await?;
            let mut after = before.clone();
            after.is_stopping = false;
            after.stop_reason = None;
            after.session.line.clone_from(&detail);
            state::settle(tx, &before, after, Some((&fact, &detail))).await?;
            Ok(())
        })
    })
    .await
}

/// Ends what still streams or waits in a task: nothing more will come.
pub(super) async fn close_open_messages(
    tx: &Tx<'_>,
    id: SessionId,
    task: TaskId,
) -> Result<(), Error> {
    for pending in messages::service::permissions(tx.connection(), id, true).await? {
        if pending.task == task {
            messages::service::settle_permission(tx.connection(), pending.id).await?;
        }
    }
    for (_, before) in messages::service::streaming(tx.connection(), task).await? {
        let mut after = before.clone();
        after.is_streaming = false;
        after.updated_at_ms = tx.now;
        if let Body::Tool { state, .. } = &mut after.body
            && matches!(state, ToolState::Running | ToolState::AwaitingApproval)
        {
            *state = ToolState::Cancelled;
        }
        messages::service::save(tx, &before, &after).await?;
    }
    Ok(())
}

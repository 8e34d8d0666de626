//! What becomes of a session whose executor went away, and which executor serves which session.

use super::{load, state};
use crate::context::{Ctx, Tx};
use crate::error::Error;
use crate::sessions::model::Record;
use crate::sessions::store;
use crate::{messages, tasks};
use grove_core_api::rest::messages::{Body, ToolState};
use grove_core_api::rest::tasks::TaskState;
use grove_core_api::{ExecutorId, SessionId, TaskId};

/// Sessions that had an executor when the daemon last wrote.
pub(crate) async fn with_executors(ctx: &Ctx) -> Result<Vec<Record>, Error> {
    store::with_executor(ctx.read()).await
}

/// Notes which executor serves a session from now on; its events start at 1.
pub(crate) async fn assign_executor(
    ctx: &Ctx,
    id: SessionId,
    executor: Option<ExecutorId>,
) -> Result<(), Error> {
    ctx.write(move |tx| {
        Box::pin(async move {
            let mut record = load(tx.connection(), id).await?;
            record.executor = executor;
            record.executor_seq = 0;
            store::update(tx.connection(), &record).await
        })
    })
    .await
}

/// The executor ended. A task that ran is lost, or failed when `failure` says so.
pub(crate) async fn executor_gone(
    ctx: &Ctx,
    id: SessionId,
    detail: &'static str,
) -> Result<(), Error> {
    let running = tasks::service::first_in(ctx.read(), id, TaskState::Running).await?;
    if let Some(task) = running {
        end_task(ctx, id, task.id, TaskState::Lost, ("executor_gone", detail)).await?;
    }
    assign_executor(ctx, id, None).await
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
    evidence: (&'static str, &str),
) -> Result<(), Error> {
    let (fact, detail) = (evidence.0, evidence.1.to_owned());
    ctx.write(move |tx| {
        let detail = detail.clone();
        Box::pin(async move {
            close_open_messages(tx, id, task).await?;
            let failure = (outcome != TaskState::Cancelled).then(|| detail.clone());
            tasks::service::end(tx, task, outcome, failure).await?;
            let before = load(tx.connection(), id).await?;
            let mut after = before.clone();
            after.is_stopping = false;
            after.session.line.clone_from(&detail);
            state::settle(tx, &before, after, Some((fact, &detail))).await?;
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

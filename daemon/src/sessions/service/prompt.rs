//! Prompts: into the queue, out of it, and stopping.

use super::{load, state};
use crate::auth::policy::Action;
use crate::clock;
use crate::context::{Ctx, Tx};
use crate::error::Error;
use crate::sessions::model::{Record, StopReason};
use crate::{docs, grants, messages, tasks, validate};
use grove_core_api::agent::Usage;
use grove_core_api::rest::messages::{Body, Message, Role};
use grove_core_api::rest::sessions::{CreatePrompt, Session};
use grove_core_api::rest::tasks::{Task, TaskState};
use grove_core_api::{ErrorCode, SessionId, TaskId, limits};

/// Queues a prompt; it starts at once when the agent is free.
pub(crate) async fn prompt(ctx: &Ctx, id: SessionId, body: CreatePrompt) -> Result<Task, Error> {
    ctx.on_session(Action::PromptSessions, id).await?;
    let text = validate::prompt("text", &body.text)?;
    super::here(ctx, id).await?;
    let has_draft = body.draft.is_some();
    let task = ctx
        .write(move |tx| {
            let (text, draft) = (text.clone(), body.draft.clone());
            Box::pin(async move {
                let before = load(tx.connection(), id).await?;
                if before.session.archived_at_ms.is_some() {
                    return Err(Error::new(ErrorCode::Gone, "the session is archived")
                        .hint("bring it back first"));
                }
                if before.health.has_failed() {
                    let why = before.session.evidence.detail;
                    let detail = format!("the session's executor is not started any more: {why}");
                    return Err(Error::new(ErrorCode::Conflict, detail)
                        .hint("restart it: `grove executor restart`, or in the session's panel"));
                }
                let text = match draft {
                    Some(draft) => {
                        docs::service::take(tx, id, &draft, &text).await?;
                        text.trim().to_owned()
                    }
                    None => text,
                };
                let mut after = before.clone();
                let task = enqueue(tx, &mut after, text).await?;
                let evidence = Some(("prompt_queued", "a prompt waits for its turn"));
                state::settle(tx, &before, after, evidence).await?;
                Ok(task)
            })
        })
        .await?;
    if has_draft {
        docs::service::changed(ctx, [id.into()]).await;
    }
    ctx.app.pool.wake(id);
    Ok(task)
}

/// Adds a queued task; the caller stores the session.
pub(super) async fn enqueue(tx: &Tx<'_>, record: &mut Record, text: String) -> Result<Task, Error> {
    let id = record.session.id;
    let waiting = tasks::service::count_in(tx.connection(), id, TaskState::Queued).await?;
    if waiting >= limits::QUEUED_PROMPTS {
        let detail = format!("{waiting} prompts wait in this session already");
        return Err(Error::new(ErrorCode::Conflict, detail).hint("wait until some are done"));
    }
    record.session.task_count += 1;
    let task = Task {
        id: clock::fresh_id(),
        session_id: id,
        index: record.session.task_count,
        prompt: text,
        created_by: tx.actor.user,
        via: tx.actor.via.to_string(),
        state: TaskState::Queued,
        failure: None,
        start: None,
        end: None,
        snapshot_before: None,
        snapshot_after: None,
        usage: Usage::default(),
        created_at_ms: tx.now,
        started_at_ms: None,
        ended_at_ms: None,
    };
    tasks::service::create(tx, &task).await?;
    Ok(task)
}

/// A task that is to be handed to the executor, or was handed to it before a restart.
#[derive(Clone, Debug)]
pub(crate) struct Start {
    pub(crate) task: Task,
    pub(crate) session: Session,
}

/// Takes the oldest prompt out of the queue, unless a task runs.
///
/// The prompt's message is written now, so that the history reads in the order of events.
pub(crate) async fn start_next(ctx: &Ctx, id: SessionId) -> Result<Option<Start>, Error> {
    ctx.write(move |tx| {
        Box::pin(async move {
            let running = tasks::service::first_in(tx.connection(), id, TaskState::Running);
            if running.await?.is_some() {
                return Ok(None);
            }
            let Some(task) = next_permitted(tx, id).await? else { return Ok(None) };
            let before = load(tx.connection(), id).await?;
            let mut after = before.clone();
            let mut begun = task.clone();
            begun.state = TaskState::Running;
            tasks::service::save(tx, &task, &begun).await?;
            if messages::service::prompt_of(tx.connection(), task.id).await?.is_none() {
                after.message_count += 1;
                let message = prompt_message(tx, &after, &begun);
                messages::service::create(tx, &message, None).await?;
            }
            after.is_stopping = false;
            after.stop_reason = None;
            let evidence = Some(("executor_starting", "the executor is being started"));
            let session = state::settle(tx, &before, after, evidence).await?;
            Ok(Some(Start { task: begun, session }))
        })
    })
    .await
}

/// The oldest prompt that waits and whose author may still prompt here; those before it are refused.
async fn next_permitted(tx: &Tx<'_>, id: SessionId) -> Result<Option<Task>, Error> {
    let connection = tx.connection();
    while let Some(task) = tasks::service::first_in(connection, id, TaskState::Queued).await? {
        let before = load(connection, id).await?;
        let board = before.session.board_id;
        if grants::service::may_prompt(connection, task.created_by, board).await? {
            return Ok(Some(task));
        }
        let detail = "refused: who prompted may not prompt on this board any more";
        tasks::service::end(tx, task.id, TaskState::Failed, Some(detail.to_owned())).await?;
        let mut after = before.clone();
        detail.clone_into(&mut after.session.line);
        let evidence = Some((grants::service::RIGHT_LOST, detail));
        state::settle(tx, &before, after, evidence).await?;
    }
    Ok(None)
}

fn prompt_message(tx: &Tx<'_>, record: &Record, task: &Task) -> Message {
    Message {
        id: clock::fresh_id(),
        session_id: task.session_id,
        task_id: task.id,
        index: record.message_count,
        role: Role::User,
        author: Some(task.created_by),
        is_streaming: false,
        text: task.prompt.clone(),
        body: Body::Prompt,
        created_at_ms: tx.now,
        updated_at_ms: tx.now,
    }
}

/// Puts a task back into the queue that its executor never began.
pub(crate) async fn give_back(ctx: &Ctx, id: SessionId, task: TaskId) -> Result<(), Error> {
    ctx.write(move |tx| {
        Box::pin(async move {
            let before = tasks::service::load(tx.connection(), task).await?;
            if before.state != TaskState::Running || before.started_at_ms.is_some() {
                return Ok(());
            }
            let mut after = before.clone();
            after.state = TaskState::Queued;
            tasks::service::save(tx, &before, &after).await?;
            let before = load(tx.connection(), id).await?;
            let evidence = Some(("prompt_queued", "the prompt waits for an executor"));
            state::settle(tx, &before, before.clone(), evidence).await?;
            Ok(())
        })
    })
    .await
}

/// Stops the running task and drops the queue. The state shows it at once; the executor follows.
pub(crate) async fn stop(ctx: &Ctx, id: SessionId) -> Result<Session, Error> {
    stop_running(ctx, id, Queue::Drop).await
}

/// Stops the running task; the queue goes on after it.
pub(crate) async fn interrupt(ctx: &Ctx, id: SessionId) -> Result<Session, Error> {
    stop_running(ctx, id, Queue::Keep).await
}

/// What becomes of the prompts that wait when the running task is stopped.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Queue {
    Drop,
    Keep,
}

async fn stop_running(ctx: &Ctx, id: SessionId, queue: Queue) -> Result<Session, Error> {
    let held = ctx.on_session(Action::PromptSessions, id).await?;
    super::here(ctx, id).await?;
    let (session, running) = ctx
        .write(move |tx| {
            Box::pin(async move {
                let connection = tx.connection();
                let before = load(connection, id).await?;
                let states = match queue {
                    Queue::Drop => &[TaskState::Running, TaskState::Queued][..],
                    Queue::Keep => &[TaskState::Running][..],
                };
                if tasks::service::is_others(connection, id, states, tx.actor.user).await? {
                    held.require(connection, Action::SteerOthers).await?;
                }
                while queue == Queue::Drop
                    && let Some(task) =
                        tasks::service::first_in(connection, id, TaskState::Queued).await?
                {
                    tasks::service::end(tx, task.id, TaskState::Cancelled, None).await?;
                }
                let running = tasks::service::first_in(connection, id, TaskState::Running).await?;
                let mut after = before.clone();
                after.is_stopping = running.is_some();
                let evidence = Some(("stop_requested", "a person asked to stop"));
                let session = state::settle(tx, &before, after, evidence).await?;
                Ok((session, running.map(|task| task.id)))
            })
        })
        .await?;
    if let Some(task) = running {
        ctx.app.pool.cancel(id, task);
    }
    Ok(session)
}

/// Notes that Grove itself stops the running task, and why; the caller tells the executor. False
/// when the task does not run any more or is being stopped already.
pub(crate) async fn stop_for(
    ctx: &Ctx,
    id: SessionId,
    task: TaskId,
    reason: StopReason,
) -> Result<bool, Error> {
    ctx.write(move |tx| {
        let reason = reason.clone();
        Box::pin(async move {
            let running = tasks::service::first_in(tx.connection(), id, TaskState::Running).await?;
            let before = load(tx.connection(), id).await?;
            if before.is_stopping || running.is_none_or(|it| it.id != task) {
                return Ok(false);
            }
            let mut after = before.clone();
            after.is_stopping = true;
            after.stop_reason = Some(reason.clone());
            let evidence = Some((reason.fact.as_str(), reason.detail.as_str()));
            state::settle(tx, &before, after, evidence).await?;
            Ok(true)
        })
    })
    .await
}

/// Ends a task whose executor had to be killed because it did not stop.
pub(crate) async fn stopped_by_force(ctx: &Ctx, id: SessionId, task: TaskId) -> Result<(), Error> {
    let reason = load(ctx.read(), id).await?.stop_reason;
    let killed = "the agent did not stop by itself and was killed";
    let (state, fact, detail) = match reason {
        Some(StopReason { fact, detail }) => (TaskState::Failed, fact, detail),
        None => (TaskState::Cancelled, "killed".to_owned(), killed.to_owned()),
    };
    super::recover::end_task(ctx, id, task, state, (&fact, &detail)).await
}

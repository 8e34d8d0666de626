//! Reading tasks, and the steps of a task's life that its session takes with it.

use super::store::{self, Filter};
use crate::auth::policy::Action;
use crate::context::{Ctx, Tx};
use crate::error::Error;
use crate::grants::seen::Seen;
use crate::{lookup, patch_ops, sessions, validate};
use grove_core_api::event::Topic;
use grove_core_api::rest::tasks::{Task, TaskQuery, TaskState};
use grove_core_api::{IdRef, Page, SessionId, TaskId};
use sea_orm::ConnectionTrait;

pub(crate) use super::store::{count_in, first_in, is_others, last, last_outcome, sessions_with};

pub(crate) async fn find(ctx: &Ctx, id: &IdRef) -> Result<TaskId, Error> {
    store::find(ctx.read(), id, ctx.seen()).await
}

pub(crate) async fn get(ctx: &Ctx, id: TaskId) -> Result<Task, Error> {
    let unseen = || Error::not_found(TaskId::NOUN, id);
    let task = load(ctx.read(), id).await?;
    let board =
        sessions::service::board_of(ctx.read(), task.session_id).await?.ok_or_else(unseen)?;
    ctx.on_place(Action::ReadBoard, board, unseen).await?;
    Ok(task)
}

pub(crate) async fn load(connection: &impl ConnectionTrait, id: TaskId) -> Result<Task, Error> {
    store::get(connection, id).await?.ok_or_else(|| Error::not_found(TaskId::NOUN, id))
}

pub(crate) async fn list(ctx: &Ctx, query: &TaskQuery) -> Result<Page<Task>, Error> {
    ctx.authorize(Action::Read)?;
    let limit = validate::limit(query.limit)?;
    let before = lookup::cursor(query.cursor.as_deref())?;
    let seen = ctx.seen();
    let filter = Filter { seen, session: query.session_id, state: query.state, before };
    let tasks = store::list(ctx.read(), filter, limit + 1).await?;
    Ok(lookup::page(tasks, limit, |task| task.id.0))
}

/// The newest tasks of a session, for its topic's snapshot.
pub(crate) async fn newest(
    connection: &impl ConnectionTrait,
    session: SessionId,
    limit: u64,
) -> Result<Vec<Task>, Error> {
    let (seen, session) = (Seen::All, Some(session));
    let filter = Filter { seen, session, state: None, before: None };
    store::list(connection, filter, limit).await
}

/// Stores a new task and tells the session's topic.
pub(crate) async fn create(tx: &Tx<'_>, task: &Task) -> Result<(), Error> {
    store::insert(tx.connection(), task).await?;
    let put = patch_ops::put(task.id, "task", task)?;
    tx.emit(Topic::Session(task.session_id), "task.created", vec![put]).await
}

/// Stores a changed task and tells the session's topic.
pub(crate) async fn save(tx: &Tx<'_>, before: &Task, after: &Task) -> Result<(), Error> {
    store::update(tx.connection(), after).await?;
    let ops = patch_ops::set(after.id, before, after)?;
    tx.emit(Topic::Session(after.session_id), "task.patched", ops).await
}

/// Ends a task; one that ended already stays as it is.
pub(crate) async fn end(
    tx: &Tx<'_>,
    id: TaskId,
    state: TaskState,
    failure: Option<String>,
) -> Result<(), Error> {
    let before = load(tx.connection(), id).await?;
    if before.ended_at_ms.is_some() {
        return Ok(());
    }
    let mut after = before.clone();
    after.state = state;
    after.failure = failure;
    after.ended_at_ms = Some(tx.now);
    save(tx, &before, &after).await
}

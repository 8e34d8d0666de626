//! Rows of tasks.

use crate::db::entity::task;
use crate::error::Error;
use crate::grants::seen::Seen;
use grove_core_api::agent::{GitState, Usage};
use grove_core_api::rest::tasks::{Task, TaskState};
use grove_core_api::{IdRef, SessionId, TaskId, UserId};
use sea_orm::{
    ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, PaginatorTrait, QueryFilter,
    QueryOrder, QuerySelect,
};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
struct Data {
    v: u32,
    failure: Option<String>,
    start: Option<GitState>,
    end: Option<GitState>,
    snapshot_before: Option<String>,
    snapshot_after: Option<String>,
    usage: Usage,
}

pub(crate) async fn find(
    connection: &impl ConnectionTrait,
    id: &IdRef,
    seen: Seen,
) -> Result<TaskId, Error> {
    let columns = (task::Column::Id, task::Column::ShortId);
    crate::lookup::resolve::<task::Entity>(
        connection,
        TaskId::NOUN,
        id,
        columns,
        seen.sessions(task::Column::SessionId),
    )
    .await
    .map(TaskId)
}

pub(crate) async fn get(
    connection: &impl ConnectionTrait,
    id: TaskId,
) -> Result<Option<Task>, Error> {
    task::Entity::find_by_id(id.0).one(connection).await?.map(read).transpose()
}

/// Which tasks are wanted.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Filter {
    pub(crate) seen: Seen,
    pub(crate) session: Option<SessionId>,
    pub(crate) state: Option<TaskState>,
    pub(crate) before: Option<Uuid>,
}

/// Newest first.
pub(crate) async fn list(
    connection: &impl ConnectionTrait,
    filter: Filter,
    limit: u64,
) -> Result<Vec<Task>, Error> {
    let mut query = task::Entity::find()
        .filter(filter.seen.sessions(task::Column::SessionId))
        .order_by_desc(task::Column::Id)
        .limit(limit);
    if let Some(session) = filter.session {
        query = query.filter(task::Column::SessionId.eq(session.0));
    }
    if let Some(state) = filter.state {
        query = query.filter(task::Column::State.eq(state.as_str()));
    }
    if let Some(before) = filter.before {
        query = query.filter(task::Column::Id.lt(before));
    }
    query.all(connection).await?.into_iter().map(read).collect()
}

/// Whether a task of a session in one of these states is somebody else's.
pub(crate) async fn is_others(
    connection: &impl ConnectionTrait,
    session: SessionId,
    states: &[TaskState],
    person: UserId,
) -> Result<bool, Error> {
    let found = task::Entity::find()
        .filter(task::Column::SessionId.eq(session.0))
        .filter(task::Column::State.is_in(states.iter().map(|it| it.as_str())))
        .filter(task::Column::CreatedBy.ne(person.0))
        .count(connection)
        .await?;
    Ok(found > 0)
}

/// The oldest task of a session in a state.
pub(crate) async fn first_in(
    connection: &impl ConnectionTrait,
    session: SessionId,
    state: TaskState,
) -> Result<Option<Task>, Error> {
    task::Entity::find()
        .filter(task::Column::SessionId.eq(session.0))
        .filter(task::Column::State.eq(state.as_str()))
        .order_by_asc(task::Column::Position)
        .one(connection)
        .await?
        .map(read)
        .transpose()
}

/// The newest task of a session.
pub(crate) async fn last(
    connection: &impl ConnectionTrait,
    session: SessionId,
) -> Result<Option<Task>, Error> {
    task::Entity::find()
        .filter(task::Column::SessionId.eq(session.0))
        .order_by_desc(task::Column::Position)
        .one(connection)
        .await?
        .map(read)
        .transpose()
}

pub(crate) async fn count_in(
    connection: &impl ConnectionTrait,
    session: SessionId,
    state: TaskState,
) -> Result<u64, Error> {
    Ok(task::Entity::find()
        .filter(task::Column::SessionId.eq(session.0))
        .filter(task::Column::State.eq(state.as_str()))
        .count(connection)
        .await?)
}

/// State of the last task of a session that ended.
pub(crate) async fn last_outcome(
    connection: &impl ConnectionTrait,
    session: SessionId,
) -> Result<Option<TaskState>, Error> {
    let row = task::Entity::find()
        .filter(task::Column::SessionId.eq(session.0))
        .filter(task::Column::EndedAtMs.is_not_null())
        .order_by_desc(task::Column::Position)
        .one(connection)
        .await?;
    row.map(|row| state_of(&row.state)).transpose()
}

/// Sessions that have a task in a state.
pub(crate) async fn sessions_with(
    connection: &impl ConnectionTrait,
    state: TaskState,
) -> Result<Vec<SessionId>, Error> {
    let ids: Vec<Uuid> = task::Entity::find()
        .select_only()
        .column(task::Column::SessionId)
        .distinct()
        .filter(task::Column::State.eq(state.as_str()))
        .into_tuple()
        .all(connection)
        .await?;
    Ok(ids.into_iter().map(SessionId).collect())
}

pub(crate) async fn insert(connection: &impl ConnectionTrait, task: &Task) -> Result<(), Error> {
    task::Entity::insert(row(task)?).exec_without_returning(connection).await?;
    Ok(())
}

pub(crate) async fn update(connection: &impl ConnectionTrait, task: &Task) -> Result<(), Error> {
    task::Entity::update(row(task)?).exec(connection).await?;
    Ok(())
}

fn state_of(name: &str) -> Result<TaskState, Error> {
    serde_json::from_value(serde_json::Value::String(name.to_owned()))
        .map_err(|error| Error::internal(format!("unknown state of a task: {name}: {error}")))
}

fn row(task: &Task) -> Result<task::ActiveModel, Error> {
    let data = Data {
        v: 1,
        failure: task.failure.clone(),
        start: task.start.clone(),
        end: task.end.clone(),
        snapshot_before: task.snapshot_before.clone(),
        snapshot_after: task.snapshot_after.clone(),
        usage: task.usage,
    };
    Ok(task::ActiveModel {
        id: Set(task.id.0),
        short_id: Set(task.id.short()),
        session_id: Set(task.session_id.0),
        position: Set(task.index),
        prompt: Set(task.prompt.clone()),
        state: Set(task.state.as_str().to_owned()),
        via: Set(task.via.clone()),
        data: Set(serde_json::to_value(data)?),
        created_by: Set(task.created_by.0),
        created_at_ms: Set(task.created_at_ms),
        started_at_ms: Set(task.started_at_ms),
        ended_at_ms: Set(task.ended_at_ms),
    })
}

fn read(row: task::Model) -> Result<Task, Error> {
    let data: Data = serde_json::from_value(row.data)?;
    Ok(Task {
        id: TaskId(row.id),
        session_id: SessionId(row.session_id),
        index: row.position,
        prompt: row.prompt,
        created_by: UserId(row.created_by),
        via: row.via,
        state: state_of(&row.state)?,
        failure: data.failure,
        start: data.start,
        end: data.end,
        snapshot_before: data.snapshot_before,
        snapshot_after: data.snapshot_after,
        usage: data.usage,
        created_at_ms: row.created_at_ms,
        started_at_ms: row.started_at_ms,
        ended_at_ms: row.ended_at_ms,
    })
}

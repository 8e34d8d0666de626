//! Rows of executors.

use crate::db::entity::executor;
use crate::error::Error;
use crate::grants::seen::Seen;
use grove_core_api::isolation::SandboxReport;
use grove_core_api::monitor::ExecutorRole;
use grove_core_api::rest::executors::{Executor, ExecutorEnd, ExecutorState, ResourceLimits};
use grove_core_api::{ExecutorId, IdRef, SessionId};
use sea_orm::{
    ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder,
    QuerySelect,
};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
struct Data {
    v: u32,
    node: String,
    limits: ResourceLimits,
    report: Option<SandboxReport>,
    end: Option<ExecutorEnd>,
}

pub(crate) async fn find(
    connection: &impl ConnectionTrait,
    id: &IdRef,
    seen: Seen,
) -> Result<ExecutorId, Error> {
    let columns = (executor::Column::Id, executor::Column::ShortId);
    crate::lookup::resolve::<executor::Entity>(
        connection,
        ExecutorId::NOUN,
        id,
        columns,
        seen.sessions(executor::Column::SessionId),
    )
    .await
    .map(ExecutorId)
}

pub(crate) async fn get(
    connection: &impl ConnectionTrait,
    id: ExecutorId,
) -> Result<Option<Executor>, Error> {
    executor::Entity::find_by_id(id.0).one(connection).await?.map(read).transpose()
}

/// Newest first.
pub(crate) async fn list(
    connection: &impl ConnectionTrait,
    seen: Seen,
    session: Option<SessionId>,
    before: Option<Uuid>,
    limit: u64,
) -> Result<Vec<Executor>, Error> {
    let mut query = executor::Entity::find()
        .filter(seen.sessions(executor::Column::SessionId))
        .order_by_desc(executor::Column::Id)
        .limit(limit);
    if let Some(session) = session {
        query = query.filter(executor::Column::SessionId.eq(session.0));
    }
    if let Some(before) = before {
        query = query.filter(executor::Column::Id.lt(before));
    }
    query.all(connection).await?.into_iter().map(read).collect()
}

/// Those whose end nobody has noted.
pub(crate) async fn without_end(connection: &impl ConnectionTrait) -> Result<Vec<Executor>, Error> {
    executor::Entity::find()
        .filter(executor::Column::EndedAtMs.is_null())
        .all(connection)
        .await?
        .into_iter()
        .map(read)
        .collect()
}

pub(crate) async fn insert(
    connection: &impl ConnectionTrait,
    executor: &Executor,
) -> Result<(), Error> {
    executor::Entity::insert(row(executor)?).exec_without_returning(connection).await?;
    Ok(())
}

pub(crate) async fn update(
    connection: &impl ConnectionTrait,
    executor: &Executor,
) -> Result<(), Error> {
    executor::Entity::update(row(executor)?).exec(connection).await?;
    Ok(())
}

/// Removes those that ended, but for the newest `keep`.
pub(crate) async fn prune(connection: &impl ConnectionTrait, keep: u64) -> Result<u64, Error> {
    let oldest_kept: Option<i64> = executor::Entity::find()
        .select_only()
        .column(executor::Column::EndedAtMs)
        .filter(executor::Column::EndedAtMs.is_not_null())
        .order_by_desc(executor::Column::EndedAtMs)
        .offset(keep)
        .limit(1)
        .into_tuple()
        .one(connection)
        .await?;
    let Some(limit) = oldest_kept else { return Ok(0) };
    let gone = executor::Entity::delete_many()
        .filter(executor::Column::EndedAtMs.lte(limit))
        .exec(connection)
        .await?;
    Ok(gone.rows_affected)
}

const ROLES: [ExecutorRole; 2] = [ExecutorRole::Session, ExecutorRole::Keeper];

const fn role_name(role: ExecutorRole) -> &'static str {
    match role {
        ExecutorRole::Session => "session",
        ExecutorRole::Keeper => "keeper",
    }
}

fn row(executor: &Executor) -> Result<executor::ActiveModel, Error> {
    let data = Data {
        v: 1,
        node: executor.node.clone(),
        limits: executor.limits,
        report: executor.report.clone(),
        end: executor.end.clone(),
    };
    Ok(executor::ActiveModel {
        id: Set(executor.id.0),
        short_id: Set(executor.id.short()),
        session_id: Set(executor.session_id.map(|id| id.0)),
        role: Set(role_name(executor.role).to_owned()),
        account: Set(executor.account.clone()),
        uid: Set(i64::from(executor.uid)),
        pid: Set(executor.pid.map(i64::from)),
        state: Set(executor.state.as_str().to_owned()),
        restarts: Set(i32::try_from(executor.restarts).unwrap_or(i32::MAX)),
        data: Set(serde_json::to_value(data)?),
        started_at_ms: Set(executor.started_at_ms),
        ended_at_ms: Set(executor.ended_at_ms),
    })
}

fn read(row: executor::Model) -> Result<Executor, Error> {
    let data: Data = serde_json::from_value(row.data)?;
    let state = ExecutorState::ALL
        .into_iter()
        .find(|state| state.as_str() == row.state)
        .ok_or_else(|| Error::internal(format!("unknown state of an executor: {}", row.state)))?;
    let role = ROLES
        .into_iter()
        .find(|role| role_name(*role) == row.role)
        .ok_or_else(|| Error::internal(format!("unknown role of an executor: {}", row.role)))?;
    Ok(Executor {
        id: ExecutorId(row.id),
        role,
        session_id: row.session_id.map(SessionId),
        node: data.node,
        state,
        account: row.account,
        uid: u32::try_from(row.uid).unwrap_or(u32::MAX),
        pid: row.pid.and_then(|pid| i32::try_from(pid).ok()),
        restarts: u32::try_from(row.restarts).unwrap_or(0),
        limits: data.limits,
        report: data.report,
        end: data.end,
        started_at_ms: row.started_at_ms,
        ended_at_ms: row.ended_at_ms,
    })
}

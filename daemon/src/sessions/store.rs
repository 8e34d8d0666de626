//! Rows of sessions.

use super::model::{Record, SessionData};
use crate::db::entity::session;
use crate::error::Error;
use crate::grants::seen::Seen;
use grove_core_api::rest::sessions::{Relation, RunState, Session};
use grove_core_api::{BoardId, ExecutorId, IdRef, RepoId, SessionId, UserId, WorktreeId};
use sea_orm::sea_query::ExprTrait;
use sea_orm::{
    ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, PaginatorTrait, QueryFilter,
    QueryOrder, QuerySelect,
};
use uuid::Uuid;

pub(crate) async fn find(
    connection: &impl ConnectionTrait,
    id: &IdRef,
    seen: Seen,
) -> Result<SessionId, Error> {
    let columns = (session::Column::Id, session::Column::ShortId);
    crate::lookup::resolve::<session::Entity>(
        connection,
        SessionId::NOUN,
        id,
        columns,
        seen.boards(session::Column::BoardId),
    )
    .await
    .map(SessionId)
}

pub(crate) async fn get(
    connection: &impl ConnectionTrait,
    id: SessionId,
) -> Result<Option<Record>, Error> {
    session::Entity::find_by_id(id.0).one(connection).await?.map(read).transpose()
}

/// Which sessions are wanted.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Filter {
    pub(crate) seen: Seen,
    pub(crate) board: Option<BoardId>,
    pub(crate) state: Option<RunState>,
    pub(crate) parent: Option<SessionId>,
    pub(crate) include_archived: bool,
    pub(crate) before: Option<Uuid>,
}

impl Default for Filter {
    fn default() -> Self {
        let (board, state, parent, before) = (None, None, None, None);
        Self { seen: Seen::All, board, state, parent, include_archived: false, before }
    }
}

/// The board of a session.
pub(crate) async fn board_of(
    connection: &impl ConnectionTrait,
    id: SessionId,
) -> Result<Option<BoardId>, Error> {
    let board: Option<Uuid> = session::Entity::find_by_id(id.0)
        .select_only()
        .column(session::Column::BoardId)
        .into_tuple()
        .one(connection)
        .await?;
    Ok(board.map(BoardId))
}

/// Newest first.
pub(crate) async fn list(
    connection: &impl ConnectionTrait,
    filter: Filter,
    limit: Option<u64>,
) -> Result<Vec<Session>, Error> {
    let mut query = session::Entity::find()
        .filter(filter.seen.boards(session::Column::BoardId))
        .order_by_desc(session::Column::Id)
        .limit(limit);
    if let Some(board) = filter.board {
        query = query.filter(session::Column::BoardId.eq(board.0));
    }
    if let Some(state) = filter.state {
        query = query.filter(session::Column::State.eq(state.as_str()));
    }
    if let Some(parent) = filter.parent {
        query = query.filter(session::Column::ParentId.eq(parent.0));
    }
    if !filter.include_archived && filter.state != Some(RunState::Archived) {
        query = query.filter(session::Column::ArchivedAtMs.is_null());
    }
    if let Some(before) = filter.before {
        query = query.filter(session::Column::Id.lt(before));
    }
    let rows = query.all(connection).await?;
    rows.into_iter().map(|row| read(row).map(|record| record.session)).collect()
}

/// Sessions of a worktree that are not archived.
pub(crate) async fn of_worktree(
    connection: &impl ConnectionTrait,
    worktree: WorktreeId,
) -> Result<Vec<Session>, Error> {
    let rows = session::Entity::find()
        .filter(session::Column::WorktreeId.eq(worktree.0))
        .filter(session::Column::ArchivedAtMs.is_null())
        .limit(100)
        .all(connection)
        .await?;
    rows.into_iter().map(|row| read(row).map(|record| record.session)).collect()
}

/// Living sessions that a person made, or that work in one of these worktrees.
pub(crate) async fn of_person(
    connection: &impl ConnectionTrait,
    user: UserId,
    worktrees: Vec<WorktreeId>,
) -> Result<Vec<SessionId>, Error> {
    let worktrees = worktrees.into_iter().map(|it| it.0);
    let is_theirs =
        session::Column::CreatedBy.eq(user.0).or(session::Column::WorktreeId.is_in(worktrees));
    let rows = session::Entity::find()
        .select_only()
        .column(session::Column::Id)
        .filter(session::Column::ArchivedAtMs.is_null())
        .filter(is_theirs)
        .into_tuple::<Uuid>()
        .all(connection)
        .await?;
    Ok(rows.into_iter().map(SessionId).collect())
}

/// Ids of sessions, the archived ones too, from the oldest on.
pub(crate) async fn ids_after(
    connection: &impl ConnectionTrait,
    after: Option<Uuid>,
    limit: u64,
) -> Result<Vec<SessionId>, Error> {
    let mut query = session::Entity::find()
        .select_only()
        .column(session::Column::Id)
        .order_by_asc(session::Column::Id)
        .limit(limit);
    if let Some(after) = after {
        query = query.filter(session::Column::Id.gt(after));
    }
    let ids: Vec<Uuid> = query.into_tuple().all(connection).await?;
    Ok(ids.into_iter().map(SessionId).collect())
}

pub(crate) async fn count_children(
    connection: &impl ConnectionTrait,
    parent: SessionId,
) -> Result<u64, Error> {
    Ok(session::Entity::find()
        .filter(session::Column::ParentId.eq(parent.0))
        .count(connection)
        .await?)
}

/// Sessions that had an executor when the daemon last wrote.
pub(crate) async fn with_executor(connection: &impl ConnectionTrait) -> Result<Vec<Record>, Error> {
    session::Entity::find()
        .filter(session::Column::ExecutorId.is_not_null())
        .all(connection)
        .await?
        .into_iter()
        .map(read)
        .collect()
}

pub(crate) async fn insert(
    connection: &impl ConnectionTrait,
    record: &Record,
) -> Result<(), Error> {
    session::Entity::insert(row(record)?).exec_without_returning(connection).await?;
    Ok(())
}

pub(crate) async fn update(
    connection: &impl ConnectionTrait,
    record: &Record,
) -> Result<(), Error> {
    session::Entity::update(row(record)?).exec(connection).await?;
    Ok(())
}

const fn relation_name(relation: Relation) -> &'static str {
    match relation {
        Relation::Spawn => "spawn",
        Relation::Fork => "fork",
    }
}

fn row(record: &Record) -> Result<session::ActiveModel, Error> {
    let session = &record.session;
    let data = SessionData {
        v: 1,
        repo: session.repo.clone(),
        branch: session.branch.clone(),
        evidence: session.evidence.clone(),
        line: session.line.clone(),
        usage: session.usage,
        is_stopping: record.is_stopping,
        stop_reason: record.stop_reason.clone(),
        health: record.health,
        executor: session.executor.clone(),
        sandbox: session.sandbox.clone(),
    };
    Ok(session::ActiveModel {
        id: Set(session.id.0),
        short_id: Set(session.id.short()),
        board_id: Set(session.board_id.0),
        worktree_id: Set(session.worktree_id.0),
        repo_id: Set(session.repo_id.0),
        title: Set(session.title.clone()),
        agent: Set(session.agent.clone()),
        model: Set(session.model.clone()),
        state: Set(session.state.as_str().to_owned()),
        parent_id: Set(session.parent_id.map(|id| id.0)),
        relation: Set(session.relation.map(|it| relation_name(it).to_owned())),
        depth: Set(session.depth),
        task_count: Set(session.task_count),
        message_count: Set(record.message_count),
        data: Set(serde_json::to_value(data)?),
        executor_id: Set(record.executor.map(|id| id.0)),
        executor_seq: Set(i64::try_from(record.executor_seq).unwrap_or(i64::MAX)),
        created_by: Set(session.created_by.0),
        created_at_ms: Set(session.created_at_ms),
        updated_at_ms: Set(session.updated_at_ms),
        archived_at_ms: Set(session.archived_at_ms),
    })
}

fn read(row: session::Model) -> Result<Record, Error> {
    let data: SessionData = serde_json::from_value(row.data)?;
    let state = RunState::ALL
        .into_iter()
        .find(|state| state.as_str() == row.state)
        .ok_or_else(|| Error::internal(format!("unknown state of a session: {}", row.state)))?;
    let relation = row.relation.as_deref().and_then(|name| {
        [Relation::Spawn, Relation::Fork].into_iter().find(|it| relation_name(*it) == name)
    });
    Ok(Record {
        session: Session {
            id: SessionId(row.id),
            board_id: BoardId(row.board_id),
            worktree_id: WorktreeId(row.worktree_id),
            repo_id: RepoId(row.repo_id),
            repo: data.repo,
            branch: data.branch,
            title: row.title,
            agent: row.agent,
            model: row.model,
            state,
            evidence: data.evidence,
            line: data.line,
            executor: data.executor,
            sandbox: data.sandbox,
            parent_id: row.parent_id.map(SessionId),
            relation,
            depth: row.depth,
            usage: data.usage,
            task_count: row.task_count,
            created_by: UserId(row.created_by),
            created_at_ms: row.created_at_ms,
            updated_at_ms: row.updated_at_ms,
            archived_at_ms: row.archived_at_ms,
        },
        executor: row.executor_id.map(ExecutorId),
        executor_seq: u64::try_from(row.executor_seq).unwrap_or(0),
        message_count: row.message_count,
        is_stopping: data.is_stopping,
        stop_reason: data.stop_reason,
        health: data.health,
    })
}

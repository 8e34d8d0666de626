//! Rows of worktrees.

use crate::db::entity::worktree;
use crate::error::Error;
use crate::grants::seen::Seen;
use grove_core_api::isolation::UnixAccount;
use grove_core_api::rest::worktrees::{Worktree, WorktreeState};
use grove_core_api::{BoardId, IdRef, RepoId, UserId, WorktreeId};
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
    failure: Option<String>,
    issue_url: Option<String>,
    pull_request_url: Option<String>,
    notes: String,
    trash_snapshot: Option<String>,
}

pub(crate) async fn find(
    connection: &impl ConnectionTrait,
    id: &IdRef,
    seen: Seen,
) -> Result<WorktreeId, Error> {
    let columns = (worktree::Column::Id, worktree::Column::ShortId);
    crate::lookup::resolve::<worktree::Entity>(
        connection,
        WorktreeId::NOUN,
        id,
        columns,
        seen.boards_or_own(worktree::Column::BoardId, worktree::Column::CreatedBy),
    )
    .await
    .map(WorktreeId)
}

pub(crate) async fn get(
    connection: &impl ConnectionTrait,
    id: WorktreeId,
) -> Result<Option<Worktree>, Error> {
    worktree::Entity::find_by_id(id.0).one(connection).await?.map(read).transpose()
}

/// Which worktrees are wanted.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Filter {
    pub(crate) seen: Seen,
    pub(crate) repo: Option<RepoId>,
    pub(crate) include_trashed: bool,
    pub(crate) before: Option<Uuid>,
}

/// Newest first, one more than the limit.
pub(crate) async fn list(
    connection: &impl ConnectionTrait,
    filter: Filter,
    limit: u64,
) -> Result<Vec<Worktree>, Error> {
    let Filter { seen, repo, include_trashed, before } = filter;
    let mut query = worktree::Entity::find()
        .filter(seen.boards_or_own(worktree::Column::BoardId, worktree::Column::CreatedBy))
        .order_by_desc(worktree::Column::Id)
        .limit(limit + 1);
    if let Some(repo) = repo {
        query = query.filter(worktree::Column::RepoId.eq(repo.0));
    }
    if !include_trashed {
        query = query.filter(worktree::Column::TrashedAtMs.is_null());
    }
    if let Some(before) = before {
        query = query.filter(worktree::Column::Id.lt(before));
    }
    query.all(connection).await?.into_iter().map(read).collect()
}

/// Worktrees whose making a crash interrupted.
pub(crate) async fn creating(connection: &impl ConnectionTrait) -> Result<Vec<Worktree>, Error> {
    worktree::Entity::find()
        .filter(worktree::Column::State.eq(state_name(WorktreeState::Creating)))
        .all(connection)
        .await?
        .into_iter()
        .map(read)
        .collect()
}

/// Worktrees whose files belong to an account.
pub(crate) async fn of_account(
    connection: &impl ConnectionTrait,
    account: &UnixAccount,
) -> Result<Vec<Worktree>, Error> {
    worktree::Entity::find()
        .filter(worktree::Column::UnixAccount.eq(account.name.as_str()))
        .filter(worktree::Column::UnixUid.eq(i64::from(account.uid)))
        .filter(worktree::Column::TrashedAtMs.is_null())
        .all(connection)
        .await?
        .into_iter()
        .map(read)
        .collect()
}

/// Whether a living worktree of the repository has this name.
pub(crate) async fn is_taken(
    connection: &impl ConnectionTrait,
    repo: RepoId,
    name: &str,
) -> Result<bool, Error> {
    let row = worktree::Entity::find()
        .select_only()
        .column(worktree::Column::Id)
        .filter(worktree::Column::RepoId.eq(repo.0))
        .filter(worktree::Column::LiveName.eq(name))
        .into_tuple::<Uuid>()
        .one(connection)
        .await?;
    Ok(row.is_some())
}

/// Whether a worktree of the repository has or had this name.
pub(crate) async fn was_used(
    connection: &impl ConnectionTrait,
    repo: RepoId,
    name: &str,
) -> Result<bool, Error> {
    let row = worktree::Entity::find()
        .select_only()
        .column(worktree::Column::Id)
        .filter(worktree::Column::RepoId.eq(repo.0))
        .filter(worktree::Column::Name.eq(name))
        .into_tuple::<Uuid>()
        .one(connection)
        .await?;
    Ok(row.is_some())
}

pub(crate) async fn insert(
    connection: &impl ConnectionTrait,
    worktree: &Worktree,
) -> Result<(), Error> {
    worktree::Entity::insert(row(worktree)?).exec_without_returning(connection).await?;
    Ok(())
}

pub(crate) async fn update(
    connection: &impl ConnectionTrait,
    worktree: &Worktree,
) -> Result<(), Error> {
    worktree::Entity::update(row(worktree)?).exec(connection).await?;
    Ok(())
}

pub(crate) async fn delete(connection: &impl ConnectionTrait, id: WorktreeId) -> Result<(), Error> {
    worktree::Entity::delete_by_id(id.0).exec(connection).await?;
    Ok(())
}

const STATES: [WorktreeState; 4] =
    [WorktreeState::Creating, WorktreeState::Ready, WorktreeState::Failed, WorktreeState::Trashed];

const fn state_name(state: WorktreeState) -> &'static str {
    match state {
        WorktreeState::Creating => "creating",
        WorktreeState::Ready => "ready",
        WorktreeState::Failed => "failed",
        WorktreeState::Trashed => "trashed",
    }
}

fn row(worktree: &Worktree) -> Result<worktree::ActiveModel, Error> {
    let is_live = worktree.trashed_at_ms.is_none() && worktree.state != WorktreeState::Failed;
    let data = Data {
        v: 1,
        failure: worktree.failure.clone(),
        issue_url: worktree.issue_url.clone(),
        pull_request_url: worktree.pull_request_url.clone(),
        notes: worktree.notes.clone(),
        trash_snapshot: worktree.trash_snapshot.clone(),
    };
    Ok(worktree::ActiveModel {
        id: Set(worktree.id.0),
        short_id: Set(worktree.id.short()),
        repo_id: Set(worktree.repo_id.0),
        board_id: Set(worktree.board_id.map(|it| it.0)),
        name: Set(worktree.name.clone()),
        live_name: Set(is_live.then(|| worktree.name.clone())),
        branch: Set(worktree.branch.clone()),
        base_ref: Set(worktree.base_ref.clone()),
        base_commit: Set(worktree.base_commit.clone()),
        path: Set(worktree.path.clone()),
        state: Set(state_name(worktree.state).to_owned()),
        data: Set(serde_json::to_value(data)?),
        unix_account: Set(worktree.unix_account.as_ref().map(|it| it.name.clone())),
        unix_uid: Set(worktree.unix_account.as_ref().map(|it| i64::from(it.uid))),
        created_by: Set(worktree.created_by.0),
        created_at_ms: Set(worktree.created_at_ms),
        updated_at_ms: Set(worktree.updated_at_ms),
        trashed_at_ms: Set(worktree.trashed_at_ms),
    })
}

fn read(row: worktree::Model) -> Result<Worktree, Error> {
    let data: Data = serde_json::from_value(row.data)?;
    let state = STATES
        .into_iter()
        .find(|state| state_name(*state) == row.state)
        .ok_or_else(|| Error::internal(format!("unknown state of a worktree: {}", row.state)))?;
    Ok(Worktree {
        id: WorktreeId(row.id),
        repo_id: RepoId(row.repo_id),
        board_id: row.board_id.map(BoardId),
        name: row.name,
        branch: row.branch,
        base_ref: row.base_ref,
        base_commit: row.base_commit,
        path: row.path,
        state,
        failure: data.failure,
        issue_url: data.issue_url,
        pull_request_url: data.pull_request_url,
        notes: data.notes,
        trash_snapshot: data.trash_snapshot,
        unix_account: crate::lookup::unix_account(row.unix_account, row.unix_uid)?,
        created_by: UserId(row.created_by),
        created_at_ms: row.created_at_ms,
        updated_at_ms: row.updated_at_ms,
        trashed_at_ms: row.trashed_at_ms,
    })
}

//! Rows of repositories.

use crate::db::entity::{repo, repo_home};
use crate::error::Error;
use grove_core_api::rest::repos::{Repo, RepoState};
use grove_core_api::{IdRef, RepoId, UserId};
use sea_orm::sea_query::Query;
use sea_orm::{
    ActiveValue::Set, ColumnTrait, Condition, ConnectionTrait, EntityTrait, QueryFilter,
    QueryOrder, QuerySelect,
};
use uuid::Uuid;

pub(crate) async fn find(connection: &impl ConnectionTrait, id: &IdRef) -> Result<RepoId, Error> {
    let columns = (repo::Column::Id, repo::Column::ShortId);
    crate::lookup::resolve::<repo::Entity>(connection, RepoId::NOUN, id, columns, Condition::all())
        .await
        .map(RepoId)
}

pub(crate) async fn get(
    connection: &impl ConnectionTrait,
    id: RepoId,
) -> Result<Option<Repo>, Error> {
    repo::Entity::find_by_id(id.0).one(connection).await?.map(read).transpose()
}

pub(crate) async fn by_name(
    connection: &impl ConnectionTrait,
    name: &str,
) -> Result<Option<Repo>, Error> {
    let row = repo::Entity::find().filter(repo::Column::Name.eq(name)).one(connection).await?;
    row.map(read).transpose()
}

/// Newest first, one more than the limit.
pub(crate) async fn list(
    connection: &impl ConnectionTrait,
    before: Option<Uuid>,
    limit: u64,
) -> Result<Vec<Repo>, Error> {
    let mut query = repo::Entity::find()
        .filter(repo::Column::ArchivedAtMs.is_null())
        .order_by_desc(repo::Column::Id)
        .limit(limit + 1);
    if let Some(before) = before {
        query = query.filter(repo::Column::Id.lt(before));
    }
    query.all(connection).await?.into_iter().map(read).collect()
}

/// Repositories whose clone is not complete.
pub(crate) async fn cloning(connection: &impl ConnectionTrait) -> Result<Vec<Repo>, Error> {
    repo::Entity::find()
        .filter(repo::Column::State.eq(state_name(RepoState::Cloning)))
        .all(connection)
        .await?
        .into_iter()
        .map(read)
        .collect()
}

pub(crate) async fn insert(connection: &impl ConnectionTrait, repo: &Repo) -> Result<(), Error> {
    repo::Entity::insert(row(repo)?).exec_without_returning(connection).await?;
    Ok(())
}

pub(crate) async fn update(connection: &impl ConnectionTrait, repo: &Repo) -> Result<(), Error> {
    repo::Entity::update(row(repo)?).exec(connection).await?;
    Ok(())
}

/// The daemon at which the repository's files lie, if that was ever noted.
pub(super) async fn home(
    connection: &impl ConnectionTrait,
    id: RepoId,
) -> Result<Option<String>, Error> {
    let row = repo_home::Entity::find_by_id(id.0).one(connection).await?;
    Ok(row.map(|row| row.node))
}

/// Notes where a repository's files lie, unless it is noted already.
pub(super) async fn settle_home(
    connection: &impl ConnectionTrait,
    id: RepoId,
    node: &str,
) -> Result<(), Error> {
    if home(connection, id).await?.is_none() {
        let row = repo_home::ActiveModel { repo_id: Set(id.0), node: Set(node.to_owned()) };
        repo_home::Entity::insert(row).exec_without_returning(connection).await?;
    }
    Ok(())
}

/// Repositories whose files lie at a daemon.
pub(super) async fn at(
    connection: &impl ConnectionTrait,
    node: &str,
) -> Result<Vec<RepoId>, Error> {
    let rows = repo_home::Entity::find().filter(repo_home::Column::Node.eq(node));
    Ok(rows.all(connection).await?.into_iter().map(|row| RepoId(row.repo_id)).collect())
}

/// Repositories of which nobody has noted where their files lie.
pub(super) async fn homeless(connection: &impl ConnectionTrait) -> Result<Vec<RepoId>, Error> {
    let noted =
        Query::select().column(repo_home::Column::RepoId).from(repo_home::Entity).to_owned();
    let ids: Vec<Uuid> = repo::Entity::find()
        .select_only()
        .column(repo::Column::Id)
        .filter(repo::Column::Id.not_in_subquery(noted))
        .into_tuple()
        .all(connection)
        .await?;
    Ok(ids.into_iter().map(RepoId).collect())
}

const STATES: [RepoState; 3] = [RepoState::Cloning, RepoState::Ready, RepoState::Failed];

const fn state_name(state: RepoState) -> &'static str {
    match state {
        RepoState::Cloning => "cloning",
        RepoState::Ready => "ready",
        RepoState::Failed => "failed",
    }
}

fn row(repo: &Repo) -> Result<repo::ActiveModel, Error> {
    Ok(repo::ActiveModel {
        id: Set(repo.id.0),
        short_id: Set(repo.id.short()),
        name: Set(repo.name.clone()),
        source: Set(repo.source.clone()),
        default_branch: Set(repo.default_branch.clone()),
        state: Set(state_name(repo.state).to_owned()),
        failure: Set(repo.failure.clone()),
        policy: Set(Some(serde_json::to_value(repo.policy)?)),
        created_by: Set(repo.created_by.0),
        created_at_ms: Set(repo.created_at_ms),
        updated_at_ms: Set(repo.updated_at_ms),
        archived_at_ms: Set(repo.archived_at_ms),
    })
}

fn read(row: repo::Model) -> Result<Repo, Error> {
    let state = STATES
        .into_iter()
        .find(|state| state_name(*state) == row.state)
        .ok_or_else(|| Error::internal(format!("unknown state of a repository: {}", row.state)))?;
    Ok(Repo {
        id: RepoId(row.id),
        name: row.name,
        source: row.source,
        default_branch: row.default_branch,
        state,
        progress_percent: None,
        failure: row.failure,
        policy: row.policy.map(serde_json::from_value).transpose()?.unwrap_or_default(),
        created_by: UserId(row.created_by),
        created_at_ms: row.created_at_ms,
        updated_at_ms: row.updated_at_ms,
        archived_at_ms: row.archived_at_ms,
    })
}

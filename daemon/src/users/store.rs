//! Rows of users.

use crate::db::entity::user;
use crate::error::Error;
use grove_core_api::rest::users::{User, UserRole};
use grove_core_api::{IdRef, UserId};
use sea_orm::{
    ActiveValue::{NotSet, Set},
    ColumnTrait, Condition, ConnectionTrait, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder,
    QuerySelect,
};
use uuid::Uuid;

pub(crate) async fn find(connection: &impl ConnectionTrait, id: &IdRef) -> Result<UserId, Error> {
    let columns = (user::Column::Id, user::Column::ShortId);
    crate::lookup::resolve::<user::Entity>(connection, UserId::NOUN, id, columns, Condition::all())
        .await
        .map(UserId)
}

pub(crate) async fn get(
    connection: &impl ConnectionTrait,
    id: UserId,
) -> Result<Option<User>, Error> {
    user::Entity::find_by_id(id.0).one(connection).await?.map(read).transpose()
}

pub(crate) async fn by_name(
    connection: &impl ConnectionTrait,
    name: &str,
) -> Result<Option<User>, Error> {
    let row = user::Entity::find().filter(user::Column::Name.eq(name)).one(connection).await?;
    row.map(read).transpose()
}

/// Whose account it is.
pub(crate) async fn by_account(
    connection: &impl ConnectionTrait,
    account: &str,
) -> Result<Option<User>, Error> {
    let is_it = user::Column::UnixAccount.eq(account);
    user::Entity::find().filter(is_it).one(connection).await?.map(read).transpose()
}

/// Whether Grove made the person's account.
pub(crate) async fn is_managed(
    connection: &impl ConnectionTrait,
    id: UserId,
) -> Result<bool, Error> {
    let row = user::Entity::find_by_id(id.0).one(connection).await?;
    Ok(row.is_some_and(|row| row.unix_is_managed))
}

/// Notes whether Grove made the person's account.
pub(crate) async fn set_managed(
    connection: &impl ConnectionTrait,
    id: UserId,
    is_managed: bool,
) -> Result<(), Error> {
    let row = user::ActiveModel {
        id: Set(id.0),
        unix_is_managed: Set(is_managed),
        ..user::ActiveModel::default()
    };
    user::Entity::update(row).exec(connection).await?;
    Ok(())
}

pub(crate) async fn count(connection: &impl ConnectionTrait) -> Result<u64, Error> {
    Ok(user::Entity::find().count(connection).await?)
}

/// Newest first, one more than the limit.
pub(crate) async fn list(
    connection: &impl ConnectionTrait,
    before: Option<Uuid>,
    limit: u64,
) -> Result<Vec<User>, Error> {
    let mut query = user::Entity::find().order_by_desc(user::Column::Id).limit(limit + 1);
    if let Some(before) = before {
        query = query.filter(user::Column::Id.lt(before));
    }
    query.all(connection).await?.into_iter().map(read).collect()
}

/// Newest first, without those who were retired.
pub(crate) async fn active(
    connection: &impl ConnectionTrait,
    limit: u64,
) -> Result<Vec<UserId>, Error> {
    let ids: Vec<Uuid> = user::Entity::find()
        .select_only()
        .column(user::Column::Id)
        .filter(user::Column::RetiredAtMs.is_null())
        .order_by_desc(user::Column::Id)
        .limit(limit)
        .into_tuple()
        .all(connection)
        .await?;
    Ok(ids.into_iter().map(UserId).collect())
}

pub(crate) async fn insert(connection: &impl ConnectionTrait, user: &User) -> Result<(), Error> {
    user::Entity::insert(row(user)).exec_without_returning(connection).await?;
    Ok(())
}

pub(crate) async fn update(connection: &impl ConnectionTrait, user: &User) -> Result<(), Error> {
    user::Entity::update(row(user)).exec(connection).await?;
    Ok(())
}

fn row(user: &User) -> user::ActiveModel {
    user::ActiveModel {
        id: Set(user.id.0),
        short_id: Set(user.id.short()),
        name: Set(user.name.clone()),
        emoji: Set(user.emoji.clone()),
        slot: Set(user.slot),
        role: Set(user.role.name().to_owned()),
        unix_account: Set(user.unix_account.as_ref().map(|it| it.name.clone())),
        unix_uid: Set(user.unix_account.as_ref().map(|it| i64::from(it.uid))),
        unix_is_managed: NotSet,
        created_at_ms: Set(user.created_at_ms),
        updated_at_ms: Set(user.updated_at_ms),
        retired_at_ms: Set(user.retired_at_ms),
    }
}

fn read(row: user::Model) -> Result<User, Error> {
    let role = UserRole::ALL
        .into_iter()
        .find(|role| role.name() == row.role)
        .ok_or_else(|| Error::internal(format!("unknown role of a person: {}", row.role)))?;
    Ok(User {
        id: UserId(row.id),
        name: row.name,
        emoji: row.emoji,
        slot: row.slot,
        role,
        unix_account: crate::lookup::unix_account(row.unix_account, row.unix_uid)?,
        created_at_ms: row.created_at_ms,
        updated_at_ms: row.updated_at_ms,
        retired_at_ms: row.retired_at_ms,
    })
}

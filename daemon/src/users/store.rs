//! Rows of users.

use crate::db::entity::user;
use crate::error::Error;
use grove_core_api::rest::users::User;
use grove_core_api::{IdRef, UserId};
use sea_orm::{
    ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, PaginatorTrait, QueryFilter,
    QueryOrder, QuerySelect,
};
use uuid::Uuid;

pub(crate) async fn find(connection: &impl ConnectionTrait, id: &IdRef) -> Result<UserId, Error> {
    let columns = (user::Column::Id, user::Column::ShortId);
    crate::lookup::resolve::<user::Entity>(connection, UserId::NOUN, id, columns).await.map(UserId)
}

pub(crate) async fn get(
    connection: &impl ConnectionTrait,
    id: UserId,
) -> Result<Option<User>, Error> {
    Ok(user::Entity::find_by_id(id.0).one(connection).await?.map(read))
}

pub(crate) async fn by_name(
    connection: &impl ConnectionTrait,
    name: &str,
) -> Result<Option<User>, Error> {
    let row = user::Entity::find().filter(user::Column::Name.eq(name)).one(connection).await?;
    Ok(row.map(read))
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
    Ok(query.all(connection).await?.into_iter().map(read).collect())
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
        created_at_ms: Set(user.created_at_ms),
        updated_at_ms: Set(user.updated_at_ms),
    }
}

fn read(row: user::Model) -> User {
    User {
        id: UserId(row.id),
        name: row.name,
        emoji: row.emoji,
        slot: row.slot,
        created_at_ms: row.created_at_ms,
        updated_at_ms: row.updated_at_ms,
    }
}

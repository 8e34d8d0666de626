//! Rows of groups and of who is in them.

use crate::db::entity::{group_member, user_group};
use crate::error::Error;
use grove_core_api::rest::grants::Group;
use grove_core_api::{GroupId, IdRef, UnixMillis, UserId};
use sea_orm::{
    ActiveValue::Set, ColumnTrait, Condition, ConnectionTrait, EntityTrait, PaginatorTrait,
    QueryFilter, QueryOrder, QuerySelect,
};
use std::collections::HashMap;
use uuid::Uuid;

pub(super) async fn find(connection: &impl ConnectionTrait, id: &IdRef) -> Result<GroupId, Error> {
    let columns = (user_group::Column::Id, user_group::Column::ShortId);
    let all = Condition::all();
    crate::lookup::resolve::<user_group::Entity>(connection, GroupId::NOUN, id, columns, all)
        .await
        .map(GroupId)
}

pub(super) async fn get(
    connection: &impl ConnectionTrait,
    id: GroupId,
) -> Result<Option<Group>, Error> {
    let row = user_group::Entity::find_by_id(id.0).one(connection).await?;
    let Some(row) = row else { return Ok(None) };
    Ok(with_members(connection, vec![row]).await?.pop())
}

pub(super) async fn by_name(
    connection: &impl ConnectionTrait,
    name: &str,
) -> Result<Option<GroupId>, Error> {
    let row = user_group::Entity::find()
        .filter(user_group::Column::Name.eq(name))
        .one(connection)
        .await?;
    Ok(row.map(|row| GroupId(row.id)))
}

/// Newest first, one more than the limit.
pub(super) async fn list(
    connection: &impl ConnectionTrait,
    before: Option<Uuid>,
    limit: u64,
) -> Result<Vec<Group>, Error> {
    let mut query =
        user_group::Entity::find().order_by_desc(user_group::Column::Id).limit(limit + 1);
    if let Some(before) = before {
        query = query.filter(user_group::Column::Id.lt(before));
    }
    let rows = query.all(connection).await?;
    with_members(connection, rows).await
}

async fn with_members(
    connection: &impl ConnectionTrait,
    rows: Vec<user_group::Model>,
) -> Result<Vec<Group>, Error> {
    let found = group_member::Entity::find()
        .filter(group_member::Column::GroupId.is_in(rows.iter().map(|row| row.id)))
        .order_by_asc(group_member::Column::UserId)
        .all(connection)
        .await?;
    let mut members: HashMap<Uuid, Vec<UserId>> = HashMap::new();
    for row in found {
        members.entry(row.group_id).or_default().push(UserId(row.user_id));
    }
    let group = |row: user_group::Model| Group {
        members: members.remove(&row.id).unwrap_or_default(),
        id: GroupId(row.id),
        name: row.name,
        created_by: UserId(row.created_by),
        created_at_ms: row.created_at_ms,
        updated_at_ms: row.updated_at_ms,
    };
    Ok(rows.into_iter().map(group).collect())
}

pub(super) async fn count(connection: &impl ConnectionTrait) -> Result<u64, Error> {
    Ok(user_group::Entity::find().count(connection).await?)
}

pub(super) async fn insert(connection: &impl ConnectionTrait, it: &Group) -> Result<(), Error> {
    user_group::Entity::insert(row(it)).exec_without_returning(connection).await?;
    Ok(())
}

pub(super) async fn update(connection: &impl ConnectionTrait, it: &Group) -> Result<(), Error> {
    user_group::Entity::update(row(it)).exec(connection).await?;
    Ok(())
}

fn row(group: &Group) -> user_group::ActiveModel {
    user_group::ActiveModel {
        id: Set(group.id.0),
        short_id: Set(group.id.short()),
        name: Set(group.name.clone()),
        created_by: Set(group.created_by.0),
        created_at_ms: Set(group.created_at_ms),
        updated_at_ms: Set(group.updated_at_ms),
    }
}

/// Removes a group with who is in it.
pub(super) async fn delete(connection: &impl ConnectionTrait, id: GroupId) -> Result<(), Error> {
    let of_group = group_member::Column::GroupId.eq(id.0);
    group_member::Entity::delete_many().filter(of_group).exec(connection).await?;
    user_group::Entity::delete_by_id(id.0).exec(connection).await?;
    Ok(())
}

/// Puts a person into a group who is not in it.
pub(super) async fn add(
    connection: &impl ConnectionTrait,
    (group, person): (GroupId, UserId),
    by: UserId,
    now: UnixMillis,
) -> Result<(), Error> {
    let row = group_member::ActiveModel {
        group_id: Set(group.0),
        user_id: Set(person.0),
        created_by: Set(by.0),
        created_at_ms: Set(now),
    };
    group_member::Entity::insert(row).exec_without_returning(connection).await?;
    Ok(())
}

/// Takes a person out of a group.
pub(super) async fn take(
    connection: &impl ConnectionTrait,
    (group, person): (GroupId, UserId),
) -> Result<(), Error> {
    group_member::Entity::delete_by_id((group.0, person.0)).exec(connection).await?;
    Ok(())
}

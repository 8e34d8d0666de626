//! Rows of mentions.

use crate::db::entity::mention;
use crate::error::Error;
use grove_core_api::{CommentId, UnixMillis, UserId};
use sea_orm::{
    ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, PaginatorTrait, QueryFilter,
    QueryOrder, QuerySelect,
};

/// A row of `mentions`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Mentioned {
    pub(crate) user: UserId,
    pub(crate) comment: CommentId,
    pub(crate) at_ms: UnixMillis,
}

/// Notes a mention; `false` when the person has it already.
pub(crate) async fn insert(
    connection: &impl ConnectionTrait,
    it: Mentioned,
    by: UserId,
) -> Result<bool, Error> {
    let key = (it.user.0, it.comment.0);
    if mention::Entity::find_by_id(key).one(connection).await?.is_some() {
        return Ok(false);
    }
    let row = mention::ActiveModel {
        user_id: Set(it.user.0),
        comment_id: Set(it.comment.0),
        by_user: Set(by.0),
        at_ms: Set(it.at_ms),
    };
    mention::Entity::insert(row).exec_without_returning(connection).await?;
    Ok(true)
}

/// A person's mentions, oldest first.
pub(crate) async fn of_user(
    connection: &impl ConnectionTrait,
    user: UserId,
    limit: u64,
) -> Result<Vec<Mentioned>, Error> {
    let rows = mention::Entity::find()
        .filter(mention::Column::UserId.eq(user.0))
        .order_by_asc(mention::Column::AtMs)
        .order_by_asc(mention::Column::CommentId)
        .limit(limit)
        .all(connection)
        .await?;
    Ok(rows.into_iter().map(read).collect())
}

pub(crate) async fn count(connection: &impl ConnectionTrait, user: UserId) -> Result<u64, Error> {
    Ok(mention::Entity::find().filter(mention::Column::UserId.eq(user.0)).count(connection).await?)
}

/// Everybody who has a mention of a comment.
pub(crate) async fn of_comment(
    connection: &impl ConnectionTrait,
    comment: CommentId,
) -> Result<Vec<Mentioned>, Error> {
    let rows = mention::Entity::find()
        .filter(mention::Column::CommentId.eq(comment.0))
        .all(connection)
        .await?;
    Ok(rows.into_iter().map(read).collect())
}

/// Puts a mention away; `false` when there was none.
pub(crate) async fn delete(
    connection: &impl ConnectionTrait,
    user: UserId,
    comment: CommentId,
) -> Result<bool, Error> {
    let done = mention::Entity::delete_by_id((user.0, comment.0)).exec(connection).await?;
    Ok(done.rows_affected > 0)
}

fn read(row: mention::Model) -> Mentioned {
    Mentioned { user: UserId(row.user_id), comment: CommentId(row.comment_id), at_ms: row.at_ms }
}

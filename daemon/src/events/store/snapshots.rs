//! Rows of snapshots of logs, and the end of what they replace.

use crate::db::entity::{event, removed_object, topic_snapshot};
use crate::error::Error;
use crate::events::model::State;
use grove_core_api::event::Topic;
use grove_core_api::{BoardId, UnixMillis};
use sea_orm::sea_query::Expr;
use sea_orm::{
    ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, PaginatorTrait, QueryFilter,
    QueryOrder, QuerySelect,
};

/// The state of a topic after an event.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Kept {
    pub(crate) seq: i64,
    pub(crate) at_ms: UnixMillis,
    pub(crate) state: State,
}

/// The newest snapshot that is not after an event.
pub(crate) async fn before(
    connection: &impl ConnectionTrait,
    topic: Topic,
    seq: i64,
) -> Result<Option<Kept>, Error> {
    let row = topic_snapshot::Entity::find()
        .filter(topic_snapshot::Column::Topic.eq(topic.to_string()))
        .filter(topic_snapshot::Column::Seq.lte(seq))
        .order_by_desc(topic_snapshot::Column::Seq)
        .one(connection)
        .await?;
    row.map(|row| {
        let state = serde_json::from_value(row.state)?;
        Ok(Kept { seq: row.seq, at_ms: row.at_ms, state })
    })
    .transpose()
}

/// Numbers of a topic's snapshots, oldest first, without their states.
pub(crate) async fn numbers(
    connection: &impl ConnectionTrait,
    topic: Topic,
) -> Result<Vec<i64>, Error> {
    Ok(topic_snapshot::Entity::find()
        .select_only()
        .column(topic_snapshot::Column::Seq)
        .filter(topic_snapshot::Column::Topic.eq(topic.to_string()))
        .order_by_asc(topic_snapshot::Column::Seq)
        .into_tuple()
        .all(connection)
        .await?)
}

/// Stores a snapshot; one of the same number is the same and stays.
pub(crate) async fn insert(
    connection: &impl ConnectionTrait,
    topic: Topic,
    kept: Kept,
) -> Result<(), Error> {
    let key = (topic.to_string(), kept.seq);
    if topic_snapshot::Entity::find_by_id(key.clone()).one(connection).await?.is_some() {
        return Ok(());
    }
    let row = topic_snapshot::ActiveModel {
        topic: Set(key.0),
        seq: Set(kept.seq),
        at_ms: Set(kept.at_ms),
        state: Set(serde_json::to_value(kept.state)?),
    };
    topic_snapshot::Entity::insert(row).exec_without_returning(connection).await?;
    Ok(())
}

/// The oldest event of a log that is kept: its number and time.
pub(crate) async fn oldest(
    connection: &impl ConnectionTrait,
    topic: Topic,
) -> Result<Option<(i64, UnixMillis)>, Error> {
    edge(connection, topic, None).await
}

/// The newest event that is not after a time: its number and time.
pub(crate) async fn at_time(
    connection: &impl ConnectionTrait,
    topic: Topic,
    at_ms: UnixMillis,
) -> Result<Option<(i64, UnixMillis)>, Error> {
    edge(connection, topic, Some(at_ms)).await
}

async fn edge(
    connection: &impl ConnectionTrait,
    topic: Topic,
    until_ms: Option<UnixMillis>,
) -> Result<Option<(i64, UnixMillis)>, Error> {
    let query = event::Entity::find()
        .select_only()
        .column(event::Column::Seq)
        .column(event::Column::AtMs)
        .filter(event::Column::Topic.eq(topic.to_string()));
    let query = match until_ms {
        Some(at_ms) => query
            .filter(event::Column::AtMs.lte(at_ms))
            .order_by_desc(event::Column::AtMs)
            .order_by_desc(event::Column::Seq),
        None => query.order_by_asc(event::Column::Seq),
    };
    Ok(query.into_tuple().one(connection).await?)
}

/// Removes events up to a number, at most so many; returns how many there were.
pub(crate) async fn prune(
    connection: &impl ConnectionTrait,
    topic: Topic,
    up_to: i64,
    most: i64,
) -> Result<u64, Error> {
    let Some((oldest, _)) = oldest(connection, topic).await? else { return Ok(0) };
    let done = event::Entity::delete_many()
        .filter(event::Column::Topic.eq(topic.to_string()))
        .filter(event::Column::Seq.lte(up_to.min(oldest + most - 1)))
        .exec(connection)
        .await?;
    Ok(done.rows_affected)
}

/// Removes the snapshots before a number: nothing is read from them any more.
pub(crate) async fn forget(
    connection: &impl ConnectionTrait,
    topic: Topic,
    before: i64,
) -> Result<(), Error> {
    topic_snapshot::Entity::delete_many()
        .filter(topic_snapshot::Column::Topic.eq(topic.to_string()))
        .filter(topic_snapshot::Column::Seq.lt(before))
        .exec(connection)
        .await?;
    Ok(())
}

/// Whether an event or a snapshot that is kept of a topic has these letters in it, such as the name of
/// a picture; they must be letters and digits.
pub(crate) async fn mentions(
    connection: &impl ConnectionTrait,
    topic: Topic,
    letters: &str,
) -> Result<bool, Error> {
    use sea_orm::sea_query::ExprTrait as _;
    let pattern = format!("%{letters}%");
    let in_event = event::Entity::find()
        .filter(event::Column::Topic.eq(topic.to_string()))
        .filter(Expr::col(event::Column::Ops).cast_as("text").like(&pattern))
        .limit(1)
        .count(connection)
        .await?;
    if in_event > 0 {
        return Ok(true);
    }
    let in_snapshot = topic_snapshot::Entity::find()
        .filter(topic_snapshot::Column::Topic.eq(topic.to_string()))
        .filter(Expr::col(topic_snapshot::Column::State).cast_as("text").like(&pattern))
        .limit(1)
        .count(connection)
        .await?;
    Ok(in_snapshot > 0)
}

/// Forgets who removed what from a board before a time.
pub(crate) async fn forget_removed(
    connection: &impl ConnectionTrait,
    board: BoardId,
    before_ms: UnixMillis,
) -> Result<(), Error> {
    removed_object::Entity::delete_many()
        .filter(removed_object::Column::BoardId.eq(board.0))
        .filter(removed_object::Column::RemovedAtMs.lt(before_ms))
        .exec(connection)
        .await?;
    Ok(())
}

//! Rows of the log.

pub(crate) mod snapshots;

use crate::clock;
use crate::db::entity::{event, topic};
use crate::error::Error;
use grove_core_api::event::{Event, Topic};
use sea_orm::sea_query::{Expr, ExprTrait};
use sea_orm::{
    ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder,
    QuerySelect,
};
use uuid::Uuid;

/// Identity and newest number of a log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Head {
    pub(crate) epoch: String,
    pub(crate) seq: i64,
}

/// Gives the event its number and stores it.
pub(crate) async fn append(
    connection: &impl ConnectionTrait,
    name: Topic,
    mut draft: Event,
) -> Result<Event, Error> {
    let name = name.to_string();
    let raised = topic::Entity::update_many()
        .col_expr(topic::Column::Seq, Expr::col(topic::Column::Seq).add(1))
        .filter(topic::Column::Topic.eq(&name))
        .exec(connection)
        .await?;
    if raised.rows_affected == 0 {
        insert(connection, name.clone(), 1).await?;
        draft.seq = 1;
    } else {
        draft.seq = topic::Entity::find_by_id(&name)
            .select_only()
            .column(topic::Column::Seq)
            .into_tuple()
            .one(connection)
            .await?
            .ok_or_else(|| Error::internal("a topic vanished inside a transaction"))?;
    }
    let by = draft.by.as_deref().and_then(|by| Uuid::parse_str(by).ok());
    let row = event::ActiveModel {
        topic: Set(name),
        seq: Set(draft.seq),
        at_ms: Set(draft.at),
        by_user: Set(by),
        via: Set(draft.via.clone()),
        kind: Set(draft.kind.clone()),
        mid: Set(draft.mid.clone()),
        ops: Set(serde_json::to_value(&draft.ops)?),
    };
    event::Entity::insert(row).exec_without_returning(connection).await?;
    Ok(draft)
}

/// Whether the log of a topic has begun.
pub(crate) async fn has_begun(
    connection: &impl ConnectionTrait,
    name: Topic,
) -> Result<bool, Error> {
    Ok(topic::Entity::find_by_id(name.to_string()).one(connection).await?.is_some())
}

/// When an event was stored; 0 when it is not kept.
pub(crate) async fn time_of(
    connection: &impl ConnectionTrait,
    name: Topic,
    seq: i64,
) -> Result<i64, Error> {
    let found = event::Entity::find_by_id((name.to_string(), seq))
        .select_only()
        .column(event::Column::AtMs)
        .into_tuple()
        .one(connection)
        .await?;
    Ok(found.unwrap_or(0))
}

/// Begins a log that has no event yet, so that readers of the empty topic can resume later (RT-03).
pub(crate) async fn begin(connection: &impl ConnectionTrait, name: Topic) -> Result<(), Error> {
    insert(connection, name.to_string(), 0).await
}

async fn insert(connection: &impl ConnectionTrait, name: String, seq: i64) -> Result<(), Error> {
    let epoch: Uuid = clock::fresh_id();
    let epoch = epoch.simple().to_string()[20..].to_owned();
    let row = topic::ActiveModel { topic: Set(name), epoch: Set(epoch), seq: Set(seq) };
    topic::Entity::insert(row).exec_without_returning(connection).await?;
    Ok(())
}

/// The head of a log; a topic without events has number 0 and the epoch `0`.
pub(crate) async fn head(connection: &impl ConnectionTrait, name: Topic) -> Result<Head, Error> {
    let row = topic::Entity::find_by_id(name.to_string()).one(connection).await?;
    Ok(row.map_or_else(
        || Head { epoch: "0".to_owned(), seq: 0 },
        |row| Head { epoch: row.epoch, seq: row.seq },
    ))
}

/// The heads of several logs; those that have no event yet are left out.
pub(crate) async fn heads(
    connection: &impl ConnectionTrait,
    names: &[Topic],
) -> Result<Vec<(Topic, Head)>, Error> {
    let wanted = names.iter().map(ToString::to_string);
    let rows = topic::Entity::find().filter(topic::Column::Topic.is_in(wanted));
    let read = |row: topic::Model| {
        let name = row.topic.parse().ok()?;
        Some((name, Head { epoch: row.epoch, seq: row.seq }))
    };
    Ok(rows.all(connection).await?.into_iter().filter_map(read).collect())
}

/// Events after a number, in order.
pub(crate) async fn after(
    connection: &impl ConnectionTrait,
    name: Topic,
    seq: i64,
    limit: u64,
) -> Result<Vec<Event>, Error> {
    let rows = event::Entity::find()
        .filter(event::Column::Topic.eq(name.to_string()))
        .filter(event::Column::Seq.gt(seq))
        .order_by_asc(event::Column::Seq)
        .limit(limit)
        .all(connection)
        .await?;
    rows.into_iter().map(read).collect()
}

/// The event of a client's mutation, when it was applied before.
pub(crate) async fn by_mid(
    connection: &impl ConnectionTrait,
    name: Topic,
    mid: &str,
) -> Result<Option<i64>, Error> {
    Ok(event::Entity::find()
        .select_only()
        .column(event::Column::Seq)
        .filter(event::Column::Topic.eq(name.to_string()))
        .filter(event::Column::Mid.eq(mid))
        .into_tuple()
        .one(connection)
        .await?)
}

fn read(row: event::Model) -> Result<Event, Error> {
    Ok(Event {
        seq: row.seq,
        at: row.at_ms,
        by: row.by_user.map(|by| by.to_string()),
        via: row.via,
        kind: row.kind,
        mid: row.mid,
        ops: serde_json::from_value(row.ops)?,
    })
}

//! Rows of comments.

use super::model::{Record, board_of, session_of};
use crate::db::entity::comment;
use crate::error::Error;
use crate::grants::seen::Seen;
use grove_core_api::rest::comments::{Comment, CommentAnchor};
use grove_core_api::{BoardId, CommentId, IdRef, SessionId, UserId};
use sea_orm::{
    ActiveValue::Set, ColumnTrait, Condition, ConnectionTrait, EntityTrait, PaginatorTrait,
    QueryFilter, QueryOrder, QuerySelect,
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use uuid::Uuid;

/// What a row keeps in its JSON column.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Data {
    v: u32,
    anchor: CommentAnchor,
    text: String,
    #[serde(default)]
    mentions: Vec<UserId>,
    #[serde(default)]
    resolved_by: Option<UserId>,
    #[serde(default)]
    edited_at_ms: Option<i64>,
    #[serde(default)]
    put_seq: i64,
    #[serde(default)]
    seqs: BTreeMap<String, i64>,
}

pub(crate) async fn find(
    connection: &impl ConnectionTrait,
    id: &IdRef,
    seen: Seen,
) -> Result<CommentId, Error> {
    let columns = (comment::Column::Id, comment::Column::ShortId);
    crate::lookup::resolve::<comment::Entity>(
        connection,
        CommentId::NOUN,
        id,
        columns,
        seen.boards_or_sessions(comment::Column::BoardId, comment::Column::SessionId),
    )
    .await
    .map(CommentId)
}

pub(crate) async fn get(
    connection: &impl ConnectionTrait,
    id: CommentId,
) -> Result<Option<Record>, Error> {
    comment::Entity::find_by_id(id.0).one(connection).await?.map(read).transpose()
}

/// Where comments are wanted from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// Anywhere.
    All,
    /// A board and its objects.
    Board(BoardId),
    /// Messages and diff of a session.
    Session(SessionId),
    /// One thread, its first comment included.
    Thread(CommentId),
}

impl Place {
    fn filter(self) -> Condition {
        match self {
            Self::All => Condition::all(),
            Self::Board(id) => Condition::all().add(comment::Column::BoardId.eq(id.0)),
            Self::Session(id) => Condition::all().add(comment::Column::SessionId.eq(id.0)),
            Self::Thread(id) => Condition::any()
                .add(comment::Column::Id.eq(id.0))
                .add(comment::Column::ParentId.eq(id.0)),
        }
    }
}

/// Oldest first.
pub(crate) async fn list(
    connection: &impl ConnectionTrait,
    (place, seen): (Place, Seen),
    is_resolved: Option<bool>,
    after: Option<Uuid>,
    limit: u64,
) -> Result<Vec<Record>, Error> {
    let columns = (comment::Column::BoardId, comment::Column::SessionId);
    let mut query = comment::Entity::find()
        .filter(place.filter())
        .filter(seen.boards_or_sessions(columns.0, columns.1))
        .order_by_asc(comment::Column::Id)
        .limit(limit);
    if let Some(is_resolved) = is_resolved {
        query = query
            .filter(comment::Column::IsResolved.eq(is_resolved))
            .filter(comment::Column::ParentId.is_null());
    }
    if let Some(after) = after {
        query = query.filter(comment::Column::Id.gt(after));
    }
    query.all(connection).await?.into_iter().map(read).collect()
}

pub(crate) async fn count(connection: &impl ConnectionTrait, place: Place) -> Result<u64, Error> {
    Ok(comment::Entity::find().filter(place.filter()).count(connection).await?)
}

pub(crate) async fn insert(
    connection: &impl ConnectionTrait,
    record: &Record,
) -> Result<(), Error> {
    comment::Entity::insert(row(record)?).exec_without_returning(connection).await?;
    Ok(())
}

pub(crate) async fn update(
    connection: &impl ConnectionTrait,
    record: &Record,
) -> Result<(), Error> {
    comment::Entity::update(row(record)?).exec(connection).await?;
    Ok(())
}

pub(crate) async fn delete(connection: &impl ConnectionTrait, id: CommentId) -> Result<(), Error> {
    comment::Entity::delete_by_id(id.0).exec(connection).await?;
    Ok(())
}

fn row(record: &Record) -> Result<comment::ActiveModel, Error> {
    let it = &record.comment;
    let data = Data {
        v: 1,
        anchor: it.anchor.clone(),
        text: it.text.clone(),
        mentions: it.mentions.clone(),
        resolved_by: it.resolved_by,
        edited_at_ms: it.edited_at_ms,
        put_seq: record.put_seq,
        seqs: record.seqs.clone(),
    };
    Ok(comment::ActiveModel {
        id: Set(it.id.0),
        short_id: Set(it.id.short()),
        board_id: Set(board_of(&it.anchor).map(|it| it.0)),
        session_id: Set(session_of(&it.anchor).map(|it| it.0)),
        parent_id: Set(it.parent.map(|it| it.0)),
        is_resolved: Set(it.is_resolved),
        data: Set(serde_json::to_value(data)?),
        created_by: Set(it.created_by.0),
        created_at_ms: Set(it.created_at_ms),
    })
}

fn read(row: comment::Model) -> Result<Record, Error> {
    let data: Data = serde_json::from_value(row.data)?;
    let comment = Comment {
        id: CommentId(row.id),
        anchor: data.anchor,
        parent: row.parent_id.map(CommentId),
        text: data.text,
        mentions: data.mentions,
        is_resolved: row.is_resolved,
        resolved_by: data.resolved_by,
        created_by: UserId(row.created_by),
        created_at_ms: row.created_at_ms,
        edited_at_ms: data.edited_at_ms,
    };
    Ok(Record { comment, put_seq: data.put_seq, seqs: data.seqs })
}

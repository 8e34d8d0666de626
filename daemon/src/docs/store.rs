//! Rows of documents and their updates.

use super::model::Document;
use crate::clock;
use crate::context::Actor;
use crate::db::entity::{doc, doc_update};
use crate::error::Error;
use grove_core_api::{DocId, UnixMillis};
use sea_orm::sea_query::{Expr, ExprTrait};
use sea_orm::{
    ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder,
    QuerySelect,
};
use uuid::Uuid;

/// A document as it is stored.
pub(crate) struct Stored {
    pub(crate) epoch: String,
    pub(crate) seq: i64,
    /// What is stored apart from the last whole state.
    pub(crate) loose: Loose,
    pub(crate) document: Document,
}

/// Updates since the last whole state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Loose {
    pub(crate) updates: i64,
    pub(crate) bytes: usize,
}

/// One update with its number.
pub(crate) struct Numbered {
    pub(crate) seq: i64,
    pub(crate) bytes: Vec<u8>,
}

/// Reads a document; run it in a transaction, so that state and updates belong together.
pub(crate) async fn load(
    connection: &impl ConnectionTrait,
    id: DocId,
) -> Result<Option<Stored>, Error> {
    let Some(row) = doc::Entity::find_by_id(id.0).one(connection).await? else { return Ok(None) };
    let updates = after(connection, id, row.state_seq).await?;
    let parts = std::iter::once(row.state.as_slice()).chain(updates.iter().map(|it| &*it.bytes));
    let document = Document::of_updates(parts)
        .map_err(|why| Error::internal(format!("document {id} cannot be read: {why}")))?;
    let bytes = updates.iter().map(|it| it.bytes.len()).sum();
    let loose = Loose { updates: row.seq - row.state_seq, bytes };
    Ok(Some(Stored { epoch: row.epoch, seq: row.seq, loose, document }))
}

/// Stores a new document.
pub(crate) async fn insert(
    connection: &impl ConnectionTrait,
    id: DocId,
    document: &Document,
    followed_seq: Option<i64>,
    now: UnixMillis,
) -> Result<String, Error> {
    let epoch: Uuid = clock::fresh_id();
    let epoch = epoch.simple().to_string()[20..].to_owned();
    let row = doc::ActiveModel {
        id: Set(id.0),
        epoch: Set(epoch.clone()),
        seq: Set(0),
        state: Set(document.encode()),
        state_seq: Set(0),
        followed_seq: Set(followed_seq),
        created_at_ms: Set(now),
    };
    doc::Entity::insert(row).exec_without_returning(connection).await?;
    Ok(epoch)
}

/// Epoch and number of a document that is there.
pub(crate) async fn head(
    connection: &impl ConnectionTrait,
    id: DocId,
) -> Result<Option<(String, i64)>, Error> {
    Ok(doc::Entity::find_by_id(id.0)
        .select_only()
        .column(doc::Column::Epoch)
        .column(doc::Column::Seq)
        .into_tuple()
        .one(connection)
        .await?)
}

/// Stores an update and returns its number; `None` when there is no such document of this epoch.
pub(crate) async fn append(
    connection: &impl ConnectionTrait,
    (id, epoch): (DocId, &str),
    bytes: &[u8],
    actor: &Actor,
    now: UnixMillis,
) -> Result<Option<i64>, Error> {
    let raised = doc::Entity::update_many()
        .col_expr(doc::Column::Seq, Expr::col(doc::Column::Seq).add(1))
        .filter(doc::Column::Id.eq(id.0))
        .filter(doc::Column::Epoch.eq(epoch))
        .exec(connection)
        .await?;
    if raised.rows_affected == 0 {
        return Ok(None);
    }
    let Some((_, seq)) = head(connection, id).await? else { return Ok(None) };
    let row = doc_update::ActiveModel {
        doc_id: Set(id.0),
        seq: Set(seq),
        bytes: Set(bytes.to_vec()),
        by_user: Set(actor.user.0),
        via: Set(actor.via.to_string()),
        at_ms: Set(now),
    };
    doc_update::Entity::insert(row).exec_without_returning(connection).await?;
    Ok(Some(seq))
}

/// Updates after a number, in order.
pub(crate) async fn after(
    connection: &impl ConnectionTrait,
    id: DocId,
    seq: i64,
) -> Result<Vec<Numbered>, Error> {
    let rows = doc_update::Entity::find()
        .filter(doc_update::Column::DocId.eq(id.0))
        .filter(doc_update::Column::Seq.gt(seq))
        .order_by_asc(doc_update::Column::Seq)
        .all(connection)
        .await?;
    Ok(rows.into_iter().map(|row| Numbered { seq: row.seq, bytes: row.bytes }).collect())
}

/// Stores the whole state in place of the updates that it holds, unless there are newer ones.
pub(crate) async fn compact(
    connection: &impl ConnectionTrait,
    (id, epoch): (DocId, &str),
    seq: i64,
    state: &[u8],
) -> Result<bool, Error> {
    let stored = doc::Entity::update_many()
        .col_expr(doc::Column::State, Expr::value(state.to_vec()))
        .col_expr(doc::Column::StateSeq, Expr::value(seq))
        .filter(doc::Column::Id.eq(id.0))
        .filter(doc::Column::Epoch.eq(epoch))
        .filter(doc::Column::Seq.eq(seq))
        .exec(connection)
        .await?;
    if stored.rows_affected == 0 {
        return Ok(false);
    }
    doc_update::Entity::delete_many()
        .filter(doc_update::Column::DocId.eq(id.0))
        .filter(doc_update::Column::Seq.lte(seq))
        .exec(connection)
        .await?;
    Ok(true)
}

/// Notes that the note's text is that of the document at this number.
pub(crate) async fn followed(
    connection: &impl ConnectionTrait,
    id: DocId,
    seq: i64,
) -> Result<(), Error> {
    doc::Entity::update_many()
        .col_expr(doc::Column::FollowedSeq, Expr::value(seq))
        .filter(doc::Column::Id.eq(id.0))
        .exec(connection)
        .await?;
    Ok(())
}

/// Documents whose notes do not have their newest text, at most `limit`.
pub(crate) async fn behind(
    connection: &impl ConnectionTrait,
    limit: u64,
) -> Result<Vec<DocId>, Error> {
    let rows: Vec<Uuid> = doc::Entity::find()
        .select_only()
        .column(doc::Column::Id)
        .filter(Expr::col(doc::Column::FollowedSeq).lt(Expr::col(doc::Column::Seq)))
        .limit(limit)
        .into_tuple()
        .all(connection)
        .await?;
    Ok(rows.into_iter().map(DocId).collect())
}

/// Removes a document.
pub(crate) async fn delete(connection: &impl ConnectionTrait, id: DocId) -> Result<bool, Error> {
    doc_update::Entity::delete_many()
        .filter(doc_update::Column::DocId.eq(id.0))
        .exec(connection)
        .await?;
    Ok(doc::Entity::delete_by_id(id.0).exec(connection).await?.rows_affected > 0)
}

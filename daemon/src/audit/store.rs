//! Rows of the audit.

use super::model::{Record, Subject};
use crate::db::entity::audit_entry::{ActiveModel, Column, Entity, Model};
use crate::error::Error;
use grove_core_api::rest::audit::AuditKind;
use grove_core_api::{ExecutorId, SessionId, UnixMillis, UserId};
use sea_orm::{
    ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder,
    QuerySelect, Select,
};

/// Which entries are wanted.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Filter {
    pub(super) executor: Option<ExecutorId>,
    pub(super) session: Option<SessionId>,
    pub(super) kind: Option<AuditKind>,
}

impl Filter {
    fn query(self) -> Select<Entity> {
        let mut query = Entity::find();
        if let Some(executor) = self.executor {
            query = query.filter(Column::ExecutorId.eq(executor.0));
        }
        if let Some(session) = self.session {
            query = query.filter(Column::SessionId.eq(session.0));
        }
        if let Some(kind) = self.kind {
            query = query.filter(Column::Kind.eq(kind.as_str()));
        }
        query
    }
}

/// The newest entry.
pub(super) async fn last(connection: &impl ConnectionTrait) -> Result<Option<Record>, Error> {
    let row = Entity::find().order_by_desc(Column::Seq).one(connection).await?;
    Ok(row.map(read))
}

/// Number of the oldest entry; 0 when there is none.
pub(super) async fn first_seq(connection: &impl ConnectionTrait) -> Result<i64, Error> {
    let query = Entity::find().select_only().column(Column::Seq).order_by_asc(Column::Seq);
    Ok(query.into_tuple().one(connection).await?.unwrap_or(0))
}

pub(super) async fn get(
    connection: &impl ConnectionTrait,
    seq: i64,
) -> Result<Option<Record>, Error> {
    Ok(Entity::find_by_id(seq).one(connection).await?.map(read))
}

/// The oldest entries after a number, in order.
pub(super) async fn after(
    connection: &impl ConnectionTrait,
    filter: Filter,
    seq: i64,
    limit: u64,
) -> Result<Vec<Record>, Error> {
    let query = filter.query().filter(Column::Seq.gt(seq)).order_by_asc(Column::Seq);
    Ok(query.limit(limit).all(connection).await?.into_iter().map(read).collect())
}

/// The newest entries before a number, newest first.
pub(super) async fn before(
    connection: &impl ConnectionTrait,
    filter: Filter,
    seq: i64,
    limit: u64,
) -> Result<Vec<Record>, Error> {
    let query = filter.query().filter(Column::Seq.lt(seq)).order_by_desc(Column::Seq);
    Ok(query.limit(limit).all(connection).await?.into_iter().map(read).collect())
}

/// The newest entry that is older than a time and has no younger one before it, at most so many
/// entries from the oldest one.
pub(super) async fn last_older(
    connection: &impl ConnectionTrait,
    than_ms: UnixMillis,
    most: u64,
) -> Result<Option<Record>, Error> {
    let oldest: Vec<(i64, UnixMillis)> = Entity::find()
        .select_only()
        .columns([Column::Seq, Column::AtMs])
        .order_by_asc(Column::Seq)
        .limit(most)
        .into_tuple()
        .all(connection)
        .await?;
    match oldest.into_iter().take_while(|(_, at_ms)| *at_ms < than_ms).last() {
        Some((seq, _)) => get(connection, seq).await,
        None => Ok(None),
    }
}

pub(super) async fn insert(
    connection: &impl ConnectionTrait,
    records: &[Record],
) -> Result<(), Error> {
    let rows = records.iter().map(row);
    Entity::insert_many(rows).exec_without_returning(connection).await?;
    Ok(())
}

/// Removes all entries up to a number.
pub(super) async fn remove_through(
    connection: &impl ConnectionTrait,
    seq: i64,
) -> Result<(), Error> {
    Entity::delete_many().filter(Column::Seq.lte(seq)).exec(connection).await?;
    Ok(())
}

fn row(record: &Record) -> ActiveModel {
    let subject = &record.subject;
    ActiveModel {
        seq: Set(record.seq),
        at_ms: Set(record.at_ms),
        kind: Set(record.kind.clone()),
        executor_id: Set(subject.executor.map(|id| id.0)),
        session_id: Set(subject.session.map(|id| id.0)),
        account: Set(subject.account.clone()),
        user_id: Set(subject.user.map(|id| id.0)),
        direction: Set(record.direction.clone()),
        method: Set(record.method.clone()),
        bytes: Set(record.bytes),
        duration_us: Set(record.duration_us),
        outcome: Set(record.outcome.clone()),
        params_sha256: Set(record.params_sha256.clone()),
        detail: Set(record.detail.clone()),
        previous_hash: Set(record.previous_hash.clone()),
        hash: Set(record.hash.clone()),
    }
}

fn read(row: Model) -> Record {
    Record {
        seq: row.seq,
        at_ms: row.at_ms,
        kind: row.kind,
        subject: Subject {
            executor: row.executor_id.map(ExecutorId),
            session: row.session_id.map(SessionId),
            account: row.account,
            user: row.user_id.map(UserId),
        },
        direction: row.direction,
        method: row.method,
        bytes: row.bytes,
        duration_us: row.duration_us,
        outcome: row.outcome,
        params_sha256: row.params_sha256,
        detail: row.detail,
        previous_hash: row.previous_hash,
        hash: row.hash,
    }
}

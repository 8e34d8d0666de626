//! The state of a topic, whatever slice it belongs to: now, and at a moment of its log.

use crate::context::Ctx;
use crate::db::Database;
use crate::error::Error;
use crate::{boards, events, notices, sessions};
use grove_core_api::event::Topic;
use grove_core_api::rest::boards::{AtQuery, TopicState};
use sea_orm::{AccessMode, DatabaseTransaction, DbBackend, IsolationLevel, TransactionTrait};

/// A transaction in which head and state belong together.
async fn reading(database: &Database) -> Result<DatabaseTransaction, Error> {
    let connection = database.read();
    if connection.get_database_backend() == DbBackend::Postgres {
        let level = Some(IsolationLevel::RepeatableRead);
        let mode = Some(AccessMode::ReadOnly);
        return Ok(connection.begin_with_config(level, mode).await?);
    }
    // On libSQL each read transaction sees one state of the file.
    Ok(connection.begin().await?)
}

/// Reads the whole state of a topic; rights are the caller's business.
pub(crate) async fn now(database: &Database, topic: Topic) -> Result<TopicState, Error> {
    let reading = reading(database).await?;
    let head = events::store::head(&reading, topic).await?;
    let at_ms = events::store::time_of(&reading, topic, head.seq).await?;
    let state = match topic {
        Topic::Board(id) => boards::service::snapshot(&reading, id).await?,
        Topic::Session(id) => sessions::service::snapshot(&reading, id).await?,
        Topic::User(id) => notices::service::snapshot(&reading, id).await?,
        Topic::Doc(_) => return Err(Error::internal("a document has no objects")),
    };
    reading.rollback().await?;
    Ok(TopicState { epoch: head.epoch, seq: head.seq, at_ms, state })
}

/// Reads the state of a topic at a moment.
///
/// # Errors
/// `Gone` when the moment lies before what is kept of the log.
pub(crate) async fn at(ctx: &Ctx, topic: Topic, query: AtQuery) -> Result<TopicState, Error> {
    let reading = reading(&ctx.app.db).await?;
    let state = events::service::at(&reading, topic, query).await?;
    reading.rollback().await?;
    Ok(state)
}

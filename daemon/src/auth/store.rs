//! Rows of session tokens and login sessions.

use crate::clock;
use crate::db::entity::{login_session, session_token};
use crate::error::Error;
use grove_core_api::{SessionId, UnixMillis, UserId};
use sea_orm::sea_query::{ExprTrait, OnConflict};
use sea_orm::{ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter};
use serde_json::Value;

/// Whose session token it is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bearer {
    pub(crate) user: UserId,
    pub(crate) session: SessionId,
}

pub(crate) async fn insert_token(
    connection: &impl ConnectionTrait,
    hash: String,
    bearer: Bearer,
    expires_at_ms: UnixMillis,
) -> Result<(), Error> {
    let row = session_token::ActiveModel {
        hash: Set(hash),
        user_id: Set(bearer.user.0),
        session_id: Set(bearer.session.0),
        expires_at_ms: Set(expires_at_ms),
    };
    session_token::Entity::insert(row).exec_without_returning(connection).await?;
    Ok(())
}

pub(crate) async fn token(
    connection: &impl ConnectionTrait,
    hash: String,
    now: UnixMillis,
) -> Result<Option<Bearer>, Error> {
    let row = session_token::Entity::find_by_id(hash)
        .filter(session_token::Column::ExpiresAtMs.gt(now))
        .one(connection)
        .await?;
    Ok(row.map(|row| Bearer { user: UserId(row.user_id), session: SessionId(row.session_id) }))
}

/// Removes a session's tokens, and whatever has expired.
pub(crate) async fn remove_tokens(
    connection: &impl ConnectionTrait,
    session: SessionId,
    now: UnixMillis,
) -> Result<(), Error> {
    let is_void = session_token::Column::SessionId
        .eq(session.0)
        .or(session_token::Column::ExpiresAtMs.lte(now));
    session_token::Entity::delete_many().filter(is_void).exec(connection).await?;
    Ok(())
}

/// Removes session tokens that have expired; answers how many.
pub(crate) async fn remove_expired_tokens(
    connection: &impl ConnectionTrait,
    now: UnixMillis,
) -> Result<u64, Error> {
    let is_void = session_token::Column::ExpiresAtMs.lte(now);
    let removed = session_token::Entity::delete_many().filter(is_void).exec(connection).await?;
    Ok(removed.rows_affected)
}

/// Stores a login session. False when the id is taken and `is_new`.
pub(crate) async fn save_login(
    connection: &impl ConnectionTrait,
    (id, data, expires_at_secs): (String, Value, i64),
    is_new: bool,
) -> Result<bool, Error> {
    if is_new {
        let is_over = login_session::Column::ExpiresAtSecs.lt(clock::now() / 1_000);
        login_session::Entity::delete_many().filter(is_over).exec(connection).await?;
    }
    let row = login_session::ActiveModel {
        id: Set(id),
        data: Set(data),
        expires_at_secs: Set(expires_at_secs),
    };
    let mut conflict = OnConflict::column(login_session::Column::Id);
    if is_new {
        conflict.do_nothing();
    } else {
        conflict
            .update_columns([login_session::Column::Data, login_session::Column::ExpiresAtSecs]);
    }
    let stored = login_session::Entity::insert(row)
        .on_conflict(conflict)
        .exec_without_returning(connection)
        .await;
    match stored {
        Ok(count) => Ok(count > 0),
        Err(sea_orm::DbErr::RecordNotInserted) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

pub(crate) async fn login(
    connection: &impl ConnectionTrait,
    id: String,
    now_secs: i64,
) -> Result<Option<(Value, i64)>, Error> {
    let row = login_session::Entity::find_by_id(id)
        .filter(login_session::Column::ExpiresAtSecs.gt(now_secs))
        .one(connection)
        .await?;
    Ok(row.map(|row| (row.data, row.expires_at_secs)))
}

pub(crate) async fn remove_login(
    connection: &impl ConnectionTrait,
    id: String,
) -> Result<(), Error> {
    login_session::Entity::delete_by_id(id).exec(connection).await?;
    Ok(())
}

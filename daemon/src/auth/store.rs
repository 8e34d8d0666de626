//! Rows of session tokens, personal tokens and login sessions.

use crate::clock;
use crate::db::entity::{login_session, personal_access_token as personal, session_token};
use crate::error::Error;
use grove_core_api::rest::users::PersonalToken;
use grove_core_api::{IdRef, SessionId, TokenId, UnixMillis, UserId, limits};
use sea_orm::sea_query::{ExprTrait, OnConflict};
use sea_orm::{
    ActiveValue::Set, ColumnTrait, Condition, ConnectionTrait, EntityTrait, PaginatorTrait,
    QueryFilter, QueryOrder, QuerySelect,
};
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

/// What there is to know of a personal token that somebody shows.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TokenRow {
    pub(crate) id: TokenId,
    pub(crate) user: UserId,
    pub(super) last_used_at_ms: Option<UnixMillis>,
}

fn shown(row: &personal::Model) -> TokenRow {
    let (id, user) = (TokenId(row.id), UserId(row.user_id));
    TokenRow { id, user, last_used_at_ms: row.last_used_at_ms }
}

fn is_live(row: &personal::Model, now: UnixMillis) -> bool {
    row.expires_at_ms.is_none_or(|expires| now < expires)
}

/// A personal token by its hash, unless it has expired.
pub(super) async fn personal_token(
    connection: &impl ConnectionTrait,
    hash: String,
    now: UnixMillis,
) -> Result<Option<TokenRow>, Error> {
    let is_it = personal::Column::Hash.eq(hash);
    let row = personal::Entity::find().filter(is_it).one(connection).await?;
    Ok(row.filter(|row| is_live(row, now)).as_ref().map(shown))
}

/// A personal token by its id, unless it has expired.
pub(super) async fn personal_token_by_id(
    connection: &impl ConnectionTrait,
    id: TokenId,
    now: UnixMillis,
) -> Result<Option<TokenRow>, Error> {
    let row = personal::Entity::find_by_id(id.0).one(connection).await?;
    Ok(row.filter(|row| is_live(row, now)).as_ref().map(shown))
}

pub(super) async fn find_personal_token(
    connection: &impl ConnectionTrait,
    id: &IdRef,
) -> Result<TokenId, Error> {
    let columns = (personal::Column::Id, personal::Column::ShortId);
    crate::lookup::resolve::<personal::Entity>(
        connection,
        TokenId::NOUN,
        id,
        columns,
        Condition::all(),
    )
    .await
    .map(TokenId)
}

pub(super) async fn use_personal_token(
    connection: &impl ConnectionTrait,
    id: TokenId,
    now: UnixMillis,
) -> Result<(), Error> {
    // It may have been revoked meanwhile, which is no error here.
    personal::Entity::update_many()
        .col_expr(personal::Column::LastUsedAtMs, now.into())
        .filter(personal::Column::Id.eq(id.0))
        .exec(connection)
        .await?;
    Ok(())
}

pub(super) async fn count_personal_tokens(
    connection: &impl ConnectionTrait,
    user: UserId,
) -> Result<u64, Error> {
    let is_theirs = personal::Column::UserId.eq(user.0);
    Ok(personal::Entity::find().filter(is_theirs).count(connection).await?)
}

/// A person's tokens, newest first.
pub(super) async fn personal_tokens_of(
    connection: &impl ConnectionTrait,
    user: UserId,
) -> Result<Vec<PersonalToken>, Error> {
    let rows = personal::Entity::find()
        .filter(personal::Column::UserId.eq(user.0))
        .order_by_desc(personal::Column::Id)
        .limit(limits::PERSONAL_TOKENS)
        .all(connection)
        .await?;
    let entry = |row: personal::Model| PersonalToken {
        id: TokenId(row.id),
        user_id: UserId(row.user_id),
        name: row.name,
        created_at_ms: row.created_at_ms,
        expires_at_ms: row.expires_at_ms,
        last_used_at_ms: row.last_used_at_ms,
    };
    Ok(rows.into_iter().map(entry).collect())
}

pub(super) async fn insert_personal_token(
    connection: &impl ConnectionTrait,
    entry: &PersonalToken,
    hash: String,
) -> Result<(), Error> {
    let row = personal::ActiveModel {
        id: Set(entry.id.0),
        short_id: Set(entry.id.short()),
        user_id: Set(entry.user_id.0),
        name: Set(entry.name.clone()),
        hash: Set(hash),
        created_at_ms: Set(entry.created_at_ms),
        expires_at_ms: Set(entry.expires_at_ms),
        last_used_at_ms: Set(entry.last_used_at_ms),
    };
    personal::Entity::insert(row).exec_without_returning(connection).await?;
    Ok(())
}

/// Removes one token of a person; false when it is not theirs.
pub(super) async fn remove_personal_token(
    connection: &impl ConnectionTrait,
    user: UserId,
    id: TokenId,
) -> Result<bool, Error> {
    let is_it = personal::Column::Id.eq(id.0).and(personal::Column::UserId.eq(user.0));
    let removed = personal::Entity::delete_many().filter(is_it).exec(connection).await?;
    Ok(removed.rows_affected > 0)
}

/// Removes a person's tokens of a name.
pub(super) async fn remove_personal_tokens_named(
    connection: &impl ConnectionTrait,
    user: UserId,
    name: &str,
) -> Result<(), Error> {
    let is_it = personal::Column::Name.eq(name).and(personal::Column::UserId.eq(user.0));
    personal::Entity::delete_many().filter(is_it).exec(connection).await?;
    Ok(())
}

/// Removes all that a person could sign in with.
pub(super) async fn remove_tokens_of(
    connection: &impl ConnectionTrait,
    user: UserId,
) -> Result<(), Error> {
    let is_theirs = personal::Column::UserId.eq(user.0);
    personal::Entity::delete_many().filter(is_theirs).exec(connection).await?;
    let is_theirs = session_token::Column::UserId.eq(user.0);
    session_token::Entity::delete_many().filter(is_theirs).exec(connection).await?;
    Ok(())
}

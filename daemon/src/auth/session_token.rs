//! Session tokens: what an executor shows at `/mcp`. 64 hex digits, 24 hours, stored as a hash,
//! revoked when the executor ends, swept once a minute when they have expired.

use super::store::{self, Bearer};
use super::token;
use crate::app::App;
use crate::clock;
use crate::error::Error;
use grove_core_api::{Secret, SessionId, UnixMillis, UserId, limits};

/// Makes a token for a session; it acts as `user`.
pub(crate) async fn issue(app: &App, user: UserId, session: SessionId) -> Result<Secret, Error> {
    let fresh = token::fresh_hex::<32>();
    let hash = token::hash(fresh.expose());
    let expires = clock::now() + limits::MCP_TOKEN_MS;
    app.db
        .write(Box::new(move |connection| {
            let hash = hash.clone();
            let bearer = Bearer { user, session };
            Box::pin(async move { store::insert_token(connection, hash, bearer, expires).await })
        }))
        .await?;
    Ok(fresh)
}

/// Whether the text has the form of a session token.
pub(crate) fn is_one(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// Whose token it is.
///
/// # Errors
/// `Unauthenticated` when nobody has it, or it has expired.
pub(crate) async fn bearer(app: &App, text: &str) -> Result<(UserId, SessionId), Error> {
    let bearer = store::token(app.db.read(), token::hash(text), clock::now()).await?;
    let bearer = bearer.ok_or_else(super::extract::unauthenticated)?;
    Ok((bearer.user, bearer.session))
}

/// Makes a session's tokens worthless.
pub(crate) async fn revoke(app: &App, session: SessionId) -> Result<(), Error> {
    let now = clock::now();
    app.db
        .write(Box::new(move |connection| {
            Box::pin(async move { store::remove_tokens(connection, session, now).await })
        }))
        .await
}

/// Removes the tokens that have expired; answers how many.
pub(crate) async fn sweep(app: &App, now: UnixMillis) -> Result<u64, Error> {
    app.db
        .write(Box::new(move |connection| {
            Box::pin(async move { store::remove_expired_tokens(connection, now).await })
        }))
        .await
}

//! From a request to the one who calls.

use super::{login_session, personal_token, session_token};
use crate::app::App;
use crate::context::{Actor, Ctx, Via};
use crate::error::Error;
use crate::users;
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use grove_core_api::rest::grants::TokenScope;
use grove_core_api::rest::users::UserRole;
use grove_core_api::{ErrorCode, UserId};
use std::sync::Arc;
use tower_sessions::Session;

/// Header by which Grove's own clients name themselves: `web` or `cli`.
pub(crate) const CLIENT_HEADER: &str = "x-grove-client";

pub(crate) fn unauthenticated() -> Error {
    Error::new(ErrorCode::Unauthenticated, "the token is not valid, or not any more")
        .hint("get a new one: POST /api/v1/access-tokens, or `grove admin user token`")
}

/// Nobody is anonymous on a shared host.
pub(crate) fn nobody() -> Error {
    Error::new(ErrorCode::Unauthenticated, "this instance wants to know who you are").hint(
        "show a personal access token: set GROVE_TOKEN, send it as bearer, or paste it in the \
         browser; an admin makes one with `grove admin user token NAME`",
    )
}

/// The bearer token of a request (RFC 6750).
pub(crate) fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// Who a bearer token stands for: an agent with its session token, or a program of kind `via`.
pub(crate) async fn actor_of_token(app: &App, token: &str, via: Via) -> Result<Actor, Error> {
    let (user, via) = if session_token::is_one(token) {
        let (user, session) = session_token::bearer(app, token).await?;
        (user, Via::Mcp(session))
    } else if personal_token::is_one(token) {
        (personal_token::bearer(app, token).await?.user, via)
    } else {
        (app.jwt.user(token)?, Via::Api)
    };
    let role = standing(app, user).await?.ok_or_else(unauthenticated)?;
    Ok(Actor { user, via, role, scope: TokenScope::Full })
}

async fn standing(app: &App, user: UserId) -> Result<Option<UserRole>, Error> {
    users::service::role(&app.db, user).await
}

/// Who calls: bearer token first, then the cookie; else the instance's owner, but on a shared host
/// nobody.
pub(crate) async fn actor(app: &App, parts: &Parts) -> Result<Actor, Error> {
    let client = parts.headers.get(CLIENT_HEADER).and_then(|value| value.to_str().ok());
    let via = match client {
        Some("cli") => Via::Cli,
        Some("web") => Via::Web,
        _ => Via::Api,
    };
    if parts.headers.contains_key(header::AUTHORIZATION) {
        let token = bearer(&parts.headers).ok_or_else(unauthenticated)?;
        return actor_of_token(app, token, via).await;
    }
    if let Some(session) = parts.extensions.get::<Session>()
        && let Some(user) = login_session::user(app, session).await?
        && let Some(role) = standing(app, user).await?
    {
        let via = if via == Via::Api { Via::Web } else { via };
        return Ok(Actor { user, via, role, scope: TokenScope::Full });
    }
    if app.config.is_shared_host {
        return Err(nobody());
    }
    Ok(Actor { user: app.owner(), via, role: UserRole::Owner, scope: TokenScope::Full })
}

impl FromRequestParts<Arc<App>> for Ctx {
    type Rejection = Error;

    async fn from_request_parts(
        parts: &mut Parts,
        app: &Arc<App>,
    ) -> Result<Self, Self::Rejection> {
        Ok(Self::new(app, actor(app, parts).await?))
    }
}

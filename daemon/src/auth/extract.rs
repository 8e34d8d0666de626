//! From a request to the one who calls.

use super::{login_session, session_token};
use crate::app::App;
use crate::context::{Actor, Ctx, Via};
use crate::error::Error;
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use grove_core_api::ErrorCode;
use std::sync::Arc;
use tower_sessions::Session;

/// Header by which Grove's own clients name themselves: `web` or `cli`.
pub(crate) const CLIENT_HEADER: &str = "x-grove-client";

pub(crate) fn unauthenticated() -> Error {
    Error::new(ErrorCode::Unauthenticated, "the token is not valid, or not any more")
        .hint("get a new one: POST /api/v1/access-tokens")
}

/// The bearer token of a request (RFC 6750).
pub(crate) fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// Who a bearer token stands for: an agent with its session token, or a program.
pub(crate) async fn actor_of_token(app: &App, token: &str) -> Result<Actor, Error> {
    if session_token::is_one(token) {
        let (user, session) = session_token::bearer(app, token).await?;
        return Ok(Actor { user, via: Via::Mcp(session) });
    }
    Ok(Actor { user: app.jwt.user(token)?, via: Via::Api })
}

/// Who calls: bearer token first, then the cookie, else the instance's owner.
pub(crate) async fn actor(app: &App, parts: &Parts) -> Result<Actor, Error> {
    if parts.headers.contains_key(header::AUTHORIZATION) {
        let token = bearer(&parts.headers).ok_or_else(unauthenticated)?;
        return actor_of_token(app, token).await;
    }
    let client = parts.headers.get(CLIENT_HEADER).and_then(|value| value.to_str().ok());
    let named = match parts.extensions.get::<Session>() {
        Some(session) => login_session::user(session).await?,
        None => None,
    };
    let via = match client {
        Some("cli") => Via::Cli,
        Some("web") => Via::Web,
        _ if named.is_some() => Via::Web,
        _ => Via::Api,
    };
    Ok(Actor { user: named.unwrap_or(app.owner), via })
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

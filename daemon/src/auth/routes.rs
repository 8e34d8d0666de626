//! `/login-sessions`, `/access-tokens`.

use super::login_session;
use super::policy::Action;
use crate::app::App;
use crate::clock;
use crate::context::Ctx;
use crate::error::Error;
use crate::http::extract::Json;
use crate::users;
use axum::extract::State;
use axum::http::StatusCode;
use grove_core_api::rest::auth::{AccessToken, CreateLoginSession, LoginSession};
use grove_core_api::{Problem, limits};
use std::sync::Arc;
use tower_sessions::Session;

/// Takes a name for this browser, or signs in with a personal access token.
#[utoipa::path(post, path = "/login-sessions", tag = "auth", request_body = CreateLoginSession,
    responses((status = 201, body = LoginSession), (status = "default", body = Problem)))]
pub(crate) async fn create(
    State(app): State<Arc<App>>,
    ctx: Result<Ctx, Error>,
    session: Session,
    Json(body): Json<CreateLoginSession>,
) -> Result<(StatusCode, Json<LoginSession>), Error> {
    match ctx {
        Ok(ctx) => ctx.authorize(Action::SignIn)?,
        // Nobody yet: the token in the body says who it is.
        Err(_) if body.token.is_some() => {}
        Err(error) => return Err(error),
    }
    let login = login_session::create(&app, &session, body).await?;
    Ok((StatusCode::CREATED, Json(login)))
}

/// Shows who this browser is.
#[utoipa::path(get, path = "/login-sessions/current", tag = "auth",
    responses((status = 200, body = LoginSession), (status = "default", body = Problem)))]
pub(crate) async fn current(ctx: Ctx, session: Session) -> Result<Json<LoginSession>, Error> {
    let is_named = login_session::user(&ctx.app, &session).await?.is_some();
    Ok(Json(LoginSession { user: users::service::me(&ctx).await?, is_named }))
}

/// Signs this browser out; where nobody has to sign in it acts as the instance's owner again.
#[utoipa::path(delete, path = "/login-sessions/current", tag = "auth",
    responses((status = 204), (status = "default", body = Problem)))]
pub(crate) async fn remove(ctx: Ctx, session: Session) -> Result<StatusCode, Error> {
    ctx.authorize(Action::SignIn)?;
    login_session::remove(&session).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Makes a token for programs: API, WebSocket and MCP. It lives 15 minutes.
#[utoipa::path(post, path = "/access-tokens", tag = "auth",
    responses((status = 201, body = AccessToken), (status = "default", body = Problem)))]
pub(crate) async fn create_token(ctx: Ctx) -> Result<(StatusCode, Json<AccessToken>), Error> {
    ctx.authorize(Action::SignIn)?;
    let token = ctx.app.jwt.issue(ctx.actor.user, clock::now())?;
    let body = AccessToken {
        access_token: token.expose().to_owned(),
        expires_in_secs: limits::ACCESS_TOKEN_SECS,
    };
    Ok((StatusCode::CREATED, Json(body)))
}

//! `/users/me/inbox` and `/users/me/mentions`.

use super::service;
use crate::comments;
use crate::context::Ctx;
use crate::error::Error;
use crate::http::extract::{Json, PathId};
use axum::http::StatusCode;
use grove_core_api::Problem;
use grove_core_api::rest::boards::TopicState;

/// Shows what waits for oneself: the state of the topic `user:me`.
#[utoipa::path(get, path = "/users/me/inbox", tag = "users",
    responses((status = 200, body = TopicState), (status = "default", body = Problem)))]
pub(crate) async fn inbox(ctx: Ctx) -> Result<Json<TopicState>, Error> {
    Ok(Json(service::inbox(&ctx).await?))
}

/// Puts a mention of oneself away.
#[utoipa::path(delete, path = "/users/me/mentions/{id}", tag = "users",
    params(("id" = String, Path, description = "The comment: id or its last 8 digits")),
    responses((status = 204), (status = "default", body = Problem)))]
pub(crate) async fn dismiss(ctx: Ctx, PathId(id): PathId) -> Result<StatusCode, Error> {
    let id = comments::service::find(&ctx, &id).await?;
    service::dismiss(&ctx, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

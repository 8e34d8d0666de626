//! `/users`.

use super::service;
use crate::context::Ctx;
use crate::error::Error;
use crate::http::extract::{Json, PathId, Query};
use grove_core_api::rest::users::{PatchUser, User};
use grove_core_api::{Page, PageQuery, Problem};

/// Lists the people of the instance, newest first.
#[utoipa::path(get, path = "/users", tag = "users", params(PageQuery),
    responses((status = 200, body = Page<User>), (status = "default", body = Problem)))]
pub(crate) async fn list(
    ctx: Ctx,
    Query(query): Query<PageQuery>,
) -> Result<Json<Page<User>>, Error> {
    Ok(Json(service::list(&ctx, &query).await?))
}

/// Shows one person.
#[utoipa::path(get, path = "/users/{id}", tag = "users", params(("id" = String, Path, description = "Id or its last 8 digits")),
    responses((status = 200, body = User), (status = "default", body = Problem)))]
pub(crate) async fn get(ctx: Ctx, PathId(id): PathId) -> Result<Json<User>, Error> {
    let id = service::find(&ctx, &id).await?;
    Ok(Json(service::get(&ctx, id).await?))
}

/// Shows oneself.
#[utoipa::path(get, path = "/users/me", tag = "users",
    responses((status = 200, body = User), (status = "default", body = Problem)))]
pub(crate) async fn me(ctx: Ctx) -> Result<Json<User>, Error> {
    Ok(Json(service::me(&ctx).await?))
}

/// Changes one's own name or emoji.
#[utoipa::path(patch, path = "/users/me", tag = "users", request_body = PatchUser,
    responses((status = 200, body = User), (status = "default", body = Problem)))]
pub(crate) async fn patch_me(ctx: Ctx, Json(patch): Json<PatchUser>) -> Result<Json<User>, Error> {
    Ok(Json(service::patch_me(&ctx, patch).await?))
}

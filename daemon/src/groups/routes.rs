//! `/groups` and who is in them.

use super::service;
use crate::context::Ctx;
use crate::error::Error;
use crate::http::extract::{Json, PathId, PathIds, Query};
use crate::users;
use axum::http::StatusCode;
use grove_core_api::rest::grants::{CreateGroup, Group, PatchGroup};
use grove_core_api::{Page, PageQuery, Problem};

/// Lists the groups with who is in them, newest first.
#[utoipa::path(get, path = "/groups", tag = "groups", params(PageQuery),
    responses((status = 200, body = Page<Group>), (status = "default", body = Problem)))]
pub(crate) async fn list(
    ctx: Ctx,
    Query(query): Query<PageQuery>,
) -> Result<Json<Page<Group>>, Error> {
    Ok(Json(service::list(&ctx, &query).await?))
}

/// Makes a group. Owner and admins only.
#[utoipa::path(post, path = "/groups", tag = "groups", request_body = CreateGroup,
    responses((status = 201, body = Group), (status = "default", body = Problem)))]
pub(crate) async fn create(
    ctx: Ctx,
    Json(body): Json<CreateGroup>,
) -> Result<(StatusCode, Json<Group>), Error> {
    Ok((StatusCode::CREATED, Json(service::create(&ctx, body).await?)))
}

/// Shows a group.
#[utoipa::path(get, path = "/groups/{id}", tag = "groups",
    params(("id" = String, Path, description = "Id or its last 8 digits")),
    responses((status = 200, body = Group), (status = "default", body = Problem)))]
pub(crate) async fn get(ctx: Ctx, PathId(id): PathId) -> Result<Json<Group>, Error> {
    let id = service::find(&ctx, &id).await?;
    Ok(Json(service::get(&ctx, id).await?))
}

/// Renames a group. Owner and admins only.
#[utoipa::path(patch, path = "/groups/{id}", tag = "groups", request_body = PatchGroup,
    params(("id" = String, Path, description = "Id or its last 8 digits")),
    responses((status = 200, body = Group), (status = "default", body = Problem)))]
pub(crate) async fn patch(
    ctx: Ctx,
    PathId(id): PathId,
    Json(body): Json<PatchGroup>,
) -> Result<Json<Group>, Error> {
    let id = service::find(&ctx, &id).await?;
    Ok(Json(service::patch(&ctx, id, body).await?))
}

/// Removes a group, and with it what it was given. Owner and admins only.
#[utoipa::path(delete, path = "/groups/{id}", tag = "groups",
    params(("id" = String, Path, description = "Id or its last 8 digits")),
    responses((status = 204), (status = "default", body = Problem)))]
pub(crate) async fn remove(ctx: Ctx, PathId(id): PathId) -> Result<StatusCode, Error> {
    let id = service::find(&ctx, &id).await?;
    service::remove(&ctx, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Puts a person into a group. Owner and admins only.
#[utoipa::path(put, path = "/groups/{id}/members/{user}", tag = "groups",
    params(("id" = String, Path, description = "Group"), ("user" = String, Path, description = "Person")),
    responses((status = 200, body = Group), (status = "default", body = Problem)))]
pub(crate) async fn add_member(ctx: Ctx, PathIds(id, user): PathIds) -> Result<Json<Group>, Error> {
    let id = service::find(&ctx, &id).await?;
    let user = users::service::find(&ctx, &user).await?;
    Ok(Json(service::add_member(&ctx, id, user).await?))
}

/// Takes a person out of a group. Owner and admins only.
#[utoipa::path(delete, path = "/groups/{id}/members/{user}", tag = "groups",
    params(("id" = String, Path, description = "Group"), ("user" = String, Path, description = "Person")),
    responses((status = 200, body = Group), (status = "default", body = Problem)))]
pub(crate) async fn remove_member(
    ctx: Ctx,
    PathIds(id, user): PathIds,
) -> Result<Json<Group>, Error> {
    let id = service::find(&ctx, &id).await?;
    let user = users::service::find(&ctx, &user).await?;
    Ok(Json(service::remove_member(&ctx, id, user).await?))
}

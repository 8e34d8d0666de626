//! `/repos`.

use super::service;
use crate::context::Ctx;
use crate::error::Error;
use crate::http::extract::{Json, PathId, Query};
use axum::http::StatusCode;
use grove_core_api::rest::repos::{Branches, CreateRepo, PatchRepo, Repo};
use grove_core_api::{Page, PageQuery, Problem};

/// Lists the registered repositories, newest first.
#[utoipa::path(get, path = "/repos", tag = "repos", params(PageQuery),
    responses((status = 200, body = Page<Repo>), (status = "default", body = Problem)))]
pub(crate) async fn list(
    ctx: Ctx,
    Query(query): Query<PageQuery>,
) -> Result<Json<Page<Repo>>, Error> {
    Ok(Json(service::list(&ctx, &query).await?))
}

/// Registers a repository and begins to clone it; read it again to see when it is ready.
#[utoipa::path(post, path = "/repos", tag = "repos", request_body = CreateRepo,
    responses((status = 202, body = Repo), (status = "default", body = Problem)))]
pub(crate) async fn create(
    ctx: Ctx,
    Json(body): Json<CreateRepo>,
) -> Result<(StatusCode, Json<Repo>), Error> {
    Ok((StatusCode::ACCEPTED, Json(service::create(&ctx, body).await?)))
}

/// Shows a repository, with the progress of its clone.
#[utoipa::path(get, path = "/repos/{id}", tag = "repos",
    params(("id" = String, Path, description = "Id or its last 8 digits")),
    responses((status = 200, body = Repo), (status = "default", body = Problem)))]
pub(crate) async fn get(ctx: Ctx, PathId(id): PathId) -> Result<Json<Repo>, Error> {
    let id = service::find(&ctx, &id).await?;
    Ok(Json(service::get(&ctx, id).await?))
}

/// Changes the default branch or what executors may use, or archives the repository.
#[utoipa::path(patch, path = "/repos/{id}", tag = "repos", request_body = PatchRepo,
    params(("id" = String, Path, description = "Id or its last 8 digits")),
    responses((status = 200, body = Repo), (status = "default", body = Problem)))]
pub(crate) async fn patch(
    ctx: Ctx,
    PathId(id): PathId,
    Json(body): Json<PatchRepo>,
) -> Result<Json<Repo>, Error> {
    let id = service::find(&ctx, &id).await?;
    Ok(Json(service::patch(&ctx, id, body).await?))
}

/// Lists the branches, newest commit first.
#[utoipa::path(get, path = "/repos/{id}/branches", tag = "repos",
    params(("id" = String, Path, description = "Id or its last 8 digits")),
    responses((status = 200, body = Branches), (status = "default", body = Problem)))]
pub(crate) async fn branches(ctx: Ctx, PathId(id): PathId) -> Result<Json<Branches>, Error> {
    let id = service::find(&ctx, &id).await?;
    Ok(Json(service::branches(&ctx, id).await?))
}

/// Fetches what is new, or repeats a clone that failed.
#[utoipa::path(post, path = "/repos/{id}/fetch", tag = "repos",
    params(("id" = String, Path, description = "Id or its last 8 digits")),
    responses((status = 202, body = Repo), (status = "default", body = Problem)))]
pub(crate) async fn fetch(ctx: Ctx, PathId(id): PathId) -> Result<(StatusCode, Json<Repo>), Error> {
    let id = service::find(&ctx, &id).await?;
    Ok((StatusCode::ACCEPTED, Json(service::fetch(&ctx, id).await?)))
}

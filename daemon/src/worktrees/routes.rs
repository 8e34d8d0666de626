//! `/worktrees`.

use super::service;
use crate::context::Ctx;
use crate::error::Error;
use crate::http::extract::{Json, PathId, Query};
use axum::http::StatusCode;
use grove_core_api::rest::worktrees::{
    CreateWorktree, Diff, PatchWorktree, Published, Worktree, WorktreeQuery,
};
use grove_core_api::{Page, PageQuery, Problem};

/// Lists worktrees, newest first.
#[utoipa::path(get, path = "/worktrees", tag = "worktrees", params(WorktreeQuery),
    responses((status = 200, body = Page<Worktree>), (status = "default", body = Problem)))]
pub(crate) async fn list(
    ctx: Ctx,
    Query(query): Query<WorktreeQuery>,
) -> Result<Json<Page<Worktree>>, Error> {
    let page = PageQuery { limit: query.limit, cursor: query.cursor };
    let include_trashed = query.include_trashed.unwrap_or(false);
    Ok(Json(service::list(&ctx, query.repo_id, include_trashed, &page).await?))
}

/// Makes a worktree on a new branch.
#[utoipa::path(post, path = "/worktrees", tag = "worktrees", request_body = CreateWorktree,
    responses((status = 201, body = Worktree), (status = "default", body = Problem)))]
pub(crate) async fn create(
    ctx: Ctx,
    Json(body): Json<CreateWorktree>,
) -> Result<(StatusCode, Json<Worktree>), Error> {
    Ok((StatusCode::CREATED, Json(service::create(&ctx, body).await?)))
}

/// Shows a worktree.
#[utoipa::path(get, path = "/worktrees/{id}", tag = "worktrees",
    params(("id" = String, Path, description = "Id or its last 8 digits")),
    responses((status = 200, body = Worktree), (status = "default", body = Problem)))]
pub(crate) async fn get(ctx: Ctx, PathId(id): PathId) -> Result<Json<Worktree>, Error> {
    let id = service::find(&ctx, &id).await?;
    Ok(Json(service::get(&ctx, id).await?))
}

/// Changes links and notes of a worktree.
#[utoipa::path(patch, path = "/worktrees/{id}", tag = "worktrees", request_body = PatchWorktree,
    params(("id" = String, Path, description = "Id or its last 8 digits")),
    responses((status = 200, body = Worktree), (status = "default", body = Problem)))]
pub(crate) async fn patch(
    ctx: Ctx,
    PathId(id): PathId,
    Json(body): Json<PatchWorktree>,
) -> Result<Json<Worktree>, Error> {
    let id = service::find(&ctx, &id).await?;
    Ok(Json(service::patch(&ctx, id, body).await?))
}

/// Moves a worktree to the trash: its state is kept as a snapshot.
#[utoipa::path(delete, path = "/worktrees/{id}", tag = "worktrees",
    params(("id" = String, Path, description = "Id or its last 8 digits")),
    responses((status = 200, body = Worktree), (status = "default", body = Problem)))]
pub(crate) async fn remove(ctx: Ctx, PathId(id): PathId) -> Result<Json<Worktree>, Error> {
    let id = service::find(&ctx, &id).await?;
    Ok(Json(service::remove(&ctx, id).await?))
}

/// Shows what the worktree changed since it started, committed or not.
#[utoipa::path(get, path = "/worktrees/{id}/diff", tag = "worktrees",
    params(("id" = String, Path, description = "Id or its last 8 digits")),
    responses((status = 200, body = Diff), (status = "default", body = Problem)))]
pub(crate) async fn diff(ctx: Ctx, PathId(id): PathId) -> Result<Json<Diff>, Error> {
    let id = service::find(&ctx, &id).await?;
    Ok(Json(service::diff(&ctx, id).await?))
}

/// Publishes a worktree's branch to everybody: as `refs/users/<account>/<branch>` of the repository.
#[utoipa::path(post, path = "/worktrees/{id}/publish", tag = "worktrees",
    params(("id" = String, Path, description = "Id or its last 8 digits")),
    responses((status = 200, body = Published), (status = "default", body = Problem)))]
pub(crate) async fn publish(ctx: Ctx, PathId(id): PathId) -> Result<Json<Published>, Error> {
    let id = service::find(&ctx, &id).await?;
    Ok(Json(service::publish(&ctx, id).await?))
}

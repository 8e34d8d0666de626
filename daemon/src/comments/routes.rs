//! `/comments`.

use super::service;
use crate::context::Ctx;
use crate::error::Error;
use crate::http::extract::{Json, PathId, Query};
use axum::http::StatusCode;
use grove_core_api::rest::comments::{Comment, CommentQuery, CreateComment, PatchComment};
use grove_core_api::{Page, Problem};

/// Lists comments, oldest first: of a board, of a session, or of one thread.
#[utoipa::path(get, path = "/comments", tag = "comments", params(CommentQuery),
    responses((status = 200, body = Page<Comment>), (status = "default", body = Problem)))]
pub(crate) async fn list(
    ctx: Ctx,
    Query(query): Query<CommentQuery>,
) -> Result<Json<Page<Comment>>, Error> {
    Ok(Json(service::list(&ctx, query).await?))
}

/// Begins a thread, or answers in one.
#[utoipa::path(post, path = "/comments", tag = "comments", request_body = CreateComment,
    responses((status = 201, body = Comment), (status = "default", body = Problem)))]
pub(crate) async fn create(
    ctx: Ctx,
    Json(body): Json<CreateComment>,
) -> Result<(StatusCode, Json<Comment>), Error> {
    Ok((StatusCode::CREATED, Json(service::create(&ctx, body).await?)))
}

/// Shows a comment.
#[utoipa::path(get, path = "/comments/{id}", tag = "comments",
    params(("id" = String, Path, description = "Id or its last 8 digits")),
    responses((status = 200, body = Comment), (status = "default", body = Problem)))]
pub(crate) async fn get(ctx: Ctx, PathId(id): PathId) -> Result<Json<Comment>, Error> {
    let id = service::find(&ctx, &id).await?;
    Ok(Json(service::get(&ctx, id).await?))
}

/// Changes the words of one's own comment, or resolves a thread.
#[utoipa::path(patch, path = "/comments/{id}", tag = "comments", request_body = PatchComment,
    params(("id" = String, Path, description = "Id or its last 8 digits")),
    responses((status = 200, body = Comment), (status = "default", body = Problem)))]
pub(crate) async fn patch(
    ctx: Ctx,
    PathId(id): PathId,
    Json(body): Json<PatchComment>,
) -> Result<Json<Comment>, Error> {
    let id = service::find(&ctx, &id).await?;
    Ok(Json(service::patch(&ctx, id, body).await?))
}

/// Removes a comment, with all answers when it began a thread. The author and admins only.
#[utoipa::path(delete, path = "/comments/{id}", tag = "comments",
    params(("id" = String, Path, description = "Id or its last 8 digits")),
    responses((status = 204), (status = "default", body = Problem)))]
pub(crate) async fn remove(ctx: Ctx, PathId(id): PathId) -> Result<StatusCode, Error> {
    let id = service::find(&ctx, &id).await?;
    service::remove(&ctx, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

//! `/boards/{id}/grants` and `/boards/{id}/rights`.

use super::service;
use crate::boards;
use crate::context::Ctx;
use crate::error::Error;
use crate::http::extract::{Json, PathId, PathIds, Query};
use crate::lookup;
use axum::http::StatusCode;
use grove_core_api::rest::grants::{BoardGrant, BoardRights, BoardRightsQuery, PutBoardGrant};
use grove_core_api::{Page, PageQuery, Problem};

/// Lists who was given which right on a board.
#[utoipa::path(get, path = "/boards/{id}/grants", tag = "grants",
    params(("id" = String, Path, description = "Id or its last 8 digits"), PageQuery),
    responses((status = 200, body = Page<BoardGrant>), (status = "default", body = Problem)))]
pub(crate) async fn list(
    ctx: Ctx,
    PathId(id): PathId,
    Query(query): Query<PageQuery>,
) -> Result<Json<Page<BoardGrant>>, Error> {
    let id = boards::service::find(&ctx, &id).await?;
    Ok(Json(service::list(&ctx, id, &query).await?))
}

/// Gives a person or group a right on a board, in place of the one that they had by a grant.
#[utoipa::path(put, path = "/boards/{id}/grants/{subject}", tag = "grants", request_body = PutBoardGrant,
    params(("id" = String, Path, description = "Board"),
        ("subject" = String, Path, description = "Person or group")),
    responses((status = 200, body = BoardGrant), (status = "default", body = Problem)))]
pub(crate) async fn put(
    ctx: Ctx,
    PathIds(id, subject): PathIds,
    Json(body): Json<PutBoardGrant>,
) -> Result<Json<BoardGrant>, Error> {
    let id = boards::service::find(&ctx, &id).await?;
    Ok(Json(service::put(&ctx, id, &subject, body).await?))
}

/// Takes a right away that was given by a grant.
#[utoipa::path(delete, path = "/boards/{id}/grants/{subject}", tag = "grants",
    params(("id" = String, Path, description = "Board"),
        ("subject" = String, Path, description = "Person or group")),
    responses((status = 204), (status = "default", body = Problem)))]
pub(crate) async fn remove(ctx: Ctx, PathIds(id, subject): PathIds) -> Result<StatusCode, Error> {
    let id = boards::service::find(&ctx, &id).await?;
    service::remove(&ctx, id, &subject).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Says what somebody may do on a board, with every reason that counted and every limit that lowered
/// it.
#[utoipa::path(get, path = "/boards/{id}/rights", tag = "grants",
    params(("id" = String, Path, description = "Id or its last 8 digits"), BoardRightsQuery),
    responses((status = 200, body = BoardRights), (status = "default", body = Problem)))]
pub(crate) async fn rights(
    ctx: Ctx,
    PathId(id): PathId,
    Query(query): Query<BoardRightsQuery>,
) -> Result<Json<BoardRights>, Error> {
    let id = boards::service::find(&ctx, &id).await?;
    let person = query.user.as_deref().map(lookup::id_ref).transpose()?;
    Ok(Json(service::explain(&ctx, id, person.as_ref()).await?))
}

//! `/executors`.

use super::service;
use crate::context::Ctx;
use crate::error::Error;
use crate::http::extract::{Json, PathId, Query};
use grove_core_api::rest::executors::{Executor, ExecutorQuery};
use grove_core_api::{Page, Problem};

/// Lists executors, newest first, perhaps only those of a session.
#[utoipa::path(get, path = "/executors", tag = "executors", params(ExecutorQuery),
    responses((status = 200, body = Page<Executor>), (status = "default", body = Problem)))]
pub(crate) async fn list(
    ctx: Ctx,
    Query(query): Query<ExecutorQuery>,
) -> Result<Json<Page<Executor>>, Error> {
    Ok(Json(service::list(&ctx, &query).await?))
}

/// Shows an executor: whether it is ready, which layers of the sandbox hold, how it ended.
#[utoipa::path(get, path = "/executors/{id}", tag = "executors",
    params(("id" = String, Path, description = "Id or its last 8 digits")),
    responses((status = 200, body = Executor), (status = "default", body = Problem)))]
pub(crate) async fn get(ctx: Ctx, PathId(id): PathId) -> Result<Json<Executor>, Error> {
    let id = service::find(&ctx, &id).await?;
    Ok(Json(service::get(&ctx, id).await?))
}

/// Ends the executor of a session that does not work just now, forgets its crashes, and starts a
/// fresh one; the answer is the new executor.
#[utoipa::path(post, path = "/executors/{id}/restart", tag = "executors",
    params(("id" = String, Path, description = "Id or its last 8 digits")),
    responses((status = 200, body = Executor), (status = "default", body = Problem)))]
pub(crate) async fn restart(ctx: Ctx, PathId(id): PathId) -> Result<Json<Executor>, Error> {
    let id = service::find(&ctx, &id).await?;
    Ok(Json(service::restart(&ctx, id).await?))
}

//! `/tasks`.

use super::service;
use crate::context::Ctx;
use crate::error::Error;
use crate::http::extract::{Json, PathId, Query};
use crate::messages;
use grove_core_api::rest::messages::{MessageList, MessageQuery};
use grove_core_api::rest::tasks::{Task, TaskQuery};
use grove_core_api::{Page, Problem};

/// Lists tasks, newest first.
#[utoipa::path(get, path = "/tasks", tag = "tasks", params(TaskQuery),
    responses((status = 200, body = Page<Task>), (status = "default", body = Problem)))]
pub(crate) async fn list(
    ctx: Ctx,
    Query(query): Query<TaskQuery>,
) -> Result<Json<Page<Task>>, Error> {
    Ok(Json(service::list(&ctx, &query).await?))
}

/// Shows a task.
#[utoipa::path(get, path = "/tasks/{id}", tag = "tasks",
    params(("id" = String, Path, description = "Id or its last 8 digits")),
    responses((status = 200, body = Task), (status = "default", body = Problem)))]
pub(crate) async fn get(ctx: Ctx, PathId(id): PathId) -> Result<Json<Task>, Error> {
    let id = service::find(&ctx, &id).await?;
    Ok(Json(service::get(&ctx, id).await?))
}

/// Lists the messages of a task in order.
#[utoipa::path(get, path = "/tasks/{id}/messages", tag = "tasks",
    params(("id" = String, Path, description = "Id or its last 8 digits"), MessageQuery),
    responses((status = 200, body = MessageList), (status = "default", body = Problem)))]
pub(crate) async fn messages(
    ctx: Ctx,
    PathId(id): PathId,
    Query(query): Query<MessageQuery>,
) -> Result<Json<MessageList>, Error> {
    let id = service::find(&ctx, &id).await?;
    let task = service::get(&ctx, id).await?;
    Ok(Json(messages::service::list(&ctx, task.session_id, Some(id), &query).await?))
}

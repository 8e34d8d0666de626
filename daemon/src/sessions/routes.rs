//! `/sessions`.

use super::service;
use crate::context::Ctx;
use crate::error::Error;
use crate::http::conditional;
use crate::http::extract::{Json, PathId, PathIds, Query};
use crate::messages;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use grove_core_api::event::Topic;
use grove_core_api::rest::boards::TopicState;
use grove_core_api::rest::messages::{EventList, EventQuery, Message, MessageList, MessageQuery};
use grove_core_api::rest::sessions::{
    AnswerPermission, CreatePrompt, CreateSession, PatchSession, Session, SessionQuery,
    SessionResult, SpawnSession,
};
use grove_core_api::rest::tasks::Task;
use grove_core_api::rest::worktrees::Diff;
use grove_core_api::{Page, Problem};

/// Lists sessions, newest first.
#[utoipa::path(get, path = "/sessions", tag = "sessions", params(SessionQuery),
    responses((status = 200, body = Page<Session>), (status = "default", body = Problem)))]
pub(crate) async fn list(
    ctx: Ctx,
    Query(query): Query<SessionQuery>,
) -> Result<Json<Page<Session>>, Error> {
    Ok(Json(service::list(&ctx, &query).await?))
}

/// Makes a session in a worktree of its own, perhaps with a first prompt.
#[utoipa::path(post, path = "/sessions", tag = "sessions", request_body = CreateSession,
    responses((status = 201, body = Session), (status = "default", body = Problem)))]
pub(crate) async fn create(
    ctx: Ctx,
    Json(body): Json<CreateSession>,
) -> Result<(StatusCode, Json<Session>), Error> {
    Ok((StatusCode::CREATED, Json(service::create(&ctx, body).await?)))
}

/// Shows a session.
#[utoipa::path(get, path = "/sessions/{id}", tag = "sessions",
    params(("id" = String, Path, description = "Id or its last 8 digits")),
    responses((status = 200, body = Session), (status = "default", body = Problem)))]
pub(crate) async fn get(ctx: Ctx, PathId(id): PathId) -> Result<Json<Session>, Error> {
    let id = service::find(&ctx, &id).await?;
    Ok(Json(service::get(&ctx, id).await?))
}

/// Renames or archives a session.
#[utoipa::path(patch, path = "/sessions/{id}", tag = "sessions", request_body = PatchSession,
    params(("id" = String, Path, description = "Id or its last 8 digits")),
    responses((status = 200, body = Session), (status = "default", body = Problem)))]
pub(crate) async fn patch(
    ctx: Ctx,
    PathId(id): PathId,
    Json(body): Json<PatchSession>,
) -> Result<Json<Session>, Error> {
    let id = service::find(&ctx, &id).await?;
    Ok(Json(service::patch(&ctx, id, body).await?))
}

/// Stops a session, archives it and moves its worktree to the trash.
#[utoipa::path(delete, path = "/sessions/{id}", tag = "sessions",
    params(("id" = String, Path, description = "Id or its last 8 digits")),
    responses((status = 200, body = Session), (status = "default", body = Problem)))]
pub(crate) async fn remove(ctx: Ctx, PathId(id): PathId) -> Result<Json<Session>, Error> {
    let id = service::find(&ctx, &id).await?;
    Ok(Json(service::remove(&ctx, id).await?))
}

/// Prompts a session; the prompt waits in the queue while the agent is busy.
#[utoipa::path(post, path = "/sessions/{id}/prompt", tag = "sessions", request_body = CreatePrompt,
    params(("id" = String, Path, description = "Id or its last 8 digits")),
    responses((status = 202, body = Task), (status = "default", body = Problem)))]
pub(crate) async fn prompt(
    ctx: Ctx,
    PathId(id): PathId,
    Json(body): Json<CreatePrompt>,
) -> Result<(StatusCode, Json<Task>), Error> {
    let id = service::find(&ctx, &id).await?;
    Ok((StatusCode::ACCEPTED, Json(service::prompt(&ctx, id, body).await?)))
}

/// Stops the running task and drops what waits in the queue.
#[utoipa::path(post, path = "/sessions/{id}/stop", tag = "sessions",
    params(("id" = String, Path, description = "Id or its last 8 digits")),
    responses((status = 202, body = Session), (status = "default", body = Problem)))]
pub(crate) async fn stop(
    ctx: Ctx,
    PathId(id): PathId,
) -> Result<(StatusCode, Json<Session>), Error> {
    let id = service::find(&ctx, &id).await?;
    Ok((StatusCode::ACCEPTED, Json(service::stop(&ctx, id).await?)))
}

/// Stops the running task; prompts that wait in the queue go on after it.
#[utoipa::path(post, path = "/sessions/{id}/interrupt", tag = "sessions",
    params(("id" = String, Path, description = "Id or its last 8 digits")),
    responses((status = 202, body = Session), (status = "default", body = Problem)))]
pub(crate) async fn interrupt(
    ctx: Ctx,
    PathId(id): PathId,
) -> Result<(StatusCode, Json<Session>), Error> {
    let id = service::find(&ctx, &id).await?;
    Ok((StatusCode::ACCEPTED, Json(service::interrupt(&ctx, id).await?)))
}

/// Makes a child session that starts at this session's present state.
#[utoipa::path(post, path = "/sessions/{id}/spawn", tag = "sessions", request_body = SpawnSession,
    params(("id" = String, Path, description = "Id or its last 8 digits")),
    responses((status = 201, body = Session), (status = "default", body = Problem)))]
pub(crate) async fn spawn(
    ctx: Ctx,
    PathId(id): PathId,
    Json(body): Json<SpawnSession>,
) -> Result<(StatusCode, Json<Session>), Error> {
    let id = service::find(&ctx, &id).await?;
    Ok((StatusCode::CREATED, Json(service::spawn(&ctx, id, body).await?)))
}

/// Lists the messages of a session: the newest, or those before or after an index.
#[utoipa::path(get, path = "/sessions/{id}/messages", tag = "sessions",
    params(("id" = String, Path, description = "Id or its last 8 digits"), MessageQuery),
    responses((status = 200, body = MessageList), (status = "default", body = Problem)))]
pub(crate) async fn messages(
    ctx: Ctx,
    PathId(id): PathId,
    Query(query): Query<MessageQuery>,
) -> Result<Json<MessageList>, Error> {
    let id = service::find(&ctx, &id).await?;
    service::get(&ctx, id).await?;
    Ok(Json(messages::service::list(&ctx, id, None, &query).await?))
}

/// Reads a session's log after a sequence number.
#[utoipa::path(get, path = "/sessions/{id}/events", tag = "sessions",
    params(("id" = String, Path, description = "Id or its last 8 digits"), EventQuery),
    responses((status = 200, body = EventList), (status = "default", body = Problem)))]
pub(crate) async fn events(
    ctx: Ctx,
    PathId(id): PathId,
    Query(query): Query<EventQuery>,
) -> Result<Json<EventList>, Error> {
    let id = service::find(&ctx, &id).await?;
    Ok(Json(service::events(&ctx, id, &query).await?))
}

/// Shows what the session changed in its worktree.
#[utoipa::path(get, path = "/sessions/{id}/diff", tag = "sessions",
    params(("id" = String, Path, description = "Id or its last 8 digits")),
    responses((status = 200, body = Diff), (status = "default", body = Problem)))]
pub(crate) async fn diff(ctx: Ctx, PathId(id): PathId) -> Result<Json<Diff>, Error> {
    let id = service::find(&ctx, &id).await?;
    Ok(Json(service::diff(&ctx, id).await?))
}

/// Shows what came out of the session: last words, changed files, last task.
#[utoipa::path(get, path = "/sessions/{id}/result", tag = "sessions",
    params(("id" = String, Path, description = "Id or its last 8 digits")),
    responses((status = 200, body = SessionResult), (status = "default", body = Problem)))]
pub(crate) async fn result(ctx: Ctx, PathId(id): PathId) -> Result<Json<SessionResult>, Error> {
    let id = service::find(&ctx, &id).await?;
    Ok(Json(service::result(&ctx, id).await?))
}

/// Answers a request for permission.
#[utoipa::path(post, path = "/sessions/{id}/permissions/{permission_id}", tag = "sessions",
    request_body = AnswerPermission,
    params(("id" = String, Path, description = "Session"), ("permission_id" = String, Path, description = "Request")),
    responses((status = 200, body = Message), (status = "default", body = Problem)))]
pub(crate) async fn answer(
    ctx: Ctx,
    PathIds(session, permission): PathIds,
    Json(body): Json<AnswerPermission>,
) -> Result<Json<Message>, Error> {
    let session = service::find(&ctx, &session).await?;
    let permission = service::find_permission(&ctx, session, &permission).await?;
    Ok(Json(service::answer(&ctx, session, permission, body).await?))
}

/// Shows the state of a session's topic with the number of its newest event.
#[utoipa::path(get, path = "/sessions/{id}/snapshot", tag = "sessions",
    params(("id" = String, Path, description = "Id or its last 8 digits"),
        ("If-None-Match" = Option<String>, Header, description = "Version that the caller has")),
    responses((status = 200, body = TopicState), (status = 304, description = "The caller has it"),
        (status = "default", body = Problem)))]
pub(crate) async fn snapshot(
    ctx: Ctx,
    PathId(id): PathId,
    headers: HeaderMap,
) -> Result<Response, Error> {
    let id = service::find(&ctx, &id).await?;
    service::get(&ctx, id).await?;
    conditional::state(&ctx, Topic::Session(id), &headers).await
}

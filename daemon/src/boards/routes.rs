//! `/boards` and `/boards/{id}/objects`.

use super::service::{self, images, objects, views};
use crate::context::Ctx;
use crate::error::Error;
use crate::events;
use crate::http::conditional;
use crate::http::extract::{IfMatch, Json, PathId, PathIdName, PathIds, Query, Raw};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use grove_core_api::event::Topic;
use grove_core_api::rest::boards::{
    AtQuery, Board, BoardImage, BoardObject, BoardView, CreateBoard, CreateBoardObject, PatchBoard,
    PatchBoardObject, TopicState,
};
use grove_core_api::rest::messages::{EventList, EventQuery};
use grove_core_api::{Page, PageQuery, Problem};

/// Lists the boards that are not archived, newest first.
#[utoipa::path(get, path = "/boards", tag = "boards", params(PageQuery),
    responses((status = 200, body = Page<Board>), (status = "default", body = Problem)))]
pub(crate) async fn list(
    ctx: Ctx,
    Query(query): Query<PageQuery>,
) -> Result<Json<Page<Board>>, Error> {
    Ok(Json(service::list(&ctx, &query, false).await?))
}

/// Makes a board.
#[utoipa::path(post, path = "/boards", tag = "boards", request_body = CreateBoard,
    responses((status = 201, body = Board), (status = "default", body = Problem)))]
pub(crate) async fn create(
    ctx: Ctx,
    Json(body): Json<CreateBoard>,
) -> Result<(StatusCode, Json<Board>), Error> {
    Ok((StatusCode::CREATED, Json(service::create(&ctx, body).await?)))
}

/// Shows a board.
#[utoipa::path(get, path = "/boards/{id}", tag = "boards",
    params(("id" = String, Path, description = "Id or its last 8 digits")),
    responses((status = 200, body = Board), (status = "default", body = Problem)))]
pub(crate) async fn get(ctx: Ctx, PathId(id): PathId) -> Result<Json<Board>, Error> {
    let id = service::find(&ctx, &id).await?;
    Ok(Json(service::get(&ctx, id).await?))
}

/// Renames or archives a board. `If-Match: <version>` refuses the change when somebody was faster.
#[utoipa::path(patch, path = "/boards/{id}", tag = "boards", request_body = PatchBoard,
    params(("id" = String, Path, description = "Id or its last 8 digits"),
        ("If-Match" = Option<String>, Header, description = "Version that the caller has seen")),
    responses((status = 200, body = Board), (status = "default", body = Problem)))]
pub(crate) async fn patch(
    ctx: Ctx,
    PathId(id): PathId,
    IfMatch(version): IfMatch,
    Json(body): Json<PatchBoard>,
) -> Result<Json<Board>, Error> {
    let id = service::find(&ctx, &id).await?;
    Ok(Json(service::patch(&ctx, id, version, body).await?))
}

/// Reads a board's log after a sequence number.
#[utoipa::path(get, path = "/boards/{id}/events", tag = "boards",
    params(("id" = String, Path, description = "Id or its last 8 digits"), EventQuery),
    responses((status = 200, body = EventList), (status = "default", body = Problem)))]
pub(crate) async fn events(
    ctx: Ctx,
    PathId(id): PathId,
    Query(query): Query<EventQuery>,
) -> Result<Json<EventList>, Error> {
    let id = service::find(&ctx, &id).await?;
    service::get(&ctx, id).await?;
    Ok(Json(events::service::list(&ctx, Topic::Board(id), &query).await?))
}

/// Lists what lies on a board, oldest first.
#[utoipa::path(get, path = "/boards/{id}/objects", tag = "boards",
    params(("id" = String, Path, description = "Id or its last 8 digits"), PageQuery),
    responses((status = 200, body = Page<BoardObject>), (status = "default", body = Problem)))]
pub(crate) async fn list_objects(
    ctx: Ctx,
    PathId(id): PathId,
    Query(query): Query<PageQuery>,
) -> Result<Json<Page<BoardObject>>, Error> {
    let id = service::find(&ctx, &id).await?;
    Ok(Json(objects::list(&ctx, id, &query).await?))
}

/// Puts a note, text or zone on a board.
#[utoipa::path(post, path = "/boards/{id}/objects", tag = "boards", request_body = CreateBoardObject,
    params(("id" = String, Path, description = "Id or its last 8 digits")),
    responses((status = 201, body = BoardObject), (status = "default", body = Problem)))]
pub(crate) async fn create_object(
    ctx: Ctx,
    PathId(id): PathId,
    Json(body): Json<CreateBoardObject>,
) -> Result<(StatusCode, Json<BoardObject>), Error> {
    let id = service::find(&ctx, &id).await?;
    Ok((StatusCode::CREATED, Json(objects::create(&ctx, id, body).await?)))
}

/// Shows an object.
#[utoipa::path(get, path = "/boards/{id}/objects/{object_id}", tag = "boards",
    params(("id" = String, Path, description = "Board"), ("object_id" = String, Path, description = "Object")),
    responses((status = 200, body = BoardObject), (status = "default", body = Problem)))]
pub(crate) async fn get_object(
    ctx: Ctx,
    PathIds(board, object): PathIds,
) -> Result<Json<BoardObject>, Error> {
    let board = service::find(&ctx, &board).await?;
    let object = objects::find(&ctx, &object).await?;
    Ok(Json(objects::get(&ctx, board, object).await?))
}

/// Moves or changes an object; of a session's card only the place.
#[utoipa::path(patch, path = "/boards/{id}/objects/{object_id}", tag = "boards", request_body = PatchBoardObject,
    params(("id" = String, Path, description = "Board"), ("object_id" = String, Path, description = "Object")),
    responses((status = 200, body = BoardObject), (status = "default", body = Problem)))]
pub(crate) async fn patch_object(
    ctx: Ctx,
    PathIds(board, object): PathIds,
    Json(body): Json<PatchBoardObject>,
) -> Result<Json<BoardObject>, Error> {
    let board = service::find(&ctx, &board).await?;
    let object = objects::find(&ctx, &object).await?;
    Ok(Json(objects::patch(&ctx, board, object, body).await?))
}

/// Removes a note, text or zone.
#[utoipa::path(delete, path = "/boards/{id}/objects/{object_id}", tag = "boards",
    params(("id" = String, Path, description = "Board"), ("object_id" = String, Path, description = "Object")),
    responses((status = 204), (status = "default", body = Problem)))]
pub(crate) async fn remove_object(
    ctx: Ctx,
    PathIds(board, object): PathIds,
) -> Result<StatusCode, Error> {
    let board = service::find(&ctx, &board).await?;
    let object = objects::find(&ctx, &object).await?;
    objects::remove(&ctx, board, object).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Shows a board as it was: after an event (`seq`) or at a time (`at_ms`).
#[utoipa::path(get, path = "/boards/{id}/at", tag = "boards",
    params(("id" = String, Path, description = "Id or its last 8 digits"), AtQuery),
    responses((status = 200, body = TopicState), (status = "default", body = Problem)))]
pub(crate) async fn at(
    ctx: Ctx,
    PathId(id): PathId,
    Query(query): Query<AtQuery>,
) -> Result<Json<TopicState>, Error> {
    let id = service::find(&ctx, &id).await?;
    Ok(Json(service::at(&ctx, id, query).await?))
}

/// Shows all objects of a board with the number of the newest event, to go on from over WebSocket.
#[utoipa::path(get, path = "/boards/{id}/snapshot", tag = "boards",
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
    conditional::state(&ctx, Topic::Board(id), &headers).await
}

/// Shows how oneself last looked at a board.
#[utoipa::path(get, path = "/boards/{id}/view", tag = "boards",
    params(("id" = String, Path, description = "Id or its last 8 digits")),
    responses((status = 200, body = BoardView), (status = "default", body = Problem)))]
pub(crate) async fn get_view(ctx: Ctx, PathId(id): PathId) -> Result<Json<BoardView>, Error> {
    let id = service::find(&ctx, &id).await?;
    Ok(Json(views::get(&ctx, id).await?))
}

/// Keeps how oneself looks at a board; the last one written holds.
#[utoipa::path(put, path = "/boards/{id}/view", tag = "boards", request_body = BoardView,
    params(("id" = String, Path, description = "Id or its last 8 digits")),
    responses((status = 200, body = BoardView), (status = "default", body = Problem)))]
pub(crate) async fn put_view(
    ctx: Ctx,
    PathId(id): PathId,
    Json(view): Json<BoardView>,
) -> Result<Json<BoardView>, Error> {
    let id = service::find(&ctx, &id).await?;
    Ok(Json(views::put(&ctx, id, view).await?))
}

/// Sends a picture (PNG, JPEG, GIF or WebP, at most 8 MiB) to a board; put an object of kind `image`
/// to show it.
#[utoipa::path(post, path = "/boards/{id}/images", tag = "boards",
    request_body(content = Vec<u8>, content_type = "image/*"),
    params(("id" = String, Path, description = "Id or its last 8 digits")),
    responses((status = 201, body = BoardImage), (status = "default", body = Problem)))]
pub(crate) async fn add_image(
    ctx: Ctx,
    PathId(id): PathId,
    Raw(content): Raw,
) -> Result<(StatusCode, Json<BoardImage>), Error> {
    let id = service::find(&ctx, &id).await?;
    Ok((StatusCode::CREATED, Json(images::add(&ctx, id, content).await?)))
}

/// Serves a picture of a board.
#[utoipa::path(get, path = "/boards/{id}/images/{image}", tag = "boards",
    params(("id" = String, Path, description = "Id or its last 8 digits"),
        ("image" = String, Path, description = "SHA-256 of the content, in hex")),
    responses((status = 200, content_type = "image/*", body = Vec<u8>),
        (status = 304, description = "The caller has it"), (status = "default", body = Problem)))]
pub(crate) async fn get_image(
    ctx: Ctx,
    PathIdName(id, image): PathIdName,
    headers: HeaderMap,
) -> Result<Response, Error> {
    let id = service::find(&ctx, &id).await?;
    let known = conditional::tag(&image);
    if conditional::has(&headers, &known) {
        images::describe(&ctx, id, &image).await?;
        return Ok(conditional::not_modified(known));
    }
    let (image, content) = images::get(&ctx, id, &image).await?;
    let value = HeaderValue::from_static;
    let kind = HeaderValue::from_str(&image.media_type).unwrap_or(value("image/png"));
    let headers = [
        (header::CONTENT_TYPE, kind),
        (header::ETAG, known),
        (header::CACHE_CONTROL, value("private, max-age=31536000, immutable")),
        // Opened by itself it is a picture and nothing else.
        (header::CONTENT_SECURITY_POLICY, value("default-src 'none'; sandbox")),
        (header::CONTENT_DISPOSITION, value("inline; filename=\"image\"")),
    ];
    Ok((headers, content).into_response())
}

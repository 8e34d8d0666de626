//! THE list of routes, and the order of the layers around them.

use crate::app::App;
use crate::auth::login_session;
use crate::context::Ctx;
use crate::error::{Error, problem_response};
use crate::http::{idempotency, origin, request_id, security_headers, static_files};
use crate::room_backend::Caller;
use crate::{
    audit, auth, boards, comments, docs, executors, grants, groups, instance, mcp, notices,
    realtime, repos, sessions, tasks, users, worktrees,
};
use axum::extract::{DefaultBodyLimit, OriginalUri, Request, State};
use axum::http::StatusCode;
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use grove_core_api::{ErrorCode, Problem, limits, version};
use std::sync::Arc;
use std::time::Duration;
use tower_http::CompressionLevel;
use tower_http::compression::CompressionLayer;
use tower_http::timeout::TimeoutLayer;
use utoipa::OpenApi;
use utoipa::openapi::OpenApi as Document;
use utoipa_axum::router::{OpenApiRouter, UtoipaMethodRouter, UtoipaMethodRouterExt};
use utoipa_axum::routes;

#[derive(OpenApi)]
#[openapi(info(
    title = "Grove",
    description = "People and coding agents on shared boards. Errors are RFC 9457 problems; match their `code`.",
    license(name = "Apache-2.0")
))]
struct Api;

fn api() -> (Router<Arc<App>>, Document) {
    let mut described = Api::openapi();
    version::GROVE.clone_into(&mut described.info.version);
    OpenApiRouter::with_openapi(described)
        .routes(routes!(instance::routes::get))
        .routes(routes!(boards::routes::list, boards::routes::create))
        .routes(routes!(boards::routes::get, boards::routes::patch))
        .routes(routes!(boards::routes::events))
        .routes(compressed(routes!(boards::routes::at)))
        .routes(compressed(routes!(boards::routes::snapshot)))
        .routes(routes!(boards::routes::get_view, boards::routes::put_view))
        .routes(
            routes!(boards::routes::add_image).layer(DefaultBodyLimit::max(limits::IMAGE_BYTES)),
        )
        .routes(routes!(boards::routes::get_image))
        .routes(routes!(comments::routes::list, comments::routes::create))
        .routes(routes!(comments::routes::get, comments::routes::patch, comments::routes::remove))
        .routes(routes!(boards::routes::list_objects, boards::routes::create_object))
        .routes(routes!(
            boards::routes::get_object,
            boards::routes::patch_object,
            boards::routes::remove_object
        ))
        .routes(routes!(grants::routes::list))
        .routes(routes!(grants::routes::put, grants::routes::remove))
        .routes(routes!(grants::routes::rights))
        .routes(routes!(groups::routes::list, groups::routes::create))
        .routes(routes!(groups::routes::get, groups::routes::patch, groups::routes::remove))
        .routes(routes!(groups::routes::add_member, groups::routes::remove_member))
        .routes(routes!(docs::routes::get))
        .routes(routes!(repos::routes::list, repos::routes::create))
        .routes(routes!(repos::routes::get, repos::routes::patch))
        .routes(routes!(repos::routes::branches))
        .routes(routes!(repos::routes::fetch))
        .routes(routes!(worktrees::routes::list, worktrees::routes::create))
        .routes(routes!(
            worktrees::routes::get,
            worktrees::routes::patch,
            worktrees::routes::remove
        ))
        .routes(routes!(worktrees::routes::diff))
        .routes(routes!(worktrees::routes::publish))
        .routes(routes!(sessions::routes::list, sessions::routes::create))
        .routes(routes!(sessions::routes::get, sessions::routes::patch, sessions::routes::remove))
        .routes(routes!(sessions::routes::prompt))
        .routes(routes!(sessions::routes::stop))
        .routes(routes!(sessions::routes::interrupt))
        .routes(routes!(sessions::routes::spawn))
        .routes(routes!(sessions::routes::messages))
        .routes(routes!(sessions::routes::events))
        .routes(compressed(routes!(sessions::routes::snapshot)))
        .routes(routes!(sessions::routes::diff))
        .routes(routes!(sessions::routes::result))
        .routes(routes!(sessions::routes::answer))
        .routes(routes!(executors::routes::list))
        .routes(routes!(executors::routes::get))
        .routes(routes!(executors::routes::restart))
        .routes(routes!(tasks::routes::list))
        .routes(routes!(tasks::routes::get))
        .routes(routes!(tasks::routes::messages))
        .routes(routes!(users::routes::list, users::routes::create))
        .routes(routes!(users::routes::me, users::routes::patch_me))
        .routes(routes!(notices::routes::inbox))
        .routes(routes!(notices::routes::dismiss))
        .routes(routes!(users::routes::get, users::routes::patch, users::routes::retire))
        .routes(routes!(users::routes::hand_over))
        .routes(routes!(users::routes::tokens, users::routes::create_token))
        .routes(routes!(users::routes::remove_token))
        .routes(routes!(auth::routes::create))
        .routes(routes!(auth::routes::current, auth::routes::remove))
        .routes(routes!(auth::routes::create_token))
        .routes(routes!(audit::routes::list))
        .routes(routes!(audit::routes::verify))
        .split_for_parts()
}

/// Routes whose answers are large and compress well.
fn compressed(routes: UtoipaMethodRouter<Arc<App>>) -> UtoipaMethodRouter<Arc<App>> {
    routes.layer(CompressionLayer::new().quality(CompressionLevel::Fastest))
}

/// The API as an OpenAPI document.
#[must_use]
pub fn openapi() -> Document {
    let (_, mut document) = api();
    prefix_paths(&mut document);
    document
}

fn prefix_paths(document: &mut Document) {
    let paths = std::mem::take(&mut document.paths.paths);
    document.paths.paths =
        paths.into_iter().map(|(path, item)| (format!("/api/v1{path}"), item)).collect();
}

/// Everything that the daemon serves.
pub(crate) fn router(app: &Arc<App>) -> Router {
    let (routes, mut document) = api();
    prefix_paths(&mut document);
    let document = Arc::new(document);
    let timeout = Duration::from_millis(limits::HTTP_REQUEST_MS);
    let rest = routes
        .route("/openapi.json", get(async move || Json(Arc::clone(&document)).into_response()))
        .fallback(unknown_route)
        .method_not_allowed_fallback(wrong_method)
        .layer(from_fn_with_state(Arc::clone(app), idempotency::layer))
        .layer(DefaultBodyLimit::max(limits::HTTP_BODY_BYTES))
        .layer(TimeoutLayer::with_status_code(StatusCode::GATEWAY_TIMEOUT, timeout))
        .layer(from_fn(timeouts_are_problems));
    let browser = Router::new()
        .nest("/api/v1", rest)
        .route("/ws", get(websocket))
        .layer(login_session::layer(Arc::downgrade(app)));
    Router::new()
        .merge(browser)
        .merge(mcp::router(app))
        .route("/healthz", get(instance::routes::health))
        .route("/readyz", get(instance::routes::ready))
        .fallback(static_files::serve)
        .with_state(Arc::clone(app))
        .layer(from_fn(security_headers::layer))
        .layer(from_fn(origin::layer))
        .layer(from_fn(request_id::layer))
}

async fn websocket(
    ctx: Ctx,
    State(app): State<Arc<App>>,
    asked: realtime::Upgrade,
) -> Result<Response, Error> {
    let user = users::service::me(&ctx).await?;
    Ok(realtime::upgrade(asked, Arc::clone(&app.hub), Caller { ctx, user }))
}

async fn unknown_route(OriginalUri(uri): OriginalUri) -> Error {
    Error::not_found("route", uri.path()).hint("see /api/v1/openapi.json")
}

async fn wrong_method(request: Request) -> Error {
    let detail = format!("{} is not possible here", request.method());
    Error::new(ErrorCode::MethodNotAllowed, detail).hint("see /api/v1/openapi.json")
}

/// The timeout layer answers with a bare status; clients get a problem.
async fn timeouts_are_problems(request: Request, next: Next) -> Response {
    let response = next.run(request).await;
    let is_bare = response.status() == StatusCode::GATEWAY_TIMEOUT
        && !response.headers().contains_key(axum::http::header::CONTENT_TYPE);
    if is_bare {
        return problem_response(&Problem::new(
            ErrorCode::Timeout,
            "the request took longer than it may",
        ));
    }
    response
}

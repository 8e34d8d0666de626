//! An id for each request: in the log, in the `X-Request-Id` header, in problem documents.

use crate::clock;
use axum::body::{Body, to_bytes};
use axum::extract::{MatchedPath, Request};
use axum::http::{HeaderName, HeaderValue, header};
use axum::middleware::Next;
use axum::response::Response;
use grove_core_api::Problem;
use std::time::Instant;
use tracing::Instrument;
use uuid::Uuid;

static HEADER: HeaderName = HeaderName::from_static("x-request-id");
/// Problem documents are small.
const PROBLEM_BYTES: usize = 256 * 1024;

/// Gives the request an id and writes one line about it to the log.
pub(crate) async fn layer(request: Request, next: Next) -> Response {
    let id = clock::fresh_id::<Uuid>().simple().to_string();
    let method = request.method().clone();
    let route = request.extensions().get::<MatchedPath>().map(|it| it.as_str().to_owned());
    let span = tracing::info_span!("request", request.id = id);
    let started = Instant::now();
    let response = next.run(request).instrument(span.clone()).await;
    let status = response.status().as_u16();
    let duration_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
    let route = route.as_deref().unwrap_or("-");
    span.in_scope(|| tracing::debug!(%method, route, status, duration_ms, "{method} {route}"));
    let mut response = fill_in(response, &id).await;
    if let Ok(value) = HeaderValue::from_str(&id) {
        response.headers_mut().insert(HEADER.clone(), value);
    }
    response
}

async fn fill_in(response: Response, id: &str) -> Response {
    let is_problem = response
        .headers()
        .get(header::CONTENT_TYPE)
        .is_some_and(|kind| kind == "application/problem+json");
    if !is_problem {
        return response;
    }
    let (mut parts, body) = response.into_parts();
    let Ok(bytes) = to_bytes(body, PROBLEM_BYTES).await else {
        return Response::from_parts(parts, Body::empty());
    };
    let filled = serde_json::from_slice::<Problem>(&bytes).and_then(|mut problem| {
        id.clone_into(&mut problem.request_id);
        serde_json::to_vec(&problem)
    });
    parts.headers.remove(header::CONTENT_LENGTH);
    Response::from_parts(parts, filled.map_or_else(|_| Body::from(bytes), Body::from))
}

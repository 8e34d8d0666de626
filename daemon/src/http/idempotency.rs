//! `Idempotency-Key`: the same POST sent twice is done once.
//!
//! The key belongs to the caller. Its first request reserves it; the answer is kept for a day and
//! given again to the same request, while another request under the same key is refused. Server
//! errors are not kept, so that they can be tried again.

use crate::app::App;
use crate::auth;
use crate::clock;
use crate::db::entity::idempotency_key::{ActiveModel, Column, Entity, Model};
use crate::error::Error;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use grove_core_api::{ErrorCode, limits};
use sea_orm::sea_query::ExprTrait;
use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter};
use sha2::{Digest, Sha256};
use std::sync::Arc;
use uuid::Uuid;

const HEADER: &str = "idempotency-key";
/// Status of a request that is still at work.
const PENDING: i32 = 0;
/// After this time a request that never ended (a crash) may be tried again.
const ABANDONED_MS: i64 = 120_000;

/// Remembers the answers of POST requests that carry a key.
pub(crate) async fn layer(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let Some(key) = request.headers().get(HEADER).cloned() else { return next.run(request).await };
    // A token must not lie in the database, and signing in twice does no harm.
    // The same picture is the same picture without a key, and larger than a key may guard.
    let is_content = request.uri().path().ends_with("/images");
    let is_sign_in = ["/access-tokens", "/login-sessions", "/tokens"]
        .iter()
        .any(|path| request.uri().path().ends_with(path));
    if request.method() != Method::POST || is_sign_in || is_content {
        return next.run(request).await;
    }
    match guarded(&app, &key, request, next).await {
        Ok(response) => response,
        Err(error) => error.into_response(),
    }
}

async fn guarded(
    app: &Arc<App>,
    key: &HeaderValue,
    request: Request,
    next: Next,
) -> Result<Response, Error> {
    let key = key
        .to_str()
        .ok()
        .filter(|key| !key.is_empty() && key.len() <= limits::IDEMPOTENCY_KEY_BYTES)
        .ok_or_else(|| Error::field("Idempotency-Key", "must be 1 to 128 printable characters"))?
        .to_owned();
    let (parts, body) = request.into_parts();
    let user = auth::extract::actor(app, &parts).await?.user.0;
    let body = to_bytes(body, limits::HTTP_BODY_BYTES)
        .await
        .map_err(|_reason| crate::http::extract::too_large())?;
    let mut hash = Sha256::new();
    hash.update(parts.method.as_str());
    hash.update(parts.uri.to_string());
    hash.update(&body);
    let fingerprint = hex::encode(hash.finalize());
    if let Some(known) = reserve(app, user, &key, &fingerprint).await? {
        return replay(known, &fingerprint);
    }
    let response = next.run(Request::from_parts(parts, Body::from(body))).await;
    keep(app, user, key, response).await
}

/// Takes the key; `Some` when it is taken already.
async fn reserve(
    app: &App,
    user: Uuid,
    key: &str,
    fingerprint: &str,
) -> Result<Option<Model>, Error> {
    let (key, fingerprint) = (key.to_owned(), fingerprint.to_owned());
    app.db
        .write(Box::new(move |connection| {
            let (key, fingerprint) = (key.clone(), fingerprint.clone());
            Box::pin(async move {
                let now = clock::now();
                let is_old = Column::CreatedAtMs.lt(now - limits::IDEMPOTENCY_KEY_MS);
                let is_abandoned =
                    Column::Status.eq(PENDING).and(Column::CreatedAtMs.lt(now - ABANDONED_MS));
                Entity::delete_many().filter(is_old.or(is_abandoned)).exec(connection).await?;
                let known = Entity::find_by_id((user, key.clone())).one(connection).await?;
                if known.is_none() {
                    let row = ActiveModel {
                        user_id: Set(user),
                        idempotency_key: Set(key),
                        fingerprint: Set(fingerprint),
                        status: Set(PENDING),
                        answer: Set(String::new()),
                        created_at_ms: Set(now),
                    };
                    Entity::insert(row).exec_without_returning(connection).await?;
                }
                Ok(known)
            })
        }))
        .await
}

fn replay(known: Model, fingerprint: &str) -> Result<Response, Error> {
    if known.fingerprint != fingerprint {
        let detail = "this Idempotency-Key was used for another request";
        return Err(Error::new(ErrorCode::IdempotencyMismatch, detail).hint("use a new key"));
    }
    if known.status == PENDING {
        let detail = "the first request with this Idempotency-Key is still at work";
        return Err(Error::new(ErrorCode::Conflict, detail).hint("send it again in a moment"));
    }
    let status = u16::try_from(known.status)
        .ok()
        .and_then(|status| StatusCode::from_u16(status).ok())
        .ok_or_else(|| Error::internal("a remembered answer has no status"))?;
    let is_problem = status.is_client_error();
    let kind = if is_problem { "application/problem+json" } else { "application/json" };
    let headers = [
        (header::CONTENT_TYPE, kind),
        (header::HeaderName::from_static("idempotent-replayed"), "true"),
    ];
    Ok((status, headers, known.answer).into_response())
}

async fn keep(app: &App, user: Uuid, key: String, response: Response) -> Result<Response, Error> {
    let (parts, body) = response.into_parts();
    let bytes = to_bytes(body, 8 * limits::HTTP_BODY_BYTES)
        .await
        .map_err(|error| Error::internal("an answer could not be read").because(error))?;
    let answer = String::from_utf8_lossy(&bytes).into_owned();
    let status = i32::from(parts.status.as_u16());
    let is_kept = !parts.status.is_server_error();
    app.db
        .write(Box::new(move |connection| {
            let (key, answer) = (key.clone(), answer.clone());
            Box::pin(async move {
                if is_kept {
                    let row = ActiveModel {
                        user_id: Set(user),
                        idempotency_key: Set(key),
                        status: Set(status),
                        answer: Set(answer),
                        ..ActiveModel::default()
                    };
                    Entity::update(row).exec(connection).await?;
                } else {
                    Entity::delete_by_id((user, key)).exec(connection).await?;
                }
                Ok(())
            })
        }))
        .await?;
    Ok(Response::from_parts(parts, Body::from(bytes)))
}

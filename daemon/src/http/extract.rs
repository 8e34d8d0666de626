//! Extractors whose refusals are problems that say what to do.

use crate::error::Error;
use crate::lookup;
use axum::body::Bytes;
use axum::extract::rejection::{JsonRejection, QueryRejection};
use axum::extract::{FromRequest, FromRequestParts, Path, Request};
use axum::http::{StatusCode, header, request::Parts};
use axum::response::{IntoResponse, Response};
use grove_core_api::{ErrorCode, IdRef, limits};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// A JSON body, in and out.
pub(crate) struct Json<T>(pub(crate) T);

impl<T: Serialize> IntoResponse for Json<T> {
    fn into_response(self) -> Response {
        axum::Json(self.0).into_response()
    }
}

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Json<T> {
    type Rejection = Error;

    async fn from_request(request: Request, state: &S) -> Result<Self, Self::Rejection> {
        match axum::Json::from_request(request, state).await {
            Ok(axum::Json(body)) => Ok(Self(body)),
            Err(rejection) => Err(json_error(&rejection)),
        }
    }
}

fn json_error(rejection: &JsonRejection) -> Error {
    let text = rejection.body_text();
    let reason = text.split_once(": ").map_or(text.as_str(), |(_, reason)| reason);
    if matches!(rejection, JsonRejection::JsonDataError(_)) {
        Error::new(ErrorCode::InvalidRequest, reason)
            .hint("the fields are described in /api/v1/openapi.json")
    } else if matches!(rejection, JsonRejection::JsonSyntaxError(_)) {
        Error::new(ErrorCode::InvalidJson, reason)
    } else if matches!(rejection, JsonRejection::MissingJsonContentType(_)) {
        Error::new(ErrorCode::UnsupportedMediaType, "the body must be JSON")
            .hint("send the header `Content-Type: application/json`")
    } else if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE {
        too_large()
    } else {
        Error::new(ErrorCode::InvalidRequest, "the body could not be read")
    }
}

/// A body that is no JSON, whole.
pub(crate) struct Raw(pub(crate) Bytes);

impl<S: Send + Sync> FromRequest<S> for Raw {
    type Rejection = Error;

    async fn from_request(request: Request, state: &S) -> Result<Self, Self::Rejection> {
        match Bytes::from_request(request, state).await {
            Ok(body) => Ok(Self(body)),
            Err(rejection) if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE => {
                Err(Error::new(ErrorCode::TooLarge, "the body is larger than this may be"))
            }
            Err(_) => Err(Error::new(ErrorCode::InvalidRequest, "the body could not be read")),
        }
    }
}

/// An id and a name in a path.
pub(crate) struct PathIdName(pub(crate) IdRef, pub(crate) String);

impl<S: Send + Sync> FromRequestParts<S> for PathIdName {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Self::Rejection> {
        let Path((id, name)) = Path::<(String, String)>::from_request_parts(parts, state)
            .await
            .map_err(|rejection| bad_path(&rejection.body_text()))?;
        Ok(Self(lookup::id_ref(&id)?, name))
    }
}

pub(crate) fn too_large() -> Error {
    let most = limits::HTTP_BODY_BYTES / 1024;
    Error::new(ErrorCode::TooLarge, format!("the body has more than {most} KiB"))
}

/// The query of a URL.
pub(crate) struct Query<T>(pub(crate) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Query<T> {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Self::Rejection> {
        match axum::extract::Query::from_request_parts(parts, state).await {
            Ok(axum::extract::Query(query)) => Ok(Self(query)),
            Err(rejection) => Err(query_error(&rejection)),
        }
    }
}

fn query_error(rejection: &QueryRejection) -> Error {
    let text = rejection.body_text();
    let reason = text.split_once(": ").map_or(text.as_str(), |(_, reason)| reason);
    Error::new(ErrorCode::InvalidRequest, format!("the query is not valid: {reason}"))
}

/// The one id in a path.
pub(crate) struct PathId(pub(crate) IdRef);

impl<S: Send + Sync> FromRequestParts<S> for PathId {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Self::Rejection> {
        let Path(id) = Path::<String>::from_request_parts(parts, state)
            .await
            .map_err(|rejection| bad_path(&rejection.body_text()))?;
        Ok(Self(lookup::id_ref(&id)?))
    }
}

/// The two ids in a path, the outer one first.
pub(crate) struct PathIds(pub(crate) IdRef, pub(crate) IdRef);

impl<S: Send + Sync> FromRequestParts<S> for PathIds {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Self::Rejection> {
        let Path((outer, inner)) = Path::<(String, String)>::from_request_parts(parts, state)
            .await
            .map_err(|rejection| bad_path(&rejection.body_text()))?;
        Ok(Self(lookup::id_ref(&outer)?, lookup::id_ref(&inner)?))
    }
}

fn bad_path(reason: &str) -> Error {
    Error::new(ErrorCode::InvalidRequest, format!("the path is not valid: {reason}"))
}

/// The version in `If-Match`, when it is sent.
pub(crate) struct IfMatch(pub(crate) Option<i64>);

impl<S: Send + Sync> FromRequestParts<S> for IfMatch {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Self::Rejection> {
        let Some(value) = parts.headers.get(header::IF_MATCH) else { return Ok(Self(None)) };
        let version = value.to_str().ok().and_then(|text| text.trim_matches('"').parse().ok());
        version
            .map(|version| Self(Some(version)))
            .ok_or_else(|| Error::field("If-Match", "must be the version number of the resource"))
    }
}

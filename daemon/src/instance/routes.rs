//! `/instance`, `/healthz`, `/readyz`.

use super::service;
use crate::app::App;
use crate::context::Ctx;
use crate::error::Error;
use crate::http::extract::Json;
use axum::extract::State;
use axum::http::StatusCode;
use grove_core_api::rest::instance::{Health, Instance, Readiness};
use grove_core_api::{Problem, version};
use std::sync::Arc;

/// Shows version, mode and agents of the instance.
#[utoipa::path(get, path = "/instance", tag = "instance",
    responses((status = 200, body = Instance), (status = "default", body = Problem)))]
pub(crate) async fn get(ctx: Ctx) -> Result<Json<Instance>, Error> {
    Ok(Json(service::instance(&ctx)?))
}

/// Says that the process lives.
pub(crate) async fn health() -> Json<Health> {
    Json(Health { status: "ok".to_owned(), version: version::GROVE.to_owned() })
}

/// Says whether Grove can work, check by check; 503 when it cannot.
pub(crate) async fn ready(State(app): State<Arc<App>>) -> (StatusCode, Json<Readiness>) {
    let readiness = service::readiness(&app).await;
    let status = if readiness.is_ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(readiness))
}

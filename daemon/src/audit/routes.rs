//! `/audit`.

use super::service;
use crate::context::Ctx;
use crate::error::Error;
use crate::http::extract::{Json, Query};
use grove_core_api::rest::audit::{AuditEntry, AuditQuery, AuditVerification};
use grove_core_api::{Page, Problem};

/// Lists entries of the audit.
#[utoipa::path(get, path = "/audit", tag = "audit", params(AuditQuery),
    responses((status = 200, body = Page<AuditEntry>), (status = "default", body = Problem)))]
pub(crate) async fn list(
    ctx: Ctx,
    Query(query): Query<AuditQuery>,
) -> Result<Json<Page<AuditEntry>>, Error> {
    Ok(Json(service::list(&ctx, &query).await?))
}

/// Follows the whole chain and says whether an entry was changed, removed or put in.
#[utoipa::path(get, path = "/audit/verify", tag = "audit",
    responses((status = 200, body = AuditVerification), (status = "default", body = Problem)))]
pub(crate) async fn verify(ctx: Ctx) -> Result<Json<AuditVerification>, Error> {
    Ok(Json(service::verify(&ctx).await?))
}

//! `/docs`.

use super::service;
use crate::context::Ctx;
use crate::error::Error;
use crate::http::extract::{Json, PathId};
use grove_core_api::Problem;
use grove_core_api::rest::docs::Doc;

/// Shows a text that people write together: a note's, or the draft of a session's next prompt.
#[utoipa::path(get, path = "/docs/{id}", tag = "docs",
    params(("id" = String, Path, description = "Id of the note or session, or its last 8 digits")),
    responses((status = 200, body = Doc), (status = "default", body = Problem)))]
pub(crate) async fn get(ctx: Ctx, PathId(id): PathId) -> Result<Json<Doc>, Error> {
    let id = service::find(&ctx, &id).await?;
    Ok(Json(service::get(&ctx, id).await?))
}

//! `/users`, and people's tokens below it.

use super::service;
use crate::auth::personal_token;
use crate::context::Ctx;
use crate::error::Error;
use crate::http::extract::{Json, PathId, PathIds, Query};
use axum::http::StatusCode;
use grove_core_api::rest::grants::PatchPerson;
use grove_core_api::rest::users::{
    CreatePersonalToken, CreateUser, NewPersonalToken, PatchUser, PersonalToken, User,
};
use grove_core_api::{Page, PageQuery, Problem};

/// Lists the people of the instance, newest first.
#[utoipa::path(get, path = "/users", tag = "users", params(PageQuery),
    responses((status = 200, body = Page<User>), (status = "default", body = Problem)))]
pub(crate) async fn list(
    ctx: Ctx,
    Query(query): Query<PageQuery>,
) -> Result<Json<Page<User>>, Error> {
    Ok(Json(service::list(&ctx, &query).await?))
}

/// Shows one person.
#[utoipa::path(get, path = "/users/{id}", tag = "users", params(("id" = String, Path, description = "Id or its last 8 digits")),
    responses((status = 200, body = User), (status = "default", body = Problem)))]
pub(crate) async fn get(ctx: Ctx, PathId(id): PathId) -> Result<Json<User>, Error> {
    let id = service::find(&ctx, &id).await?;
    Ok(Json(service::get(&ctx, id).await?))
}

/// Shows oneself.
#[utoipa::path(get, path = "/users/me", tag = "users",
    responses((status = 200, body = User), (status = "default", body = Problem)))]
pub(crate) async fn me(ctx: Ctx) -> Result<Json<User>, Error> {
    Ok(Json(service::me(&ctx).await?))
}

/// Changes one's own name or emoji.
#[utoipa::path(patch, path = "/users/me", tag = "users", request_body = PatchUser,
    responses((status = 200, body = User), (status = "default", body = Problem)))]
pub(crate) async fn patch_me(ctx: Ctx, Json(patch): Json<PatchUser>) -> Result<Json<User>, Error> {
    Ok(Json(service::patch_me(&ctx, patch).await?))
}

/// Makes a person; on a shared host with a Unix account. Owner and admins only.
#[utoipa::path(post, path = "/users", tag = "users", request_body = CreateUser,
    responses((status = 201, body = User), (status = "default", body = Problem)))]
pub(crate) async fn create(
    ctx: Ctx,
    Json(body): Json<CreateUser>,
) -> Result<(StatusCode, Json<User>), Error> {
    Ok((StatusCode::CREATED, Json(service::create(&ctx, body).await?)))
}

/// Retires a person: tokens, executors and account go, the name stays. Owner and admins only.
#[utoipa::path(delete, path = "/users/{id}", tag = "users", params(("id" = String, Path, description = "Id or its last 8 digits")),
    responses((status = 200, body = User), (status = "default", body = Problem)))]
pub(crate) async fn retire(ctx: Ctx, PathId(id): PathId) -> Result<Json<User>, Error> {
    let id = service::find(&ctx, &id).await?;
    Ok(Json(service::retire(&ctx, id).await?))
}

/// Changes the role of a person. Owner and admins only; the owner's role is handed over.
#[utoipa::path(patch, path = "/users/{id}", tag = "users", request_body = PatchPerson,
    params(("id" = String, Path, description = "Id or its last 8 digits")),
    responses((status = 200, body = User), (status = "default", body = Problem)))]
pub(crate) async fn patch(
    ctx: Ctx,
    PathId(id): PathId,
    Json(body): Json<PatchPerson>,
) -> Result<Json<User>, Error> {
    let id = service::find(&ctx, &id).await?;
    Ok(Json(service::patch(&ctx, id, body).await?))
}

/// Hands the instance over to a person; the owner becomes an admin. Owner only.
#[utoipa::path(post, path = "/users/{id}/owner", tag = "users",
    params(("id" = String, Path, description = "Id or its last 8 digits")),
    responses((status = 200, body = User), (status = "default", body = Problem)))]
pub(crate) async fn hand_over(ctx: Ctx, PathId(id): PathId) -> Result<Json<User>, Error> {
    let id = service::find(&ctx, &id).await?;
    Ok(Json(service::hand_over(&ctx, id).await?))
}

/// Lists a person's personal access tokens, newest first, without their values.
#[utoipa::path(get, path = "/users/{id}/tokens", tag = "users", params(("id" = String, Path, description = "Id or its last 8 digits")),
    responses((status = 200, body = [PersonalToken]), (status = "default", body = Problem)))]
pub(crate) async fn tokens(
    ctx: Ctx,
    PathId(id): PathId,
) -> Result<Json<Vec<PersonalToken>>, Error> {
    let id = service::find(&ctx, &id).await?;
    Ok(Json(personal_token::list(&ctx, id).await?))
}

/// Makes a personal access token for oneself, or as an admin for somebody; it is shown this once.
#[utoipa::path(post, path = "/users/{id}/tokens", tag = "users", request_body = CreatePersonalToken,
    params(("id" = String, Path, description = "Id or its last 8 digits")),
    responses((status = 201, body = NewPersonalToken), (status = "default", body = Problem)))]
pub(crate) async fn create_token(
    ctx: Ctx,
    PathId(id): PathId,
    Json(body): Json<CreatePersonalToken>,
) -> Result<(StatusCode, Json<NewPersonalToken>), Error> {
    let id = service::find(&ctx, &id).await?;
    Ok((StatusCode::CREATED, Json(personal_token::create(&ctx, id, body).await?)))
}

/// Revokes a personal access token.
#[utoipa::path(delete, path = "/users/{id}/tokens/{token_id}", tag = "users",
    params(("id" = String, Path, description = "Id or its last 8 digits"),
        ("token_id" = String, Path, description = "Id of the token or its last 8 digits")),
    responses((status = 204), (status = "default", body = Problem)))]
pub(crate) async fn remove_token(
    ctx: Ctx,
    PathIds(id, token): PathIds,
) -> Result<StatusCode, Error> {
    let id = service::find(&ctx, &id).await?;
    personal_token::remove(&ctx, id, &token).await?;
    Ok(StatusCode::NO_CONTENT)
}

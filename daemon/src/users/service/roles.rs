//! Roles of people, and whose the instance is.
//!
//! There is one owner, always: ownership is handed over and never given up, so that the instance never
//! is without somebody who can help.

use super::{check_active, load, store};
use crate::app::OWNER;
use crate::audit::service as audit;
use crate::auth::policy::Action;
use crate::context::{Ctx, Tx};
use crate::error::Error;
use crate::grants::service::{self as grants, Reach};
use crate::{notices, settings};
use grove_core_api::rest::grants::PatchPerson;
use grove_core_api::rest::users::{User, UserRole};
use grove_core_api::{ErrorCode, UserId};
use serde_json::json;

/// Changes another person, or oneself, as an admin.
pub(crate) async fn patch(ctx: &Ctx, id: UserId, body: PatchPerson) -> Result<User, Error> {
    let what = json!({ "user_id": id, "role": body.role });
    let result = change(ctx, id, body).await;
    let user = audit::acted(ctx, "user.role", &what, result).await?;
    grants::changed(ctx, Some(id)).await;
    Ok(user)
}

async fn change(ctx: &Ctx, id: UserId, body: PatchPerson) -> Result<User, Error> {
    ctx.authorize(Action::Administer)?;
    if body.role == Some(UserRole::Owner) {
        return Err(Error::field("role", "must be `admin`, `member` or `viewer`")
            .hint("the owner hands the instance over: POST /users/{id}/owner"));
    }
    ctx.write(move |tx| {
        Box::pin(async move {
            let user = check_active(tx.connection(), id).await?;
            let Some(role) = body.role.filter(|role| *role != user.role) else { return Ok(user) };
            if user.role == UserRole::Owner {
                let detail = "the instance always has an owner";
                return Err(Error::new(ErrorCode::Conflict, detail)
                    .hint("hand it over first: POST /users/{id}/owner"));
            }
            let reach = Reach::person(tx.connection(), id).await?;
            let before = reach.look(tx).await?;
            let user = give(tx, user, role).await?;
            reach.tell(tx, before).await?;
            Ok(user)
        })
    })
    .await
}

async fn give(tx: &Tx<'_>, before: User, role: UserRole) -> Result<User, Error> {
    let mut user = before.clone();
    user.role = role;
    user.updated_at_ms = tx.now;
    store::update(tx.connection(), &user).await?;
    notices::service::user_changed(tx, &before, &user).await?;
    Ok(user)
}

/// Hands the instance over; whoever had it is an admin from then on.
pub(crate) async fn hand_over(ctx: &Ctx, id: UserId) -> Result<User, Error> {
    let result = crown(ctx, id).await;
    let user = audit::acted(ctx, "user.owner", &json!({ "user_id": id }), result).await?;
    ctx.app.belongs_to(id);
    grants::changed(ctx, None).await;
    Ok(user)
}

async fn crown(ctx: &Ctx, id: UserId) -> Result<User, Error> {
    ctx.authorize(Action::HandOver)?;
    let from = ctx.actor.user;
    ctx.write(move |tx| {
        Box::pin(async move {
            let user = check_active(tx.connection(), id).await?;
            let old = load(tx.connection(), from).await?;
            // Asked again here: of two who hand over at once one comes too late.
            if old.role != UserRole::Owner {
                let detail = "only the owner of the instance may do this";
                return Err(Error::new(ErrorCode::Forbidden, detail));
            }
            if id == from {
                return Ok(old);
            }
            let reach = Reach::person(tx.connection(), id).await?;
            let before = reach.look(tx).await?;
            give(tx, old, UserRole::Admin).await?;
            let user = give(tx, user, UserRole::Owner).await?;
            settings::service::put(tx.connection(), OWNER, &id).await?;
            reach.tell(tx, before).await?;
            Ok(user)
        })
    })
    .await
}

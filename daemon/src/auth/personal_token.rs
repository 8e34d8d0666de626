//! Personal access tokens: a person's key for programs and for signing in on a shared host.
//!
//! `grove_pat_` and 64 hex digits (256 random bits). Only the SHA-256 is stored, and a token is found
//! by it: how long the search takes tells nothing about the token. The owner's first token lies in a
//! file of the home that only the account of groved and root read.

use super::policy::Action;
use super::store::{self, TokenRow};
use super::token;
use crate::app::App;
use crate::audit::service as audit;
use crate::clock;
use crate::context::{Ctx, Tx};
use crate::error::Error;
use crate::{users, validate};
use grove_core_api::rest::users::{
    CreatePersonalToken, NewPersonalToken, PersonalToken, User, UserRole,
};
use grove_core_api::{ErrorCode, IdRef, Secret, TokenId, UnixMillis, UserId, limits};
use serde_json::json;
use std::fs::OpenOptions;
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::Arc;

const PREFIX: &str = "grove_pat_";
/// Name of the token in the owner's file.
const OWNERS: &str = "keys/owner.token";
const DAY_MS: i64 = 24 * 3_600_000;

/// Whether the text has the form of a personal access token.
pub(crate) fn is_one(text: &str) -> bool {
    let digits = text.strip_prefix(PREFIX).unwrap_or_default();
    digits.len() == 64 && digits.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// Whose token it is; notes that it was used.
///
/// # Errors
/// `Unauthenticated` when nobody has it, or it has expired.
pub(crate) async fn bearer(app: &App, text: &str) -> Result<TokenRow, Error> {
    let now = clock::now();
    let found = store::personal_token(app.db.read(), token::hash(text), now).await?;
    let found = found.ok_or_else(super::extract::unauthenticated)?;
    note_use(app, &found, now);
    Ok(found)
}

/// Whether a token that somebody signed in with is still worth something.
pub(crate) async fn is_valid(app: &App, id: TokenId) -> Result<bool, Error> {
    let now = clock::now();
    let found = store::personal_token_by_id(app.db.read(), id, now).await?;
    if let Some(found) = &found {
        note_use(app, found, now);
    }
    Ok(found.is_some())
}

/// Writes the time of use, at most once a minute and beside the request.
fn note_use(app: &App, found: &TokenRow, now: UnixMillis) {
    if found.last_used_at_ms.is_some_and(|last| now - last < limits::TOKEN_USE_MS) {
        return;
    }
    let (database, id) = (app.db.clone(), found.id);
    app.spawner.spawn(async move {
        let noted = database.write(Box::new(move |connection| {
            Box::pin(async move { store::use_personal_token(connection, id, now).await })
        }));
        if let Err(error) = noted.await {
            tracing::warn!(token.id = %id, %error, "failed to note the use of a token");
        }
    });
}

/// Makes a token for oneself, or as an admin for somebody else.
pub(crate) async fn create(
    ctx: &Ctx,
    user: UserId,
    body: CreatePersonalToken,
) -> Result<NewPersonalToken, Error> {
    let asked = json!({ "name": body.name, "expires_in_days": body.expires_in_days });
    let result = make(ctx, user, body).await;
    let token = result.as_ref().ok().map(|made| made.entry.id);
    let what = json!({ "asked": asked, "user_id": user, "token_id": token });
    audit::acted(ctx, "token.create", &what, result).await
}

async fn make(
    ctx: &Ctx,
    user: UserId,
    body: CreatePersonalToken,
) -> Result<NewPersonalToken, Error> {
    let user = permitted(ctx, user).await?;
    let name = validate::title("name", &body.name)?;
    let days = body.expires_in_days.unwrap_or(limits::PERSONAL_TOKEN_DAYS);
    if !(1..=limits::PERSONAL_TOKEN_MAX_DAYS).contains(&days) {
        let most = limits::PERSONAL_TOKEN_MAX_DAYS;
        return Err(Error::field("expires_in_days", format!("must be from 1 to {most}")));
    }
    let now = clock::now();
    let entry = PersonalToken {
        id: clock::fresh_id(),
        user_id: user.id,
        name,
        created_at_ms: now,
        expires_at_ms: Some(now + days * DAY_MS),
        last_used_at_ms: None,
    };
    let secret = fresh();
    let (stored, hash) = (entry.clone(), token::hash(secret.expose()));
    ctx.write(move |tx| {
        let (entry, hash) = (stored.clone(), hash.clone());
        Box::pin(async move {
            let connection = tx.connection();
            if store::count_personal_tokens(connection, entry.user_id).await?
                >= limits::PERSONAL_TOKENS
            {
                let most = limits::PERSONAL_TOKENS;
                let detail = format!("a person may have {most} tokens");
                return Err(Error::new(ErrorCode::Conflict, detail).hint("revoke one of them"));
            }
            store::insert_personal_token(connection, &entry, hash).await
        })
    })
    .await?;
    Ok(NewPersonalToken { entry, token: secret.expose().to_owned() })
}

/// A person's tokens, newest first, without their values.
pub(crate) async fn list(ctx: &Ctx, user: UserId) -> Result<Vec<PersonalToken>, Error> {
    let user = permitted(ctx, user).await?;
    store::personal_tokens_of(ctx.read(), user.id).await
}

/// Makes a token worthless, and the browsers that signed in with it strangers.
pub(crate) async fn remove(ctx: &Ctx, user: UserId, id: &IdRef) -> Result<(), Error> {
    let result = revoke(ctx, user, id).await;
    let token = result.as_ref().ok();
    let what = json!({ "asked": id.to_string(), "user_id": user, "token_id": token });
    audit::acted(ctx, "token.revoke", &what, result).await.map(drop)
}

async fn revoke(ctx: &Ctx, user: UserId, id: &IdRef) -> Result<TokenId, Error> {
    let user = permitted(ctx, user).await?.id;
    let id = store::find_personal_token(ctx.read(), id).await?;
    ctx.write(move |tx| {
        Box::pin(async move {
            if store::remove_personal_token(tx.connection(), user, id).await? {
                return Ok(());
            }
            Err(Error::not_found(TokenId::NOUN, id))
        })
    })
    .await?;
    // Whoever has another way in comes back at once.
    ctx.app.hub.dismiss(user);
    Ok(id)
}

/// Makes everything worthless that a person could come in with.
pub(crate) async fn revoke_all(tx: &Tx<'_>, user: UserId) -> Result<(), Error> {
    store::remove_tokens_of(tx.connection(), user).await
}

/// The person whose tokens these are, when the caller may touch them. Whoever makes a token for the
/// owner is the owner, so that is the owner's alone.
async fn permitted(ctx: &Ctx, user: UserId) -> Result<User, Error> {
    ctx.authorize(Action::SignIn)?;
    if user != ctx.actor.user {
        ctx.authorize(Action::Administer)?;
    }
    let found = users::service::get(ctx, user).await?;
    if found.retired_at_ms.is_some() {
        let detail = format!("`{}` has been retired", found.name);
        return Err(Error::new(ErrorCode::Gone, detail));
    }
    if found.role == UserRole::Owner && user != ctx.actor.user {
        let detail = "only the owner makes and sees the owner's tokens";
        return Err(Error::new(ErrorCode::Forbidden, detail));
    }
    Ok(found)
}

fn fresh() -> Secret {
    Secret::new(format!("{PREFIX}{}", token::fresh_hex::<32>().expose()))
}

/// Writes the owner's token into its file, unless it is there.
///
/// # Errors
/// The database's, or `Internal` when the file cannot be written.
pub(crate) async fn ensure_owners(app: &Arc<App>) -> Result<(), Error> {
    let path = app.paths.owner_token();
    if path.exists() {
        return Ok(());
    }
    let (secret, owner) = (fresh(), app.owner());
    let entry = PersonalToken {
        id: clock::fresh_id(),
        user_id: owner,
        name: OWNERS.to_owned(),
        created_at_ms: clock::now(),
        expires_at_ms: None,
        last_used_at_ms: None,
    };
    let (id, hash) = (entry.id, token::hash(secret.expose()));
    app.db
        .write(Box::new(move |connection| {
            let (entry, hash) = (entry.clone(), hash.clone());
            Box::pin(async move {
                // Whoever removes the file wants the old token to be worth nothing.
                store::remove_personal_tokens_named(connection, owner, OWNERS).await?;
                store::insert_personal_token(connection, &entry, hash).await
            })
        }))
        .await?;
    write_file(&path, &secret).map_err(|error| {
        Error::internal(format!("failed to write {}", path.display())).because(error)
    })?;
    tracing::info!(path = %path.display(), "the owner's token was written");
    let what = json!({ "asked": { "name": OWNERS }, "user_id": owner, "token_id": id });
    audit::record(&Ctx::system(app, owner), "token.create", "ok", &what).await
}

/// The file appears whole or not at all, and nobody else ever reads it.
fn write_file(path: &Path, secret: &Secret) -> io::Result<()> {
    let half = path.with_extension("token.new");
    if half.exists() {
        std::fs::remove_file(&half)?;
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&half)?;
    writeln!(file, "{}", secret.expose())?;
    file.sync_all()?;
    std::fs::rename(&half, path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_whole_form_is_a_personal_token() {
        assert!(is_one(fresh().expose()));
        let digits = "0".repeat(64);
        for text in ["", &digits, "grove_pat_", &format!("grove_pat_{digits}0"), "grove_pat_x"] {
            assert!(!is_one(text), "{text}");
        }
    }

    #[test]
    fn the_owners_file_is_private_and_whole() -> io::Result<()> {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("owner.token");
        let secret = fresh();
        write_file(&path, &secret)?;
        assert_eq!(std::fs::read_to_string(&path)?.trim(), secret.expose());
        assert_eq!(std::fs::metadata(&path)?.permissions().mode() & 0o777, 0o600);
        assert_eq!(std::fs::read_dir(folder.path())?.count(), 1);
        Ok(())
    }
}

//! People's Unix accounts: made or linked by an admin or with the first use, retired by an admin.
//!
//! Only a shared host has them. The monitor makes and removes accounts and has the last word on
//! which may be used; here is who has which. An account belongs to one person.

use super::{fresh, retired, store, taken};
use crate::audit::service as audit;
use crate::auth::personal_token;
use crate::auth::policy::Action;
use crate::context::Ctx;
use crate::error::Error;
use crate::executor_pool::monitor_failed;
use crate::privileged::client::AccountFacts;
use crate::{grants, sessions, validate, worktrees};
use grove_core_api::isolation::UnixAccount;
use grove_core_api::rest::users::{CreateUser, User, UserRole};
use grove_core_api::{ErrorCode, UserId};
use serde_json::json;

/// Longest name of a Unix account (useradd(8)).
const NAME_BYTES: usize = 32;

/// Makes a person, on a shared host with an account; gives one who is there but has none an account.
pub(crate) async fn create(ctx: &Ctx, body: CreateUser) -> Result<User, Error> {
    let asked = json!({ "name": body.name, "role": body.role, "unix_account": body.unix_account });
    let result = add(ctx, body).await;
    let user = result.as_ref().ok().map(|user| (user.id, &user.unix_account));
    let what =
        json!({ "asked": asked, "user_id": user.map(|it| it.0), "account": user.map(|it| it.1) });
    audit::acted(ctx, "user.create", &what, result).await
}

async fn add(ctx: &Ctx, body: CreateUser) -> Result<User, Error> {
    ctx.authorize(Action::Administer)?;
    let name = validate::title("name", &body.name)?;
    if body.role == Some(UserRole::Owner) {
        return Err(Error::field(
            "role",
            "must be `admin`, `member` or `viewer`: there is one owner",
        ));
    }
    let is_shared = ctx.app.config.is_shared_host;
    if body.unix_account.is_some() && !is_shared {
        let why = "people have accounts on a shared host only (grove-monitor --service-account)";
        return Err(Error::field("unix_account", why));
    }
    let known = store::by_name(ctx.read(), &name).await?;
    let user = match &known {
        Some(user) if user.retired_at_ms.is_some() => return Err(retired(&name)),
        Some(user) if is_shared && user.unix_account.is_none() && body.role.is_none() => {
            user.clone()
        }
        Some(_) => return Err(taken(&name)),
        None => {
            let user = fresh(ctx.read(), name, None).await?;
            User { role: body.role.unwrap_or_default(), ..user }
        }
    };
    let facts = match is_shared {
        true => Some(obtain(ctx, &user, body.unix_account).await?),
        false => None,
    };
    if known.is_some() {
        return keep(ctx, user.id, facts).await;
    }
    ctx.write(move |tx| {
        let (mut user, facts) = (user.clone(), facts.clone());
        Box::pin(async move {
            user.unix_account = facts.as_ref().map(|it| it.account.clone());
            store::insert(tx.connection(), &user).await?;
            let is_managed = facts.is_some_and(|it| it.is_managed);
            store::set_managed(tx.connection(), user.id, is_managed).await?;
            Ok(user)
        })
    })
    .await
}

/// The account that a person's executors run as; `None` means the daemon's own, where the host is
/// not shared. On a shared host a person without one gets one, when policy allows it.
pub(crate) async fn account(ctx: &Ctx, id: UserId) -> Result<Option<UnixAccount>, Error> {
    if !ctx.app.config.is_shared_host {
        return Ok(None);
    }
    let user = store::get(ctx.read(), id).await?;
    let user = user.ok_or_else(|| Error::not_found(UserId::NOUN, id))?;
    if user.retired_at_ms.is_some() {
        return Err(Error::new(ErrorCode::Gone, format!("`{}` has been retired", user.name)));
    }
    if user.unix_account.is_some() {
        return Ok(user.unix_account);
    }
    if !ctx.app.config.file.accounts.create_on_first_use {
        let detail = format!("`{}` has no Unix account on this host", user.name);
        return Err(Error::new(ErrorCode::Conflict, detail)
            .hint("an admin gives it one: `grove admin user add NAME`"));
    }
    let given = match obtain(ctx, &user, None).await {
        Ok(facts) => keep(ctx, id, Some(facts)).await.map(|user| user.unix_account),
        Err(error) => Err(error),
    };
    let what = json!({ "user_id": id, "account": given.as_ref().ok() });
    audit::acted(ctx, "account.create", &what, given).await
}

/// Whether the account still belongs to somebody.
pub(crate) async fn owns(ctx: &Ctx, account: &UnixAccount) -> Result<bool, Error> {
    let user = store::by_account(ctx.read(), &account.name).await?;
    Ok(user
        .is_some_and(|it| it.retired_at_ms.is_none() && it.unix_account.as_ref() == Some(account)))
}

/// Has the monitor make the account, or look at the one that is to be linked.
async fn obtain(ctx: &Ctx, user: &User, linked: Option<String>) -> Result<AccountFacts, Error> {
    let name = match linked {
        Some(name) => account_name(&name)?,
        None => free_name(ctx, user).await?,
    };
    if let Some(other) = store::by_account(ctx.read(), &name).await?
        && other.id != user.id
    {
        let detail = format!("the account `{name}` is that of `{}`", other.name);
        return Err(Error::new(ErrorCode::Conflict, detail).hint("each person has their own"));
    }
    ctx.app.pool.monitor.ensure_account(&name).await.map_err(monitor_failed)
}

/// Checks the name of an account before it travels; the monitor has rules of its own.
fn account_name(name: &str) -> Result<String, Error> {
    let is_ok = !name.is_empty()
        && name.len() <= NAME_BYTES
        && !name.starts_with(['-', '.'])
        && name.bytes().all(|it| it.is_ascii_alphanumeric() || b"._-".contains(&it));
    if is_ok {
        return Ok(name.to_owned());
    }
    Err(Error::field("unix_account", "must be the name of a Unix account, such as `ana`"))
}

/// A name for a new account: the person's, or with the end of their id when another has that.
async fn free_name(ctx: &Ctx, user: &User) -> Result<String, Error> {
    let prefix = &ctx.app.config.account_prefix;
    let name = managed_name(prefix, &user.name, None);
    let other = store::by_account(ctx.read(), &name).await?;
    if name != *prefix && other.is_none_or(|other| other.id == user.id) {
        return Ok(name);
    }
    Ok(managed_name(prefix, &user.name, Some(&user.id.short())))
}

fn managed_name(prefix: &str, name: &str, end: Option<&str>) -> String {
    let slug = validate::slugify(name);
    let room = NAME_BYTES.saturating_sub(prefix.len() + end.map_or(0, |end| end.len() + 1));
    let slug: String = slug.chars().take(room).collect();
    let slug = slug.trim_end_matches('-');
    match end {
        Some(end) if slug.is_empty() => format!("{prefix}{end}"),
        Some(end) => format!("{prefix}{slug}-{end}"),
        None => format!("{prefix}{slug}"),
    }
}

/// Stores whose account it is.
async fn keep(ctx: &Ctx, id: UserId, facts: Option<AccountFacts>) -> Result<User, Error> {
    ctx.write(move |tx| {
        let facts = facts.clone();
        Box::pin(async move {
            let user = store::get(tx.connection(), id).await?;
            let mut user = user.ok_or_else(|| Error::not_found(UserId::NOUN, id))?;
            user.unix_account = facts.as_ref().map(|it| it.account.clone());
            user.updated_at_ms = tx.now;
            store::update(tx.connection(), &user).await?;
            let is_managed = facts.is_some_and(|it| it.is_managed);
            store::set_managed(tx.connection(), id, is_managed).await?;
            Ok(user)
        })
    })
    .await
}

/// Retires a person: no way in, no executor, no account any more; the name stays with what they did.
/// May be called again when a part of it failed.
pub(crate) async fn retire(ctx: &Ctx, id: UserId) -> Result<User, Error> {
    let result = end(ctx, id).await;
    audit::acted(ctx, "user.retire", &json!({ "user_id": id }), result).await
}

async fn end(ctx: &Ctx, id: UserId) -> Result<User, Error> {
    ctx.authorize(Action::Administer)?;
    let user = lock_out(ctx, id).await?;
    grants::service::changed(ctx, Some(id)).await;
    ctx.app.hub.dismiss(id);
    sessions::service::end_all_of(ctx, &user).await?;
    let Some(account) = user.unix_account.clone() else { return Ok(user) };
    ctx.app.pool.end_keeper(&account).await;
    worktrees::service::orphan(ctx, &account).await?;
    if store::is_managed(ctx.read(), id).await? {
        ctx.app.pool.monitor.retire_account(account).await.map_err(monitor_failed)?;
    }
    keep(ctx, id, None).await
}

/// From here on nobody comes in as this person.
async fn lock_out(ctx: &Ctx, id: UserId) -> Result<User, Error> {
    ctx.write(move |tx| {
        Box::pin(async move {
            let user = store::get(tx.connection(), id).await?;
            let mut user = user.ok_or_else(|| Error::not_found(UserId::NOUN, id))?;
            if user.role == UserRole::Owner {
                let detail = "the owner of the instance cannot be retired";
                return Err(Error::new(ErrorCode::Conflict, detail));
            }
            user.role = UserRole::Member;
            user.retired_at_ms = Some(user.retired_at_ms.unwrap_or(tx.now));
            user.updated_at_ms = tx.now;
            store::update(tx.connection(), &user).await?;
            personal_token::revoke_all(tx, id).await?;
            Ok(user)
        })
    })
    .await
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn an_account_is_called_as_the_person_with_the_prefix() {
        assert_eq!(managed_name("grove_", "Ana Núñez", None), "grove_ana-n-ez");
        assert_eq!(managed_name("grove_", "Ana", Some("deadbeef")), "grove_ana-deadbeef");
        assert_eq!(managed_name("grove_", "日本", Some("deadbeef")), "grove_deadbeef");
    }

    proptest! {
        #[test]
        fn names_of_accounts_are_short_and_plain(text in ".*") {
            for end in [None, Some("deadbeef")] {
                let name = managed_name("grove_", &text, end);
                prop_assert!(account_name(&name).is_ok(), "{name}");
            }
        }
    }
}

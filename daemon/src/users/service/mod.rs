//! What people may do with users; their Unix accounts are in a file of their own.

mod accounts;
mod roles;

pub(crate) use accounts::{account, create, owns, retire};
pub(crate) use roles::{hand_over, patch};

use super::store;
use crate::auth::policy::Action;
use crate::clock;
use crate::context::Ctx;
use crate::db::Database;
use crate::error::Error;
use crate::{lookup, notices, validate};
use grove_core_api::rest::users::{PatchUser, User, UserRole};
use grove_core_api::{ErrorCode, IdRef, Page, PageQuery, UserId};
use sea_orm::ConnectionTrait;

/// Colours that users are given in turn.
const SLOTS: u64 = 12;
/// Emoji that users are given in turn.
const EMOJI: [&str; 12] = ["🌳", "🦊", "🐝", "🦉", "🐙", "🌻", "🦋", "🐢", "🍀", "🐬", "🪶", "🦔"];

pub(crate) async fn find(ctx: &Ctx, id: &IdRef) -> Result<UserId, Error> {
    store::find(ctx.read(), id).await
}

pub(crate) async fn get(ctx: &Ctx, id: UserId) -> Result<User, Error> {
    ctx.authorize(Action::Read)?;
    store::get(ctx.read(), id).await?.ok_or_else(|| Error::not_found(UserId::NOUN, id))
}

/// A person, whoever asks.
pub(crate) async fn load(connection: &impl ConnectionTrait, id: UserId) -> Result<User, Error> {
    store::get(connection, id).await?.ok_or_else(|| Error::not_found(UserId::NOUN, id))
}

/// A person who has not been retired.
///
/// # Errors
/// `NotFound`, or `Gone` when somebody retired them.
pub(crate) async fn check_active(
    connection: &impl ConnectionTrait,
    id: UserId,
) -> Result<User, Error> {
    let user = load(connection, id).await?;
    if user.retired_at_ms.is_some() {
        return Err(Error::new(ErrorCode::Gone, format!("`{}` has been retired", user.name)));
    }
    Ok(user)
}

/// The newest people who have not been retired.
pub(crate) async fn active(
    connection: &impl ConnectionTrait,
    limit: u64,
) -> Result<Vec<UserId>, Error> {
    store::active(connection, limit).await
}

/// Fails unless all of them are people of the instance.
pub(crate) async fn check_all(
    connection: &impl ConnectionTrait,
    people: &[UserId],
) -> Result<(), Error> {
    for id in people {
        load(connection, *id)
            .await
            .map_err(|_missing| Error::field("mentions", format!("there is no user `{id}`")))?;
    }
    Ok(())
}

pub(crate) async fn me(ctx: &Ctx) -> Result<User, Error> {
    get(ctx, ctx.actor.user).await
}

pub(crate) async fn list(ctx: &Ctx, query: &PageQuery) -> Result<Page<User>, Error> {
    ctx.authorize(Action::Read)?;
    let limit = validate::limit(query.limit)?;
    let before = lookup::cursor(query.cursor.as_deref())?;
    let users = store::list(ctx.read(), before, limit).await?;
    Ok(lookup::page(users, limit, |user| user.id.0))
}

pub(crate) async fn patch_me(ctx: &Ctx, patch: PatchUser) -> Result<User, Error> {
    ctx.authorize(Action::EditOwnUser)?;
    let name = patch.name.map(|name| validate::title("name", &name)).transpose()?;
    let emoji = patch.emoji.map(|emoji| validate::emoji(&emoji)).transpose()?;
    let id = ctx.actor.user;
    ctx.write(move |tx| {
        let (name, emoji) = (name.clone(), emoji.clone());
        Box::pin(async move {
            let connection = tx.connection();
            let mut user = store::get(connection, id)
                .await?
                .ok_or_else(|| Error::not_found(UserId::NOUN, id))?;
            let before = user.clone();
            if let Some(name) = name {
                if store::by_name(connection, &name).await?.is_some_and(|it| it.id != id) {
                    return Err(taken(&name));
                }
                user.name = name;
            }
            user.emoji = emoji.unwrap_or(user.emoji);
            user.updated_at_ms = tx.now;
            store::update(connection, &user).await?;
            notices::service::user_changed(tx, &before, &user).await?;
            Ok(user)
        })
    })
    .await
}

fn retired(name: &str) -> Error {
    Error::new(ErrorCode::Conflict, format!("`{name}` has been retired"))
        .hint("choose another name: this one stays with what they did")
}

fn taken(name: &str) -> Error {
    Error::new(ErrorCode::Conflict, format!("somebody else is called `{name}`"))
        .hint("choose another name")
}

/// Takes the user of that name, or makes one.
pub(crate) async fn get_or_create(
    database: &Database,
    name: &str,
    emoji: Option<String>,
) -> Result<User, Error> {
    let name = validate::title("name", name)?;
    let emoji = emoji.map(|emoji| validate::emoji(&emoji)).transpose()?;
    database
        .write(Box::new(move |connection| {
            let (name, emoji) = (name.clone(), emoji.clone());
            Box::pin(async move {
                if let Some(user) = store::by_name(connection, &name).await? {
                    return if user.retired_at_ms.is_none() {
                        Ok(user)
                    } else {
                        Err(retired(&name))
                    };
                }
                let user = fresh(connection, name, emoji).await?;
                store::insert(connection, &user).await?;
                Ok(user)
            })
        }))
        .await
}

/// A member who is not stored yet.
async fn fresh(
    connection: &impl ConnectionTrait,
    name: String,
    emoji: Option<String>,
) -> Result<User, Error> {
    let position = store::count(connection).await? % SLOTS;
    let slot = i32::try_from(position).unwrap_or(0);
    let given = EMOJI[usize::try_from(position).unwrap_or(0)];
    let now = clock::now();
    Ok(User {
        id: clock::fresh_id(),
        name,
        emoji: emoji.unwrap_or_else(|| given.to_owned()),
        slot,
        role: UserRole::Member,
        unix_account: None,
        created_at_ms: now,
        updated_at_ms: now,
        retired_at_ms: None,
    })
}

/// Makes sure that the instance's owner has the owner's role.
pub(crate) async fn crown(database: &Database, id: UserId) -> Result<(), Error> {
    let user = store::get(database.read(), id).await?;
    let Some(mut user) = user.filter(|user| user.role != UserRole::Owner) else { return Ok(()) };
    user.role = UserRole::Owner;
    database
        .write(Box::new(move |connection| {
            let user = user.clone();
            Box::pin(async move { store::update(connection, &user).await })
        }))
        .await
}

/// The person, unless somebody retired them.
pub(crate) async fn signed_in(database: &Database, id: UserId) -> Result<Option<User>, Error> {
    let user = store::get(database.read(), id).await?;
    Ok(user.filter(|user| user.retired_at_ms.is_none()))
}

/// What a person may do, as long as there is such a person and nobody retired them.
pub(crate) async fn role(database: &Database, id: UserId) -> Result<Option<UserRole>, Error> {
    Ok(signed_in(database, id).await?.map(|user| user.role))
}

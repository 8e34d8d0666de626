//! What people may do with groups: everybody sees them, admins make them.

use super::store;
use crate::audit::service as audit;
use crate::auth::policy::Action;
use crate::clock;
use crate::context::{Ctx, Tx};
use crate::error::Error;
use crate::grants::service::{self as grants, Reach};
use crate::{lookup, users, validate};
use grove_core_api::rest::grants::{CreateGroup, Group, PatchGroup};
use grove_core_api::{ErrorCode, GroupId, IdRef, Page, PageQuery, UserId, limits};
use sea_orm::ConnectionTrait;
use serde_json::json;

pub(crate) async fn find(ctx: &Ctx, id: &IdRef) -> Result<GroupId, Error> {
    store::find(ctx.read(), id).await
}

pub(crate) async fn load(connection: &impl ConnectionTrait, id: GroupId) -> Result<Group, Error> {
    store::get(connection, id).await?.ok_or_else(|| Error::not_found(GroupId::NOUN, id))
}

pub(crate) async fn get(ctx: &Ctx, id: GroupId) -> Result<Group, Error> {
    ctx.authorize(Action::Read)?;
    load(ctx.read(), id).await
}

pub(crate) async fn list(ctx: &Ctx, query: &PageQuery) -> Result<Page<Group>, Error> {
    ctx.authorize(Action::Read)?;
    let limit = validate::limit(query.limit)?;
    let before = lookup::cursor(query.cursor.as_deref())?;
    let groups = store::list(ctx.read(), before, limit).await?;
    Ok(lookup::page(groups, limit, |group| group.id.0))
}

pub(crate) async fn create(ctx: &Ctx, body: CreateGroup) -> Result<Group, Error> {
    let what = json!({ "name": body.name });
    let result = add(ctx, &body.name).await;
    audit::acted(ctx, "group.create", &what, result).await
}

async fn add(ctx: &Ctx, name: &str) -> Result<Group, Error> {
    ctx.authorize(Action::Administer)?;
    let name = validate::title("name", name)?;
    ctx.write(move |tx| {
        let name = name.clone();
        Box::pin(async move {
            check_free(tx, &name).await?;
            if store::count(tx.connection()).await? >= limits::GROUPS {
                let detail = format!("there are {} groups already", limits::GROUPS);
                return Err(Error::new(ErrorCode::Conflict, detail).hint("remove some"));
            }
            let group = Group {
                id: clock::fresh_id(),
                name,
                members: Vec::new(),
                created_by: tx.actor.user,
                created_at_ms: tx.now,
                updated_at_ms: tx.now,
            };
            store::insert(tx.connection(), &group).await?;
            Ok(group)
        })
    })
    .await
}

async fn check_free(tx: &Tx<'_>, name: &str) -> Result<(), Error> {
    if store::by_name(tx.connection(), name).await?.is_none() {
        return Ok(());
    }
    let detail = format!("there is a group called `{name}`");
    Err(Error::new(ErrorCode::Conflict, detail).hint("choose another name"))
}

pub(crate) async fn patch(ctx: &Ctx, id: GroupId, body: PatchGroup) -> Result<Group, Error> {
    let what = json!({ "group_id": id, "name": body.name });
    let result = rename(ctx, id, body).await;
    audit::acted(ctx, "group.patch", &what, result).await
}

async fn rename(ctx: &Ctx, id: GroupId, body: PatchGroup) -> Result<Group, Error> {
    ctx.authorize(Action::Administer)?;
    let name = body.name.map(|name| validate::title("name", &name)).transpose()?;
    ctx.write(move |tx| {
        let name = name.clone();
        Box::pin(async move {
            let mut group = load(tx.connection(), id).await?;
            let Some(name) = name.filter(|name| *name != group.name) else { return Ok(group) };
            check_free(tx, &name).await?;
            group.name = name;
            group.updated_at_ms = tx.now;
            store::update(tx.connection(), &group).await?;
            Ok(group)
        })
    })
    .await
}

/// Removes a group, and with it what it was given.
pub(crate) async fn remove(ctx: &Ctx, id: GroupId) -> Result<(), Error> {
    let result = dissolve(ctx, id).await;
    audit::acted(ctx, "group.remove", &json!({ "group_id": id }), result).await?;
    grants::changed(ctx, None).await;
    Ok(())
}

async fn dissolve(ctx: &Ctx, id: GroupId) -> Result<(), Error> {
    ctx.authorize(Action::Administer)?;
    ctx.write(move |tx| {
        Box::pin(async move {
            load(tx.connection(), id).await?;
            let reach = Reach::group(tx.connection(), id.0, None).await?;
            let before = reach.look(tx).await?;
            grants::forget_group(tx, id).await?;
            store::delete(tx.connection(), id).await?;
            reach.tell(tx, before).await
        })
    })
    .await
}

/// Puts a person into a group; who is in it already stays.
pub(crate) async fn add_member(ctx: &Ctx, id: GroupId, person: UserId) -> Result<Group, Error> {
    let what = json!({ "group_id": id, "user_id": person });
    let result = join(ctx, id, person).await;
    let group = audit::acted(ctx, "group.add", &what, result).await?;
    grants::changed(ctx, Some(person)).await;
    Ok(group)
}

async fn join(ctx: &Ctx, id: GroupId, person: UserId) -> Result<Group, Error> {
    ctx.authorize(Action::Administer)?;
    users::service::check_active(ctx.read(), person).await?;
    ctx.write(move |tx| {
        Box::pin(async move {
            let group = load(tx.connection(), id).await?;
            if group.members.contains(&person) {
                return Ok(group);
            }
            let most = usize::try_from(limits::GROUP_MEMBERS).unwrap_or(usize::MAX);
            if group.members.len() >= most {
                let detail = format!("the group has {most} members already");
                return Err(Error::new(ErrorCode::Conflict, detail).hint("make another group"));
            }
            let reach = Reach::group(tx.connection(), id.0, Some(person)).await?;
            let before = reach.look(tx).await?;
            store::add(tx.connection(), (id, person), tx.actor.user, tx.now).await?;
            reach.tell(tx, before).await?;
            load(tx.connection(), id).await
        })
    })
    .await
}

/// Takes a person out of a group.
pub(crate) async fn remove_member(ctx: &Ctx, id: GroupId, person: UserId) -> Result<Group, Error> {
    let what = json!({ "group_id": id, "user_id": person });
    let result = leave(ctx, id, person).await;
    let group = audit::acted(ctx, "group.leave", &what, result).await?;
    grants::changed(ctx, Some(person)).await;
    Ok(group)
}

async fn leave(ctx: &Ctx, id: GroupId, person: UserId) -> Result<Group, Error> {
    ctx.authorize(Action::Administer)?;
    ctx.write(move |tx| {
        Box::pin(async move {
            let group = load(tx.connection(), id).await?;
            if !group.members.contains(&person) {
                return Err(Error::not_found("member of the group", person));
            }
            let reach = Reach::group(tx.connection(), id.0, Some(person)).await?;
            let before = reach.look(tx).await?;
            store::take(tx.connection(), (id, person)).await?;
            reach.tell(tx, before).await?;
            load(tx.connection(), id).await
        })
    })
    .await
}

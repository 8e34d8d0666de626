//! What people may do with grants: seeing them, giving them, taking them, and asking why.

mod rights;
mod standing;
mod watch;

pub(crate) use rights::{Held, Rights, held, right_of};
pub(crate) use standing::{Reach, Standing, people_on, standing};
pub(crate) use watch::{RIGHT_LOST, changed, enforce, follow};

use super::model::{self, Means};
use super::store;
use crate::audit::service as audit;
use crate::auth::policy::Action;
use crate::context::{Ctx, Tx};
use crate::error::Error;
use crate::{boards, groups, lookup, sessions, users, validate};
use grove_core_api::rest::grants::{
    BoardGrant, BoardRight, BoardRights, PutBoardGrant, SubjectKind,
};
use grove_core_api::{BoardId, ErrorCode, GroupId, IdRef, Page, PageQuery, UserId, limits};
use sea_orm::ConnectionTrait;
use serde_json::json;
use uuid::Uuid;

/// Whom a grant is for.
#[derive(Clone, Debug)]
pub(crate) struct Subject {
    kind: SubjectKind,
    id: Uuid,
    name: String,
}

/// The grants of a board, in the order of their subjects.
pub(crate) async fn list(
    ctx: &Ctx,
    board: BoardId,
    query: &PageQuery,
) -> Result<Page<BoardGrant>, Error> {
    ctx.on_board(Action::ReadBoard, board).await?;
    let limit = validate::limit(query.limit)?;
    let after = lookup::cursor(query.cursor.as_deref())?;
    let grants = store::list(ctx.read(), board, after, limit).await?;
    Ok(lookup::page(grants, limit, |it| it.subject_id))
}

/// The person or group that an id means.
async fn subject(ctx: &Ctx, id: &IdRef) -> Result<Subject, Error> {
    let unknown = || Error::not_found("person or group", id);
    if let Ok(person) = users::service::find(ctx, id).await
        && let Ok(person) = users::service::load(ctx.read(), person).await
    {
        let (kind, id) = (SubjectKind::User, person.id.0);
        return Ok(Subject { kind, id, name: person.name });
    }
    let group = groups::service::find(ctx, id).await.map_err(|_unknown| unknown())?;
    let group = groups::service::load(ctx.read(), group).await.map_err(|_unknown| unknown())?;
    Ok(Subject { kind: SubjectKind::Group, id: group.id.0, name: group.name })
}

/// Gives a person or group a right on a board, in place of the one that they had by a grant.
pub(crate) async fn put(
    ctx: &Ctx,
    board: BoardId,
    id: &IdRef,
    body: PutBoardGrant,
) -> Result<BoardGrant, Error> {
    let what = json!({ "board_id": board, "subject": id.to_string(), "right": body.right });
    let result = give(ctx, board, id, body.right).await;
    let given = audit::acted(ctx, "grant.put", &what, result).await?;
    changed(ctx, whose(given.subject_kind, given.subject_id)).await;
    Ok(given)
}

/// The one person whose rights change with a grant; a group's are those of many.
fn whose(kind: SubjectKind, id: Uuid) -> Option<UserId> {
    (kind == SubjectKind::User).then_some(UserId(id))
}

async fn give(
    ctx: &Ctx,
    board: BoardId,
    id: &IdRef,
    right: BoardRight,
) -> Result<BoardGrant, Error> {
    ctx.on_board(Action::AdministerBoard, board).await?;
    let subject = subject(ctx, id).await?;
    if subject.kind == SubjectKind::User {
        users::service::check_active(ctx.read(), UserId(subject.id)).await?;
    }
    let created_by = ctx.actor.user;
    ctx.write(move |tx| {
        let subject = subject.clone();
        Box::pin(async move {
            let grant = BoardGrant {
                board_id: board,
                subject_kind: subject.kind,
                subject_id: subject.id,
                subject_name: subject.name,
                right,
                created_by,
                created_at_ms: tx.now,
            };
            store_one(tx, &grant).await?;
            Ok(grant)
        })
    })
    .await
}

/// Stores a grant and tells whom it concerns.
pub(crate) async fn store_one(tx: &Tx<'_>, grant: &BoardGrant) -> Result<(), Error> {
    let reach = Reach::board(grant.board_id);
    let before = reach.look(tx).await?;
    store::put(tx.connection(), grant).await?;
    if store::count(tx.connection(), grant.board_id).await? > limits::BOARD_GRANTS {
        let detail = format!("a board has at most {} grants", limits::BOARD_GRANTS);
        return Err(Error::new(ErrorCode::Conflict, detail).hint("make a group of the people"));
    }
    reach.tell(tx, before).await
}

/// Whoever hands a board over keeps `admin` on it, by a grant that the new owner can take away.
pub(crate) async fn keep_admin(tx: &Tx<'_>, board: BoardId, person: UserId) -> Result<(), Error> {
    let grant = BoardGrant {
        board_id: board,
        subject_kind: SubjectKind::User,
        subject_id: person.0,
        subject_name: String::new(),
        right: BoardRight::Admin,
        created_by: tx.actor.user,
        created_at_ms: tx.now,
    };
    store::put(tx.connection(), &grant).await
}

/// Takes a grant away.
pub(crate) async fn remove(ctx: &Ctx, board: BoardId, id: &IdRef) -> Result<(), Error> {
    let what = json!({ "board_id": board, "subject": id.to_string() });
    let result = take(ctx, board, id).await;
    let subject = audit::acted(ctx, "grant.remove", &what, result).await?;
    changed(ctx, whose(subject.kind, subject.id)).await;
    Ok(())
}

async fn take(ctx: &Ctx, board: BoardId, id: &IdRef) -> Result<Subject, Error> {
    ctx.on_board(Action::AdministerBoard, board).await?;
    let subject = subject(ctx, id).await?;
    let whose = subject.id;
    ctx.write(move |tx| {
        Box::pin(async move {
            let reach = Reach::board(board);
            let before = reach.look(tx).await?;
            if !store::remove(tx.connection(), board, whose).await? {
                return Err(Error::not_found("grant for", whose));
            }
            reach.tell(tx, before).await
        })
    })
    .await?;
    Ok(subject)
}

/// A group goes: so does what it was given.
pub(crate) async fn forget_group(tx: &Tx<'_>, group: GroupId) -> Result<(), Error> {
    store::remove_all_of(tx.connection(), group.0).await
}

/// What somebody may do on a board, and why.
pub(crate) async fn explain(
    ctx: &Ctx,
    board: BoardId,
    person: Option<&IdRef>,
) -> Result<BoardRights, Error> {
    let unseen = || Error::not_found(BoardId::NOUN, board);
    ctx.on_board(Action::ReadBoard, board).await?;
    let person = match person {
        Some(id) => users::service::find(ctx, id).await?,
        None => ctx.actor.user,
    };
    let means = if person == ctx.actor.user {
        means(ctx, board).await?
    } else {
        ctx.on_board(Action::AdministerBoard, board).await?;
        Means::IN_PERSON
    };
    let user = users::service::load(ctx.read(), person).await?;
    let facts = store::facts_of(ctx.read(), person, board).await?.ok_or_else(unseen)?;
    let verdict = model::judge(&facts, means);
    let owner = boards::service::load(ctx.read(), board).await?.owner;
    Ok(BoardRights {
        board_id: board,
        user_id: person,
        role: user.role,
        right: verdict.right,
        reasons: verdict.reasons,
        limits: verdict.limits,
        givers: rights::givers(ctx.read(), board, owner).await?,
    })
}

async fn means(ctx: &Ctx, board: BoardId) -> Result<Means, Error> {
    let agent = match ctx.actor.session() {
        Some(session) => {
            Some(sessions::service::board_of(ctx.read(), session).await? == Some(board))
        }
        None => None,
    };
    Ok(Means { scope: ctx.actor.scope, agent })
}

/// Whether a person may still prompt on a board; asked in the transaction that starts their turn.
pub(crate) async fn may_prompt(
    connection: &impl ConnectionTrait,
    person: UserId,
    board: BoardId,
) -> Result<bool, Error> {
    Ok(right_of(connection, person, board).await? >= Some(BoardRight::Prompt))
}

//! What people may do with boards.

pub(crate) mod images;
pub(crate) mod marks;
mod mutate;
pub(crate) mod objects;
mod snapshot;
pub(crate) mod views;

use super::store;
use crate::audit::service as audit;
use crate::auth::policy::Action;
use crate::clock;
use crate::context::Ctx;
use crate::error::Error;
use crate::grants::seen::Seen;
use crate::grants::service::{Reach, Standing};
use crate::{grants, lookup, topic_state, users, validate};
use grove_core_api::event::Topic;
use grove_core_api::rest::boards::{AtQuery, Board, CreateBoard, PatchBoard, TopicState};
use grove_core_api::rest::grants::{BoardRight, BoardVisibility};
use grove_core_api::rest::users::UserRole;
use grove_core_api::{BoardId, ErrorCode, IdRef, Page, PageQuery, limits};
use sea_orm::ConnectionTrait;
use serde_json::json;

pub(crate) use super::model::{CardPlace, Refused, refused};
pub(crate) use marks::Stop;
pub(crate) use mutate::mutate;
pub(crate) use snapshot::snapshot;

pub(crate) async fn find(ctx: &Ctx, id: &IdRef) -> Result<BoardId, Error> {
    store::find(ctx.read(), id, ctx.seen()).await
}

pub(crate) async fn get(ctx: &Ctx, id: BoardId) -> Result<Board, Error> {
    ctx.on_board(Action::ReadBoard, id).await?;
    load(ctx.read(), id).await
}

pub(crate) async fn load(connection: &impl ConnectionTrait, id: BoardId) -> Result<Board, Error> {
    store::get(connection, id).await?.ok_or_else(|| Error::not_found(BoardId::NOUN, id))
}

/// The newest boards that are not archived.
pub(crate) async fn newest(
    connection: &impl ConnectionTrait,
    limit: u64,
) -> Result<Vec<Board>, Error> {
    newest_seen(connection, Seen::All, limit).await
}

/// The newest boards that somebody sees and that are not archived.
pub(crate) async fn newest_seen(
    connection: &impl ConnectionTrait,
    seen: Seen,
    limit: u64,
) -> Result<Vec<Board>, Error> {
    store::list(connection, seen, None, false, limit.saturating_sub(1)).await
}

pub(crate) use super::store::{all_of, ids_after};

/// The state of a board at a moment of its log.
pub(crate) async fn at(ctx: &Ctx, id: BoardId, query: AtQuery) -> Result<TopicState, Error> {
    get(ctx, id).await?;
    topic_state::at(ctx, Topic::Board(id), query).await
}

/// The oldest board that one may make something on, for what names none.
pub(crate) async fn first_for(ctx: &Ctx, action: Action) -> Result<Option<BoardId>, Error> {
    for board in store::oldest(ctx.read(), ctx.seen(), limits::USER_BOARDS).await? {
        let held = grants::service::held(ctx, board.id).await?;
        if held.is_some_and(|it| it.is_enough(action)) {
            return Ok(Some(board.id));
        }
    }
    Ok(None)
}

/// The board for a session that names none.
pub(crate) async fn default_board(ctx: &Ctx) -> Result<BoardId, Error> {
    first_for(ctx, Action::EditSessions).await?.ok_or_else(|| {
        Error::new(ErrorCode::Conflict, "there is no board yet on which you may make a session")
            .hint("make one first: `grove board new <name>`")
    })
}

pub(crate) async fn list(
    ctx: &Ctx,
    query: &PageQuery,
    include_archived: bool,
) -> Result<Page<Board>, Error> {
    ctx.authorize(Action::Read)?;
    let limit = validate::limit(query.limit)?;
    let before = lookup::cursor(query.cursor.as_deref())?;
    let boards = store::list(ctx.read(), ctx.seen(), before, include_archived, limit).await?;
    Ok(lookup::page(boards, limit, |board| board.id.0))
}

pub(crate) async fn create(ctx: &Ctx, body: CreateBoard) -> Result<Board, Error> {
    ctx.authorize(Action::MakeBoards)?;
    let name = validate::title("name", &body.name)?;
    let created_by = ctx.actor.user;
    ctx.write(move |tx| {
        let name = name.clone();
        Box::pin(async move {
            let board = Board {
                id: clock::fresh_id(),
                name,
                owner: created_by,
                visibility: body.visibility.unwrap_or(BoardVisibility::Members),
                members_right: body.members_right.unwrap_or(BoardRight::Steer),
                created_by,
                created_at_ms: tx.now,
                updated_at_ms: tx.now,
                archived_at_ms: None,
                version: 1,
            };
            store::insert(tx.connection(), &board).await?;
            tx.begin_log(Topic::Board(board.id)).await?;
            Reach::board(board.id).tell(tx, Standing::default()).await?;
            Ok(board)
        })
    })
    .await
}

/// Changes a board; `if_version` is the version that the caller has seen.
pub(crate) async fn patch(
    ctx: &Ctx,
    id: BoardId,
    if_version: Option<i64>,
    body: PatchBoard,
) -> Result<Board, Error> {
    let is_shared_anew =
        body.visibility.is_some() || body.members_right.is_some() || body.owner.is_some();
    if !is_shared_anew {
        return change(ctx, id, if_version, body).await;
    }
    let what = json!({
        "board_id": id, "visibility": body.visibility, "members_right": body.members_right,
        "owner": body.owner,
    });
    let result = change(ctx, id, if_version, body).await;
    let board = audit::acted(ctx, "board.share", &what, result).await?;
    grants::service::changed(ctx, None).await;
    Ok(board)
}

async fn change(
    ctx: &Ctx,
    id: BoardId,
    if_version: Option<i64>,
    body: PatchBoard,
) -> Result<Board, Error> {
    ctx.on_board(Action::AdministerBoard, id).await?;
    let name = body.name.as_deref().map(|name| validate::title("name", name)).transpose()?;
    if let Some(owner) = body.owner {
        let owner = users::service::check_active(ctx.read(), owner).await?;
        if owner.role == UserRole::Viewer {
            let why = "must not be a viewer, who looks and does nothing else";
            return Err(Error::field("owner", why));
        }
    }
    ctx.write(move |tx| {
        let name = name.clone();
        Box::pin(async move {
            let mut board = load(tx.connection(), id).await?;
            if if_version.is_some_and(|version| version != board.version) {
                let detail = format!("the board is at version {} now", board.version);
                return Err(Error::new(ErrorCode::PreconditionFailed, detail)
                    .hint("read it again, then repeat the change"));
            }
            let reach = Reach::board(id);
            let before = reach.look(tx).await?;
            board.name = name.unwrap_or(board.name);
            board.visibility = body.visibility.unwrap_or(board.visibility);
            board.members_right = body.members_right.unwrap_or(board.members_right);
            if let Some(owner) = body.owner.filter(|owner| *owner != board.owner) {
                grants::service::keep_admin(tx, id, board.owner).await?;
                board.owner = owner;
            }
            if let Some(is_archived) = body.is_archived {
                board.archived_at_ms = is_archived.then(|| board.archived_at_ms.unwrap_or(tx.now));
            }
            board.updated_at_ms = tx.now;
            board.version += 1;
            store::update(tx.connection(), &board).await?;
            reach.tell(tx, before).await?;
            Ok(board)
        })
    })
    .await
}

//! What people may do with the objects of a board over REST; the WebSocket's twin is `mutate`.

use crate::auth::policy::Action;
use crate::boards::model::{ObjectData, Placed, is_size, kind_name, properties, set_ops};
use crate::boards::{service, store};
use crate::clock;
use crate::context::{Ctx, Tx};
use crate::error::Error;
use crate::{docs, lookup, validate};
use grove_core_api::event::{Op, Topic};
use grove_core_api::rest::boards::{BoardObject, CreateBoardObject, ObjectKind, PatchBoardObject};
use grove_core_api::{
    BoardId, BoardObjectId, ErrorCode, IdRef, Page, PageQuery, SessionId, limits,
};
use sea_orm::ConnectionTrait;
use serde_json::json;

/// Grid of new cards: distance from one to the next, in board units.
const CARD_STEP: [f64; 2] = [340.0, 220.0];
/// Cards in a row before the next row begins.
const CARDS_PER_ROW: u32 = 4;

pub(crate) async fn find(ctx: &Ctx, id: &IdRef) -> Result<BoardObjectId, Error> {
    store::find_object(ctx.read(), id).await
}

pub(crate) async fn list(
    ctx: &Ctx,
    board: BoardId,
    query: &PageQuery,
) -> Result<Page<BoardObject>, Error> {
    ctx.authorize(Action::Read)?;
    service::load(ctx.read(), board).await?;
    let limit = validate::limit(query.limit)?;
    let after = lookup::cursor(query.cursor.as_deref())?;
    let placed = store::objects(ctx.read(), board, after, Some(limit)).await?;
    let page = lookup::page(placed, limit, |object| object.id.0);
    let items = page.items.iter().map(Placed::object).collect();
    Ok(Page { items, next_cursor: page.next_cursor })
}

pub(crate) async fn get(
    ctx: &Ctx,
    board: BoardId,
    id: BoardObjectId,
) -> Result<BoardObject, Error> {
    ctx.authorize(Action::Read)?;
    Ok(load(ctx.read(), board, id).await?.object())
}

async fn load(
    connection: &impl ConnectionTrait,
    board: BoardId,
    id: BoardObjectId,
) -> Result<Placed, Error> {
    store::object(connection, id)
        .await?
        .filter(|object| object.board_id == board)
        .ok_or_else(|| Error::not_found(BoardObjectId::NOUN, id))
}

pub(crate) async fn create(
    ctx: &Ctx,
    board: BoardId,
    body: CreateBoardObject,
) -> Result<BoardObject, Error> {
    ctx.authorize(Action::EditBoards)?;
    if body.kind == ObjectKind::Session {
        return Err(Error::field("kind", "cannot be `session`: make a session instead"));
    }
    let pos = validate::place("pos", body.pos)?;
    let text = validate::note("text", &body.text)?;
    check_size(body.size)?;
    let created_by = ctx.actor.user;
    ctx.write(move |tx| {
        let text = text.clone();
        Box::pin(async move {
            service::load(tx.connection(), board).await?;
            check_room(tx, board).await?;
            let placed = Placed {
                id: clock::fresh_id(),
                board_id: board,
                kind: body.kind,
                pos,
                data: ObjectData {
                    v: 1,
                    size: body.size,
                    text,
                    color: body.color,
                    ..ObjectData::default()
                },
                created_by,
                created_at_ms: tx.now,
                updated_at_ms: tx.now,
            };
            store::insert_object(tx.connection(), &placed).await?;
            let put = Op::Put {
                id: placed.id.to_string(),
                kind: kind_name(placed.kind).to_owned(),
                v: properties(&placed.mark())?,
            };
            tx.emit(Topic::Board(board), "board_object.created", vec![put]).await?;
            Ok(placed.object())
        })
    })
    .await
}

pub(crate) async fn check_room(tx: &Tx<'_>, board: BoardId) -> Result<(), Error> {
    if store::count_objects(tx.connection(), board).await? < limits::BOARD_OBJECTS {
        return Ok(());
    }
    let detail = format!("the board holds {} objects already", limits::BOARD_OBJECTS);
    Err(Error::new(ErrorCode::Conflict, detail).hint("remove some, or make another board"))
}

fn check_size(size: Option<[f64; 2]>) -> Result<(), Error> {
    if size.is_none_or(is_size) {
        return Ok(());
    }
    Err(Error::field("size", "must be two numbers from 20 to 20,000"))
}

pub(crate) async fn patch(
    ctx: &Ctx,
    board: BoardId,
    id: BoardObjectId,
    body: PatchBoardObject,
) -> Result<BoardObject, Error> {
    ctx.authorize(Action::EditBoards)?;
    let is_rewritten = body.text.is_some();
    let pos = body.pos.map(|pos| validate::place("pos", pos)).transpose()?;
    let text = body.text.map(|text| validate::note("text", &text)).transpose()?;
    check_size(body.size)?;
    let patched = ctx.write(move |tx| {
        let text = text.clone();
        Box::pin(async move {
            let mut placed = load(tx.connection(), board, id).await?;
            let is_card = placed.kind == ObjectKind::Session;
            if is_card && (body.size.is_some() || text.is_some() || body.color.is_some()) {
                let detail = "of a session's card only `pos` can be changed here";
                return Err(Error::new(ErrorCode::InvalidRequest, detail)
                    .hint("change the title with PATCH /sessions/{id}"));
            }
            let mut changed = Vec::new();
            if let Some(pos) = pos {
                placed.pos = pos;
                changed.push(("pos", json!(pos)));
            }
            if let Some(size) = body.size {
                placed.data.size = Some(size);
                changed.push(("size", json!(size)));
            }
            if let Some(text) = text {
                docs::service::replaced(tx, id.into(), &text).await?;
                changed.push(("text", json!(text)));
                placed.data.text = text;
            }
            if let Some(color) = body.color {
                placed.data.color = color;
                changed.push(("color", json!(color)));
            }
            placed.updated_at_ms = tx.now;
            let names: Vec<String> = changed.iter().map(|(name, _)| (*name).to_owned()).collect();
            if !names.is_empty() {
                let ops = set_ops(id, changed);
                let seq =
                    tx.emit_as(Topic::Board(board), "board_object.patched", None, ops).await?;
                placed.data.seqs.extend(names.into_iter().map(|name| (name, seq)));
            }
            store::update_object(tx.connection(), &placed).await?;
            Ok(placed.object())
        })
    });
    let patched = patched.await?;
    if is_rewritten {
        docs::service::changed(ctx, [id.into()]).await;
    }
    Ok(patched)
}

/// The board and the words of an object that has words; a session's card has none of its own.
pub(crate) async fn words(
    connection: &impl ConnectionTrait,
    id: BoardObjectId,
) -> Result<Option<(BoardId, String)>, Error> {
    let placed = store::object(connection, id).await?;
    let placed = placed.filter(|it| it.kind != ObjectKind::Session);
    Ok(placed.map(|it| (it.board_id, it.data.text)))
}

/// Brings an object's `text` after its document; an object that is gone stays so.
pub(crate) async fn follow_text(tx: &Tx<'_>, id: BoardObjectId, text: String) -> Result<(), Error> {
    let placed = store::object(tx.connection(), id).await?;
    let Some(mut placed) = placed.filter(|it| it.data.text != text) else { return Ok(()) };
    let ops = set_ops(id, vec![("text", json!(text))]);
    let topic = Topic::Board(placed.board_id);
    let seq = tx.emit_as(topic, "board_object.patched", None, ops).await?;
    placed.data.text = text;
    placed.data.seqs.insert("text".to_owned(), seq);
    placed.updated_at_ms = tx.now;
    store::update_object(tx.connection(), &placed).await
}

pub(crate) async fn remove(ctx: &Ctx, board: BoardId, id: BoardObjectId) -> Result<(), Error> {
    ctx.authorize(Action::EditBoards)?;
    let removed = ctx.write(move |tx| {
        Box::pin(async move {
            let placed = load(tx.connection(), board, id).await?;
            if placed.kind == ObjectKind::Session {
                let detail = "a session's card goes with its session";
                return Err(
                    Error::new(ErrorCode::Conflict, detail).hint("archive or remove the session")
                );
            }
            store::delete_object(tx.connection(), id).await?;
            docs::service::removed(tx, id.into()).await?;
            let ops = vec![Op::Del { id: id.to_string() }];
            tx.emit(Topic::Board(board), "board_object.removed", ops).await
        })
    });
    removed.await?;
    docs::service::changed(ctx, [id.into()]).await;
    Ok(())
}

/// Places the card of a new session: where asked for, below its parent, or on a free place.
pub(crate) async fn place_card(
    tx: &Tx<'_>,
    board: BoardId,
    session: SessionId,
    wanted: Option<[f64; 2]>,
    parent: Option<SessionId>,
) -> Result<[f64; 2], Error> {
    check_room(tx, board).await?;
    let taken = store::card_places(tx.connection(), board).await?;
    let parent_pos = match parent {
        Some(parent) => store::object(tx.connection(), parent.into()).await?.map(|it| it.pos),
        None => None,
    };
    let pos = wanted.unwrap_or_else(|| free_place(&taken, parent_pos));
    let placed = Placed {
        id: session.into(),
        board_id: board,
        kind: ObjectKind::Session,
        pos,
        data: ObjectData { v: 1, ..ObjectData::default() },
        created_by: tx.actor.user,
        created_at_ms: tx.now,
        updated_at_ms: tx.now,
    };
    store::insert_object(tx.connection(), &placed).await?;
    Ok(pos)
}

/// Where a session's card lies.
pub(crate) async fn card_place(tx: &Tx<'_>, session: SessionId) -> Result<[f64; 2], Error> {
    Ok(store::object(tx.connection(), session.into()).await?.map_or([0.0, 0.0], |it| it.pos))
}

/// The first place of the grid where no card lies, below the parent when there is one.
pub(crate) fn free_place(taken: &[[f64; 2]], parent: Option<[f64; 2]>) -> [f64; 2] {
    let start = parent.map_or([0.0, 0.0], |pos| [pos[0], pos[1] + CARD_STEP[1]]);
    let per_row = if parent.is_some() { CARDS_PER_ROW * 2 } else { CARDS_PER_ROW };
    let is_free = |pos: &[f64; 2]| {
        taken.iter().all(|it| {
            (it[0] - pos[0]).abs() >= CARD_STEP[0] || (it[1] - pos[1]).abs() >= CARD_STEP[1]
        })
    };
    (0..4_096_u32)
        .map(|cell| {
            let (row, column) = (cell / per_row, cell % per_row);
            [start[0] + f64::from(column) * CARD_STEP[0], start[1] + f64::from(row) * CARD_STEP[1]]
        })
        .find(is_free)
        .unwrap_or(start)
}

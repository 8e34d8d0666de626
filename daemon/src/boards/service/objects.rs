//! What people may do with the objects of a board over REST; the WebSocket's twin is `mutate`.

use crate::auth::policy::Action;
use crate::boards::model::{CardPlace, Placed, Refused, is_size, kind_name, properties};
use crate::boards::service::marks::{self, Alone, Stop};
use crate::boards::{service, store};
use crate::clock;
use crate::context::{Ctx, Tx};
use crate::error::Error;
use crate::{docs, lookup, validate};
use grove_core_api::event::{Op, Topic};
use grove_core_api::realtime::NackCode;
use grove_core_api::rest::boards::{BoardObject, CreateBoardObject, ObjectKind, PatchBoardObject};
use grove_core_api::{
    BoardId, BoardObjectId, ErrorCode, IdRef, Page, PageQuery, SessionId, limits,
};
use sea_orm::ConnectionTrait;
use serde_json::Value;

/// Grid of new cards: distance from one to the next, in board units.
const CARD_STEP: [f64; 2] = [340.0, 220.0];
/// Cards in a row before the next row begins.
const CARDS_PER_ROW: u32 = 4;

pub(crate) async fn find(ctx: &Ctx, id: &IdRef) -> Result<BoardObjectId, Error> {
    store::find_object(ctx.read(), id, ctx.seen()).await
}

pub(crate) async fn list(
    ctx: &Ctx,
    board: BoardId,
    query: &PageQuery,
) -> Result<Page<BoardObject>, Error> {
    ctx.on_board(Action::ReadBoard, board).await?;
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
    ctx.on_board(Action::ReadBoard, board).await?;
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
    ctx.on_board(Action::EditBoards, board).await?;
    if body.kind == ObjectKind::Session {
        return Err(Error::field("kind", "cannot be `session`: make a session instead"));
    }
    let pos = validate::place("pos", body.pos)?;
    let text = validate::note("text", &body.text)?;
    check_size(body.size)?;
    let mut v = properties(&CreateBoardObject { pos, text, ..body.clone() })?;
    v.remove("kind");
    ctx.write(move |tx| {
        let v = v.clone();
        Box::pin(async move {
            service::load(tx.connection(), board).await?;
            check_room(tx, board).await?;
            let id = clock::fresh_id();
            let placed = Placed::fresh(id, board, body.kind, tx.actor.user, tx.now).with(&v);
            let mut placed = placed.map_err(Stop::from).map_err(Stop::into_error)?;
            marks::check_ends(tx, &placed, &Alone).await.map_err(Stop::into_error)?;
            marks::check_image(tx, &mut placed).await.map_err(Stop::into_error)?;
            marks::order(tx, &mut placed).await?;
            let put = Op::Put {
                id: placed.id.to_string(),
                kind: kind_name(placed.kind).to_owned(),
                v: properties(&placed.mark())?,
            };
            let topic = Topic::Board(board);
            let seq = tx.emit_as(topic, "board_object.created", None, vec![put]).await?;
            placed.note_put(seq);
            store::insert_object(tx.connection(), &placed).await?;
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
    ctx.on_board(Action::EditBoards, board).await?;
    let is_rewritten = body.text.is_some();
    let pos = body.pos.map(|pos| validate::place("pos", pos)).transpose()?;
    let text = body.text.map(|text| validate::note("text", &text)).transpose()?;
    check_size(body.size)?;
    let changes = properties(&PatchBoardObject { pos, text, ..body })?;
    let patched = ctx.write(move |tx| {
        let changes = changes.clone();
        Box::pin(async move {
            let mut placed = load(tx.connection(), board, id).await?;
            let mut ops = Vec::new();
            for (k, v) in &changes {
                placed.set(k, v).map_err(|why| refused_field(k, why))?;
                ops.push(Op::Set { id: id.to_string(), k: k.clone(), v: v.clone(), if_seq: None });
            }
            if changes.contains_key("from") || changes.contains_key("to") {
                marks::check_ends(tx, &placed, &Alone).await.map_err(Stop::into_error)?;
            }
            if changes.contains_key("text") {
                docs::service::replaced(tx, id.into(), &placed.data.text).await?;
            }
            placed.updated_at_ms = tx.now;
            if !ops.is_empty() {
                let topic = Topic::Board(board);
                let seq = tx.emit_as(topic, "board_object.patched", None, ops).await?;
                placed.note(changes.keys().cloned(), seq);
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

/// Where an object of a board lies.
pub(crate) async fn place(
    connection: &impl ConnectionTrait,
    board: BoardId,
    id: BoardObjectId,
) -> Result<Option<[f64; 2]>, Error> {
    let placed = store::object(connection, id).await?;
    Ok(placed.filter(|it| it.board_id == board).map(|it| it.pos))
}

/// The words of an object.
pub(crate) struct Words {
    pub(crate) board: BoardId,
    pub(crate) text: String,
    /// Bytes that they may have.
    pub(crate) most_bytes: usize,
}

/// The words of an object that has words; a session's card has none of its own.
pub(crate) async fn words(
    connection: &impl ConnectionTrait,
    id: BoardObjectId,
) -> Result<Option<Words>, Error> {
    let placed = store::object(connection, id).await?;
    let placed = placed.filter(|it| it.kind != ObjectKind::Session);
    Ok(placed.map(|it| {
        let is_document = it.kind == ObjectKind::Document;
        let most_bytes = if is_document { limits::DOCUMENT_BYTES } else { limits::NOTE_BYTES };
        Words { board: it.board_id, text: it.data.text, most_bytes }
    }))
}

/// Brings an object's `text` after its document; an object that is gone stays so.
pub(crate) async fn follow_text(tx: &Tx<'_>, id: BoardObjectId, text: String) -> Result<(), Error> {
    let placed = store::object(tx.connection(), id).await?;
    let Some(mut placed) = placed.filter(|it| it.data.text != text) else { return Ok(()) };
    let (k, v) = ("text".to_owned(), Value::from(text.as_str()));
    let ops = vec![Op::Set { id: id.to_string(), k: k.clone(), v, if_seq: None }];
    let topic = Topic::Board(placed.board_id);
    let seq = tx.emit_as(topic, "board_object.patched", None, ops).await?;
    placed.data.text = text;
    placed.note([k], seq);
    placed.updated_at_ms = tx.now;
    store::update_object(tx.connection(), &placed).await
}

fn refused_field(property: &str, why: Refused) -> Error {
    if why.code == NackCode::Invalid {
        return Error::field(property, why.message);
    }
    Stop::from(why).into_error()
}

pub(crate) async fn remove(ctx: &Ctx, board: BoardId, id: BoardObjectId) -> Result<(), Error> {
    ctx.on_board(Action::EditBoards, board).await?;
    let removed = ctx.write(move |tx| {
        Box::pin(async move {
            let placed = load(tx.connection(), board, id).await?;
            if placed.kind == ObjectKind::Session {
                let detail = "a session's card goes with its session";
                return Err(
                    Error::new(ErrorCode::Conflict, detail).hint("archive or remove the session")
                );
            }
            placed.check_lock(None).map_err(|why| refused_field("is_locked", why))?;
            marks::remove(tx, &placed).await?;
            let mut ops = vec![Op::del(id)];
            ops.extend(marks::remove_edges(tx, board, id).await?);
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
) -> Result<CardPlace, Error> {
    check_room(tx, board).await?;
    let taken = store::card_places(tx.connection(), board).await?;
    let parent_pos = match parent {
        Some(parent) => store::object(tx.connection(), parent.into()).await?.map(|it| it.pos),
        None => None,
    };
    let pos = wanted.unwrap_or_else(|| free_place(&taken, parent_pos));
    let (id, kind) = (session.into(), ObjectKind::Session);
    let mut placed = Placed::fresh(id, board, kind, tx.actor.user, tx.now);
    placed.pos = pos;
    marks::order(tx, &mut placed).await?;
    store::insert_object(tx.connection(), &placed).await?;
    Ok(placed.card_place())
}

/// Notes that an event put a session's card on its board.
pub(crate) async fn card_shown(tx: &Tx<'_>, session: SessionId, seq: i64) -> Result<(), Error> {
    let Some(mut placed) = store::object(tx.connection(), session.into()).await? else {
        return Ok(());
    };
    placed.note_put(seq);
    store::update_object(tx.connection(), &placed).await
}

/// Takes a session's card from its board; returns the operations that say so.
pub(crate) async fn hide_card(
    tx: &Tx<'_>,
    board: BoardId,
    session: SessionId,
) -> Result<Vec<Op>, Error> {
    let mut ops = vec![Op::del(session)];
    ops.extend(marks::remove_edges(tx, board, session.into()).await?);
    Ok(ops)
}

/// Where a session's card lies.
pub(crate) async fn card_place(tx: &Tx<'_>, session: SessionId) -> Result<CardPlace, Error> {
    let placed = store::object(tx.connection(), session.into()).await?;
    Ok(placed.map(|it| it.card_place()).unwrap_or_default())
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

//! What people may do with comments; REST and mutations of a board end here.

use super::model::{self, Record};
use super::store::{self, Place};
use crate::auth::policy::Action;
use crate::boards::service::{Stop, refused};
use crate::clock;
use crate::context::{Ctx, Tx};
use crate::error::Error;
use crate::grants::seen::Seen;
use crate::grants::service::Held;
use crate::{boards, lookup, messages, notices, patch_ops, sessions, users, validate};
use grove_core_api::event::{Object, Op, Topic};
use grove_core_api::realtime::NackCode;
use grove_core_api::rest::comments::{
    Comment, CommentAnchor, CommentQuery, CreateComment, PatchComment,
};
use grove_core_api::{
    BoardId, CommentId, ErrorCode, IdRef, Page, SessionId, UnixMillis, UserId, limits,
};
use sea_orm::ConnectionTrait;
use serde_json::{Map, Value};

/// Who wrote a comment, and when.
type Author = (UserId, UnixMillis);

/// Kind of comments in topics.
pub(crate) const KIND: &str = "comment";

pub(crate) async fn find(ctx: &Ctx, id: &IdRef) -> Result<CommentId, Error> {
    store::find(ctx.read(), id, ctx.seen()).await
}

pub(crate) async fn get(ctx: &Ctx, id: CommentId) -> Result<Comment, Error> {
    Ok(allowed(ctx, Action::ReadBoard, id).await?.0.comment)
}

/// The board that a comment is on, or its session.
pub(crate) async fn board_of(
    connection: &impl ConnectionTrait,
    comment: &Comment,
) -> Result<Option<BoardId>, Error> {
    place_of(connection, &comment.anchor).await
}

async fn place_of(
    connection: &impl ConnectionTrait,
    anchor: &CommentAnchor,
) -> Result<Option<BoardId>, Error> {
    match (model::board_of(anchor), model::session_of(anchor)) {
        (Some(board), _) => Ok(Some(board)),
        (None, Some(session)) => sessions::service::board_of(connection, session).await,
        (None, None) => Ok(None),
    }
}

/// A comment on whose board the caller may do this.
async fn allowed(ctx: &Ctx, action: Action, id: CommentId) -> Result<(Record, Held), Error> {
    let unseen = || Error::not_found(CommentId::NOUN, id);
    let record = load(ctx.read(), id).await?;
    let board = place_of(ctx.read(), &record.comment.anchor).await?.ok_or_else(unseen)?;
    let held = ctx.on_place(action, board, unseen).await?;
    Ok((record, held))
}

async fn load(connection: &impl ConnectionTrait, id: CommentId) -> Result<Record, Error> {
    store::get(connection, id).await?.ok_or_else(|| Error::not_found(CommentId::NOUN, id))
}

pub(crate) async fn list(ctx: &Ctx, query: CommentQuery) -> Result<Page<Comment>, Error> {
    ctx.authorize(Action::Read)?;
    let limit = validate::limit(query.limit)?;
    let after = lookup::cursor(query.cursor.as_deref())?;
    let place = match (&query.board_id, &query.session_id, query.thread_id) {
        (Some(board), None, None) => {
            let board = boards::service::find(ctx, &lookup::id_ref(board)?).await?;
            ctx.on_board(Action::ReadBoard, board).await?;
            Place::Board(board)
        }
        (None, Some(session), None) => {
            let session = sessions::service::find(ctx, &lookup::id_ref(session)?).await?;
            ctx.on_session(Action::ReadBoard, session).await?;
            Place::Session(session)
        }
        (None, None, Some(thread)) => Place::Thread(thread),
        (None, None, None) => Place::All,
        _ => {
            let detail = "name one of `board_id`, `session_id` and `thread_id`";
            return Err(Error::new(ErrorCode::InvalidRequest, detail));
        }
    };
    let place = (place, ctx.seen());
    let found = store::list(ctx.read(), place, query.is_resolved, after, limit + 1).await?;
    let comments = found.into_iter().map(|it| it.comment).collect();
    Ok(lookup::page(comments, limit, |comment: &Comment| comment.id.0))
}

/// Comments as objects of the topic of their board.
pub(crate) async fn on_board(
    connection: &impl ConnectionTrait,
    board: BoardId,
) -> Result<Vec<(String, Object)>, Error> {
    let place = (Place::Board(board), Seen::All);
    objects(store::list(connection, place, None, None, limits::BOARD_COMMENTS).await?)
}

/// Comments as objects of the topic of their session.
pub(crate) async fn in_session(
    connection: &impl ConnectionTrait,
    session: SessionId,
) -> Result<Vec<(String, Object)>, Error> {
    let place = (Place::Session(session), Seen::All);
    objects(store::list(connection, place, None, None, limits::SESSION_COMMENTS).await?)
}

fn objects(found: Vec<Record>) -> Result<Vec<(String, Object)>, Error> {
    let object = |it: Record| {
        let v = patch_ops::properties(&it.comment)?;
        Ok((it.comment.id.to_string(), Object { kind: KIND.to_owned(), v }))
    };
    found.into_iter().map(object).collect()
}

pub(crate) async fn create(ctx: &Ctx, body: CreateComment) -> Result<Comment, Error> {
    may_add(ctx, &body).await?;
    ctx.write(move |tx| {
        let body = body.clone();
        Box::pin(async move {
            let id = clock::fresh_id();
            let author = (tx.actor.user, tx.now);
            let added = add(tx, id, body, (None, author)).await.map_err(Stop::into_error)?;
            let (mut record, op) = added;
            let topic = model::topic_of(&record.comment.anchor);
            record.put_seq = tx.emit_as(topic, "comment.created", None, vec![op]).await?;
            store::update(tx.connection(), &record).await?;
            Ok(record.comment)
        })
    })
    .await
}

/// Fails unless the caller may comment where the comment is to be; what is not there is found out
/// later.
async fn may_add(ctx: &Ctx, body: &CreateComment) -> Result<(), Error> {
    let anchor = match body.parent {
        Some(parent) => return allowed(ctx, Action::Comment, parent).await.map(drop),
        None => body.anchor.as_ref(),
    };
    match (anchor.and_then(model::board_of), anchor.and_then(model::session_of)) {
        (Some(board), _) => ctx.on_board(Action::Comment, board).await.map(drop),
        (None, Some(session)) => ctx.on_session(Action::Comment, session).await.map(drop),
        (None, None) => ctx.authorize(Action::Comment),
    }
}

/// Stores a new comment and tells whom it mentions; the caller emits the operation.
///
/// `board` is where it has to be, when that is known.
async fn add(
    tx: &Tx<'_>,
    id: CommentId,
    body: CreateComment,
    (board, author): (Option<BoardId>, Author),
) -> Result<(Record, Op), Stop> {
    let text = model::words(&body.text)?;
    let mentions = model::mentions(body.mentions)?;
    let anchor = match (body.parent, body.anchor) {
        (Some(parent), _) => thread(tx, parent).await?,
        (None, Some(anchor)) => anchor,
        (None, None) => {
            let message = "say what it is about (`anchor`) or what it answers (`parent`)";
            return Ok(refused(NackCode::Invalid, message)?);
        }
    };
    model::check_anchor(&anchor)?;
    if board.is_some() && model::board_of(&anchor) != board {
        return Ok(refused(NackCode::Invalid, "the comment belongs to another board")?);
    }
    check_there(tx, &anchor).await?;
    check_room(tx, &anchor, body.parent).await?;
    users::service::check_all(tx.connection(), &mentions).await?;
    let comment = Comment {
        id,
        anchor,
        parent: body.parent,
        text,
        mentions,
        is_resolved: false,
        resolved_by: None,
        created_by: author.0,
        created_at_ms: author.1,
        edited_at_ms: None,
    };
    let put = patch_ops::put(id, KIND, &comment)?;
    notices::service::mention(tx, &comment, &comment.mentions).await?;
    let record = Record::new(comment);
    store::insert(tx.connection(), &record).await?;
    Ok((record, put))
}

/// What the thread of a comment is about.
async fn thread(tx: &Tx<'_>, parent: CommentId) -> Result<CommentAnchor, Stop> {
    let Some(record) = store::get(tx.connection(), parent).await? else {
        return Ok(refused(NackCode::Gone, format!("there is no comment `{parent}`"))?);
    };
    if !record.is_first() {
        let message = "answer the comment that began the thread";
        return Ok(refused(NackCode::Invalid, message)?);
    }
    Ok(record.comment.anchor)
}

/// Fails unless what the comment is about is there.
async fn check_there(tx: &Tx<'_>, anchor: &CommentAnchor) -> Result<(), Stop> {
    let is_there = match anchor {
        CommentAnchor::Point { board, .. } => {
            boards::service::load(tx.connection(), *board).await.map(|_| true)?
        }
        CommentAnchor::Object { board, object } => boards::service::marks::visible(tx, *object)
            .await?
            .is_some_and(|it| it.board_id == *board),
        CommentAnchor::Message { session, message } => {
            sessions::service::load(tx.connection(), *session).await?;
            messages::service::get(tx.connection(), *message)
                .await?
                .is_some_and(|it| it.session_id == *session)
        }
        CommentAnchor::DiffLine { session, .. } => {
            sessions::service::load(tx.connection(), *session).await.map(|_| true)?
        }
    };
    if is_there {
        return Ok(());
    }
    Ok(refused(NackCode::Invalid, "what the comment is about is not there")?)
}

async fn check_room(
    tx: &Tx<'_>,
    anchor: &CommentAnchor,
    parent: Option<CommentId>,
) -> Result<(), Stop> {
    let connection = tx.connection();
    let (place, most) = match model::topic_of(anchor) {
        Topic::Session(session) => (Place::Session(session), limits::SESSION_COMMENTS),
        Topic::Board(board) => (Place::Board(board), limits::BOARD_COMMENTS),
        Topic::User(_) | Topic::Doc(_) => return Ok(()),
    };
    let is_full = store::count(connection, place).await? >= most;
    let is_long = match parent {
        Some(parent) => {
            store::count(connection, Place::Thread(parent)).await? >= limits::THREAD_COMMENTS
        }
        None => false,
    };
    if is_full || is_long {
        let detail = "there are too many comments here already";
        return Err(Error::new(ErrorCode::Conflict, detail).hint("remove some").into());
    }
    Ok(())
}

pub(crate) async fn patch(ctx: &Ctx, id: CommentId, body: PatchComment) -> Result<Comment, Error> {
    allowed(ctx, Action::Comment, id).await?;
    ctx.write(move |tx| {
        let body = body.clone();
        Box::pin(async move {
            let mut record = load(tx.connection(), id).await?;
            let ops = change(tx, &mut record, body).await.map_err(Stop::into_error)?;
            if !ops.is_empty() {
                let changed = names(&ops);
                let topic = model::topic_of(&record.comment.anchor);
                let seq = tx.emit_as(topic, "comment.patched", None, ops).await?;
                note(tx, record.comment.id, changed, seq, false).await?;
            }
            Ok(record.comment)
        })
    })
    .await
}

/// Changes a comment and stores it; the caller emits the operations.
async fn change(tx: &Tx<'_>, record: &mut Record, body: PatchComment) -> Result<Vec<Op>, Stop> {
    let before = record.comment.clone();
    let is_mine = before.created_by == tx.actor.user;
    if (body.text.is_some() || body.mentions.is_some()) && !is_mine {
        return Ok(refused(NackCode::Forbidden, "only its author changes a comment's words")?);
    }
    let after = &mut record.comment;
    if let Some(text) = body.text {
        after.text = model::words(&text)?;
        after.edited_at_ms = Some(tx.now);
    }
    if let Some(people) = body.mentions {
        after.mentions = model::mentions(people)?;
        users::service::check_all(tx.connection(), &after.mentions).await?;
    }
    if let Some(is_resolved) = body.is_resolved {
        if before.parent.is_some() {
            return Ok(refused(NackCode::Invalid, "a thread is resolved, not an answer in it")?);
        }
        after.is_resolved = is_resolved;
        after.resolved_by = is_resolved.then_some(tx.actor.user);
    }
    let told: Vec<UserId> =
        after.mentions.iter().filter(|it| !before.mentions.contains(it)).copied().collect();
    notices::service::mention(tx, after, &told).await?;
    let ops = patch_ops::set(after.id, &before, after)?;
    store::update(tx.connection(), record).await?;
    Ok(ops)
}

pub(crate) async fn remove(ctx: &Ctx, id: CommentId) -> Result<(), Error> {
    let (_, held) = allowed(ctx, Action::Comment, id).await?;
    ctx.write(move |tx| {
        Box::pin(async move {
            let record = load(tx.connection(), id).await?;
            let ops = take_away(tx, &record, held).await.map_err(Stop::into_error)?;
            let topic = model::topic_of(&record.comment.anchor);
            tx.emit(topic, "comment.removed", ops).await
        })
    })
    .await
}

/// Removes a comment, with all answers when it began a thread; the caller emits the operations.
async fn take_away(tx: &Tx<'_>, record: &Record, held: Held) -> Result<Vec<Op>, Stop> {
    let comment = &record.comment;
    let me = tx.actor.user;
    let is_admin = held.is_enough(Action::AdministerBoard);
    if comment.created_by != me && !is_admin {
        return Ok(refused(NackCode::Forbidden, "only its author removes a comment")?);
    }
    let all = if record.is_first() {
        let place = (Place::Thread(comment.id), Seen::All);
        store::list(tx.connection(), place, None, None, limits::THREAD_COMMENTS + 1).await?
    } else {
        vec![record.clone()]
    };
    if !is_admin && all.iter().any(|it| it.comment.created_by != me) {
        let message = "others have answered: resolve the thread instead";
        return Ok(refused(NackCode::Conflict, message)?);
    }
    let mut ops = Vec::new();
    for it in all {
        notices::service::forget_mentions(tx, it.comment.id).await?;
        store::delete(tx.connection(), it.comment.id).await?;
        if let Some(board) = model::board_of(&it.comment.anchor) {
            boards::service::marks::bury_comment(tx, board, &it.comment).await?;
        }
        ops.push(Op::del(it.comment.id));
    }
    Ok(ops)
}

/// The `put` of a mutation.
pub(crate) async fn put(
    tx: &Tx<'_>,
    id: CommentId,
    v: &Map<String, Value>,
    (board, author): (BoardId, Author),
) -> Result<Op, Stop> {
    let (_, op) = add(tx, id, model::from_put(v)?, (Some(board), author)).await?;
    Ok(op)
}

/// The `set` of a mutation.
pub(crate) async fn set(
    tx: &Tx<'_>,
    (board, id): (BoardId, CommentId),
    (property, value): (&str, Value),
    if_seq: Option<i64>,
) -> Result<Vec<Op>, Stop> {
    let mut record = present(tx, board, id).await?;
    if if_seq.is_some_and(|wanted| wanted != record.changed_at(property)) {
        return Ok(refused(NackCode::Conflict, format!("`{property}` was changed meanwhile"))?);
    }
    change(tx, &mut record, model::from_set(property, value)?).await
}

/// The `del` of a mutation.
pub(crate) async fn del(
    tx: &Tx<'_>,
    (held, id): (Held, CommentId),
    if_seq: Option<i64>,
) -> Result<Vec<Op>, Stop> {
    let record = present(tx, held.board, id).await?;
    if if_seq.is_some_and(|wanted| record.newest_change() > wanted) {
        return Ok(refused(NackCode::Conflict, "it was changed meanwhile")?);
    }
    take_away(tx, &record, held).await
}

async fn present(tx: &Tx<'_>, board: BoardId, id: CommentId) -> Result<Record, Stop> {
    match of_board(tx, board, id).await? {
        Some(record) => Ok(record),
        None => Err(boards::service::marks::gone(id).into()),
    }
}

/// A comment, for those who were told of it.
pub(crate) async fn peek(
    connection: &impl ConnectionTrait,
    id: CommentId,
) -> Result<Option<Comment>, Error> {
    Ok(store::get(connection, id).await?.map(|it| it.comment))
}

pub(crate) use super::model::excerpt;

/// The comment of a board's topic, when there is one of this id.
pub(crate) async fn of_board(
    tx: &Tx<'_>,
    board: BoardId,
    id: CommentId,
) -> Result<Option<Record>, Error> {
    let found = store::get(tx.connection(), id).await?;
    Ok(found.filter(|it| model::board_of(&it.comment.anchor) == Some(board)))
}

/// Notes the event that brought or changed a comment.
pub(crate) async fn note(
    tx: &Tx<'_>,
    id: CommentId,
    properties: Vec<String>,
    seq: i64,
    is_put: bool,
) -> Result<(), Error> {
    let Some(mut record) = store::get(tx.connection(), id).await? else { return Ok(()) };
    if is_put {
        record.put_seq = seq;
    }
    record.seqs.extend(properties.into_iter().map(|property| (property, seq)));
    store::update(tx.connection(), &record).await
}

/// Properties that operations set.
pub(crate) fn names(ops: &[Op]) -> Vec<String> {
    ops.iter()
        .filter_map(|op| match op {
            Op::Set { k, .. } => Some(k.clone()),
            Op::Put { .. } | Op::Del { .. } => None,
        })
        .collect()
}

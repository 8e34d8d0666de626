//! Telling people what concerns them, and putting it away.

use super::model::attention;
use super::store::{self, Mentioned};
use crate::auth::policy::Action;
use crate::context::{Ctx, Tx};
use crate::error::Error;
use crate::grants::seen::Seen;
use crate::grants::service::Standing;
use crate::{boards, comments, events, grants, patch_ops, sessions, topic_state, users};
use grove_core_api::event::{Object, Op, Topic};
use grove_core_api::rest::boards::{Board, TopicState};
use grove_core_api::rest::comments::Comment;
use grove_core_api::rest::grants::BoardRight;
use grove_core_api::rest::notices::{Mention, UserBoard};
use grove_core_api::rest::sessions::Session;
use grove_core_api::rest::users::User;
use grove_core_api::{BoardId, CommentId, UnixMillis, UserId, limits};
use sea_orm::ConnectionTrait;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

/// The whole state of a person's topic.
pub(crate) async fn snapshot(
    connection: &impl ConnectionTrait,
    user: UserId,
) -> Result<BTreeMap<String, Object>, Error> {
    let mut state = BTreeMap::new();
    let me = users::service::load(connection, user).await?;
    add(&mut state, user, "user", &me)?;
    let seen = Seen::of(user, me.role);
    let boards = boards::service::newest_seen(connection, seen, limits::USER_BOARDS).await?;
    let ids: Vec<BoardId> = boards.iter().map(|it| it.id).collect();
    let standing = grants::service::standing(connection, &ids, Some(user)).await?;
    for board in &boards {
        if let Some(right) = standing.rights.get(&(user, board.id)) {
            add(&mut state, board.id, "board", &user_board(board, *right))?;
        }
    }
    for session in sessions::service::waiting(connection, seen, limits::USER_ATTENTION).await? {
        if let Some(attention) = attention(&session) {
            add(&mut state, session.id, "attention", &attention)?;
        }
    }
    let mentions = mentions(connection, user).await?;
    let ids: Vec<BoardId> = mentions.iter().map(|(.., board)| *board).collect();
    let standing = grants::service::standing(connection, &ids, Some(user)).await?;
    for (comment, at_ms, board) in mentions {
        if standing.rights.contains_key(&(user, board)) {
            add(&mut state, comment.id, "mention", &mention_of(&comment, at_ms))?;
        }
    }
    Ok(state)
}

/// A person's mentions with the boards that they are on; some may not be seen any more.
async fn mentions(
    connection: &impl ConnectionTrait,
    user: UserId,
) -> Result<Vec<(Comment, UnixMillis, BoardId)>, Error> {
    let mut found = Vec::new();
    for it in store::of_user(connection, user, limits::USER_MENTIONS).await? {
        let Some(comment) = comments::service::peek(connection, it.comment).await? else {
            continue;
        };
        if let Some(board) = comments::service::board_of(connection, &comment).await? {
            found.push((comment, it.at_ms, board));
        }
    }
    Ok(found)
}

fn add(
    state: &mut BTreeMap<String, Object>,
    id: impl ToString,
    kind: &str,
    value: &impl Serialize,
) -> Result<(), Error> {
    let v = patch_ops::properties(value)?;
    state.insert(id.to_string(), Object { kind: kind.to_owned(), v });
    Ok(())
}

/// Begins the log of a person's topic, unless it has begun: from now on they are told.
pub(crate) async fn begin(ctx: &Ctx) -> Result<(), Error> {
    let topic = Topic::User(ctx.actor.user);
    if events::store::has_begun(ctx.read(), topic).await? {
        return Ok(());
    }
    ctx.write(move |tx| {
        Box::pin(async move {
            if events::store::has_begun(tx.connection(), topic).await? {
                return Ok(());
            }
            tx.begin_log(topic).await
        })
    })
    .await
}

/// What waits for the caller, as their topic says it.
pub(crate) async fn inbox(ctx: &Ctx) -> Result<TopicState, Error> {
    ctx.authorize(Action::Read)?;
    begin(ctx).await?;
    topic_state::now(&ctx.app.db, Topic::User(ctx.actor.user)).await
}

/// Tells people of boards that came, changed or went for them, and of what comes and goes with that.
pub(crate) async fn standing_changed(
    tx: &Tx<'_>,
    before: &Standing,
    after: &Standing,
) -> Result<(), Error> {
    let everybody: BTreeSet<_> = before.rights.keys().chain(after.rights.keys()).collect();
    for key in everybody {
        let (user, board) = *key;
        let (was, is) = (before.rights.get(key), after.rights.get(key));
        let shown = |standing: &Standing, right: Option<&BoardRight>| {
            let found = standing.boards.get(&board).filter(|it| it.archived_at_ms.is_none());
            found.zip(right).map(|(board, right)| user_board(board, *right))
        };
        let ops = change(board, "board", (shown(before, was), shown(after, is)))?;
        tx.tell(user, "user.board", ops).await?;
        match (was, is) {
            (None, Some(_)) => appear(tx, user, board).await?,
            (Some(_), None) => vanish(tx, user, board).await?,
            (Some(_), Some(_)) | (None, None) => {}
        }
    }
    Ok(())
}

/// What waits on a board appears to somebody who sees it from now on.
async fn appear(tx: &Tx<'_>, user: UserId, board: BoardId) -> Result<(), Error> {
    let mut ops = Vec::new();
    for session in sessions::service::waiting_on(tx.connection(), board).await? {
        if let Some(attention) = attention(&session) {
            ops.push(patch_ops::put(session.id, "attention", &attention)?);
        }
    }
    for (comment, at_ms, place) in mentions(tx.connection(), user).await? {
        if place == board {
            ops.push(patch_ops::put(comment.id, "mention", &mention_of(&comment, at_ms))?);
        }
    }
    tx.tell(user, "user.board_waits", ops).await
}

/// What waited on a board is gone for somebody who does not see it any more.
async fn vanish(tx: &Tx<'_>, user: UserId, board: BoardId) -> Result<(), Error> {
    let waiting = sessions::service::waiting_on(tx.connection(), board).await?;
    let mut ops: Vec<Op> = waiting.iter().map(|session| Op::del(session.id)).collect();
    let mentions = mentions(tx.connection(), user).await?.into_iter();
    ops.extend(mentions.filter(|(.., place)| *place == board).map(|(it, ..)| Op::del(it.id)));
    tx.tell(user, "user.board_waits", ops).await
}

/// Tells those who see its board of a session that needs somebody, or no longer does.
pub(crate) async fn session_changed(
    tx: &Tx<'_>,
    before: &Session,
    after: &Session,
) -> Result<(), Error> {
    let ops = change(after.id, "attention", (attention(before), attention(after)))?;
    if ops.is_empty() {
        return Ok(());
    }
    for user in grants::service::people_on(tx.connection(), after.board_id).await? {
        tx.tell(user, "user.attention", ops.clone()).await?;
    }
    Ok(())
}

/// Tells a person of a change of their own user.
pub(crate) async fn user_changed(tx: &Tx<'_>, before: &User, after: &User) -> Result<(), Error> {
    let ops = patch_ops::set(after.id, before, after)?;
    tx.tell(after.id, "user.patched", ops).await
}

/// What tells of an object that came, changed or went.
fn change<T: Serialize>(
    id: impl ToString,
    kind: &str,
    (before, after): (Option<T>, Option<T>),
) -> Result<Vec<Op>, Error> {
    match (&before, &after) {
        (None, Some(after)) => Ok(vec![patch_ops::put(id, kind, after)?]),
        (Some(_), None) => Ok(vec![Op::del(id)]),
        (Some(before), Some(after)) => patch_ops::set(id, before, after),
        (None, None) => Ok(Vec::new()),
    }
}

fn user_board(board: &Board, right: BoardRight) -> UserBoard {
    UserBoard { name: board.name.clone(), right, created_at_ms: board.created_at_ms }
}

fn mention_of(comment: &Comment, at_ms: i64) -> Mention {
    Mention {
        comment: comment.id,
        anchor: comment.anchor.clone(),
        thread: comment.parent.unwrap_or(comment.id),
        by: comment.created_by,
        excerpt: comments::service::excerpt(&comment.text),
        at_ms,
    }
}

/// Tells people that a comment mentions them; oneself and those who do not see the board are not told.
pub(crate) async fn mention(
    tx: &Tx<'_>,
    comment: &Comment,
    people: &[UserId],
) -> Result<(), Error> {
    let by = tx.actor.user;
    let Some(board) = comments::service::board_of(tx.connection(), comment).await? else {
        return Ok(());
    };
    for user in people.iter().copied().filter(|user| *user != by) {
        if grants::service::right_of(tx.connection(), user, board).await?.is_none() {
            continue;
        }
        let it = Mentioned { user, comment: comment.id, at_ms: tx.now };
        make_room(tx, user).await?;
        if store::insert(tx.connection(), it, by).await? {
            let put = patch_ops::put(comment.id, "mention", &mention_of(comment, tx.now))?;
            tx.tell(user, "user.mentioned", vec![put]).await?;
        }
    }
    Ok(())
}

/// Puts a person's oldest mentions away when there are too many.
async fn make_room(tx: &Tx<'_>, user: UserId) -> Result<(), Error> {
    let connection = tx.connection();
    let surplus = (store::count(connection, user).await? + 1).saturating_sub(limits::USER_MENTIONS);
    for oldest in store::of_user(connection, user, surplus).await? {
        put_away(tx, user, oldest.comment).await?;
    }
    Ok(())
}

async fn put_away(tx: &Tx<'_>, user: UserId, comment: CommentId) -> Result<bool, Error> {
    let was_there = store::delete(tx.connection(), user, comment).await?;
    if was_there {
        tx.tell(user, "user.mention_removed", vec![Op::del(comment)]).await?;
    }
    Ok(was_there)
}

/// Takes the mentions of a comment back that goes.
pub(crate) async fn forget_mentions(tx: &Tx<'_>, comment: CommentId) -> Result<(), Error> {
    for it in store::of_comment(tx.connection(), comment).await? {
        put_away(tx, it.user, comment).await?;
    }
    Ok(())
}

/// Puts one of the caller's mentions away.
pub(crate) async fn dismiss(ctx: &Ctx, comment: CommentId) -> Result<(), Error> {
    ctx.authorize(Action::EditOwnInbox)?;
    let user = ctx.actor.user;
    ctx.write(move |tx| {
        Box::pin(async move {
            if put_away(tx, user, comment).await? {
                return Ok(());
            }
            Err(Error::not_found("mention in comment", comment))
        })
    })
    .await
}

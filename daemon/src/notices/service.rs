//! Telling people what concerns them, and putting it away.

use super::model::attention;
use super::store::{self, Mentioned};
use crate::auth::policy::Action;
use crate::context::{Ctx, Tx};
use crate::error::Error;
use crate::{boards, comments, events, patch_ops, sessions, topic_state, users};
use grove_core_api::event::{Object, Op, Topic};
use grove_core_api::rest::boards::{Board, TopicState};
use grove_core_api::rest::comments::Comment;
use grove_core_api::rest::grants::BoardRight;
use grove_core_api::rest::notices::{Mention, UserBoard};
use grove_core_api::rest::sessions::Session;
use grove_core_api::rest::users::User;
use grove_core_api::{CommentId, UserId, limits};
use sea_orm::ConnectionTrait;
use serde::Serialize;
use std::collections::BTreeMap;

/// The whole state of a person's topic.
pub(crate) async fn snapshot(
    connection: &impl ConnectionTrait,
    user: UserId,
) -> Result<BTreeMap<String, Object>, Error> {
    let mut state = BTreeMap::new();
    let me = users::service::load(connection, user).await?;
    add(&mut state, user, "user", &me)?;
    for board in boards::service::newest(connection, limits::USER_BOARDS).await? {
        add(&mut state, board.id, "board", &user_board(&board))?;
    }
    for session in sessions::service::waiting(connection, limits::USER_ATTENTION).await? {
        if let Some(attention) = attention(&session) {
            add(&mut state, session.id, "attention", &attention)?;
        }
    }
    for it in store::of_user(connection, user, limits::USER_MENTIONS).await? {
        if let Some(comment) = comments::service::peek(connection, it.comment).await? {
            add(&mut state, it.comment, "mention", &mention_of(&comment, it.at_ms))?;
        }
    }
    Ok(state)
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

/// Tells everybody of a board that came, changed or went.
pub(crate) async fn board_changed(
    tx: &Tx<'_>,
    before: Option<&Board>,
    after: &Board,
) -> Result<(), Error> {
    let shown = |board: &Board| board.archived_at_ms.is_none().then(|| user_board(board));
    let (before, now) = (before.and_then(shown), shown(after));
    tell_all(tx, "user.board", after.id, "board", (before, now)).await
}

/// Tells everybody of a session that needs somebody, or no longer does.
pub(crate) async fn session_changed(
    tx: &Tx<'_>,
    before: &Session,
    after: &Session,
) -> Result<(), Error> {
    let change = (attention(before), attention(after));
    tell_all(tx, "user.attention", after.id, "attention", change).await
}

/// Tells a person of a change of their own user.
pub(crate) async fn user_changed(tx: &Tx<'_>, before: &User, after: &User) -> Result<(), Error> {
    let ops = patch_ops::set(after.id, before, after)?;
    tx.tell(after.id, "user.patched", ops).await
}

async fn tell_all<T: Serialize + PartialEq>(
    tx: &Tx<'_>,
    event: &str,
    id: impl ToString,
    kind: &str,
    (before, after): (Option<T>, Option<T>),
) -> Result<(), Error> {
    let ops = match (&before, &after) {
        (None, Some(after)) => vec![patch_ops::put(id, kind, after)?],
        (Some(_), None) => vec![Op::del(id)],
        (Some(before), Some(after)) => patch_ops::set(id, before, after)?,
        (None, None) => Vec::new(),
    };
    if ops.is_empty() {
        return Ok(());
    }
    for user in users::service::active(tx.connection(), limits::USER_TOPICS).await? {
        tx.tell(user, event, ops.clone()).await?;
    }
    Ok(())
}

fn user_board(board: &Board) -> UserBoard {
    let (name, created_at_ms) = (board.name.clone(), board.created_at_ms);
    UserBoard { name, right: BoardRight::Admin, created_at_ms }
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

/// Tells people that a comment mentions them; oneself is not told.
pub(crate) async fn mention(
    tx: &Tx<'_>,
    comment: &Comment,
    people: &[UserId],
) -> Result<(), Error> {
    let by = tx.actor.user;
    for user in people.iter().copied().filter(|user| *user != by) {
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
    ctx.authorize(Action::EditOwnUser)?;
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

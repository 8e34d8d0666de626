//! Reading a session's history, and the steps of a message's life.

use super::store::{self, Stretch};
use crate::auth::policy::Action;
use crate::context::{Ctx, Tx};
use crate::error::Error;
use crate::{patch_ops, validate};
use grove_core_api::event::{Op, Topic};
use grove_core_api::rest::messages::{Message, MessageList, MessageQuery};
use grove_core_api::{SessionId, TaskId};
use sea_orm::ConnectionTrait;
use serde_json::Value;

pub(crate) use super::store::{
    Pending, checkpoint, count_pending, get, insert_permission, of_block, permission, permissions,
    prompt_of, settle_permission, streaming,
};

/// A stretch of the history: after an index, before one, or the newest.
pub(crate) async fn list(
    ctx: &Ctx,
    session: SessionId,
    task: Option<TaskId>,
    query: &MessageQuery,
) -> Result<MessageList, Error> {
    ctx.on_session(Action::ReadBoard, session).await?;
    let limit = validate::limit(query.limit)?;
    let is_backward = query.after.is_none();
    let stretch = Stretch { session, task, before: query.before, after: query.after, is_backward };
    let mut items = store::list(ctx.read(), stretch, limit + 1).await?;
    let has_more = items.len() > usize::try_from(limit).unwrap_or(usize::MAX);
    if has_more {
        items.pop();
    }
    if is_backward {
        items.reverse();
        Ok(MessageList { items, has_before: has_more, has_after: query.before.is_some() })
    } else {
        Ok(MessageList { items, has_before: query.after > Some(0), has_after: has_more })
    }
}

/// The newest messages of a session, oldest first, for snapshots and conversations.
pub(crate) async fn newest(
    connection: &impl ConnectionTrait,
    session: SessionId,
    before: Option<i64>,
    limit: u64,
) -> Result<Vec<Message>, Error> {
    let stretch = Stretch { session, task: None, before, after: None, is_backward: true };
    let mut items = store::list(connection, stretch, limit).await?;
    items.reverse();
    Ok(items)
}

/// Stores a new message and tells the session's topic. Prompts, errors and notices have no block.
pub(crate) async fn create(
    tx: &Tx<'_>,
    message: &Message,
    block: Option<u32>,
) -> Result<(), Error> {
    // The row needs a number of its own in any case; positions never repeat and start at 1.
    let block = block.and_then(|block| i32::try_from(block).ok()).unwrap_or(-message.index);
    store::insert(tx.connection(), message, block).await?;
    let put = patch_ops::put(message.id, "message", message)?;
    tx.emit(Topic::Session(message.session_id), "message.created", vec![put]).await
}

/// Adds a property that did not change to what is told.
fn tell(ops: &mut Vec<Op>, message: &Message, key: &str, v: Value) {
    if !ops.iter().any(|op| matches!(op, Op::Set { k, .. } if k == key)) {
        ops.push(Op::Set { id: message.id.to_string(), k: key.to_owned(), v, if_seq: None });
    }
}

/// Stores a changed message and tells the session's topic.
pub(crate) async fn save(tx: &Tx<'_>, before: &Message, after: &Message) -> Result<(), Error> {
    store::update(tx.connection(), after).await?;
    let mut ops = patch_ops::set(after.id, before, after)?;
    if before.is_streaming && !after.is_streaming {
        // Readers know streamed text only from frames that may have been lost, and of checkpoints
        // nothing: the end tells all.
        tell(&mut ops, after, "text", after.text.clone().into());
        tell(&mut ops, after, "updated_at_ms", after.updated_at_ms.into());
    }
    tx.emit(Topic::Session(after.session_id), "message.patched", ops).await
}

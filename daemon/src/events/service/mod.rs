//! Reading a topic's log; as it was (`moments`), and its care (`care`).

mod care;
mod moments;

use super::store;
use crate::auth::policy::Action;
use crate::context::Ctx;
use crate::error::Error;
use crate::validate;
use grove_core_api::ErrorCode;
use grove_core_api::event::Topic;
use grove_core_api::rest::messages::{EventList, EventQuery};

pub(crate) use super::store::head;
pub(crate) use super::store::snapshots::mentions;
pub(crate) use care::{next_after, upkeep};
pub(crate) use moments::at;

/// A stretch of the log after a number.
pub(crate) async fn list(ctx: &Ctx, topic: Topic, query: &EventQuery) -> Result<EventList, Error> {
    match topic {
        Topic::Board(id) => ctx.on_board(Action::ReadBoard, id).await.map(drop)?,
        Topic::Session(id) => ctx.on_session(Action::ReadBoard, id).await.map(drop)?,
        Topic::User(id) if id == ctx.actor.user => ctx.authorize(Action::Read)?,
        Topic::User(_) | Topic::Doc(_) => return Err(Error::not_found("log of", topic)),
    }
    let limit = validate::limit(query.limit)?;
    let after = query.after.unwrap_or(0);
    if after < 0 {
        return Err(Error::field("after", "must not be negative"));
    }
    let head = head(ctx.read(), topic).await?;
    let items = store::after(ctx.read(), topic, after, limit).await?;
    let first = items.first().map_or(head.seq + 1, |first| first.seq);
    if after > 0 && after < head.seq && first != after + 1 {
        // Whoever names a place in the log must not overlook what is missing there.
        let detail = format!("the log was compacted: events before {first} are gone");
        let hint = format!("read on from `after={}`, or the state at that event", first - 1);
        return Err(Error::new(ErrorCode::Gone, detail).hint(hint));
    }
    Ok(EventList { epoch: head.epoch, seq: head.seq, items })
}

//! Reading a topic's log.

use super::store;
use crate::auth::policy::Action;
use crate::context::Ctx;
use crate::error::Error;
use crate::validate;
use grove_core_api::event::Topic;
use grove_core_api::rest::messages::{EventList, EventQuery};

/// A stretch of the log after a number.
pub(crate) async fn list(ctx: &Ctx, topic: Topic, query: &EventQuery) -> Result<EventList, Error> {
    ctx.authorize(Action::Read)?;
    let limit = validate::limit(query.limit)?;
    let after = query.after.unwrap_or(0);
    if after < 0 {
        return Err(Error::field("after", "must not be negative"));
    }
    let head = store::head(ctx.read(), topic).await?;
    let items = store::after(ctx.read(), topic, after, limit).await?;
    Ok(EventList { epoch: head.epoch, seq: head.seq, items })
}

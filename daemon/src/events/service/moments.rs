//! Reading a topic as it was.

use crate::error::Error;
use crate::events::model::{State, play};
use crate::events::store;
use crate::events::store::snapshots::{self, Kept};
use grove_core_api::event::Topic;
use grove_core_api::rest::boards::{AtQuery, TopicState};
use grove_core_api::{ErrorCode, limits};
use sea_orm::ConnectionTrait;

/// The state of a topic at an event or a time; run it in one reading transaction.
///
/// # Errors
/// `Gone` when the moment lies before what is kept, `InvalidRequest` when it lies in the future.
pub(crate) async fn at(
    connection: &impl ConnectionTrait,
    topic: Topic,
    query: AtQuery,
) -> Result<TopicState, Error> {
    let head = store::head(connection, topic).await?;
    let seq = match (query.seq, query.at_ms) {
        (Some(seq), None) if seq > head.seq => {
            let detail = format!("the newest event is {}", head.seq);
            return Err(Error::field("seq", detail));
        }
        (Some(seq), None) if seq < 0 => return Err(Error::field("seq", "must not be negative")),
        (Some(seq), None) => seq,
        (None, Some(at_ms)) => by_time(connection, topic, at_ms).await?,
        (None, None) | (Some(_), Some(_)) => {
            return Err(Error::field("seq", "say either `seq` or `at_ms`"));
        }
    };
    let Kept { seq, at_ms, state } = rebuild(connection, topic, seq).await?;
    Ok(TopicState { epoch: head.epoch, seq, at_ms, state })
}

async fn by_time(
    connection: &impl ConnectionTrait,
    topic: Topic,
    at_ms: i64,
) -> Result<i64, Error> {
    if let Some((seq, _)) = snapshots::at_time(connection, topic, at_ms).await? {
        return Ok(seq);
    }
    // Before every event that is kept: at the snapshot that stands for the rest, or before the log.
    match snapshots::numbers(connection, topic).await?.first() {
        None => Ok(0),
        Some(oldest) => {
            let kept = snapshots::before(connection, topic, *oldest).await?;
            if kept.is_some_and(|kept| kept.at_ms <= at_ms) {
                Ok(*oldest)
            } else {
                Err(compacted(*oldest))
            }
        }
    }
}

fn compacted(oldest: i64) -> Error {
    let detail = format!("the log was compacted: nothing before event {oldest} is kept");
    Error::new(ErrorCode::Gone, detail).hint("how much is kept is set in `[history]` of grove.toml")
}

/// Puts the state after an event together: the snapshot before it, and the events between.
///
/// # Errors
/// `Gone` when no snapshot or beginning is kept from which the log leads there.
pub(crate) async fn rebuild(
    connection: &impl ConnectionTrait,
    topic: Topic,
    seq: i64,
) -> Result<Kept, Error> {
    let base = snapshots::before(connection, topic, seq).await?;
    let mut kept = base.unwrap_or(Kept { seq: 0, at_ms: 0, state: State::new() });
    let page = u64::try_from(limits::EV_FRAME_EVENTS).unwrap_or(u64::MAX);
    while kept.seq < seq {
        let left = u64::try_from(seq - kept.seq).unwrap_or(0);
        let events = store::after(connection, topic, kept.seq, page.min(left)).await?;
        if events.is_empty() {
            return Err(compacted(kept.seq + 1));
        }
        for event in events {
            if event.seq != kept.seq + 1 {
                return Err(compacted(event.seq));
            }
            play(&mut kept.state, event.ops);
            (kept.seq, kept.at_ms) = (event.seq, event.at);
        }
    }
    Ok(kept)
}

//! The care of logs: snapshots at intervals, and the end of what is older than what is kept; then of
//! pictures that nothing that is kept shows any more.
//!
//! Work comes in small steps, each a transaction of its own, so that nobody waits for it. A log is cut
//! only at a snapshot, so that every moment after the cut can still be read.

use super::moments;
use crate::clock;
use crate::context::Ctx;
use crate::error::Error;
use crate::events::model::{Retention, next_snapshot};
use crate::events::store::{self, snapshots};
use crate::{boards, sessions, users};
use grove_core_api::event::Topic;
use grove_core_api::{UnixMillis, limits};
use std::time::Duration;
use tokio::time::{MissedTickBehavior, interval};
use uuid::Uuid;

/// Takes care of logs until Grove ends.
pub(crate) async fn upkeep(ctx: Ctx) {
    let mut ticks = interval(Duration::from_millis(limits::UPKEEP_MS));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let shutdown = ctx.app.shutdown.clone();
    let mut turn = Turn::default();
    loop {
        tokio::select! {
            () = shutdown.cancelled() => return,
            _ = ticks.tick() => {}
        }
        let round = async {
            some_logs(&ctx, &mut turn).await?;
            boards::service::images::sweep(&ctx, &mut turn.images).await?;
            people(&ctx).await
        };
        tokio::select! {
            () = shutdown.cancelled() => return,
            done = round => if let Err(error) = done {
                tracing::warn!(%error, "failed to take care of a log");
            },
        }
    }
}

/// Where the next round goes on; `None` at the beginning.
#[derive(Debug, Default)]
struct Turn {
    boards: Option<Uuid>,
    sessions: Option<Uuid>,
    images: Option<Uuid>,
}

fn retention(ctx: &Ctx) -> Retention {
    let history = ctx.app.config.file.history;
    Retention { keep_events: history.keep_events, keep_days: history.keep_days }
}

/// Looks after the logs of the next boards and the next sessions.
async fn some_logs(ctx: &Ctx, turn: &mut Turn) -> Result<(), Error> {
    let most = limits::LOG_CARE_TOPICS;
    let ids = boards::service::ids_after(ctx.read(), turn.boards, most).await?;
    turn.boards = next_after(ids.iter().map(|id| id.0), most);
    let boards = ids.into_iter().map(Topic::Board);
    let ids = sessions::service::ids_after(ctx.read(), turn.sessions, most).await?;
    turn.sessions = next_after(ids.iter().map(|id| id.0), most);
    let sessions = ids.into_iter().map(Topic::Session);
    for topic in boards.chain(sessions) {
        for _ in 0..limits::LOG_CARE_STEPS {
            if !step(ctx, topic, clock::now()).await? {
                break;
            }
        }
    }
    Ok(())
}

/// Where to go on after a page of ids; `None` after the last page.
pub(crate) fn next_after(ids: impl ExactSizeIterator<Item = Uuid>, most: u64) -> Option<Uuid> {
    let is_last = u64::try_from(ids.len()).unwrap_or(u64::MAX) < most;
    ids.last().filter(|_| !is_last)
}

/// One step of the care of a log; returns whether there is more to do.
async fn step(ctx: &Ctx, topic: Topic, now: UnixMillis) -> Result<bool, Error> {
    let keep = retention(ctx);
    let head = store::head(ctx.read(), topic).await?.seq;
    let numbers = snapshots::numbers(ctx.read(), topic).await?;
    let newest = numbers.last().copied().unwrap_or(0);
    let boundary = boundary(ctx, topic, keep, (head, now)).await?;
    if let Some(seq) = next_snapshot(newest, head, boundary) {
        let kept = moments::rebuild(ctx.read(), topic, seq).await?;
        ctx.app
            .db
            .write(Box::new(move |connection| {
                let kept = kept.clone();
                Box::pin(async move { snapshots::insert(connection, topic, kept).await })
            }))
            .await?;
        return Ok(true);
    }
    let Some(boundary) = boundary else { return Ok(false) };
    let Some(cut) = numbers.iter().rev().find(|seq| **seq <= boundary).copied() else {
        return Ok(false);
    };
    let cutoff = keep.cutoff(now);
    let removed = ctx
        .app
        .db
        .write(Box::new(move |connection| {
            Box::pin(async move {
                snapshots::forget(connection, topic, cut).await?;
                if let (Some(cutoff), Topic::Board(board)) = (cutoff, topic) {
                    snapshots::forget_removed(connection, board, cutoff).await?;
                }
                snapshots::prune(connection, topic, cut, limits::LOG_PRUNE_EVENTS).await
            })
        }))
        .await?;
    if removed > 0 {
        tracing::debug!(%topic, removed, cut, "compacted the log of {topic}");
    }
    Ok(removed > 0)
}

/// The newest event that is not kept, when the log is long or old enough.
async fn boundary(
    ctx: &Ctx,
    topic: Topic,
    keep: Retention,
    (head, now): (i64, UnixMillis),
) -> Result<Option<i64>, Error> {
    let Some((oldest, oldest_at_ms)) = snapshots::oldest(ctx.read(), topic).await? else {
        return Ok(None);
    };
    let too_many = keep.surplus(oldest, head);
    let too_old = match keep.cutoff(now) {
        Some(cutoff) if keep.is_overdue(oldest_at_ms, now) => {
            snapshots::at_time(ctx.read(), topic, cutoff).await?.map(|(seq, _)| seq)
        }
        Some(_) | None => None,
    };
    Ok(too_many.max(too_old))
}

/// Shortens people's own logs: their topics are small, and a snapshot serves who was away long.
async fn people(ctx: &Ctx) -> Result<(), Error> {
    for user in users::service::active(ctx.read(), limits::USER_TOPICS).await? {
        let topic = Topic::User(user);
        let cut = store::head(ctx.read(), topic).await?.seq - limits::USER_EVENTS;
        if cut <= 0 {
            continue;
        }
        ctx.app
            .db
            .write(Box::new(move |connection| {
                Box::pin(async move {
                    snapshots::prune(connection, topic, cut, limits::LOG_PRUNE_EVENTS).await
                })
            }))
            .await?;
    }
    Ok(())
}

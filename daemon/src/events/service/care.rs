//! The care of logs: snapshots at intervals, and the end of what is older than what is kept.
//!
//! Work comes in small steps, each a transaction of its own, so that nobody waits for it. A log is cut
//! only at a snapshot, so that every moment after the cut can still be read.

use super::moments;
use crate::clock;
use crate::context::Ctx;
use crate::error::Error;
use crate::events::model::{Retention, next_snapshot};
use crate::events::store::{self, snapshots};
use crate::{boards, users};
use grove_core_api::event::Topic;
use grove_core_api::{BoardId, UnixMillis, limits};
use std::time::Duration;
use tokio::time::{MissedTickBehavior, interval};
use uuid::Uuid;

/// Takes care of logs until Grove ends.
pub(crate) async fn upkeep(ctx: Ctx) {
    let mut ticks = interval(Duration::from_millis(limits::UPKEEP_MS));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let shutdown = ctx.app.shutdown.clone();
    let mut after = None;
    loop {
        tokio::select! {
            () = shutdown.cancelled() => return,
            _ = ticks.tick() => {}
        }
        let round = async {
            after = some_boards(&ctx, after).await?;
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

fn retention(ctx: &Ctx) -> Retention {
    let history = ctx.app.config.file.history;
    Retention { keep_events: history.keep_events, keep_days: history.keep_days }
}

/// Looks after the next boards; returns where to go on, `None` after the last one.
async fn some_boards(ctx: &Ctx, after: Option<Uuid>) -> Result<Option<Uuid>, Error> {
    let most = limits::LOG_CARE_TOPICS;
    let ids = boards::service::ids_after(ctx.read(), after, most).await?;
    for id in &ids {
        for _ in 0..limits::LOG_CARE_STEPS {
            if !step(ctx, *id, clock::now()).await? {
                break;
            }
        }
    }
    let is_last = u64::try_from(ids.len()).unwrap_or(u64::MAX) < most;
    Ok(ids.last().filter(|_| !is_last).map(|id| id.0))
}

/// One step of the care of a board's log; returns whether there is more to do.
async fn step(ctx: &Ctx, board: BoardId, now: UnixMillis) -> Result<bool, Error> {
    let topic = Topic::Board(board);
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
                if let Some(cutoff) = cutoff {
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

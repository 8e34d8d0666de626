//! What happens when rights have changed: at once here, over the bus at other daemons, and by looking
//! at the database where the bus lost the message.

use super::{may_prompt, standing};
use crate::app::App;
use crate::context::Ctx;
use crate::error::Error;
use crate::sessions::service::StopReason;
use crate::{sessions, settings, tasks};
use grove_core_api::rest::tasks::TaskState;
use grove_core_api::{UserId, limits};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::MissedTickBehavior;
use uuid::Uuid;

/// Fact that a turn was refused or stopped for.
pub(crate) const RIGHT_LOST: &str = "right_lost";

/// Rights were changed and stored: those of one person, or of many.
pub(crate) async fn changed(ctx: &Ctx, person: Option<UserId>) {
    ctx.app.rights.raise();
    ctx.app.hub.recheck(person);
    enforce(&ctx.app).await;
}

/// Stops the turns of people who may not prompt there any more. Turns that wait are refused when they
/// would start.
pub(crate) async fn enforce(app: &Arc<App>) {
    let ctx = Ctx::system(app, app.owner());
    if let Err(error) = stop_turns(&ctx).await {
        tracing::warn!(%error, "turns could not be checked after a change of rights");
    }
}

async fn stop_turns(ctx: &Ctx) -> Result<(), Error> {
    for session in tasks::service::sessions_with(ctx.read(), TaskState::Running).await? {
        let running = tasks::service::first_in(ctx.read(), session, TaskState::Running).await?;
        let Some(task) = running else { continue };
        let Some(board) = sessions::service::board_of(ctx.read(), session).await? else { continue };
        if may_prompt(ctx.read(), task.created_by, board).await?
            || sessions::service::here(ctx, session).await.is_err()
        {
            continue;
        }
        let detail = "who prompted may not prompt on this board any more".to_owned();
        let reason = StopReason { fact: RIGHT_LOST.to_owned(), detail };
        if sessions::service::stop_for(ctx, session, task.id, reason).await? {
            ctx.app.pool.cancel(session, task.id);
        }
    }
    Ok(())
}

/// Looks each second whether another daemon changed rights, until Grove ends.
pub(crate) async fn follow(ctx: Ctx) {
    if !ctx.app.hub.bus().is_shared() {
        return;
    }
    let mut ticks = tokio::time::interval(Duration::from_millis(limits::RIGHTS_AGE_MS));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut known: Option<Option<Uuid>> = None;
    loop {
        tokio::select! {
            () = ctx.app.shutdown.cancelled() => return,
            _ = ticks.tick() => {}
        }
        let mark = match settings::service::get(&ctx.app.db, standing::MARK).await {
            Ok(mark) => mark,
            Err(error) => {
                tracing::debug!(%error, "the mark of the rights could not be read");
                continue;
            }
        };
        if known.replace(mark).is_some_and(|before| before != mark) {
            ctx.app.rights.raise();
            ctx.app.hub.recheck_here(None);
            enforce(&ctx.app).await;
        }
    }
}

//! Reading the registry, the steps of an executor's life that its session takes with it, and
//! restarting one.

pub(crate) use super::model::allowance::{Allowance, out_of_range};
pub(crate) use super::model::{Health, Permit, disk_excess};

use super::store;
use crate::auth::policy::Action;
use crate::clock;
use crate::context::{Ctx, Tx};
use crate::error::Error;
use crate::grants::seen::Seen;
use crate::{lookup, repos, sessions, validate};
use grove_core_api::isolation::SandboxReport;
use grove_core_api::monitor::ExecutorRole;
use grove_core_api::rest::executors::{
    Executor, ExecutorEnd, ExecutorQuery, ExecutorState, ResourceLimits,
};
use grove_core_api::{ErrorCode, ExecutorId, IdRef, Page, SessionId, UnixMillis, limits};
use sea_orm::ConnectionTrait;

pub(crate) async fn find(ctx: &Ctx, id: &IdRef) -> Result<ExecutorId, Error> {
    store::find(ctx.read(), id, ctx.seen()).await
}

pub(crate) async fn get(ctx: &Ctx, id: ExecutorId) -> Result<Executor, Error> {
    allowed(ctx, Action::ReadBoard, id).await
}

/// An executor on whose session's board the caller may do this; keepers are the administrators'.
async fn allowed(ctx: &Ctx, action: Action, id: ExecutorId) -> Result<Executor, Error> {
    let unseen = || Error::not_found(ExecutorId::NOUN, id);
    let executor = load(ctx.read(), id).await?;
    let board = match executor.session_id {
        Some(session) => sessions::service::board_of(ctx.read(), session).await?,
        None => None,
    };
    match board {
        Some(board) => ctx.on_place(action, board, unseen).await.map(drop)?,
        None if ctx.seen() == Seen::All => ctx.authorize(action)?,
        None => return Err(unseen()),
    }
    Ok(executor)
}

async fn load(connection: &impl ConnectionTrait, id: ExecutorId) -> Result<Executor, Error> {
    let executor = store::get(connection, id).await?;
    executor.ok_or_else(|| Error::not_found(ExecutorId::NOUN, id))
}

pub(crate) async fn list(ctx: &Ctx, query: &ExecutorQuery) -> Result<Page<Executor>, Error> {
    ctx.authorize(Action::Read)?;
    let limit = validate::limit(query.limit)?;
    let before = lookup::cursor(query.cursor.as_deref())?;
    let (seen, session) = (ctx.seen(), query.session_id);
    let executors = store::list(ctx.read(), seen, session, before, limit + 1).await?;
    Ok(lookup::page(executors, limit, |executor| executor.id.0))
}

/// Ends the executor, forgets its crashes, and starts a fresh one for the same session.
pub(crate) async fn restart(ctx: &Ctx, id: ExecutorId) -> Result<Executor, Error> {
    let executor = allowed(ctx, Action::RestartExecutors, id).await?;
    let Some(session) = executor.session_id else {
        return Err(Error::new(ErrorCode::Conflict, "a keeper is started again by itself")
            .hint("name the executor of a session"));
    };
    sessions::service::here(ctx, session).await?;
    if sessions::service::get(ctx, session).await?.archived_at_ms.is_some() {
        return Err(
            Error::new(ErrorCode::Gone, "the session is archived").hint("bring it back first")
        );
    }
    let fresh = ctx.app.pool.restart(session).await?;
    load(ctx.read(), fresh).await
}

/// What the executors of a session may use and reach now.
pub(crate) async fn allowance(ctx: &Ctx, session: SessionId) -> Result<Allowance, Error> {
    let session = sessions::service::load(ctx.read(), session).await?.session;
    let repo = repos::service::load(ctx.read(), session.repo_id).await?;
    Ok(ctx.app.config.allowance().narrowed(&repo.policy))
}

/// What an executor that lives was started with.
pub(crate) async fn allowance_of(ctx: &Ctx, id: ExecutorId) -> Result<Allowance, Error> {
    let executor = load(ctx.read(), id).await?;
    let report = executor.report.unwrap_or_default();
    let (network, isolation) = (report.network, Some(report.mode));
    Ok(Allowance { network, isolation, limits: executor.limits })
}

/// The limit of memory that an executor was started with, for telling how it ended; without the
/// registry's word the number is left out.
pub(crate) async fn memory_mib_of(ctx: &Ctx, id: ExecutorId) -> Option<u32> {
    match load(ctx.read(), id).await {
        Ok(executor) => executor.limits.memory_mib,
        Err(error) => {
            tracing::warn!(executor.id = %id, %error, "an executor's limits are not known");
            None
        }
    }
}

/// Notes an executor that is about to be started for a session. `node` is the daemon's name.
pub(crate) async fn begin(
    tx: &Tx<'_>,
    (id, session): (ExecutorId, SessionId),
    restarts: u32,
    allowance: &Allowance,
    node: &str,
) -> Result<(), Error> {
    let role = (ExecutorRole::Session, Some(session));
    let executor = Executor { limits: allowance.limits, ..fresh(id, role, restarts, tx.now, node) };
    store::insert(tx.connection(), &executor).await
}

/// One that is about to be started.
fn fresh(
    id: ExecutorId,
    (role, session_id): (ExecutorRole, Option<SessionId>),
    restarts: u32,
    now: UnixMillis,
    node: &str,
) -> Executor {
    Executor {
        id,
        role,
        session_id,
        node: node.to_owned(),
        state: if restarts > 0 { ExecutorState::Degraded } else { ExecutorState::Healthy },
        account: String::new(),
        uid: 0,
        pid: None,
        restarts,
        limits: ResourceLimits::default(),
        report: None,
        end: None,
        started_at_ms: now,
        ended_at_ms: None,
    }
}

/// Notes a keeper that is about to be started.
pub(crate) async fn keeper_begins(ctx: &Ctx, id: ExecutorId, restarts: u32) -> Result<(), Error> {
    let node = ctx.app.hub.bus().name().to_owned();
    ctx.write(move |tx| {
        let keeper = fresh(id, (ExecutorRole::Keeper, None), restarts, tx.now, &node);
        Box::pin(async move { store::insert(tx.connection(), &keeper).await })
    })
    .await
}

/// As [`lives`], for a keeper.
pub(crate) async fn keeper_lives(
    ctx: &Ctx,
    id: ExecutorId,
    pid: i32,
    report: SandboxReport,
) -> Result<(), Error> {
    ctx.write(move |tx| {
        let report = report.clone();
        Box::pin(async move { lives(tx, id, pid, &report).await })
    })
    .await
}

/// As [`fares`], for a keeper.
pub(crate) async fn keeper_fares(
    ctx: &Ctx,
    id: ExecutorId,
    state: ExecutorState,
) -> Result<(), Error> {
    ctx.write(move |tx| Box::pin(fares(tx, id, state))).await
}

/// As [`ended`], for a keeper.
pub(crate) async fn keeper_ended(
    ctx: &Ctx,
    id: ExecutorId,
    state: ExecutorState,
    end: ExecutorEnd,
) -> Result<(), Error> {
    ctx.write(move |tx| Box::pin(ended(tx, id, state, end.clone()))).await
}

/// Notes that it lives, and how it is kept in its place.
pub(crate) async fn lives(
    tx: &Tx<'_>,
    id: ExecutorId,
    pid: i32,
    report: &SandboxReport,
) -> Result<(), Error> {
    let Some(mut executor) = store::get(tx.connection(), id).await? else { return Ok(()) };
    executor.account.clone_from(&report.account);
    executor.uid = report.uid;
    executor.pid = Some(pid);
    executor.report = Some(report.clone());
    store::update(tx.connection(), &executor).await
}

/// Notes how it is by now.
pub(crate) async fn fares(tx: &Tx<'_>, id: ExecutorId, state: ExecutorState) -> Result<(), Error> {
    let Some(mut executor) = store::get(tx.connection(), id).await? else { return Ok(()) };
    executor.state = state;
    store::update(tx.connection(), &executor).await
}

/// Notes how it ended, and how it is.
pub(crate) async fn ended(
    tx: &Tx<'_>,
    id: ExecutorId,
    state: ExecutorState,
    end: ExecutorEnd,
) -> Result<(), Error> {
    let Some(mut executor) = store::get(tx.connection(), id).await? else { return Ok(()) };
    executor.state = state;
    executor.end = Some(end);
    executor.ended_at_ms = Some(tx.now);
    store::update(tx.connection(), &executor).await
}

/// After a start of the daemon: notes the end of executors that are neither alive nor any session's,
/// and of every keeper before: none is taken up again.
///
/// `others` are sessions of other daemons, which look after their own.
pub(crate) async fn settle_strays(
    ctx: &Ctx,
    live: Vec<ExecutorId>,
    others: Vec<SessionId>,
) -> Result<(), Error> {
    let node = ctx.app.hub.bus().name().to_owned();
    ctx.write(move |tx| {
        let (live, others, node) = (live.clone(), others.clone(), node.clone());
        Box::pin(async move {
            for stray in store::without_end(tx.connection()).await? {
                let Some(how) = stray_end(&stray, &live, &others, &node) else { continue };
                let end =
                    ExecutorEnd { how: how.to_owned(), is_crash: false, is_out_of_memory: false };
                ended(tx, stray.id, ExecutorState::Ended, end).await?;
            }
            Ok(())
        })
    })
    .await
}

/// How one ended that has no end in the registry; `None` when it lives or is another daemon's.
fn stray_end(
    stray: &Executor,
    live: &[ExecutorId],
    others: &[SessionId],
    node: &str,
) -> Option<&'static str> {
    match stray.role {
        ExecutorRole::Keeper => {
            // Without a name it is from the time when the daemon was alone.
            let is_ours = stray.node.is_empty() || stray.node == node;
            is_ours.then_some("the daemon that it worked for ended")
        }
        ExecutorRole::Session => {
            let is_others = stray.session_id.is_some_and(|it| others.contains(&it));
            let is_known = is_others || live.contains(&stray.id);
            (!is_known).then_some("it ended while Grove was not running; how is not known")
        }
    }
}

/// Removes the oldest executors when there are too many.
pub(crate) async fn prune(ctx: &Ctx) -> Result<u64, Error> {
    ctx.write(move |tx| {
        Box::pin(async move { store::prune(tx.connection(), limits::EXECUTOR_ROWS).await })
    })
    .await
}

/// Once a minute: removes what has expired.
pub(crate) async fn upkeep(ctx: Ctx) {
    let mut ticks = tokio::time::interval(std::time::Duration::from_millis(limits::UPKEEP_MS));
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let shutdown = ctx.app.shutdown.clone();
    loop {
        tokio::select! {
            () = shutdown.cancelled() => return,
            _ = ticks.tick() => {}
        }
        match crate::auth::session_token::sweep(&ctx.app, clock::now()).await {
            Ok(0) => {}
            Ok(count) => tracing::info!(count, "removed expired session tokens"),
            Err(error) => tracing::warn!(%error, "failed to remove expired session tokens"),
        }
        if let Err(error) = prune(&ctx).await {
            tracing::warn!(%error, "failed to remove old executors");
        }
    }
}

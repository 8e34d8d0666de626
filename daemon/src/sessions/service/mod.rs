//! What people and agents may do with sessions: reading and renaming here, each larger act in a
//! file of its own.

pub(crate) mod agents;
mod create;
mod ingest;
mod permission;
mod prompt;
mod recover;
mod state;

pub(crate) use create::{create, spawn};
pub(crate) use ingest::{Ingest, Live, ingest};
pub(crate) use permission::{answer, find_permission, unconfirmed_answers};
pub(crate) use prompt::{
    Start, give_back, interrupt, prompt, start_next, stop, stop_for, stopped_by_force,
};
pub(crate) use recover::{
    assign_executor, executor_fares, executor_gone, executor_lives, executor_permit,
    failed_to_start, forget_crashes, with_executors,
};

pub(crate) use super::model::{Record, StopReason};
pub(crate) use super::store::board_of;

use super::model;
use super::store::{self, Filter};
use crate::auth::policy::Action;
use crate::boards::service::CardPlace;
use crate::context::Ctx;
use crate::error::Error;
use crate::grants::seen::Seen;
use crate::{comments, events, lookup, messages, patch_ops, repos, tasks, validate, worktrees};
use grove_core_api::event::{Object, Topic};
use grove_core_api::rest::boards::SessionCard;
use grove_core_api::rest::messages::{Body, MessageQuery, Role};
use grove_core_api::rest::sessions::{
    PatchSession, RunState, Session, SessionQuery, SessionResult,
};
use grove_core_api::rest::users::User;
use grove_core_api::rest::worktrees::{Diff, WorktreeState};
use grove_core_api::{BoardId, ErrorCode, IdRef, Page, SessionId, WorktreeId, limits};
use sea_orm::ConnectionTrait;
use std::collections::{BTreeMap, HashMap};
use uuid::Uuid;

pub(crate) async fn find(ctx: &Ctx, id: &IdRef) -> Result<SessionId, Error> {
    store::find(ctx.read(), id, ctx.seen()).await
}

pub(crate) async fn get(ctx: &Ctx, id: SessionId) -> Result<Session, Error> {
    ctx.on_session(Action::ReadBoard, id).await?;
    Ok(load(ctx.read(), id).await?.session)
}

/// Fails unless the session's executors are this daemon's.
///
/// # Errors
/// `Elsewhere` with the name of the daemon whose they are.
pub(crate) async fn here(ctx: &Ctx, id: SessionId) -> Result<(), Error> {
    if !ctx.app.hub.bus().is_shared() {
        return Ok(());
    }
    repos::service::here(ctx, load(ctx.read(), id).await?.session.repo_id).await
}

/// The session that an agent calls from.
pub(crate) async fn current(ctx: &Ctx) -> Result<Session, Error> {
    let id = ctx.actor.session().ok_or_else(|| {
        Error::new(ErrorCode::InvalidRequest, "the call does not come from a session")
            .hint("name the session that you mean")
    })?;
    get(ctx, id).await
}

pub(crate) async fn load(
    connection: &impl ConnectionTrait,
    id: SessionId,
) -> Result<Record, Error> {
    store::get(connection, id).await?.ok_or_else(|| Error::not_found(SessionId::NOUN, id))
}

pub(crate) async fn list(ctx: &Ctx, query: &SessionQuery) -> Result<Page<Session>, Error> {
    ctx.authorize(Action::Read)?;
    let limit = validate::limit(query.limit)?;
    let filter = Filter {
        seen: ctx.seen(),
        board: query.board_id,
        state: query.state,
        parent: query.parent_id,
        include_archived: query.include_archived.unwrap_or(false),
        before: lookup::cursor(query.cursor.as_deref())?,
    };
    let sessions = store::list(ctx.read(), filter, Some(limit + 1)).await?;
    Ok(lookup::page(sessions, limit, |session| session.id.0))
}

/// Cards of a board's living sessions by id; their places are filled in by the board.
pub(crate) async fn cards_on_board(
    connection: &impl ConnectionTrait,
    board: BoardId,
) -> Result<HashMap<Uuid, SessionCard>, Error> {
    let filter = Filter { board: Some(board), ..Filter::default() };
    let sessions = store::list(connection, filter, None).await?;
    Ok(sessions.iter().map(|it| (it.id.0, model::card(it, CardPlace::default()))).collect())
}

pub(crate) use super::store::ids_after;

/// Whether a session is archived; one that is not there counts as archived.
pub(crate) async fn is_archived(
    connection: &impl ConnectionTrait,
    id: SessionId,
) -> Result<bool, Error> {
    let found = store::get(connection, id).await?;
    Ok(found.is_none_or(|it| it.session.archived_at_ms.is_some()))
}

/// The newest sessions that somebody sees and that wait for a person or have failed.
pub(crate) async fn waiting(
    connection: &impl ConnectionTrait,
    seen: Seen,
    limit: u64,
) -> Result<Vec<Session>, Error> {
    waiting_of(connection, Filter { seen, ..Filter::default() }, limit).await
}

/// The newest sessions of a board that wait for a person or have failed.
pub(crate) async fn waiting_on(
    connection: &impl ConnectionTrait,
    board: BoardId,
) -> Result<Vec<Session>, Error> {
    let filter = Filter { board: Some(board), ..Filter::default() };
    waiting_of(connection, filter, limits::USER_ATTENTION).await
}

async fn waiting_of(
    connection: &impl ConnectionTrait,
    filter: Filter,
    limit: u64,
) -> Result<Vec<Session>, Error> {
    let states =
        [RunState::AwaitingApproval, RunState::AwaitingInput, RunState::Failed, RunState::Lost];
    let mut found = Vec::new();
    for state in states {
        let filter = Filter { state: Some(state), ..filter };
        found.extend(store::list(connection, filter, Some(limit)).await?);
    }
    found.sort_unstable_by_key(|session| std::cmp::Reverse(session.id));
    found.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
    Ok(found)
}

/// Living sessions that use a worktree.
pub(crate) async fn of_worktree(ctx: &Ctx, id: WorktreeId) -> Result<Vec<SessionId>, Error> {
    Ok(store::of_worktree(ctx.read(), id).await?.iter().map(|it| it.id).collect())
}

/// A session that works in the worktree right now.
pub(crate) async fn busy_in(ctx: &Ctx, id: WorktreeId) -> Result<Option<SessionId>, Error> {
    let sessions = store::of_worktree(ctx.read(), id).await?;
    Ok(sessions.iter().find(|it| it.state.is_busy()).map(|it| it.id))
}

pub(crate) async fn patch(ctx: &Ctx, id: SessionId, body: PatchSession) -> Result<Session, Error> {
    let held = ctx.on_session(Action::EditSessions, id).await?;
    let title = body.title.map(|title| validate::title("title", &title)).transpose()?;
    if body.is_archived.is_some() {
        here(ctx, id).await?;
    }
    ctx.write(move |tx| {
        let title = title.clone();
        Box::pin(async move {
            let before = load(tx.connection(), id).await?;
            if before.session.created_by != tx.actor.user {
                held.require(tx.connection(), Action::SteerOthers).await?;
            }
            let mut after = before.clone();
            after.session.title = title.unwrap_or(after.session.title);
            if let Some(is_archived) = body.is_archived {
                if is_archived && before.session.state.is_busy() {
                    return Err(busy(&before.session));
                }
                let since = before.session.archived_at_ms.unwrap_or(tx.now);
                after.session.archived_at_ms = is_archived.then_some(since);
            }
            let evidence = match body.is_archived {
                Some(true) => Some(("archived", "a person put it away")),
                Some(false) => Some(("unarchived", "a person brought it back")),
                None => None,
            };
            state::settle(tx, &before, after, evidence).await
        })
    })
    .await
}

fn busy(session: &Session) -> Error {
    let state = session.state.as_str();
    Error::new(ErrorCode::Conflict, format!("the session is busy ({state})"))
        .hint("stop it first, or wait until it is done")
}

/// Stops a session, puts it away and moves its worktree to the trash when nobody else uses it.
pub(crate) async fn remove(ctx: &Ctx, id: SessionId) -> Result<Session, Error> {
    let held = ctx.on_session(Action::RemoveWorktrees, id).await?;
    let session = load(ctx.read(), id).await?.session;
    if session.created_by != ctx.actor.user {
        held.require(ctx.read(), Action::SteerOthers).await?;
    }
    if session.state.is_busy() {
        stop(ctx, id).await?;
        ctx.app.pool.until_idle(id).await?;
    }
    let patch_body = PatchSession { title: None, is_archived: Some(true) };
    let session = patch(ctx, id, patch_body).await?;
    ctx.app.pool.retire(id).await;
    let worktree = worktrees::service::load(ctx.read(), session.worktree_id).await?;
    let is_free = store::of_worktree(ctx.read(), worktree.id).await?.is_empty();
    // A worktree of somebody else is theirs to remove, unless one steers.
    let is_theirs = worktree.created_by != ctx.actor.user && !held.is_enough(Action::SteerOthers);
    if is_free && !is_theirs && worktree.state == WorktreeState::Ready {
        worktrees::service::remove(ctx, worktree.id).await?;
    }
    Ok(session)
}

/// Stops everything that works for a person: the sessions they made, and those in their worktrees.
pub(crate) async fn end_all_of(ctx: &Ctx, user: &User) -> Result<(), Error> {
    let worktrees = match &user.unix_account {
        Some(account) => worktrees::service::of_account(ctx, account).await?,
        None => Vec::new(),
    };
    let sessions = store::of_person(ctx.read(), user.id, worktrees).await?;
    let end = |id: SessionId| async move {
        let stopped = stop(ctx, id).await;
        ctx.app.pool.retire(id).await;
        stopped.map(|_| ())
    };
    let ended: Result<Vec<()>, Error> =
        futures_util::future::join_all(sessions.into_iter().map(end)).await.into_iter().collect();
    ended.map(|_| ())
}

pub(crate) async fn diff(ctx: &Ctx, id: SessionId) -> Result<Diff, Error> {
    let session = get(ctx, id).await?;
    worktrees::service::diff(ctx, session.worktree_id).await
}

/// What came out of a session so far.
pub(crate) async fn result(ctx: &Ctx, id: SessionId) -> Result<SessionResult, Error> {
    let session = get(ctx, id).await?;
    let query = MessageQuery { limit: Some(200), ..MessageQuery::default() };
    let history = messages::service::list(ctx, id, None, &query).await?;
    let text = history
        .items
        .iter()
        .rev()
        .find(|it| it.role == Role::Assistant && it.body == Body::Text)
        .map(|it| it.text.clone())
        .unwrap_or_default();
    let changed_files = match worktrees::service::diff(ctx, session.worktree_id).await {
        Ok(diff) => diff.files.into_iter().map(|file| file.path).collect(),
        // A worktree in the trash has no files to compare; its result is still worth reading.
        Err(error) if error.code() == ErrorCode::Gone => Vec::new(),
        Err(error) => return Err(error),
    };
    let pending = messages::service::permissions(ctx.read(), id, true).await?;
    Ok(SessionResult {
        state: session.state,
        text,
        changed_files,
        last_task: tasks::service::last(ctx.read(), id).await?,
        pending_permissions: pending.iter().map(|it| it.id).collect(),
    })
}

/// The whole state of a session's topic: the session, its newest tasks and messages.
pub(crate) async fn snapshot(
    connection: &impl ConnectionTrait,
    id: SessionId,
) -> Result<BTreeMap<String, Object>, Error> {
    let session = load(connection, id).await?.session;
    let mut state = BTreeMap::new();
    let mut add = |id: String, kind: &str, v| {
        state.insert(id, Object { kind: kind.to_owned(), v });
    };
    add(session.id.to_string(), "session", patch_ops::properties(&session)?);
    for task in tasks::service::newest(connection, id, limits::PAGE_MAX).await? {
        add(task.id.to_string(), "task", patch_ops::properties(&task)?);
    }
    let most = limits::SESSION_SNAPSHOT_MESSAGES;
    for message in messages::service::newest(connection, id, None, most).await? {
        add(message.id.to_string(), "message", patch_ops::properties(&message)?);
    }
    state.extend(comments::service::in_session(connection, id).await?);
    Ok(state)
}

/// The log of a session's topic.
pub(crate) async fn events(
    ctx: &Ctx,
    id: SessionId,
    query: &grove_core_api::rest::messages::EventQuery,
) -> Result<grove_core_api::rest::messages::EventList, Error> {
    get(ctx, id).await?;
    events::service::list(ctx, Topic::Session(id), query).await
}

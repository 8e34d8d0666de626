//! What people and agents may do with worktrees; whose they are is in a file of its own.

mod place;

pub(crate) use place::{account_name, launch, of_account, orphan, publish};

use super::store;
use crate::auth::policy::Action;
use crate::clock;
use crate::context::Ctx;
use crate::error::Error;
use crate::grants::seen::Seen;
use crate::grants::service::Held;
use crate::repos::service::{Homes, local_time};
use crate::{boards, lookup, repos, sessions, users, validate};
use grove_core_api::ipc::method::{
    AddWorktree, DiffWorktree, Snapshot, TakeSnapshot, WorktreeAdded,
};
use grove_core_api::isolation::UnixAccount;
use grove_core_api::rest::repos::Repo;
use grove_core_api::rest::worktrees::{
    CreateWorktree, Diff, PatchWorktree, Worktree, WorktreeState,
};
use grove_core_api::{BoardId, ErrorCode, IdRef, Page, PageQuery, RepoId, WorktreeId};
use sea_orm::ConnectionTrait;

pub(crate) async fn find(ctx: &Ctx, id: &IdRef) -> Result<WorktreeId, Error> {
    store::find(ctx.read(), id, ctx.seen()).await
}

pub(crate) async fn get(ctx: &Ctx, id: WorktreeId) -> Result<Worktree, Error> {
    allowed(ctx, Action::ReadBoard, id).await.map(|(worktree, _)| worktree)
}

/// A worktree on whose board the caller may do this, and what else they may there. One of no board is
/// that of who made it, and of admins.
pub(crate) async fn allowed(
    ctx: &Ctx,
    action: Action,
    id: WorktreeId,
) -> Result<(Worktree, Option<Held>), Error> {
    let unseen = || Error::not_found(WorktreeId::NOUN, id);
    let worktree = load(ctx.read(), id).await?;
    let held = match worktree.board_id {
        Some(board) => Some(ctx.on_place(action, board, unseen).await?),
        None if ctx.seen() == Seen::All || worktree.created_by == ctx.actor.user => {
            ctx.authorize(action)?;
            None
        }
        None => return Err(unseen()),
    };
    Ok((worktree, held))
}

pub(crate) async fn load(
    connection: &impl ConnectionTrait,
    id: WorktreeId,
) -> Result<Worktree, Error> {
    store::get(connection, id).await?.ok_or_else(|| Error::not_found(WorktreeId::NOUN, id))
}

/// A worktree that can be worked in.
pub(crate) async fn ready(
    connection: &impl ConnectionTrait,
    id: WorktreeId,
) -> Result<Worktree, Error> {
    let worktree = load(connection, id).await?;
    match worktree.state {
        WorktreeState::Ready => Ok(worktree),
        WorktreeState::Creating => Err(Error::new(
            ErrorCode::Conflict,
            format!("the worktree `{}` is still being made", worktree.name),
        )
        .hint("try again in a moment")),
        WorktreeState::Failed | WorktreeState::Trashed => Err(Error::new(
            ErrorCode::Gone,
            format!("the worktree `{}` is not there any more", worktree.name),
        )),
    }
}

pub(crate) async fn list(
    ctx: &Ctx,
    repo: Option<RepoId>,
    include_trashed: bool,
    query: &PageQuery,
) -> Result<Page<Worktree>, Error> {
    ctx.authorize(Action::Read)?;
    let limit = validate::limit(query.limit)?;
    let before = lookup::cursor(query.cursor.as_deref())?;
    let filter = store::Filter { seen: ctx.seen(), repo, include_trashed, before };
    let worktrees = store::list(ctx.read(), filter, limit).await?;
    Ok(lookup::page(worktrees, limit, |worktree| worktree.id.0))
}

pub(crate) async fn create(ctx: &Ctx, body: CreateWorktree) -> Result<Worktree, Error> {
    let board = board_for(ctx, body.board_id).await?;
    let name = validate::slug("name", &body.name)?;
    let branch = match &body.branch {
        Some(branch) => validate::branch(branch)?,
        None => validate::branch(&format!("grove/{name}"))?,
    };
    let issue_url = match &body.issue_url {
        Some(url) => validate::url("issue_url", url)?,
        None => None,
    };
    let base_ref = body.base_ref.as_deref().map(reference).transpose()?;
    let plan = Plan { name, branch, board, base_ref, issue_url, beside: None };
    add(ctx, body.repo_id, plan).await
}

/// The board that a new worktree belongs to: the one that is named, that of the agent's session, or
/// the oldest on which one may make worktrees. Without any board it belongs to none.
async fn board_for(ctx: &Ctx, named: Option<BoardId>) -> Result<Option<BoardId>, Error> {
    let board = match (named, ctx.actor.session()) {
        (Some(board), _) => board,
        (None, Some(_)) => sessions::service::current(ctx).await?.board_id,
        (None, None) => {
            ctx.authorize(Action::EditWorktrees)?;
            return boards::service::first_for(ctx, Action::EditWorktrees).await;
        }
    };
    ctx.on_board(Action::EditWorktrees, board).await?;
    Ok(Some(board))
}

/// What a new worktree is to be.
#[derive(Clone)]
pub(crate) struct Plan {
    pub(crate) name: String,
    pub(crate) branch: String,
    /// The board whose rights hold for it.
    pub(crate) board: Option<BoardId>,
    /// Branch, tag or commit; by default the repository's default branch.
    pub(crate) base_ref: Option<String>,
    pub(crate) issue_url: Option<String>,
    /// The worktree beside whose it is to be made, by the same account; by default it is the
    /// caller's.
    pub(crate) beside: Option<WorktreeId>,
}

/// Checks what git would take for an option or a range.
pub(crate) fn reference(text: &str) -> Result<String, Error> {
    let is_ok = !text.is_empty()
        && text.len() <= 200
        && !text.starts_with('-')
        && !text.contains("..")
        && !text.contains(':')
        && !text.bytes().any(|it| it <= b' ' || it == 0x7f);
    if is_ok {
        return Ok(text.to_owned());
    }
    let detail = format!("`{}` names no branch, tag or commit", text.escape_debug());
    Err(Error::new(ErrorCode::UnknownReference, detail)
        .hint("leave it out to start from the default branch"))
}

/// Makes a worktree: the row first, then the directory, then the row is ready.
pub(crate) async fn add(ctx: &Ctx, repo: RepoId, plan: Plan) -> Result<Worktree, Error> {
    repos::service::load(ctx.read(), repo).await?;
    repos::service::here(ctx, repo).await?;
    let account = match plan.beside {
        Some(other) => place::account(ctx, &load(ctx.read(), other).await?).await?,
        None => users::service::account(ctx, ctx.actor.user).await?,
    };
    let (repo, worktree) = reserve(ctx, repo, plan, account).await?;
    let id = worktree.id;
    match make(ctx, &repo, &worktree).await {
        Ok(added) => finish(ctx, worktree, added.base_commit).await,
        Err(error) => {
            // The keeper undid its part; nothing of this worktree is left but directory and row.
            place::remove_directory(ctx, &repo, &worktree).await;
            ctx.write(move |tx| Box::pin(async move { store::delete(tx.connection(), id).await }))
                .await?;
            Err(error)
        }
    }
}

/// Has the directory made where it must be, and filled by whom it belongs to.
async fn make(ctx: &Ctx, repo: &Repo, worktree: &Worktree) -> Result<WorktreeAdded, Error> {
    place::make_directory(ctx, repo, worktree).await?;
    let account = worktree.unix_account.as_ref();
    let call = AddWorktree {
        mirror: ctx.app.paths.mirror(repo.id),
        private: ctx.app.paths.private(account, repo.id),
        path: worktree.path.clone(),
        branch: worktree.branch.clone(),
        base_ref: worktree.base_ref.clone(),
    };
    ctx.app.pool.keeper(account).await?.call(call, local_time()).await
}

/// Whether no worktree of the repository has or had this name, so that its branch is new as well.
pub(crate) async fn is_new_name(ctx: &Ctx, repo: RepoId, name: &str) -> Result<bool, Error> {
    Ok(!store::was_used(ctx.read(), repo, name).await?)
}

async fn reserve(
    ctx: &Ctx,
    repo: RepoId,
    plan: Plan,
    account: Option<UnixAccount>,
) -> Result<(Repo, Worktree), Error> {
    let created_by = ctx.actor.user;
    let paths = ctx.app.paths.clone();
    ctx.write(move |tx| {
        let (plan, paths, account) = (plan.clone(), paths.clone(), account.clone());
        Box::pin(async move {
            let repo = repos::service::ready(tx.connection(), repo).await?;
            if store::is_taken(tx.connection(), repo.id, &plan.name).await? {
                let detail = format!("`{}` has a worktree called `{}`", repo.name, plan.name);
                return Err(Error::new(ErrorCode::Conflict, detail).hint("choose another name"));
            }
            let worktree = Worktree {
                id: clock::fresh_id(),
                repo_id: repo.id,
                board_id: plan.board,
                path: paths.worktree(account.as_ref(), &repo.name, &plan.name),
                name: plan.name,
                branch: plan.branch,
                base_ref: plan.base_ref.unwrap_or_else(|| repo.default_branch.clone()),
                base_commit: String::new(),
                state: WorktreeState::Creating,
                failure: None,
                issue_url: plan.issue_url,
                pull_request_url: None,
                notes: String::new(),
                trash_snapshot: None,
                unix_account: account,
                created_by,
                created_at_ms: tx.now,
                updated_at_ms: tx.now,
                trashed_at_ms: None,
            };
            store::insert(tx.connection(), &worktree).await?;
            Ok((repo, worktree))
        })
    })
    .await
}

async fn finish(ctx: &Ctx, worktree: Worktree, commit: String) -> Result<Worktree, Error> {
    ctx.write(move |tx| {
        let (mut worktree, commit) = (worktree.clone(), commit.clone());
        Box::pin(async move {
            worktree.base_commit = commit;
            worktree.state = WorktreeState::Ready;
            worktree.updated_at_ms = tx.now;
            store::update(tx.connection(), &worktree).await?;
            Ok(worktree)
        })
    })
    .await
}

pub(crate) async fn patch(
    ctx: &Ctx,
    id: WorktreeId,
    body: PatchWorktree,
) -> Result<Worktree, Error> {
    allowed(ctx, Action::EditWorktrees, id).await?;
    let issue = body.issue_url.map(|url| validate::url("issue_url", &url)).transpose()?;
    let pull =
        body.pull_request_url.map(|url| validate::url("pull_request_url", &url)).transpose()?;
    let notes = body.notes.map(|notes| validate::note("notes", &notes)).transpose()?;
    if let Some(session) = ctx.actor.session() {
        own_worktree(ctx, session, id).await?;
    }
    ctx.write(move |tx| {
        let (issue, pull, notes) = (issue.clone(), pull.clone(), notes.clone());
        Box::pin(async move {
            let mut worktree = load(tx.connection(), id).await?;
            worktree.issue_url = issue.unwrap_or(worktree.issue_url);
            worktree.pull_request_url = pull.unwrap_or(worktree.pull_request_url);
            worktree.notes = notes.unwrap_or(worktree.notes);
            worktree.updated_at_ms = tx.now;
            store::update(tx.connection(), &worktree).await?;
            Ok(worktree)
        })
    })
    .await
}

/// An agent changes its own session's worktree, or one that nobody works in.
async fn own_worktree(
    ctx: &Ctx,
    session: grove_core_api::SessionId,
    id: WorktreeId,
) -> Result<(), Error> {
    let users = sessions::service::of_worktree(ctx, id).await?;
    if users.is_empty() || users.contains(&session) {
        return Ok(());
    }
    Err(Error::new(ErrorCode::Forbidden, "this worktree belongs to another session"))
}

/// Removes a worktree: snapshot, then the directory goes; the branch and the snapshot stay.
pub(crate) async fn remove(ctx: &Ctx, id: WorktreeId) -> Result<Worktree, Error> {
    let (worktree, held) = allowed(ctx, Action::RemoveWorktrees, id).await?;
    if let Some(held) = held.filter(|_| worktree.created_by != ctx.actor.user) {
        held.require(ctx.read(), Action::SteerOthers).await?;
    }
    if worktree.state == WorktreeState::Trashed {
        return Ok(worktree);
    }
    ready(ctx.read(), id).await?;
    if let Some(session) = sessions::service::busy_in(ctx, id).await? {
        let detail = format!("the session {} works in it", session.short());
        return Err(Error::new(ErrorCode::Conflict, detail).hint("stop the session first"));
    }
    let account = place::account(ctx, &worktree).await?;
    let call = place::removal(ctx, &worktree);
    let keeper = ctx.app.pool.keeper(account.as_ref()).await?;
    let snapshot = keeper.call(call, local_time()).await?;
    let repo = repos::service::load(ctx.read(), worktree.repo_id).await?;
    place::remove_directory(ctx, &repo, &worktree).await;
    ctx.write(move |tx| {
        let reference = snapshot.reference.clone();
        Box::pin(async move {
            let mut worktree = load(tx.connection(), id).await?;
            worktree.state = WorktreeState::Trashed;
            worktree.trash_snapshot = Some(reference);
            worktree.trashed_at_ms = Some(tx.now);
            worktree.updated_at_ms = tx.now;
            store::update(tx.connection(), &worktree).await?;
            Ok(worktree)
        })
    })
    .await
}

/// What the worktree changed since it started.
pub(crate) async fn diff(ctx: &Ctx, id: WorktreeId) -> Result<Diff, Error> {
    allowed(ctx, Action::ReadBoard, id).await?;
    let worktree = ready(ctx.read(), id).await?;
    let account = place::account(ctx, &worktree).await?;
    let call =
        DiffWorktree { places: place::places(ctx, &worktree), base_commit: worktree.base_commit };
    ctx.app.pool.keeper(account.as_ref()).await?.call(call, local_time()).await
}

/// Marks worktrees as failed whose making a crash interrupted, and clears their directories.
pub(crate) async fn clean_interrupted(ctx: &Ctx, homes: &Homes) -> Result<(), Error> {
    let interrupted = store::creating(ctx.read()).await?;
    for worktree in interrupted.into_iter().filter(|it| homes.has(it.repo_id)) {
        let id = worktree.id;
        if let Err(error) = clear(ctx, &worktree).await {
            // Nothing may be there to remove: that is the usual case.
            tracing::info!(worktree.id = %id, %error, "no directory of an interrupted worktree");
        }
        let repo = repos::service::load(ctx.read(), worktree.repo_id).await?;
        place::remove_directory(ctx, &repo, &worktree).await;
        ctx.write(move |tx| {
            Box::pin(async move {
                let mut worktree = load(tx.connection(), id).await?;
                worktree.state = WorktreeState::Failed;
                worktree.failure = Some("Grove was stopped while it made this worktree".to_owned());
                worktree.updated_at_ms = tx.now;
                store::update(tx.connection(), &worktree).await
            })
        })
        .await?;
    }
    Ok(())
}

/// Removes what a worktree that was never finished may have left.
async fn clear(ctx: &Ctx, worktree: &Worktree) -> Result<(), Error> {
    let account = place::account(ctx, worktree).await?;
    let keeper = ctx.app.pool.keeper(account.as_ref()).await?;
    keeper.call(place::removal(ctx, worktree), local_time()).await.map(|_| ())
}

/// Takes a snapshot of a worktree under a reference of its own.
pub(crate) async fn snapshot(
    ctx: &Ctx,
    id: WorktreeId,
    reference: String,
) -> Result<Snapshot, Error> {
    let worktree = ready(ctx.read(), id).await?;
    let account = place::account(ctx, &worktree).await?;
    let call = TakeSnapshot { places: place::places(ctx, &worktree), reference };
    ctx.app.pool.keeper(account.as_ref()).await?.call(call, local_time()).await
}

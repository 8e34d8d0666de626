//! Whose a worktree is, where it lies, and how an executor in it is started.
//!
//! On a shared host a worktree belongs to the Unix account of the person who made it. Its directory
//! stands below parents that only root can change: the monitor makes and removes it, the account's own
//! keeper fills and empties it.

use super::{allowed, load, local_time, ready, store};
use crate::auth::policy::Action;
use crate::context::Ctx;
use crate::error::Error;
use crate::executor_pool::monitor_failed;
use crate::repos::service::{Relay, Target};
use crate::{repos, users};
use grove_core_api::ipc::bundle::{ImportKind, PublishBranch, RefValue};
use grove_core_api::ipc::method::{RemoveWorktree, WorktreePlaces};
use grove_core_api::isolation::{ExecutorLimits, NetworkProfile, Roots, UnixAccount};
use grove_core_api::monitor::{ExecutorRole, Launch, Place};
use grove_core_api::rest::repos::Repo;
use grove_core_api::rest::worktrees::{Published, Worktree, WorktreeState};
use grove_core_api::{ErrorCode, WorktreeId};

/// The account whose keeper and executors work in the worktree.
///
/// # Errors
/// `Elsewhere` when its files lie at another daemon, `Gone` when the account belongs to nobody any more, `Conflict` when the host was not shared when
/// the worktree was made and is now, or the other way round.
pub(super) async fn account(ctx: &Ctx, worktree: &Worktree) -> Result<Option<UnixAccount>, Error> {
    repos::service::here(ctx, worktree.repo_id).await?;
    match (&worktree.unix_account, ctx.app.config.is_shared_host) {
        (None, false) => Ok(None),
        (Some(account), true) if users::service::owns(ctx, account).await? => {
            Ok(Some(account.clone()))
        }
        (Some(account), true) => {
            let detail = format!("the account `{}` of this worktree was retired", account.name);
            Err(Error::new(ErrorCode::Gone, detail).hint("make a session of your own"))
        }
        (None, true) | (Some(_), false) => {
            let detail = format!("the worktree `{}` belongs to another account", worktree.name);
            Err(Error::new(ErrorCode::Conflict, detail)
                .hint("it was made when Grove ran the other way: for one account, or for many"))
        }
    }
}

/// How an executor for a session in the worktree is started: it sees the worktree, the account's own
/// repository and the mirror that this borrows from.
pub(crate) async fn launch(ctx: &Ctx, id: WorktreeId) -> Result<Launch, Error> {
    let worktree = ready(ctx.read(), id).await?;
    let account = account(ctx, &worktree).await?;
    let private = ctx.app.paths.private(account.as_ref(), worktree.repo_id);
    let mirror = ctx.app.paths.mirror(worktree.repo_id);
    Ok(Launch {
        role: ExecutorRole::Session,
        roots: Roots { write: vec![worktree.path.clone(), private], read: vec![mirror] },
        account,
        directory: worktree.path,
        network: NetworkProfile::default(),
        limits: ExecutorLimits::default(),
        isolation: None,
    })
}

/// Name of the account that the worktree belongs to; the daemon's own has none.
pub(crate) async fn account_name(ctx: &Ctx, id: WorktreeId) -> Result<Option<String>, Error> {
    let worktree = load(ctx.read(), id).await?;
    Ok(worktree.unix_account.map(|account| account.name))
}

fn place(repo: &Repo, worktree: &Worktree) -> Place {
    Place::Worktree { repo: repo.name.clone(), name: worktree.name.clone() }
}

/// Has the monitor make the directory; where the host is not shared the keeper makes it.
pub(super) async fn make_directory(
    ctx: &Ctx,
    repo: &Repo,
    worktree: &Worktree,
) -> Result<(), Error> {
    let Some(account) = worktree.unix_account.clone() else { return Ok(()) };
    let monitor = &ctx.app.pool.monitor;
    monitor.make_directory(account, place(repo, worktree)).await.map_err(monitor_failed)
}

/// Has the monitor remove the directory that the keeper has emptied. When it is not empty it stays,
/// unreachable for others, and the log says so.
pub(super) async fn remove_directory(ctx: &Ctx, repo: &Repo, worktree: &Worktree) {
    let Some(account) = worktree.unix_account.clone() else { return };
    let removed = ctx.app.pool.monitor.remove_directory(account, place(repo, worktree)).await;
    if let Err(error) = removed {
        tracing::warn!(worktree.id = %worktree.id, %error, "a worktree's directory is left");
    }
}

/// Where it lies, and what git needs to work on it.
pub(super) fn places(ctx: &Ctx, worktree: &Worktree) -> WorktreePlaces {
    WorktreePlaces {
        mirror: ctx.app.paths.mirror(worktree.repo_id),
        private: ctx.app.paths.private(worktree.unix_account.as_ref(), worktree.repo_id),
        path: worktree.path.clone(),
    }
}

/// What its keeper does to remove a worktree.
pub(super) fn removal(ctx: &Ctx, worktree: &Worktree) -> RemoveWorktree {
    RemoveWorktree {
        places: places(ctx, worktree),
        reference: format!("refs/grove/trash/{}", worktree.id),
    }
}

/// Living worktrees of an account.
pub(crate) async fn of_account(ctx: &Ctx, account: &UnixAccount) -> Result<Vec<WorktreeId>, Error> {
    let worktrees = store::of_account(ctx.read(), account).await?;
    Ok(worktrees.into_iter().map(|it| it.id).collect())
}

/// Notes that nobody works in an account's worktrees any more: the account is being retired.
pub(crate) async fn orphan(ctx: &Ctx, account: &UnixAccount) -> Result<(), Error> {
    let account = account.clone();
    ctx.write(move |tx| {
        let account = account.clone();
        Box::pin(async move {
            for mut worktree in store::of_account(tx.connection(), &account).await? {
                worktree.state = WorktreeState::Failed;
                worktree.failure = Some(format!("its account `{}` was retired", account.name));
                worktree.updated_at_ms = tx.now;
                store::update(tx.connection(), &worktree).await?;
            }
            Ok(())
        })
    })
    .await
}

/// Puts the worktree's branch into the mirror, where others can start from it: a bundle goes from the
/// account's keeper to the keeper of the mirrors, which checks every object.
pub(crate) async fn publish(ctx: &Ctx, id: WorktreeId) -> Result<Published, Error> {
    allowed(ctx, Action::PublishBranches, id).await?;
    let worktree = ready(ctx.read(), id).await?;
    let repo = repos::service::ready(ctx.read(), worktree.repo_id).await?;
    let account = account(ctx, &worktree).await?;
    let owner = ctx.app.paths.name(account.as_ref());
    let reference = format!("refs/users/{owner}/{}", worktree.branch);
    let relay = Relay::new(ctx, account.as_ref()).await?;
    let call = PublishBranch {
        mirror: ctx.app.paths.mirror(repo.id),
        private: ctx.app.paths.private(account.as_ref(), repo.id),
        branch: worktree.branch.clone(),
        bundle: relay.outgoing(),
    };
    let work = async {
        let made = relay.from.call(call, local_time()).await?;
        let [RefValue { commit, .. }] = made.refs.as_slice() else {
            return Err(Error::internal("a keeper published something else than one branch"));
        };
        let commit = commit.clone();
        let refs = vec![RefValue { name: reference.clone(), commit: commit.clone() }];
        let target = Target {
            mirror: ctx.app.paths.mirror(repo.id),
            kind: ImportKind::Publish,
            refs,
            default_branch: repo.default_branch.clone(),
        };
        relay.deliver(made.bytes, target).await?;
        Ok(Published { reference, commit })
    };
    let outcome = work.await;
    relay.drop_both().await;
    outcome
}

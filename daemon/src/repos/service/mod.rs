//! What people may do with repositories.

mod home;
mod relay;

pub(crate) use home::{Homes, here, homes};
pub(crate) use relay::{Relay, Target};

use super::store;
use crate::auth::policy::Action;
use crate::clock;
use crate::context::Ctx;
use crate::error::Error;
use crate::grants::seen::Seen;
use crate::{lookup, users, validate};
use grove_core_api::ipc::bundle::{CreateBundle, ImportKind};
use grove_core_api::ipc::method::{InspectRepo, ListBranches, MirrorRepo, RepoFacts};
use grove_core_api::isolation::UnixAccount;
use grove_core_api::rest::executors::ExecutorPolicy;
use grove_core_api::rest::repos::{Branches, CreateRepo, PatchRepo, Repo, RepoState};
use grove_core_api::{ErrorCode, IdRef, Page, PageQuery, RepoId, UserId, limits};
use sea_orm::ConnectionTrait;
use std::time::Duration;

pub(crate) async fn find(ctx: &Ctx, id: &IdRef) -> Result<RepoId, Error> {
    store::find(ctx.read(), id).await
}

pub(crate) async fn get(ctx: &Ctx, id: RepoId) -> Result<Repo, Error> {
    ctx.authorize(Action::Read)?;
    Ok(with_progress(ctx, load(ctx.read(), id).await?))
}

pub(crate) async fn load(connection: &impl ConnectionTrait, id: RepoId) -> Result<Repo, Error> {
    store::get(connection, id).await?.ok_or_else(|| Error::not_found(RepoId::NOUN, id))
}

/// A repository whose mirror is complete.
pub(crate) async fn ready(connection: &impl ConnectionTrait, id: RepoId) -> Result<Repo, Error> {
    let repo = load(connection, id).await?;
    match repo.state {
        RepoState::Ready if repo.archived_at_ms.is_none() => Ok(repo),
        RepoState::Ready => {
            Err(Error::new(ErrorCode::Gone, format!("the repository `{}` is archived", repo.name)))
        }
        RepoState::Cloning => Err(Error::new(
            ErrorCode::Conflict,
            format!("the repository `{}` is still being cloned", repo.name),
        )
        .hint("try again when it is ready")),
        RepoState::Failed => Err(Error::new(
            ErrorCode::Conflict,
            format!("the repository `{}` could not be cloned", repo.name),
        )
        .hint("fetch it again: POST /repos/{id}/fetch")),
    }
}

pub(crate) async fn list(ctx: &Ctx, query: &PageQuery) -> Result<Page<Repo>, Error> {
    ctx.authorize(Action::Read)?;
    let limit = validate::limit(query.limit)?;
    let before = lookup::cursor(query.cursor.as_deref())?;
    let repos = store::list(ctx.read(), before, limit).await?;
    let page = lookup::page(repos, limit, |repo| repo.id.0);
    let items = page.items.into_iter().map(|repo| with_progress(ctx, repo)).collect();
    Ok(Page { items, next_cursor: page.next_cursor })
}

fn with_progress(ctx: &Ctx, mut repo: Repo) -> Repo {
    if repo.state == RepoState::Cloning {
        repo.progress_percent = Some(ctx.app.pool.progress(&repo.id.to_string()).unwrap_or(0));
    }
    repo
}

/// Registers a repository: looks at it, stores it as `cloning`, and clones it in the background.
pub(crate) async fn create(ctx: &Ctx, body: CreateRepo) -> Result<Repo, Error> {
    ctx.authorize(Action::EditRepos)?;
    let source = source(&body.source)?;
    let name = match &body.name {
        Some(name) => validate::slug("name", name)?,
        None => name_of(&source)?,
    };
    let account = users::service::account(ctx, ctx.actor.user).await?;
    let keeper = ctx.app.pool.keeper(account.as_ref()).await?;
    let call = InspectRepo { source: source.clone() };
    let facts = keeper.call(call, remote_time()).await;
    let facts = facts.map_err(|error| elsewhere(error, account.as_ref(), &source))?;
    if account.is_some() {
        // The word of a process that the person controls.
        validate::branch(&facts.default_branch)?;
    }
    let created_by = ctx.actor.user;
    let home = ctx.app.hub.bus().name().to_owned();
    let repo = ctx
        .write(move |tx| {
            let home = home.clone();
            let (name, source, facts) = (name.clone(), source.clone(), facts.clone());
            Box::pin(async move {
                if store::by_name(tx.connection(), &name).await?.is_some() {
                    let detail = format!("a repository called `{name}` is registered already");
                    return Err(Error::new(ErrorCode::Conflict, detail)
                        .hint("use that one, or give this one another name"));
                }
                let repo = Repo {
                    id: clock::fresh_id(),
                    name,
                    source: without_credentials(&source),
                    default_branch: facts.default_branch,
                    state: RepoState::Cloning,
                    progress_percent: Some(0),
                    failure: None,
                    policy: ExecutorPolicy::default(),
                    created_by,
                    created_at_ms: tx.now,
                    updated_at_ms: tx.now,
                    archived_at_ms: None,
                };
                store::insert(tx.connection(), &repo).await?;
                home::settle(tx, &home, repo.id).await?;
                Ok(repo)
            })
        })
        .await?;
    mirror_in_background(ctx, &repo, body.source.trim().to_owned(), created_by);
    Ok(repo)
}

/// A person's account reads the person's own files and those of the system, nobody else's.
fn elsewhere(error: Error, account: Option<&UnixAccount>, source: &str) -> Error {
    let Some(account) = account else { return error };
    let is_path = source.starts_with('/') || source.starts_with("file://");
    let code = error.code();
    if !is_path || !matches!(code, ErrorCode::RepoUnreachable | ErrorCode::NotARepository) {
        return error;
    }
    error.hint(format!(
        "on a shared host a directory must lie below your own home and be readable by `{}`; \
         clone everything else by its URL",
        account.name
    ))
}

/// Brings the mirror up to date, or repeats a clone that failed.
pub(crate) async fn fetch(ctx: &Ctx, id: RepoId) -> Result<Repo, Error> {
    ctx.authorize(Action::EditRepos)?;
    load(ctx.read(), id).await?;
    here(ctx, id).await?;
    let repo = ctx
        .write(move |tx| {
            Box::pin(async move {
                let mut repo = load(tx.connection(), id).await?;
                if repo.state == RepoState::Failed {
                    repo.state = RepoState::Cloning;
                    repo.failure = None;
                    repo.updated_at_ms = tx.now;
                    store::update(tx.connection(), &repo).await?;
                }
                Ok(repo)
            })
        })
        .await?;
    mirror_in_background(ctx, &repo, repo.source.clone(), ctx.actor.user);
    Ok(with_progress(ctx, repo))
}

/// Goes on with clones that a restart interrupted.
pub(crate) async fn resume_clones(ctx: &Ctx, homes: &Homes) -> Result<(), Error> {
    for repo in store::cloning(ctx.read()).await?.into_iter().filter(|it| homes.has(it.id)) {
        let source = repo.source.clone();
        mirror_in_background(ctx, &repo, source, repo.created_by);
    }
    Ok(())
}

/// `reader` is the person with whose rights and keys the source is read.
fn mirror_in_background(ctx: &Ctx, repo: &Repo, source: String, reader: UserId) {
    let (task, id) = (ctx.clone(), repo.id);
    ctx.app.spawner.spawn(async move {
        let outcome = mirror(&task, id, source, reader).await;
        if let Err(error) = settle(&task, id, outcome).await {
            tracing::error!(repo.id = %id, %error, "failed to store the outcome of a clone");
        }
    });
}

async fn mirror(ctx: &Ctx, id: RepoId, source: String, reader: UserId) -> Result<RepoFacts, Error> {
    let (mirror, progress) = (ctx.app.paths.mirror(id), id.to_string());
    let Some(account) = users::service::account(ctx, reader).await? else {
        let call = MirrorRepo { source, mirror, progress };
        return ctx.app.pool.keeper(None).await?.call(call, remote_time()).await;
    };
    let relay = Relay::new(ctx, Some(&account)).await?;
    let bundle = relay.outgoing();
    let call = CreateBundle { source: source.clone(), mirror: mirror.clone(), bundle, progress };
    let work = async {
        let made = relay.from.call(call, remote_time()).await;
        let made = made.map_err(|error| elsewhere(error, Some(&account), &source))?;
        let target = Target {
            mirror,
            kind: ImportKind::Mirror,
            refs: made.refs,
            default_branch: made.facts.default_branch,
        };
        relay.deliver(made.bytes, target).await
    };
    let outcome = work.await;
    relay.drop_both().await;
    outcome
}

async fn settle(ctx: &Ctx, id: RepoId, outcome: Result<RepoFacts, Error>) -> Result<(), Error> {
    let outcome = outcome.map_err(|error| error.into_problem());
    ctx.app.pool.forget_progress(&id.to_string());
    ctx.write(move |tx| {
        let outcome = outcome.clone();
        Box::pin(async move {
            let mut repo = load(tx.connection(), id).await?;
            match outcome {
                Ok(_) => {
                    repo.state = RepoState::Ready;
                    repo.failure = None;
                }
                // A mirror that is complete stays usable when a later fetch fails.
                Err(problem) => {
                    if repo.state == RepoState::Cloning {
                        repo.state = RepoState::Failed;
                    }
                    repo.failure = Some(problem.detail);
                }
            }
            repo.updated_at_ms = tx.now;
            store::update(tx.connection(), &repo).await
        })
    })
    .await
}

pub(crate) async fn branches(ctx: &Ctx, id: RepoId) -> Result<Branches, Error> {
    ctx.authorize(Action::Read)?;
    here(ctx, id).await?;
    let repo = ready(ctx.read(), id).await?;
    let call = ListBranches { mirror: ctx.app.paths.mirror(repo.id) };
    let names = ctx.app.pool.keeper(None).await?.call(call, local_time()).await?.names;
    Ok(Branches { names })
}

pub(crate) async fn patch(ctx: &Ctx, id: RepoId, body: PatchRepo) -> Result<Repo, Error> {
    ctx.authorize(Action::EditRepos)?;
    let repo = load(ctx.read(), id).await?;
    if repo.created_by != ctx.actor.user && ctx.seen() != Seen::All {
        let detail = format!("only who registered `{}` and admins change it", repo.name);
        return Err(Error::new(ErrorCode::Forbidden, detail)
            .hint("ask one of them: `grove user ls` shows who they are"));
    }
    let branch = body.default_branch.map(|name| validate::branch(&name)).transpose()?;
    if let Some(branch) = &branch
        && !branches(ctx, id).await?.names.contains(branch)
    {
        let detail = format!("the repository has no branch `{branch}`");
        return Err(Error::new(ErrorCode::UnknownReference, detail)
            .hint("see its branches: GET /repos/{id}/branches"));
    }
    if let Some(policy) = &body.policy {
        ctx.app.config.allowance().check(policy)?;
    }
    ctx.write(move |tx| {
        let branch = branch.clone();
        Box::pin(async move {
            let mut repo = load(tx.connection(), id).await?;
            repo.policy = body.policy.unwrap_or(repo.policy);
            repo.default_branch = branch.unwrap_or(repo.default_branch);
            if let Some(is_archived) = body.is_archived {
                repo.archived_at_ms = is_archived.then(|| repo.archived_at_ms.unwrap_or(tx.now));
            }
            repo.updated_at_ms = tx.now;
            store::update(tx.connection(), &repo).await?;
            Ok(repo)
        })
    })
    .await
}

fn source(text: &str) -> Result<String, Error> {
    let text = text.trim();
    if text.is_empty() || text.len() > limits::REPO_SOURCE_BYTES {
        return Err(Error::field("source", "must be a path or URL of 1 to 2,048 bytes"));
    }
    if text.starts_with('-') || text.chars().any(char::is_control) {
        return Err(Error::field("source", "must be an absolute path or a clone URL"));
    }
    Ok(text.to_owned())
}

/// Credentials in a URL are used for this clone only; what is stored and shown has none.
fn without_credentials(source: &str) -> String {
    let Some((scheme, rest)) = source.split_once("://") else { return source.to_owned() };
    let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
    match authority.rsplit_once('@') {
        Some((user, host)) if scheme == "ssh" => {
            let user = user.split(':').next().unwrap_or(user);
            format!("{scheme}://{user}@{host}/{path}")
        }
        Some((_, host)) => format!("{scheme}://{host}/{path}"),
        None => source.to_owned(),
    }
}

fn name_of(source: &str) -> Result<String, Error> {
    let last = source.trim_end_matches('/').rsplit(['/', ':']).next().unwrap_or_default();
    let name: String = last
        .trim_end_matches(".git")
        .chars()
        .map(|it| if it.is_ascii_alphanumeric() || "._-".contains(it) { it } else { '-' })
        .collect();
    validate::slug("name", name.trim_start_matches(['.', '-']))
        .map_err(|error| error.hint("give the repository a name: `name` or `--name`"))
}

pub(crate) fn local_time() -> Duration {
    Duration::from_millis(limits::GIT_LOCAL_MS)
}

fn remote_time() -> Duration {
    Duration::from_millis(limits::GIT_REMOTE_MS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_come_from_the_end_of_the_source() {
        for (source, name) in [
            ("/srv/git/My Project", "My-Project"),
            ("https://example.org/team/app.git", "app"),
            ("git@example.org:team/app.git/", "app"),
        ] {
            assert_eq!(name_of(source).ok().as_deref(), Some(name));
        }
        assert!(name_of("/").is_err());
    }

    #[test]
    fn credentials_are_not_kept() {
        assert_eq!(without_credentials("https://u:p@h/x.git"), "https://h/x.git");
        assert_eq!(without_credentials("ssh://git:p@h/x"), "ssh://git@h/x");
        assert_eq!(without_credentials("/a/b@c"), "/a/b@c");
    }
}

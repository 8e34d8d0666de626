//! At which of several daemons a repository's files lie: its mirror, its worktrees, and the executors
//! that work in them.
//!
//! Where there is only one daemon everything is here. Otherwise the daemon that registers a repository
//! is its home for good, and the others refuse what needs its files, with the home's name
//! ([ADR-0013](../../../../docs/adr/0013-several-daemons.md)).

use super::store;
use crate::app::App;
use crate::context::{Ctx, Tx};
use crate::error::Error;
use grove_core_api::{ErrorCode, RepoId};
use std::collections::HashSet;
use std::path::Path;

/// Fails unless the repository's files lie at this daemon.
///
/// # Errors
/// `Elsewhere` with the name of the daemon where they lie.
pub(crate) async fn here(ctx: &Ctx, repo: RepoId) -> Result<(), Error> {
    let bus = ctx.app.hub.bus();
    if !bus.is_shared() {
        return Ok(());
    }
    let home = store::home(ctx.read(), repo).await?;
    if home.as_deref() == Some(bus.name()) {
        return Ok(());
    }
    let home = home.unwrap_or_else(|| "that has not been seen yet".to_owned());
    let detail = format!("the files of this repository lie at the daemon `{home}`");
    let hint = format!("send the request to `{home}`; this is `{}`", bus.name());
    Err(Error::new(ErrorCode::Elsewhere, detail).hint(hint))
}

/// Notes that a new repository's files lie here.
pub(super) async fn settle(tx: &Tx<'_>, name: &str, repo: RepoId) -> Result<(), Error> {
    if name.is_empty() { Ok(()) } else { store::settle_home(tx.connection(), repo, name).await }
}

/// Which repositories this daemon cares for.
pub(crate) enum Homes {
    /// All of them: there is no other daemon.
    All,
    /// These.
    These(HashSet<RepoId>),
}

impl Homes {
    /// Whether the repository's files lie here.
    pub(crate) fn has(&self, repo: RepoId) -> bool {
        match self {
            Self::All => true,
            Self::These(repos) => repos.contains(&repo),
        }
    }
}

/// Finds out which repositories this daemon cares for, after taking those that nobody has noted and
/// whose mirror is here: they are from the time when it was alone.
pub(crate) async fn homes(ctx: &Ctx) -> Result<Homes, Error> {
    let bus = ctx.app.hub.bus();
    if !bus.is_shared() {
        return Ok(Homes::All);
    }
    let name = bus.name().to_owned();
    for repo in store::homeless(ctx.read()).await? {
        if has_mirror(&ctx.app, repo) {
            let name = name.clone();
            ctx.write(move |tx| {
                let name = name.clone();
                Box::pin(async move { settle(tx, &name, repo).await })
            })
            .await?;
        }
    }
    Ok(Homes::These(store::at(ctx.read(), &name).await?.into_iter().collect()))
}

fn has_mirror(app: &App, repo: RepoId) -> bool {
    Path::new(&app.paths.mirror(repo)).exists()
}

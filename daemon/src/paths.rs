//! Where things lie below Grove's home.

use grove_core_api::RepoId;
use std::path::{Path, PathBuf};

/// Grove's home and what lies in it (layout: `docs/operations.md`).
#[derive(Clone, Debug)]
pub(crate) struct Paths {
    home: PathBuf,
    account: String,
}

impl Paths {
    /// `account` is the Unix account whose worktrees these are.
    pub(crate) fn new(home: &Path, account: &str) -> Self {
        Self { home: home.to_owned(), account: account.to_owned() }
    }

    /// Where keepers start: beside the mirrors that they make.
    pub(crate) fn mirrors(&self) -> PathBuf {
        self.home.join("mirror")
    }

    pub(crate) fn database(&self) -> PathBuf {
        self.home.join("db/grove.db")
    }

    /// The end of the audit's chain, outside of the database.
    pub(crate) fn audit_head(&self) -> PathBuf {
        self.home.join("logs/audit.head")
    }

    pub(crate) fn signing_key(&self) -> PathBuf {
        self.home.join("keys/access-token.key")
    }

    /// The read-only bare mirror of a repository.
    pub(crate) fn mirror(&self, repo: RepoId) -> String {
        text(&self.home.join(format!("mirror/{repo}.git")))
    }

    /// The account's own bare repository, which borrows objects from the mirror.
    pub(crate) fn private(&self, repo: RepoId) -> String {
        text(&self.home.join("git").join(&self.account).join(format!("{repo}.git")))
    }

    pub(crate) fn worktree(&self, repo: &str, name: &str) -> String {
        text(&self.home.join("wt").join(&self.account).join(repo).join(name))
    }
}

/// The home was checked to be UTF-8 when the daemon started.
fn text(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

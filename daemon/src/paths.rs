//! Where things lie below Grove's home.

use grove_core_api::RepoId;
use grove_core_api::isolation::UnixAccount;
use std::path::{Path, PathBuf};

/// Grove's home and what lies in it (layout: `docs/operations.md`).
#[derive(Clone, Debug)]
pub(crate) struct Paths {
    home: PathBuf,
    account: String,
}

impl Paths {
    /// `account` is the Unix account that the daemon runs as.
    pub(crate) fn new(home: &Path, account: &str) -> Self {
        Self { home: home.to_owned(), account: account.to_owned() }
    }

    /// The mirrors of all repositories.
    pub(crate) fn mirrors(&self) -> PathBuf {
        self.home.join("mirror")
    }

    /// Private bare repositories of an account; absent: the daemon's own.
    pub(crate) fn repositories(&self, account: Option<&UnixAccount>) -> PathBuf {
        self.home.join("git").join(self.name(account))
    }

    /// Worktrees of an account.
    pub(crate) fn worktrees(&self, account: Option<&UnixAccount>) -> PathBuf {
        self.home.join("wt").join(self.name(account))
    }

    /// Name of an account's directories.
    pub(crate) fn name<'a>(&'a self, account: Option<&'a UnixAccount>) -> &'a str {
        account.map_or(&self.account, |account| &account.name)
    }

    /// A file that people sent, by the hash of its content.
    pub(crate) fn file(&self, hash: &str) -> PathBuf {
        self.home.join("files").join(hash.get(..2).unwrap_or("00")).join(hash)
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

    /// The owner's first personal access token.
    pub(crate) fn owner_token(&self) -> PathBuf {
        self.home.join("keys/owner.token")
    }

    /// The read-only bare mirror of a repository.
    pub(crate) fn mirror(&self, repo: RepoId) -> String {
        text(&self.mirrors().join(format!("{repo}.git")))
    }

    /// An account's own bare repository, which borrows objects from the mirror.
    pub(crate) fn private(&self, account: Option<&UnixAccount>, repo: RepoId) -> String {
        text(&self.repositories(account).join(format!("{repo}.git")))
    }

    pub(crate) fn worktree(&self, account: Option<&UnixAccount>, repo: &str, name: &str) -> String {
        text(&self.worktrees(account).join(repo).join(name))
    }

    /// Where the keeper of an account packs bundles; nothing in it outlives the keeper.
    pub(crate) fn outgoing(&self, account: Option<&UnixAccount>) -> PathBuf {
        self.repositories(account).join(".bundles")
    }

    /// Where the keeper of the mirrors gathers bundles; nothing in it outlives the keeper.
    pub(crate) fn incoming(&self) -> PathBuf {
        self.mirrors().join(".bundles")
    }
}

/// A path of the home as it travels: the home was checked to be UTF-8 when the daemon started.
pub(crate) fn text(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

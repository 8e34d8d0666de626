//! Snapshots: the worktree as it is, as a commit under a reference of Grove's own.
//!
//! Works on a copy of the index, so neither the index nor `HEAD` of the worktree changes.

use super::command::Git;
use super::mirror::{storage, unique};
use super::{inspect, names};
use grove_core_api::agent::GitState;
use grove_core_api::ipc::RpcError;
use grove_core_api::ipc::method::Snapshot;
use std::io;
use std::path::{Path, PathBuf};

/// A snapshot and what git was like.
#[derive(Clone, Debug)]
pub(crate) struct Taken {
    /// The snapshot.
    pub(crate) snapshot: Snapshot,
    /// `HEAD` and whether anything differs from it.
    pub(crate) git: GitState,
}

/// Stores the worktree as it is under `reference`; a clean one is `HEAD` itself.
///
/// # Errors
/// `InvalidRequest` for a reference that is not Grove's own, `NotARepository`, `StorageFull`, or what
/// git says.
pub(crate) async fn take(worktree: &Path, reference: &str) -> Result<Taken, RpcError> {
    names::check_own_reference(reference)?;
    let staged = Staged::of(worktree).await?;
    let commit = match &staged.head {
        Some(head) if !staged.is_dirty() => head.commit.clone(),
        _ => commit(worktree, &staged).await?,
    };
    let update = ["update-ref", "-m", "grove: snapshot", reference, &commit];
    Git::at(worktree).args(update).run().await?;
    let snapshot = Snapshot { reference: reference.to_owned(), commit };
    Ok(Taken { git: staged.git_state(), snapshot })
}

async fn commit(worktree: &Path, staged: &Staged) -> Result<String, RpcError> {
    let mut git = Git::at(worktree).args(["commit-tree", "-m", "Grove snapshot", &staged.tree]);
    if let Some(head) = &staged.head {
        git = git.args(["-p", &head.commit]);
    }
    for name in ["GIT_AUTHOR_NAME", "GIT_COMMITTER_NAME"] {
        git = git.env(name, "Grove");
    }
    for name in ["GIT_AUTHOR_EMAIL", "GIT_COMMITTER_EMAIL"] {
        git = git.env(name, "grove@localhost");
    }
    Ok(git.run().await?.text())
}

/// What `HEAD` names.
pub(super) struct Head {
    pub(super) commit: String,
    tree: String,
}

/// A copy of the index that holds everything of the worktree but ignored files.
pub(super) struct Staged {
    index: TemporaryIndex,
    pub(super) head: Option<Head>,
    tree: String,
}

impl Staged {
    /// Stages the whole worktree in a copy of its index.
    pub(super) async fn of(worktree: &Path) -> Result<Self, RpcError> {
        let (directory, head) = look(worktree).await?;
        let index = TemporaryIndex::copy(&directory).map_err(|error| storage(&error))?;
        let add = Git::at(worktree).env("GIT_INDEX_FILE", index.path());
        add.args(["-c", "advice.addEmbeddedRepo=false", "add", "-A", "--", "."]).run().await?;
        let write = Git::at(worktree).env("GIT_INDEX_FILE", index.path());
        let tree = write.args(["write-tree"]).run().await?.text();
        Ok(Self { index, head, tree })
    }

    /// Whether anything differs from `HEAD`.
    pub(super) fn is_dirty(&self) -> bool {
        self.head.as_ref().is_none_or(|head| head.tree != self.tree)
    }

    /// Where the copy is, for `GIT_INDEX_FILE`.
    pub(super) fn index(&self) -> &Path {
        self.index.path()
    }

    pub(super) fn git_state(&self) -> GitState {
        let commit = self.head.as_ref().map(|head| head.commit.clone()).unwrap_or_default();
        GitState { commit, is_dirty: self.is_dirty() }
    }
}

/// Reads the git directory, `HEAD` and its tree: one process, but for a branch without commits.
async fn look(worktree: &Path) -> Result<(PathBuf, Option<Head>), RpcError> {
    let args = ["rev-parse", "--absolute-git-dir", "HEAD^{commit}", "HEAD^{tree}"];
    let output = Git::at(worktree).reading().args(args).output(&mut |_| {}).await?;
    if output.code == Some(0) {
        let text = output.text();
        let mut lines = text.rsplitn(3, '\n');
        if let (Some(tree), Some(commit), Some(directory)) =
            (lines.next(), lines.next(), lines.next())
        {
            let head = Head { commit: commit.to_owned(), tree: tree.to_owned() };
            return Ok((PathBuf::from(directory), Some(head)));
        }
    }
    let args = ["rev-parse", "--absolute-git-dir"];
    let directory = Git::at(worktree).reading().args(args).run().await?.text();
    let head = match inspect::commit(worktree, "HEAD").await? {
        None => None,
        Some(commit) => {
            let tree = Git::at(worktree).reading().args(["rev-parse", "HEAD^{tree}"]).run().await?;
            Some(Head { commit, tree: tree.text() })
        }
    };
    Ok((PathBuf::from(directory), head))
}

struct TemporaryIndex {
    path: PathBuf,
}

impl TemporaryIndex {
    /// Copies the index with its time: git compares it with the files' times to know which of them it
    /// must read again, so a copy with a newer time would hide changes.
    fn copy(directory: &Path) -> io::Result<Self> {
        let copy = Self { path: directory.join(unique("grove-index")) };
        let index = directory.join("index");
        let modified = match std::fs::metadata(&index) {
            Ok(metadata) => metadata.modified()?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(copy),
            Err(error) => return Err(error),
        };
        std::fs::copy(&index, &copy.path)?;
        std::fs::File::options().write(true).open(&copy.path)?.set_modified(modified)?;
        Ok(copy)
    }

    fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for TemporaryIndex {
    fn drop(&mut self) {
        let mut lock = self.path.clone().into_os_string();
        lock.push(".lock");
        for path in [self.path.as_path(), Path::new(&lock)] {
            match std::fs::remove_file(path) {
                Ok(()) => {}
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => tracing::warn!(%error, "failed to remove a temporary index"),
            }
        }
    }
}

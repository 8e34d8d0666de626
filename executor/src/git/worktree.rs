//! Worktrees on the user's private bare repository, which borrows the mirror's objects.

use super::command::Git;
use super::mirror::{Scratch, storage};
use super::{names, snapshot};
use grove_core_api::ErrorCode;
use grove_core_api::ipc::RpcError;
use grove_core_api::ipc::method::{AddWorktree, Snapshot, WorktreeAdded};
use std::io;
use std::path::Path;

/// Makes a worktree on a new branch. All or nothing.
///
/// # Errors
/// `InvalidBranchName`, `UnknownReference`, `BranchExists`, `NotARepository`, `StorageFull`, or what
/// git says. Nothing is left behind in any of these cases.
///
/// # Cancel safety
/// Not cancel safe: run it to its end on a task of its own.
pub(crate) async fn add(wanted: &AddWorktree) -> Result<WorktreeAdded, RpcError> {
    let (mirror, private) = (Path::new(&wanted.mirror), Path::new(&wanted.private));
    let path = Path::new(&wanted.path);
    names::check_base(&wanted.base_ref)?;
    if !mirror.join("objects").is_dir() {
        return Err(RpcError::failed(
            ErrorCode::NotARepository,
            "the repository's mirror is missing; fetch the repository and try again",
        ));
    }
    if !is_free(path).map_err(|error| storage(&error))? {
        let shown = path.display();
        return Err(RpcError::failed(ErrorCode::Conflict, format!("{shown} exists already")));
    }
    if !private.join("HEAD").is_file() {
        make_private(mirror, private).await?;
    }
    let (_, base_commit) = tokio::try_join!(
        Box::pin(names::check_branch(mirror, &wanted.branch)),
        Box::pin(resolve(wanted, mirror, private))
    )?;
    if let Some(parent) = path.parent() {
        std::fs::create_dir_all(parent).map_err(|error| storage(&error))?;
    }
    let add = Git::at(private).args(["worktree", "add", "--quiet", "--no-track", "-b"]);
    let add = add.args([&wanted.branch]).args(["--"]).path(path).args([&base_commit]);
    match add.run().await {
        Ok(_) => Ok(WorktreeAdded { base_commit }),
        Err(error) => {
            let is_ours = error.data != Some(ErrorCode::BranchExists);
            undo(private, path, is_ours.then_some(wanted.branch.as_str())).await;
            Err(error)
        }
    }
}

/// Resolves the base, in the private repository (snapshots, branches of sessions) and then in the
/// mirror, and makes sure that the branch is new in both.
async fn resolve(wanted: &AddWorktree, mirror: &Path, private: &Path) -> Result<String, RpcError> {
    let (own, original) =
        tokio::try_join!(Box::pin(ask(wanted, private)), Box::pin(ask(wanted, mirror)))?;
    if own.has_branch || original.has_branch {
        let name = &wanted.branch;
        return Err(RpcError::failed(
            ErrorCode::BranchExists,
            format!("the branch `{name}` exists already; choose another name"),
        ));
    }
    // `HEAD` of the private repository means nothing; the mirror's is the repository's own.
    let own = own.base.filter(|_| wanted.base_ref != "HEAD");
    let found = own.or(original.base);
    found.ok_or_else(|| names::unknown(&wanted.base_ref))
}

/// What one repository knows of a wanted worktree.
struct Known {
    has_branch: bool,
    base: Option<String>,
}

async fn ask(wanted: &AddWorktree, at: &Path) -> Result<Known, RpcError> {
    let branch = format!("refs/heads/{}", wanted.branch);
    let base = format!("{}^{{commit}}", wanted.base_ref);
    let git = Git::at(at).reading().args(["cat-file", "--batch-check=%(objectname)"]);
    let output = git.input(format!("{branch}\n{base}\n")).run().await?;
    let text = output.text();
    let mut answers = text.lines().map(|line| is_object_name(line).then(|| line.to_owned()));
    let has_branch = answers.next().flatten().is_some();
    Ok(Known { has_branch, base: answers.next().flatten() })
}

fn is_object_name(line: &str) -> bool {
    line.len() >= 40 && line.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// Makes the private bare repository beside its place and puts it there at once.
async fn make_private(mirror: &Path, private: &Path) -> Result<(), RpcError> {
    let made = Scratch::beside(private)?;
    let parent = private.parent().unwrap_or(Path::new("/"));
    let init = Git::at(parent).args(["init", "--quiet", "--bare", "--template=", "--"]);
    init.path(made.path()).run().await?;
    let alternates = made.path().join("objects/info/alternates");
    let objects = format!("{}\n", mirror.join("objects").display());
    let write = || -> io::Result<()> {
        std::fs::create_dir_all(made.path().join("objects/info"))?;
        std::fs::write(&alternates, objects)
    };
    write().map_err(|error| storage(&error))?;
    for (key, value) in [("remote.origin.fetch", "+refs/heads/*:refs/remotes/origin/*")] {
        Git::at(made.path()).args(["config", key, value]).run().await?;
    }
    let url = Git::at(made.path()).args(["config", "remote.origin.url"]);
    url.path(mirror).run().await?;
    // The objects are there already; only the names come over.
    let fetch = Git::at(made.path()).trusting(mirror);
    let fetch = fetch.args(["fetch", "--quiet", "--no-tags", "--no-auto-maintenance", "origin"]);
    fetch.run().await?;
    made.keep_as(private)
}

/// Removes what a failed `git worktree add` may have left behind.
async fn undo(private: &Path, path: &Path, branch: Option<&str>) {
    let mut failures = Vec::new();
    if let Err(error) = remove_directory(path) {
        failures.push(error.to_string());
    }
    if let Err(error) = Git::at(private).args(["worktree", "prune", "--expire=now"]).run().await {
        failures.push(error.to_string());
    }
    if let Some(branch) = branch {
        let reference = format!("refs/heads/{branch}");
        // A git that was killed may have left the lock of the one reference that only we were making.
        let lock = private.join(format!("{reference}.lock"));
        if lock.exists()
            && let Err(error) = std::fs::remove_file(&lock)
        {
            failures.push(error.to_string());
        }
        if let Err(error) = Git::at(private).args(["update-ref", "-d", &reference]).run().await {
            failures.push(error.to_string());
        }
    }
    if !failures.is_empty() {
        tracing::warn!(?failures, "failed to undo a half-made worktree");
    }
}

/// Whether a worktree may be made there: nothing is, or an empty directory, as on a shared host.
fn is_free(path: &Path) -> io::Result<bool> {
    match path.symlink_metadata() {
        Ok(found) if found.is_dir() => Ok(std::fs::read_dir(path)?.next().is_none()),
        Ok(_) => Ok(false),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(true),
        Err(error) => Err(error),
    }
}

/// Removes a directory with everything in it. Where only root can change its parent it stays, empty.
fn remove_directory(path: &Path) -> io::Result<()> {
    match std::fs::remove_dir_all(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(_) if is_free(path)? => Ok(()),
        removed => removed,
    }
}

/// Takes a snapshot, then removes the worktree; its branch stays.
///
/// # Errors
/// As [`snapshot::take`]; then nothing has been removed.
///
/// # Cancel safety
/// Not cancel safe: run it to its end on a task of its own.
pub(crate) async fn remove(
    private: &Path,
    path: &Path,
    reference: &str,
) -> Result<Snapshot, RpcError> {
    let taken = snapshot::take(path, reference).await?;
    let remove = Git::at(private).args(["worktree", "remove", "--force", "--force", "--"]);
    if let Err(error) = remove.path(path).run().await {
        // git forgets the worktree and empties its directory even when that itself has to stay.
        if remove_directory(path).is_err() {
            return Err(error);
        }
        Git::at(private).args(["worktree", "prune", "--expire=now"]).run().await?;
    }
    Ok(taken.snapshot)
}

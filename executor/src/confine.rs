//! The second tier: whatever the executor starts has a narrower place than the executor.
//!
//! Every child enters a Landlock domain of its own, from which it can neither signal nor trace the
//! executor. git that works on a worktree gets one that holds the worktree and its repositories only:
//! a keeper reaches more than any session, and a repository can make git run programs.

use grove_core_api::ErrorCode;
use grove_core_api::ipc::RpcError;
use grove_core_api::ipc::method::WorktreePlaces;
use grove_core_api::isolation::{Layer, SandboxReport};
use grove_sandbox::inner::Domain;
use std::future::Future;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

/// The domain of every child; `None` when the executor itself is not confined by Landlock.
static CHILDREN: OnceLock<Option<Arc<Domain>>> = OnceLock::new();

tokio::task_local! {
    /// The domain of children that are started in this scope.
    static SCOPE: Arc<Domain>;
}

/// Settles for the life of this process whether children are confined.
///
/// # Errors
/// When the kernel takes no ruleset, although the monitor's was taken.
pub(crate) fn prepare(report: &SandboxReport) -> std::io::Result<()> {
    let domain = if report.holds(Layer::Landlock) {
        // As much as the executor itself may; what is new is the domain.
        Some(Arc::new(Domain::new(&[PathBuf::from("/")], &[])?))
    } else {
        None
    };
    // A second greeting brings the same report.
    drop(CHILDREN.set(domain));
    Ok(())
}

/// The domain that a child is to enter.
pub(crate) fn domain() -> Option<Arc<Domain>> {
    let outer = CHILDREN.get()?.clone()?;
    Some(SCOPE.try_with(Arc::clone).unwrap_or(outer))
}

/// Does work whose children reach one worktree only.
///
/// # Errors
/// What the work says; `GitFailed` when the kernel takes no ruleset.
pub(crate) async fn worktree<T>(
    places: &WorktreePlaces,
    work: impl Future<Output = Result<T, RpcError>>,
) -> Result<T, RpcError> {
    if domain().is_none() {
        return work.await;
    }
    let own = |name: &str| std::env::var_os(name).map(PathBuf::from);
    let home = own("HOME").unwrap_or_default();
    let write: Vec<PathBuf> = [Some((&places.private).into()), Some((&places.path).into())]
        .into_iter()
        .chain([own("TMPDIR")])
        .flatten()
        .collect();
    let read = [PathBuf::from(&places.mirror), home.join(".gitconfig"), home.join(".config/git")];
    let domain = Domain::new(&write, &read).map_err(|error| {
        RpcError::failed(ErrorCode::GitFailed, format!("failed to confine git: {error}"))
    })?;
    SCOPE.scope(Arc::new(domain), work).await
}

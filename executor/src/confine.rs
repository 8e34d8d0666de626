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
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

/// The domain of every child; `None` when the executor itself is not confined by Landlock.
static CHILDREN: OnceLock<Option<Arc<Domain>>> = OnceLock::new();

tokio::task_local! {
    /// The domain of children that are started in this scope.
    static SCOPE: Arc<Domain>;
}

/// Looks whether the report is true of this process, as far as it can see itself, and settles for its
/// life whether children are confined.
///
/// # Errors
/// When a layer that the report names does not hold, or the kernel takes no ruleset.
pub(crate) fn prepare(report: &SandboxReport) -> io::Result<()> {
    check(report, &std::fs::read_to_string("/proc/self/status")?)?;
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

/// Compares what was reported with what the kernel says of a process (`proc_pid_status(5)`).
fn check(report: &SandboxReport, status: &str) -> io::Result<()> {
    let field = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
        line.and_then(|it| it.split_whitespace().next())
    };
    let seen = [
        (Layer::Account, "Uid", report.uid.to_string()),
        (Layer::Capabilities, "CapBnd", "0000000000000000".to_owned()),
        (Layer::NoNewPrivs, "NoNewPrivs", "1".to_owned()),
        (Layer::Seccomp, "Seccomp", "2".to_owned()),
    ];
    for (layer, name, expected) in seen {
        // Without root the bounding set cannot be emptied, and gives nothing.
        let is_sure = layer != Layer::Capabilities || report.holds(Layer::Account);
        if report.holds(layer) && is_sure && field(name) != Some(expected.as_str()) {
            let text = format!("the layer `{}` was reported but does not hold", layer.name());
            return Err(io::Error::other(text));
        }
    }
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

#[cfg(test)]
mod tests {
    use super::*;
    use grove_core_api::isolation::LayerState;

    const STATUS: &str = "Name:\tgrove-executor\nUid:\t1001\t1001\t1001\t1001\n\
        CapBnd:\t0000000000000000\nNoNewPrivs:\t1\nSeccomp:\t2\n";

    fn report() -> SandboxReport {
        let layers = [Layer::Account, Layer::Capabilities, Layer::NoNewPrivs, Layer::Seccomp];
        let held = |layer| LayerState { layer, is_on: true, detail: String::new() };
        SandboxReport { uid: 1001, layers: layers.map(held).to_vec(), ..SandboxReport::default() }
    }

    #[test]
    fn a_report_that_is_not_true_is_refused() {
        assert!(check(&report(), STATUS).is_ok());
        for (is, was) in [
            ("Uid:\t0", "Uid:\t1001"),
            ("CapBnd:\t0000000000000001", "CapBnd:\t0000000000000000"),
            ("NoNewPrivs:\t0", "NoNewPrivs:\t1"),
            ("Seccomp:\t0", "Seccomp:\t2"),
        ] {
            assert!(check(&report(), &STATUS.replace(was, is)).is_err(), "{is}");
        }
        assert!(check(&report(), "").is_err());
        assert!(check(&SandboxReport::default(), "").is_ok(), "nothing was promised");
    }
}

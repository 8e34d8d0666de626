//! Names that come from people: checked before git sees them, so that none is taken for an option.

use super::command::Git;
use grove_core_api::ipc::RpcError;
use grove_core_api::{ErrorCode, limits};
use std::path::Path;

fn is_plain(name: &str, bytes: usize) -> bool {
    !name.is_empty()
        && name.len() <= bytes
        && !name.starts_with('-')
        && !name.chars().any(|letter| letter.is_control() || letter.is_whitespace())
}

/// Checks the name of a new branch.
///
/// # Errors
/// `InvalidBranchName` when git does not accept it.
pub(super) async fn check_branch(at: &Path, branch: &str) -> Result<(), RpcError> {
    let invalid = || {
        let shown: String = branch.chars().take(80).collect();
        RpcError::failed(
            ErrorCode::InvalidBranchName,
            format!("`{shown}` is no branch name; use letters, digits, `.`, `_`, `-` and `/`"),
        )
    };
    // `@{-1}` and the like are expanded by git, not taken as names.
    let is_plain = is_plain(branch, limits::BRANCH_BYTES) && !branch.contains("@{");
    if !is_plain || branch == "HEAD" || branch.contains("..") {
        return Err(invalid());
    }
    let output = Git::at(at)
        .reading()
        .args(["check-ref-format", "--branch", branch])
        .output(&mut |_| {})
        .await?;
    if output.code == Some(0) && output.text() == branch { Ok(()) } else { Err(invalid()) }
}

/// Checks what somebody wants to start from: a branch, tag, commit or snapshot.
///
/// # Errors
/// `UnknownReference` when it cannot be one.
pub(super) fn check_base(base: &str) -> Result<(), RpcError> {
    if is_plain(base, limits::BRANCH_BYTES) && !base.contains(':') && !base.contains("@{") {
        return Ok(());
    }
    let shown: String = base.chars().take(80).collect();
    Err(unknown(&shown))
}

/// The error for a reference that is nowhere.
pub(super) fn unknown(base: &str) -> RpcError {
    RpcError::failed(
        ErrorCode::UnknownReference,
        format!(
            "`{base}` is no branch, tag or commit of this repository; fetch it or choose another"
        ),
    )
}

/// Checks a reference that Grove writes.
///
/// # Errors
/// `InvalidRequest` when it is not below `refs/grove/` or not plain.
pub(super) fn check_own_reference(reference: &str) -> Result<(), RpcError> {
    let is_own = reference.starts_with("refs/grove/") && !reference.contains("..");
    if is_own && is_plain(reference, limits::BRANCH_BYTES) {
        return Ok(());
    }
    Err(RpcError::failed(ErrorCode::InvalidRequest, "the reference is not below refs/grove/"))
}

/// Where a repository comes from.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Source<'a> {
    /// A directory of this machine.
    Path(&'a Path),
    /// A URL, or `host:path` as ssh takes it.
    Url(&'a str),
}

/// Reads a path or URL.
///
/// # Errors
/// `InvalidRequest` when it is neither an absolute path nor a URL of a permitted transport.
pub(super) fn source(text: &str) -> Result<Source<'_>, RpcError> {
    let refused = |problem: &str| RpcError::failed(ErrorCode::InvalidRequest, problem.to_owned());
    let has_control = text.chars().any(char::is_control);
    if text.is_empty() || text.len() > limits::REPO_SOURCE_BYTES || has_control {
        return Err(refused("the source is empty, too long or has control characters"));
    }
    if text.starts_with('-') || text.contains("::") {
        return Err(refused("the source may not begin with `-` or name a transport helper"));
    }
    if text.starts_with('/') {
        return Ok(Source::Path(Path::new(text)));
    }
    if let Some(path) = text.strip_prefix("file://") {
        return match path.starts_with('/') {
            true => Ok(Source::Path(Path::new(path))),
            false => Err(refused("a file URL needs an absolute path, such as file:///srv/x.git")),
        };
    }
    let transports = ["https://", "http://", "ssh://", "git://"];
    if transports.iter().any(|it| text.strip_prefix(it).is_some_and(is_host)) || is_scp_like(text) {
        return Ok(Source::Url(text));
    }
    Err(refused("give an absolute path, an https, http, ssh or git URL, or host:path"))
}

fn is_host(rest: &str) -> bool {
    let host = rest.split('/').next().unwrap_or_default();
    let host = host.rsplit('@').next().unwrap_or_default();
    !host.is_empty() && !host.starts_with('-')
}

fn is_scp_like(text: &str) -> bool {
    let Some((host, path)) = text.split_once(':') else { return false };
    !host.contains('/')
        && !host.contains(' ')
        && !path.starts_with("//")
        && !path.is_empty()
        && is_host(host)
}

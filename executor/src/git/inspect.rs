//! Looks at repositories: what a source is, its default branch, its branches.

use super::command::Git;
use super::names::{self, Source};
use grove_core_api::ipc::RpcError;
use grove_core_api::ipc::method::{BranchNames, RepoFacts};
use grove_core_api::{ErrorCode, limits};
use std::path::{Path, PathBuf};

fn empty() -> RpcError {
    RpcError::failed(
        ErrorCode::EmptyRepository,
        "the repository has no commit yet; make a first commit and try again",
    )
}

/// Looks at a repository before it is registered.
///
/// # Errors
/// `InvalidRequest` for a source that is not allowed, `RepoUnreachable`, `NotARepository`,
/// `EmptyRepository`, or what git says.
pub(crate) async fn inspect(source: &str) -> Result<RepoFacts, RpcError> {
    match names::source(source)? {
        Source::Path(path) => facts(&local(path).await?).await,
        Source::Url(url) => remote(url).await,
    }
}

/// Finds what to clone when a directory is given: the top of its work tree, or the bare repository.
///
/// # Errors
/// `RepoUnreachable` when there is no such directory, `NotARepository` when git knows none there.
pub(super) async fn local(path: &Path) -> Result<PathBuf, RpcError> {
    if !path.is_dir() {
        let shown = path.display();
        return Err(RpcError::failed(
            ErrorCode::RepoUnreachable,
            format!("there is no directory {shown}; check the path"),
        ));
    }
    let asked =
        Git::at(path).reading().args(["rev-parse", "--absolute-git-dir", "--is-bare-repository"]);
    let output = asked.run().await?;
    let text = output.text();
    let (directory, is_bare) = text.rsplit_once('\n').unwrap_or((&text, "false"));
    if is_bare == "true" {
        return Ok(PathBuf::from(directory));
    }
    let top = Git::at(path).reading().args(["rev-parse", "--show-toplevel"]).run().await?;
    Ok(PathBuf::from(top.text()))
}

/// Reads the default branch and its commit.
///
/// # Errors
/// `EmptyRepository` when nothing is committed.
pub(super) async fn facts(at: &Path) -> Result<RepoFacts, RpcError> {
    let head = Git::at(at).reading().args(["symbolic-ref", "--quiet", "--short", "HEAD"]);
    let named = head.output(&mut |_| {}).await?;
    if named.code == Some(0) {
        let default_branch = named.text();
        if let Some(head_commit) = commit(at, &format!("refs/heads/{default_branch}")).await? {
            return Ok(RepoFacts { default_branch, head_commit });
        }
    }
    // HEAD is detached or names a branch without commits: the newest branch stands for it.
    if let Some(default_branch) = newest_first(at, 1).await?.into_iter().next()
        && let Some(head_commit) = commit(at, &format!("refs/heads/{default_branch}")).await?
    {
        return Ok(RepoFacts { default_branch, head_commit });
    }
    let head_commit = commit(at, "HEAD").await?.ok_or_else(empty)?;
    Ok(RepoFacts { default_branch: "HEAD".to_owned(), head_commit })
}

/// Reads the commit that `name` stands for, if there is one.
///
/// # Errors
/// Only when git cannot run or finds no repository.
pub(super) async fn commit(at: &Path, name: &str) -> Result<Option<String>, RpcError> {
    let wanted = format!("{name}^{{commit}}");
    let args = ["rev-parse", "--verify", "--quiet", "--end-of-options", &wanted];
    let output = Git::at(at).reading().args(args).output(&mut |_| {}).await?;
    match output.code {
        Some(0) => Ok(Some(output.text())),
        _ if output.stderr.is_empty() => Ok(None),
        _ => Err(super::command::failure(&output.stderr)),
    }
}

async fn newest_first(at: &Path, count: u64) -> Result<Vec<String>, RpcError> {
    let count = format!("--count={count}");
    let args = [
        "for-each-ref",
        "--sort=-committerdate",
        &count,
        "--format=%(refname:lstrip=2)",
        "refs/heads",
    ];
    let output = Git::at(at).reading().args(args).run().await?;
    Ok(output.text().lines().map(str::to_owned).collect())
}

/// Lists the branches of a mirror, newest commit first.
///
/// # Errors
/// `NotARepository` when there is no mirror, or what git says.
pub(crate) async fn branches(mirror: &Path) -> Result<BranchNames, RpcError> {
    Ok(BranchNames { names: newest_first(mirror, limits::PAGE_MAX).await? })
}

async fn remote(url: &str) -> Result<RepoFacts, RpcError> {
    let asked = Git::at(Path::new("/")).remote().args(["ls-remote", "--symref", "--", url]);
    let output = asked.args(["HEAD", "refs/heads/*"]).run().await?;
    read_ls_remote(&output.text()).ok_or_else(empty)
}

/// Reads `git ls-remote --symref`: lines of `<commit>\t<name>` and `ref: <target>\tHEAD`.
fn read_ls_remote(text: &str) -> Option<RepoFacts> {
    let lines: Vec<(&str, &str)> = text.lines().filter_map(|line| line.split_once('\t')).collect();
    let target = lines.iter().find_map(|(value, name)| {
        if *name == "HEAD" { value.strip_prefix("ref: refs/heads/") } else { None }
    });
    let heads: Vec<(&str, &str)> = lines
        .iter()
        .filter_map(|(commit, name)| name.strip_prefix("refs/heads/").map(|name| (name, *commit)))
        .collect();
    // A remote does not tell which branch is newest; these are the usual names, then any.
    let wanted = target.into_iter().chain(["main", "master"]);
    let chosen = wanted.into_iter().find_map(|name| heads.iter().find(|head| head.0 == name));
    if let Some((name, commit)) = chosen.or_else(|| heads.first()) {
        let (default_branch, head_commit) = ((*name).to_owned(), (*commit).to_owned());
        return Some(RepoFacts { default_branch, head_commit });
    }
    let (commit, _) =
        lines.iter().find(|(value, name)| *name == "HEAD" && !value.starts_with("ref:"))?;
    Some(RepoFacts { default_branch: "HEAD".to_owned(), head_commit: (*commit).to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_remote_head_wins_over_the_usual_names() {
        let text = "ref: refs/heads/dev\tHEAD\nc1\tHEAD\nc2\trefs/heads/main\nc1\trefs/heads/dev";
        let facts = read_ls_remote(text).expect("facts");
        assert_eq!((facts.default_branch.as_str(), facts.head_commit.as_str()), ("dev", "c1"));
        assert_eq!(read_ls_remote(""), None);
        assert_eq!(read_ls_remote("c9\tHEAD").expect("detached").default_branch, "HEAD");
    }
}

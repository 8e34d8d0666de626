//! Bare mirrors: made whole or not at all, refreshed in place.

use super::command::Git;
use super::inspect;
use super::names::{self, Source};
use grove_core_api::ErrorCode;
use grove_core_api::ipc::RpcError;
use grove_core_api::ipc::method::RepoFacts;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

/// What a mirror copies: branches as they are; tags follow by themselves.
const BRANCHES: &str = "+refs/heads/*:refs/heads/*";

/// Makes or refreshes the mirror of a repository and says what is in it.
///
/// # Errors
/// As [`inspect::inspect`]. A failed clone leaves nothing behind, a failed refresh the old mirror.
///
/// # Cancel safety
/// Dropping the future kills git and removes a half-made clone.
pub(crate) async fn mirror(
    source: &str,
    mirror: &Path,
    progress: &mut (dyn FnMut(i32) + Send),
) -> Result<RepoFacts, RpcError> {
    let origin = match names::source(source)? {
        Source::Path(path) => inspect::local(path).await?,
        Source::Url(url) => PathBuf::from(url),
    };
    let mut meter = Meter::default();
    let mut watch = |piece: &str| {
        if let Some(percent) = meter.feed(piece) {
            progress(percent);
        }
    };
    if mirror.exists() {
        let refresh = Git::at(mirror).trusting(&origin).trusting(&origin.join(".git")).remote();
        let refresh =
            refresh.args(["fetch", "--progress", "--prune", "--no-auto-maintenance", "--"]);
        refresh.path(&origin).args([BRANCHES]).run_watched(&mut watch).await?;
    } else {
        let made = Scratch::beside(mirror)?;
        let parent = mirror.parent().unwrap_or(Path::new("/"));
        let clone = Git::at(parent).trusting(&origin).trusting(&origin.join(".git")).remote();
        let clone = clone.args(["clone", "--bare", "--progress", "--"]).path(&origin);
        clone.path(made.path()).run_watched(&mut watch).await?;
        // An empty source is found out before the mirror takes its place.
        inspect::facts(made.path()).await?;
        let config = Git::at(made.path());
        // The source is named with each refresh; kept here, its credentials would stay on disk.
        config.args(["config", "--unset", "remote.origin.url"]).run().await?;
        // Objects must stay: private repositories borrow them.
        Git::at(made.path()).args(["config", "gc.auto", "0"]).run().await?;
        made.keep_as(mirror)?;
    }
    progress(100);
    inspect::facts(mirror).await
}

/// A directory in the making; removed when dropped.
pub(super) struct Scratch {
    path: PathBuf,
}

static COUNT: AtomicU64 = AtomicU64::new(0);

/// A name that no other file of this host's Grove has.
pub(super) fn unique(stem: &str) -> String {
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    format!("{stem}.{}-{count}.tmp", std::process::id())
}

impl Scratch {
    /// Chooses a name beside `target` and makes its parent.
    pub(super) fn beside(target: &Path) -> Result<Self, RpcError> {
        let (Some(parent), Some(name)) = (target.parent(), target.file_name()) else {
            return Err(RpcError::failed(ErrorCode::InvalidRequest, "the directory has no name"));
        };
        std::fs::create_dir_all(parent).map_err(|error| storage(&error))?;
        let path = parent.join(unique(&format!(".{}", name.to_string_lossy())));
        Ok(Self { path })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Puts the directory in its place at once.
    pub(super) fn keep_as(self, target: &Path) -> Result<(), RpcError> {
        std::fs::rename(&self.path, target).map_err(|error| storage(&error))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        match std::fs::remove_dir_all(&self.path) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => tracing::warn!(%error, "failed to remove a half-made directory"),
        }
    }
}

/// What a failed change of the file system means.
pub(super) fn storage(error: &io::Error) -> RpcError {
    let is_full = matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded);
    let code = if is_full { ErrorCode::StorageFull } else { ErrorCode::GitFailed };
    RpcError::failed(code, format!("failed to write the repository: {error}"))
}

/// Turns git's progress lines into one rising percentage.
#[derive(Default)]
pub(super) struct Meter {
    line: String,
    percent: i32,
}

/// Stages of a clone with the share of the whole that is done before and the share they take.
const STAGES: [(&str, i32, i32); 4] = [
    ("Counting objects:", 0, 5),
    ("Compressing objects:", 5, 5),
    ("Receiving objects:", 10, 70),
    ("Resolving deltas:", 80, 19),
];

impl Meter {
    /// Takes a piece of standard error; answers when the percentage has risen.
    pub(super) fn feed(&mut self, piece: &str) -> Option<i32> {
        let before = self.percent;
        for letter in piece.chars() {
            if letter == '\r' || letter == '\n' {
                self.read();
                self.line.clear();
            } else if self.line.len() < 200 {
                self.line.push(letter);
            }
        }
        (self.percent > before).then_some(self.percent)
    }

    fn read(&mut self) {
        for (stage, start, share) in STAGES {
            let Some((_, rest)) = self.line.split_once(stage) else { continue };
            let Some((percent, _)) = rest.split_once('%') else { continue };
            if let Ok(percent) = percent.trim().parse::<i32>() {
                self.percent = self.percent.max(start + percent.clamp(0, 100) * share / 100);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn progress_only_rises_and_survives_cut_lines() {
        let mut meter = Meter::default();
        assert_eq!(meter.feed("remote: Counting objects: 100% (9/9)\rReceiving obj"), Some(5));
        assert_eq!(meter.feed("ects:  50% (5/10)\r"), Some(45));
        assert_eq!(meter.feed("Receiving objects:  40% (4/10)\r"), None);
        assert_eq!(meter.feed("Resolving deltas: 100% (3/3), done.\n"), Some(99));
    }
}

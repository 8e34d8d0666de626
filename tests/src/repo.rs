//! A git repository as a person would have it.

use crate::Outcome;
use crate::process::{program, run};
use anyhow::ensure;
use std::fs;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// A repository in a directory of its own.
#[derive(Debug)]
pub struct Repo {
    root: TempDir,
    path: PathBuf,
}

impl Repo {
    /// Makes a repository without a commit.
    ///
    /// # Errors
    /// When git fails.
    pub fn empty(name: &str) -> Outcome<Self> {
        let root = tempfile::Builder::new().prefix("grove-repo-").tempdir()?;
        let path = root.path().join(name);
        fs::create_dir(&path)?;
        let repo = Self { root, path };
        repo.git(&["init", "-q", "-b", "main"])?;
        Ok(repo)
    }

    /// Makes a repository with a README and one commit on `main`.
    ///
    /// # Errors
    /// When git fails.
    pub fn new(name: &str) -> Outcome<Self> {
        let repo = Self::empty(name)?;
        repo.file("README.md", "# A repository\n")?;
        repo.commit("first")?;
        Ok(repo)
    }

    /// Its directory.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Its directory as Grove takes it.
    #[must_use]
    pub fn source(&self) -> String {
        self.path.display().to_string()
    }

    /// A directory beside the repository that is none.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn plain_directory(&self) -> Outcome<PathBuf> {
        let path = self.root.path().join("plain");
        fs::create_dir_all(&path)?;
        Ok(path)
    }

    /// Writes a file.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn file(&self, path: &str, text: &str) -> Outcome {
        let path = self.path.join(path);
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        Ok(fs::write(path, text)?)
    }

    /// Commits everything and returns the commit's id.
    ///
    /// # Errors
    /// When git fails.
    pub fn commit(&self, message: &str) -> Outcome<String> {
        self.git(&["add", "-A"])?;
        self.git(&["commit", "-q", "-m", message])?;
        self.git(&["rev-parse", "HEAD"])
    }

    /// Runs git in the repository and returns what it printed, trimmed.
    ///
    /// # Errors
    /// When git fails.
    pub fn git(&self, arguments: &[&str]) -> Outcome<String> {
        Self::git_in(&self.path, arguments)
    }

    /// Runs git in any directory and returns what it printed, trimmed.
    ///
    /// # Errors
    /// When git fails.
    pub fn git_in(directory: &Path, arguments: &[&str]) -> Outcome<String> {
        let mut command = program("git");
        command.arg("-C").arg(directory).args(arguments);
        command.env("GIT_CONFIG_NOSYSTEM", "1").env("GIT_CONFIG_GLOBAL", "/dev/null");
        command.env("GIT_AUTHOR_NAME", "Ana").env("GIT_AUTHOR_EMAIL", "ana@example.org");
        command.env("GIT_COMMITTER_NAME", "Ana").env("GIT_COMMITTER_EMAIL", "ana@example.org");
        let output = run(&mut command)?;
        ensure!(output.code == 0, "git {arguments:?}: {}", output.stderr);
        Ok(output.stdout.trim().to_owned())
    }

    /// Everything that tells one state of the repository from another: refs, index and files.
    ///
    /// # Errors
    /// When git fails.
    pub fn fingerprint(&self) -> Outcome<String> {
        let refs = self.git(&["for-each-ref"]).unwrap_or_default();
        let head = fs::read_to_string(self.path.join(".git/HEAD"))?;
        let worktrees = self.git(&["worktree", "list", "--porcelain"])?;
        let config = fs::read_to_string(self.path.join(".git/config"))?;
        let status = self.git(&["status", "--porcelain=v2", "--untracked-files=all"])?;
        Ok([refs, head, worktrees, config, status].join("\n---\n"))
    }
}

//! What most tests of sessions begin with: an instance, a board and a repository.

use crate::{Client, Instance, Outcome, Repo, Setup};
use anyhow::Context;
use grove_core_api::SessionId;
use grove_core_api::rest::boards::Board;
use grove_core_api::rest::repos;
use grove_core_api::rest::sessions::Session;
use grove_core_api::rest::worktrees::Worktree;
use std::path::PathBuf;

/// An instance with a board and a repository with one commit.
#[derive(Debug)]
pub struct World {
    /// The instance.
    pub grove: Instance,
    /// Its owner.
    pub client: Client,
    /// The board.
    pub board: Board,
    /// The repository that a person has.
    pub source: Repo,
    /// What Grove made of it.
    pub repo: repos::Repo,
}

impl World {
    /// Starts an instance on the embedded database.
    ///
    /// # Errors
    /// When anything of it fails.
    pub async fn start() -> Outcome<Self> {
        Self::with(Setup::default()).await
    }

    /// Starts an instance as it is set up.
    ///
    /// # Errors
    /// When anything of it fails.
    pub async fn with(setup: Setup) -> Outcome<Self> {
        let source = Repo::new("shop")?;
        let grove = setup.start().await?;
        let client = grove.client()?;
        let board = client.new_board("Board").await?;
        let repo = client.add_repo(&source).await?;
        Ok(Self { grove, client, board, source, repo })
    }

    /// Runs a test in a fresh world on each database engine.
    ///
    /// # Errors
    /// The test's own, or that an instance left something behind.
    pub async fn on_each(test: impl AsyncFn(&Self) -> Outcome) -> Outcome {
        for backend in crate::Backend::all()? {
            let world = Self::with(Setup::default().on(backend)).await?;
            test(&world).await.with_context(|| format!("on {backend:?}"))?;
            world.end().await?;
        }
        Ok(())
    }

    /// Makes a session and prompts it.
    ///
    /// # Errors
    /// When it is refused.
    pub async fn session(&self, title: &str, prompt: &str) -> Outcome<Session> {
        Ok(self.client.new_session(self.repo.id, title, Some(prompt)).await?)
    }

    /// Makes a session, prompts it and waits until its turn is over.
    ///
    /// # Errors
    /// When it is refused or does not end.
    pub async fn finished(&self, title: &str, prompt: &str) -> Outcome<Session> {
        let session = self.session(title, prompt).await?;
        self.client.until_over(session.id).await
    }

    /// The worktree of a session.
    ///
    /// # Errors
    /// When it is not there.
    pub async fn worktree(&self, session: SessionId) -> Outcome<Worktree> {
        let session = self.client.session(session).await?;
        Ok(self.client.get(format!("/worktrees/{}", session.worktree_id)).await?)
    }

    /// Directory of a session's worktree.
    ///
    /// # Errors
    /// When it is not there.
    pub async fn directory(&self, session: SessionId) -> Outcome<PathBuf> {
        Ok(PathBuf::from(self.worktree(session).await?.path))
    }

    /// A path that nothing has made yet, for gates: where tests and sandboxed agents both reach.
    #[must_use]
    pub fn gate(&self, name: &str) -> PathBuf {
        self.grove.scratch().join("account/.cache").join(format!("gate-{name}"))
    }

    /// Ends the instance and makes sure that nothing is left of it.
    ///
    /// # Errors
    /// See [`Instance::end`].
    pub async fn end(self) -> Outcome {
        self.grove.end().await
    }
}

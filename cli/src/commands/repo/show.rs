//! `grove repo show`.

use crate::client::{self, Api};
use crate::config::Config;
use crate::error::CliError;
use crate::output::{Output, fields};
use grove_core_api::rest::repos::{Repo, RepoState};

pub(super) async fn run(
    api: &Api,
    text: &str,
    config: &Config,
    output: &Output,
) -> Result<(), CliError> {
    let id = client::repo(api, text, &config.cwd.value).await?.id;
    let answer = api.get::<Repo>(&format!("/repos/{id}"), &()).await?;
    output.answer(&answer, |repo| {
        fields(&[
            ("id", repo.id.to_string()),
            ("name", repo.name.clone()),
            ("state", state(repo)),
            ("source", repo.source.clone()),
            ("branch", repo.default_branch.clone()),
            ("failure", repo.failure.clone().unwrap_or_default()),
            ("registered", output.ago(repo.created_at_ms)),
        ])
    })
}

pub(super) fn state(repo: &Repo) -> String {
    match (repo.state, repo.progress_percent) {
        (RepoState::Cloning, Some(percent)) => format!("cloning {percent} %"),
        (RepoState::Cloning, None) => "cloning".to_owned(),
        (RepoState::Ready, _) => "ready".to_owned(),
        (RepoState::Failed, _) => "failed".to_owned(),
    }
}

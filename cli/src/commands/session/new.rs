//! `grove session new`.

use crate::args::NewSession;
use crate::client::{self, Answer, Api, until_done};
use crate::commands::prompt_text;
use crate::config::Config;
use crate::error::CliError;
use crate::output::Output;
use grove_core_api::rest::repos::Repo;
use grove_core_api::rest::sessions::{CreateSession, Session};
use std::time::Duration;

pub(super) async fn run(
    api: &Api,
    arguments: NewSession,
    config: &Config,
    output: &Output,
) -> Result<(), CliError> {
    let repo = repo(api, arguments.repo.as_deref(), config).await?;
    let board_id = match &arguments.board {
        Some(text) => Some(client::board_id(api, text).await?),
        None => None,
    };
    let has_prompt = arguments.prompt.is_some();
    let body = CreateSession {
        board_id,
        repo_id: Some(repo.id),
        worktree_id: None,
        base_ref: arguments.base,
        branch: arguments.branch,
        title: arguments.title.or_else(|| config.session_name.value.clone()),
        prompt: arguments.prompt.map(prompt_text).transpose()?,
        agent: arguments.choice.agent,
        model: arguments.choice.model,
        pos: None,
    };
    let answer = create(api, &body).await?;
    let made = |session: &Session| {
        format!("Made session {} ({}) on {}", session.title, session.id.short(), session.branch)
    };
    if !(arguments.wait.wait && has_prompt) {
        return output.answer(&answer, made);
    }
    if !output.is_json() {
        output.note(&made(&answer.value));
    }
    let most = Duration::from_secs(arguments.wait.timeout);
    let result = until_done(api, output, answer.value.id, None, most).await?;
    output.answer(&result, super::result::people)
}

/// Makes a session.
pub(in crate::commands) async fn create(
    api: &Api,
    body: &CreateSession,
) -> Result<Answer<Session>, CliError> {
    api.post::<Session>("/sessions", body).await
}

/// Finds the repository: the one that was named, the project of the environment, else the one that
/// the working directory belongs to.
async fn repo(api: &Api, named: Option<&str>, config: &Config) -> Result<Repo, CliError> {
    if let Some(text) = named {
        return client::repo(api, text, &config.cwd.value).await;
    }
    let directory = config.project_dir.value.as_ref().unwrap_or(&config.cwd.value);
    client::repo_at(api, directory).await
}

//! `grove worktree …`

mod diff;
mod ls;
mod rm;
mod show;

use crate::args::Worktree;
use crate::client;
use crate::config::Config;
use crate::error::CliError;
use crate::output::Output;

pub(super) use diff::people as diff_for_people;

pub(super) async fn run(
    command: Worktree,
    config: &Config,
    output: &Output,
) -> Result<(), CliError> {
    let api = client::connect(config)?;
    match command {
        Worktree::Ls { repo, include_trashed, listing } => {
            let repo_id = match repo {
                Some(text) => Some(client::repo(&api, &text, &config.cwd.value).await?.id),
                None => None,
            };
            ls::run(&api, ls::Query::new(repo_id, include_trashed, listing), output).await
        }
        Worktree::Show { worktree } => show::run(&api, &worktree, output).await,
        Worktree::Rm { worktree } => rm::run(&api, &worktree, output).await,
        Worktree::Diff { worktree } => diff::run(&api, &worktree, output).await,
    }
}

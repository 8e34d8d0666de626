//! `grove worktree rm`.

use crate::client::Api;
use crate::error::CliError;
use crate::output::Output;
use grove_core_api::rest::worktrees::Worktree;

pub(super) async fn run(api: &Api, id: &str, output: &Output) -> Result<(), CliError> {
    let answer = api.delete::<Worktree>(&format!("/worktrees/{id}")).await?;
    output.answer(&answer, |_| "Moved to the trash; a snapshot is kept".to_owned())
}

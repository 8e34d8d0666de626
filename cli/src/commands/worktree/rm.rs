//! `grove worktree rm`.

use crate::client::Api;
use crate::error::CliError;
use crate::output::Output;

pub(super) async fn run(api: &Api, id: &str, output: &Output) -> Result<(), CliError> {
    api.delete(&format!("/worktrees/{id}")).await?;
    output.say("Moved to the trash; a snapshot is kept")
}

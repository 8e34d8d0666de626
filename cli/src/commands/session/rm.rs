//! `grove session rm`.

use crate::client::Api;
use crate::error::CliError;
use crate::output::Output;

pub(super) async fn run(api: &Api, id: &str, output: &Output) -> Result<(), CliError> {
    api.delete(&format!("/sessions/{id}")).await?;
    output.say("Archived; its worktree is kept as a snapshot")
}

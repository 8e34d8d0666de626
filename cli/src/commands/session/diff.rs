//! `grove session diff`.

use crate::client::Api;
use crate::commands::worktree::diff_for_people;
use crate::error::CliError;
use crate::output::Output;
use grove_core_api::rest::worktrees::Diff;

pub(super) async fn run(api: &Api, id: &str, output: &Output) -> Result<(), CliError> {
    let answer = api.get::<Diff>(&format!("/sessions/{id}/diff"), &()).await?;
    output.answer(&answer, diff_for_people)
}

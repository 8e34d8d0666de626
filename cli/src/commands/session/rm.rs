//! `grove session rm`.

use crate::client::Api;
use crate::error::CliError;
use crate::output::Output;
use grove_core_api::rest::sessions::Session;

pub(super) async fn run(api: &Api, id: &str, output: &Output) -> Result<(), CliError> {
    let answer = api.delete::<Session>(&format!("/sessions/{id}")).await?;
    output.answer(&answer, |_| "Archived; its worktree is kept as a snapshot".to_owned())
}

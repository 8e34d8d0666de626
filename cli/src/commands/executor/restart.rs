//! `grove executor restart`.

use crate::client::Api;
use crate::error::CliError;
use crate::output::Output;
use grove_core_api::rest::executors::Executor;
use serde_json::json;

pub(super) async fn run(api: &Api, id: &str, output: &Output) -> Result<(), CliError> {
    let answer = api.post::<Executor>(&format!("/executors/{id}/restart"), &json!({})).await?;
    output.answer(&answer, |executor| {
        format!("Executor {} is {}", executor.id.short(), executor.state.as_str())
    })
}

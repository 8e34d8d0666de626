//! `grove session stop` and `grove session interrupt`.

use crate::client::Api;
use crate::error::CliError;
use crate::output::Output;
use grove_core_api::rest::sessions::Session;
use serde_json::json;

pub(super) async fn run(api: &Api, id: &str, verb: &str, output: &Output) -> Result<(), CliError> {
    let answer = api.post::<Session>(&format!("/sessions/{id}/{verb}"), &json!({})).await?;
    output.answer(&answer, |session| {
        format!("Session {} is {}", session.id.short(), session.state.as_str())
    })
}

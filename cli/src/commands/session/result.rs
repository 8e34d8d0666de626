//! `grove session result`.

use crate::client::Api;
use crate::error::CliError;
use crate::output::Output;
use grove_core_api::rest::sessions::SessionResult;

pub(super) async fn run(api: &Api, id: &str, output: &Output) -> Result<(), CliError> {
    let answer = api.get::<SessionResult>(&format!("/sessions/{id}/result"), &()).await?;
    output.answer(&answer, people)
}

/// The agent's last words, then what it changed and what it waits for.
pub(super) fn people(result: &SessionResult) -> String {
    let mut text = result.text.trim_end().to_owned();
    if text.is_empty() {
        text = format!("No words yet; the session is {}.", result.state.as_str());
    }
    if !result.changed_files.is_empty() {
        text.push_str("\n\nChanged files:");
        for file in &result.changed_files {
            text.push_str(&format!("\n  {file}"));
        }
    }
    for permission in &result.pending_permissions {
        let id = permission.short();
        text.push_str(&format!(
            "\n\nIt asks for permission: `grove session answer {id} --allow` or `--deny`."
        ));
    }
    text
}

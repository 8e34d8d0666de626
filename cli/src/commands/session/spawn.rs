//! `grove session spawn`.

use crate::args::{Choice, Wait};
use crate::client::{Api, until_done};
use crate::commands::prompt_text;
use crate::error::CliError;
use crate::output::Output;
use grove_core_api::rest::sessions::{Session, SpawnSession};
use std::time::Duration;

pub(super) fn child(
    prompt: String,
    title: Option<String>,
    choice: Choice,
) -> Result<SpawnSession, CliError> {
    let Choice { agent, model } = choice;
    Ok(SpawnSession { prompt: prompt_text(prompt)?, title, agent, model })
}

pub(super) async fn run(
    api: &Api,
    parent: &str,
    child: &SpawnSession,
    wait: Wait,
    output: &Output,
) -> Result<(), CliError> {
    let answer = api.post::<Session>(&format!("/sessions/{parent}/spawn"), child).await?;
    if !wait.wait {
        return output.answer(&answer, |session| {
            format!("Made session {} ({})", session.title, session.id.short())
        });
    }
    let most = Duration::from_secs(wait.timeout);
    let result = until_done(api, output, answer.value.id, None, most).await?;
    output.answer(&result, super::result::people)
}

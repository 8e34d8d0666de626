//! `grove session prompt`.

use crate::args::Wait;
use crate::client::{Api, until_done};
use crate::commands::prompt_text;
use crate::error::CliError;
use crate::output::Output;
use grove_core_api::rest::sessions::CreatePrompt;
use grove_core_api::rest::tasks::{Task, TaskState};
use std::time::Duration;

pub(super) async fn run(
    api: &Api,
    id: &str,
    prompt: String,
    wait: Wait,
    output: &Output,
) -> Result<(), CliError> {
    let body = CreatePrompt { text: prompt_text(prompt)?, draft: None };
    let answer = api.post::<Task>(&format!("/sessions/{id}/prompt"), &body).await?;
    let task = &answer.value;
    if !wait.wait {
        return output.answer(&answer, |task| {
            let how = if task.state == TaskState::Queued { "waits its turn" } else { "is at work" };
            format!("Task {} of session {} {how}", task.index, task.session_id.short())
        });
    }
    let most = Duration::from_secs(wait.timeout);
    let result = until_done(api, output, task.session_id, Some(task.id), most).await?;
    output.answer(&result, super::result::people)
}

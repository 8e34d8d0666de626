//! `grove session show`.

use crate::client::Api;
use crate::commands::executor::layers_off;
use crate::error::CliError;
use crate::output::{Output, dollars, fields};
use grove_core_api::rest::executors::SessionExecutor;
use grove_core_api::rest::sessions::{Relation, Session};

pub(super) async fn run(api: &Api, id: &str, output: &Output) -> Result<(), CliError> {
    let answer = api.get::<Session>(&format!("/sessions/{id}"), &()).await?;
    output.answer(&answer, |session| people(session, output))
}

fn people(session: &Session, output: &Output) -> String {
    let parent = session.parent_id.map(|parent| {
        let how = match session.relation {
            Some(Relation::Spawn) => "spawned by ",
            Some(Relation::Fork) => "forked from ",
            None => "",
        };
        format!("{how}{}", parent.short())
    });
    let usage = session.usage;
    let sandbox = session.sandbox.as_ref();
    fields(&[
        ("id", session.id.to_string()),
        ("title", session.title.clone()),
        ("state", session.state.as_str().to_owned()),
        ("why", session.evidence.detail.clone()),
        ("now", session.line.clone()),
        ("agent", format!("{} ({})", session.agent, session.model)),
        ("repo", session.repo.clone()),
        ("branch", session.branch.clone()),
        ("worktree", session.worktree_id.short()),
        ("board", session.board_id.short()),
        ("executor", session.executor.as_ref().map(executor).unwrap_or_default()),
        ("account", sandbox.map(|it| it.account.clone()).unwrap_or_default()),
        ("isolation", sandbox.map(|it| it.mode.name().to_owned()).unwrap_or_default()),
        ("layers off", sandbox.map(layers_off).unwrap_or_default()),
        ("parent", parent.unwrap_or_default()),
        ("tasks", session.task_count.to_string()),
        ("tokens", format!("{} in, {} out", usage.input_tokens, usage.output_tokens)),
        ("cost", dollars(usage.cost_micro_usd)),
        ("made", output.ago(session.created_at_ms)),
        ("changed", output.ago(session.updated_at_ms)),
    ])
}

/// The newest executor in one line: which one, how it is, how it ended.
fn executor(executor: &SessionExecutor) -> String {
    let mut text = format!("{} {}", executor.id.short(), executor.state.as_str());
    if executor.restarts > 0 {
        text.push_str(&format!(", restarted {} times", executor.restarts));
    }
    if let Some(end) = &executor.end {
        text.push_str(&format!(", ended: {}", end.how));
    }
    text
}

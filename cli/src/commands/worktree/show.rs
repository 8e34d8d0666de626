//! `grove worktree show`.

use crate::client::Api;
use crate::error::CliError;
use crate::output::{Output, fields};
use grove_core_api::rest::worktrees::{Worktree, WorktreeState};

pub(super) async fn run(api: &Api, id: &str, output: &Output) -> Result<(), CliError> {
    let answer = api.get::<Worktree>(&format!("/worktrees/{id}"), &()).await?;
    output.answer(&answer, |worktree| {
        fields(&[
            ("id", worktree.id.to_string()),
            ("name", worktree.name.clone()),
            ("state", state(worktree.state).to_owned()),
            ("failure", worktree.failure.clone().unwrap_or_default()),
            ("branch", worktree.branch.clone()),
            ("base", format!("{} ({})", worktree.base_ref, worktree.base_commit)),
            ("path", worktree.path.clone()),
            ("issue", worktree.issue_url.clone().unwrap_or_default()),
            ("pull request", worktree.pull_request_url.clone().unwrap_or_default()),
            ("snapshot", worktree.trash_snapshot.clone().unwrap_or_default()),
            ("made", output.ago(worktree.created_at_ms)),
        ])
    })
}

pub(super) const fn state(state: WorktreeState) -> &'static str {
    match state {
        WorktreeState::Creating => "creating",
        WorktreeState::Ready => "ready",
        WorktreeState::Failed => "failed",
        WorktreeState::Trashed => "trashed",
    }
}

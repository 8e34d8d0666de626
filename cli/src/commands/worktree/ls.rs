//! `grove worktree ls`.

use super::show::state;
use crate::args::Listing;
use crate::client::Api;
use crate::commands::with_more;
use crate::error::CliError;
use crate::output::{Output, cut, table};
use grove_core_api::rest::worktrees::Worktree;
use grove_core_api::{Page, RepoId};
use serde::Serialize;

/// What is asked for.
#[derive(Debug, Serialize)]
pub(super) struct Query {
    #[serde(skip_serializing_if = "Option::is_none")]
    repo_id: Option<RepoId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    include_trashed: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    limit: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cursor: Option<String>,
}

impl Query {
    pub(super) fn new(repo_id: Option<RepoId>, include_trashed: bool, listing: Listing) -> Self {
        let Listing { limit, cursor } = listing;
        Self { repo_id, include_trashed: include_trashed.then_some(true), limit, cursor }
    }
}

pub(super) async fn run(api: &Api, query: Query, output: &Output) -> Result<(), CliError> {
    let answer = api.get::<Page<Worktree>>("/worktrees", &query).await?;
    output.answer(&answer, |page| {
        let row = |worktree: &Worktree| {
            vec![
                worktree.id.short(),
                cut(&worktree.name, 40),
                state(worktree.state).to_owned(),
                cut(&worktree.branch, 40),
                output.ago(worktree.updated_at_ms),
            ]
        };
        let rows = page.items.iter().map(row).collect();
        with_more(table(&["id", "name", "state", "branch", "changed"], rows), page)
    })
}

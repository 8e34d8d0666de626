//! `grove executor ls`.

use super::role;
use crate::args::Listing;
use crate::client::Api;
use crate::commands::with_more;
use crate::error::CliError;
use crate::output::{Output, cut, table};
use grove_core_api::Page;
use grove_core_api::rest::executors::{Executor, ExecutorQuery};
use grove_core_api::rest::sessions::Session;

pub(super) async fn run(
    api: &Api,
    session: Option<String>,
    listing: Listing,
    output: &Output,
) -> Result<(), CliError> {
    let session_id = match session {
        Some(text) => Some(api.get::<Session>(&format!("/sessions/{text}"), &()).await?.value.id),
        None => None,
    };
    let Listing { limit, cursor } = listing;
    let query = ExecutorQuery { session_id, limit, cursor };
    let answer = api.get::<Page<Executor>>("/executors", &query).await?;
    output.answer(&answer, |page| {
        let row = |executor: &Executor| {
            vec![
                executor.id.short(),
                role(executor.role).to_owned(),
                executor.state.as_str().to_owned(),
                executor.session_id.map(|id| id.short()).unwrap_or_default(),
                executor.account.clone(),
                executor.pid.map(|pid| pid.to_string()).unwrap_or_default(),
                output.ago(executor.started_at_ms),
                cut(executor.end.as_ref().map_or("lives", |end| &end.how), 50),
            ]
        };
        let rows = page.items.iter().map(row).collect();
        let header = ["id", "role", "state", "session", "account", "pid", "started", "end"];
        with_more(table(&header, rows), page)
    })
}

//! `grove session ls`.

use crate::args::Listing;
use crate::client::Api;
use crate::commands::with_more;
use crate::error::CliError;
use crate::output::{Output, cut, table};
use grove_core_api::rest::sessions::{Session, SessionQuery};
use grove_core_api::{BoardId, Page};

pub(super) fn query(
    board_id: Option<BoardId>,
    include_archived: bool,
    listing: Listing,
) -> SessionQuery {
    let Listing { limit, cursor } = listing;
    let include_archived = include_archived.then_some(true);
    SessionQuery { board_id, include_archived, limit, cursor, ..SessionQuery::default() }
}

pub(super) async fn run(api: &Api, query: SessionQuery, output: &Output) -> Result<(), CliError> {
    let answer = api.get::<Page<Session>>("/sessions", &query).await?;
    output.answer(&answer, |page| {
        let row = |session: &Session| {
            vec![
                session.id.short(),
                session.state.as_str().to_owned(),
                cut(&session.title, 40),
                session.repo.clone(),
                session.agent.clone(),
                cut(&session.line, 40),
                output.ago(session.updated_at_ms),
            ]
        };
        let rows = page.items.iter().map(row).collect();
        let header = ["id", "state", "title", "repo", "agent", "now", "changed"];
        with_more(table(&header, rows), page)
    })
}

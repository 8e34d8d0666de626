//! `grove repo ls`.

use crate::args::Listing;
use crate::client::Api;
use crate::commands::with_more;
use crate::error::CliError;
use crate::output::{Output, cut, table};
use grove_core_api::rest::repos::Repo;
use grove_core_api::{Page, PageQuery};

pub(super) async fn run(api: &Api, listing: Listing, output: &Output) -> Result<(), CliError> {
    let answer = api.get::<Page<Repo>>("/repos", &PageQuery::from(listing)).await?;
    output.answer(&answer, |page| {
        let row = |repo: &Repo| {
            vec![
                repo.id.short(),
                repo.name.clone(),
                super::show::state(repo),
                repo.default_branch.clone(),
                cut(&repo.source, 60),
            ]
        };
        let rows = page.items.iter().map(row).collect();
        with_more(table(&["id", "name", "state", "branch", "source"], rows), page)
    })
}

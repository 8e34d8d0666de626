//! `grove board ls`.

use crate::args::Listing;
use crate::client::Api;
use crate::commands::with_more;
use crate::error::CliError;
use crate::output::{Output, cut, table};
use grove_core_api::rest::boards::Board;
use grove_core_api::{Page, PageQuery};

pub(super) async fn run(api: &Api, listing: Listing, output: &Output) -> Result<(), CliError> {
    let answer = api.get::<Page<Board>>("/boards", &PageQuery::from(listing)).await?;
    output.answer(&answer, |page| {
        let row = |board: &Board| {
            vec![board.id.short(), cut(&board.name, 60), output.ago(board.updated_at_ms)]
        };
        let rows = page.items.iter().map(row).collect();
        with_more(table(&["id", "name", "changed"], rows), page)
    })
}

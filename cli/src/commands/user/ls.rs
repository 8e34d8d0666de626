//! `grove user ls`.

use crate::args::Listing;
use crate::client::Api;
use crate::commands::with_more;
use crate::error::CliError;
use crate::output::{Output, table};
use grove_core_api::rest::users::User;
use grove_core_api::{Page, PageQuery};

pub(super) async fn run(api: &Api, listing: Listing, output: &Output) -> Result<(), CliError> {
    let answer = api.get::<Page<User>>("/users", &PageQuery::from(listing)).await?;
    output.answer(&answer, |page| {
        let row = |user: &User| {
            vec![
                user.id.short(),
                user.emoji.clone(),
                user.name.clone(),
                output.ago(user.created_at_ms),
            ]
        };
        let rows = page.items.iter().map(row).collect();
        with_more(table(&["id", "", "name", "since"], rows), page)
    })
}

//! `grove board grants` and `grove board rights`.

use crate::args::Listing;
use crate::client::{self, Api};
use crate::commands::with_more;
use crate::error::CliError;
use crate::output::{Output, table};
use grove_core_api::rest::grants::{BoardGrant, BoardRights, BoardRightsQuery};
use grove_core_api::{Page, PageQuery};

pub(super) async fn grants(
    api: &Api,
    board: &str,
    listing: Listing,
    output: &Output,
) -> Result<(), CliError> {
    let board = client::board_id(api, board).await?;
    let query = PageQuery::from(listing);
    let answer = api.get::<Page<BoardGrant>>(&format!("/boards/{board}/grants"), &query).await?;
    output.answer(&answer, |page| {
        let row = |it: &BoardGrant| {
            let (kind, right) = (it.subject_kind.name().to_owned(), it.right.name().to_owned());
            vec![kind, it.subject_name.clone(), right, output.ago(it.created_at_ms)]
        };
        let rows = page.items.iter().map(row).collect();
        with_more(table(&["", "who", "right", "since"], rows), page)
    })
}

pub(super) async fn rights(
    api: &Api,
    board: &str,
    user: Option<&str>,
    output: &Output,
) -> Result<(), CliError> {
    let board = client::board_id(api, board).await?;
    let user = match user {
        Some(user) => Some(client::user(api, user).await?.id.to_string()),
        None => None,
    };
    let query = BoardRightsQuery { user };
    let answer = api.get::<BoardRights>(&format!("/boards/{board}/rights"), &query).await?;
    output.answer(&answer, explained)
}

fn explained(it: &BoardRights) -> String {
    let mut lines = vec![match it.right {
        Some(right) => format!("right: {}", right.name()),
        None => "right: none, the board is hidden".to_owned(),
    }];
    for reason in &it.reasons {
        lines.push(format!("  {}: {}", reason.right.name(), reason.text));
    }
    for limit in &it.limits {
        let most = limit.most.map_or("nothing", |most| most.name());
        lines.push(format!("  lowered to {most}: {}", limit.text));
    }
    lines.join("\n")
}

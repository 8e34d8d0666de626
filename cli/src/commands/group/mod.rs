//! `grove group …`

use crate::args::{Group, Listing};
use crate::client::{self, Api};
use crate::commands::with_more;
use crate::config::Config;
use crate::error::CliError;
use crate::output::{Output, table};
use grove_core_api::rest::grants::{self, CreateGroup};
use grove_core_api::{Page, PageQuery};

pub(super) async fn run(command: Group, config: &Config, output: &Output) -> Result<(), CliError> {
    let api = client::connect(config)?;
    match command {
        Group::Ls(listing) => list(&api, listing, output).await,
        Group::New { name } => {
            let answer = api.post::<grants::Group>("/groups", &CreateGroup { name }).await?;
            output.answer(&answer, |group| {
                format!("Made group {} ({})", group.name, group.id.short())
            })
        }
        Group::Rm { group } => {
            let found = client::group(&api, &group).await?;
            api.remove(&format!("/groups/{}", found.id)).await?;
            let said = serde_json::json!({ "removed": found.id });
            output.value(&said, |_| format!("Removed group {}", found.name))
        }
        Group::Add { group, user } => {
            let path = member(&api, &group, &user).await?;
            let answer = api.put::<grants::Group>(&path, &()).await?;
            output.answer(&answer, |group| format!("{user} is in {} now", group.name))
        }
        Group::Remove { group, user } => {
            let path = member(&api, &group, &user).await?;
            let answer = api.delete::<grants::Group>(&path).await?;
            output.answer(&answer, |group| format!("{user} is not in {} any more", group.name))
        }
    }
}

async fn member(api: &Api, group: &str, user: &str) -> Result<String, CliError> {
    let (group, user) = (client::group(api, group).await?, client::user(api, user).await?);
    Ok(format!("/groups/{}/members/{}", group.id, user.id))
}

async fn list(api: &Api, listing: Listing, output: &Output) -> Result<(), CliError> {
    let answer = api.get::<Page<grants::Group>>("/groups", &PageQuery::from(listing)).await?;
    output.answer(&answer, |page| {
        let row = |group: &grants::Group| {
            let people = group.members.len().to_string();
            vec![group.id.short(), group.name.clone(), people, output.ago(group.created_at_ms)]
        };
        let rows = page.items.iter().map(row).collect();
        with_more(table(&["id", "name", "people", "since"], rows), page)
    })
}

//! `grove admin user …`

use crate::args::{AdminUser, Listing};
use crate::client::{self, Api};
use crate::commands::with_more;
use crate::config::Config;
use crate::error::CliError;
use crate::output::{Output, fields, table};
use grove_core_api::rest::users::{
    CreatePersonalToken, CreateUser, NewPersonalToken, PersonalToken, User, UserRole,
};
use grove_core_api::{Page, PageQuery};

pub(super) async fn run(
    command: AdminUser,
    config: &Config,
    output: &Output,
) -> Result<(), CliError> {
    let api = client::connect(config)?;
    match command {
        AdminUser::Add { name, unix_account, admin } => {
            let role = admin.then_some(UserRole::Admin);
            add(&api, CreateUser { name, unix_account, role }, output).await
        }
        AdminUser::Ls(listing) => list(&api, listing, output).await,
        AdminUser::Retire { user } => retire(&api, &user, output).await,
        AdminUser::Token { user, name, days } => {
            let body = CreatePersonalToken { name, expires_in_days: days };
            token(&api, &user, body, output).await
        }
        AdminUser::Tokens { user } => tokens(&api, &user, output).await,
        AdminUser::Revoke { user, token } => revoke(&api, &user, &token, output).await,
    }
}

fn account(user: &User) -> String {
    user.unix_account.as_ref().map(|it| it.name.clone()).unwrap_or_default()
}

async fn add(api: &Api, body: CreateUser, output: &Output) -> Result<(), CliError> {
    let answer = api.post::<User>("/users", &body).await?;
    output.answer(&answer, |user| {
        let rows = [
            ("id", user.id.to_string()),
            ("name", user.name.clone()),
            ("role", user.role.name().to_owned()),
            ("account", account(user)),
        ];
        let name = &user.name;
        format!("{}\n\nMake a token: grove admin user token '{name}'", fields(&rows))
    })
}

async fn list(api: &Api, listing: Listing, output: &Output) -> Result<(), CliError> {
    let answer = api.get::<Page<User>>("/users", &PageQuery::from(listing)).await?;
    output.answer(&answer, |page| {
        let row = |user: &User| {
            let retired = user.retired_at_ms.map(|at| format!("retired {}", output.ago(at)));
            vec![
                user.id.short(),
                user.name.clone(),
                user.role.name().to_owned(),
                account(user),
                retired.unwrap_or_default(),
            ]
        };
        let rows = page.items.iter().map(row).collect();
        with_more(table(&["id", "name", "role", "account", ""], rows), page)
    })
}

async fn retire(api: &Api, user: &str, output: &Output) -> Result<(), CliError> {
    let user = client::user(api, user).await?;
    let answer = api.delete::<User>(&format!("/users/{}", user.id)).await?;
    output.answer(&answer, |user| format!("{} is retired", user.name))
}

async fn token(
    api: &Api,
    user: &str,
    body: CreatePersonalToken,
    output: &Output,
) -> Result<(), CliError> {
    let user = client::user(api, user).await?;
    let path = format!("/users/{}/tokens", user.id);
    let answer = api.post::<NewPersonalToken>(&path, &body).await?;
    // The token alone on standard output, for `$(…)`; the remark goes elsewhere.
    if !output.is_json() {
        output.note("Keep it: it is not shown again. The browser and GROVE_TOKEN take it.");
    }
    output.answer(&answer, |made| made.token.clone())
}

async fn tokens(api: &Api, user: &str, output: &Output) -> Result<(), CliError> {
    let user = client::user(api, user).await?;
    let answer = api.get::<Vec<PersonalToken>>(&format!("/users/{}/tokens", user.id), &()).await?;
    output.answer(&answer, |tokens| {
        let row = |token: &PersonalToken| {
            let used = token.last_used_at_ms.map_or("never".to_owned(), |at| output.ago(at));
            let left = token.expires_at_ms.map_or("never".to_owned(), |at| output.until(at));
            vec![token.id.short(), token.name.clone(), used, left]
        };
        table(&["id", "name", "used", "expires"], tokens.iter().map(row).collect())
    })
}

async fn revoke(api: &Api, user: &str, token: &str, output: &Output) -> Result<(), CliError> {
    let user = client::user(api, user).await?;
    api.remove(&format!("/users/{}/tokens/{token}", user.id)).await?;
    output.value(&serde_json::json!({ "revoked": token }), |_| "The token is revoked".to_owned())
}

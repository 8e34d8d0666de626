//! `grove user me`.

use crate::client::Api;
use crate::error::CliError;
use crate::output::{Output, fields};
use grove_core_api::rest::users::User;

pub(super) async fn run(api: &Api, output: &Output) -> Result<(), CliError> {
    let answer = api.get::<User>("/users/me", &()).await?;
    output.answer(&answer, |user| {
        fields(&[
            ("id", user.id.to_string()),
            ("name", user.name.clone()),
            ("emoji", user.emoji.clone()),
            ("since", output.ago(user.created_at_ms)),
        ])
    })
}

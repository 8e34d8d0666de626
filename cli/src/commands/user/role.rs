//! `grove user role` and `grove user hand-over`.

use crate::args::Role;
use crate::client::{self, Api};
use crate::error::CliError;
use crate::output::Output;
use grove_core_api::rest::grants::PatchPerson;
use grove_core_api::rest::users::User;

pub(super) async fn role(
    api: &Api,
    user: &str,
    role: Role,
    output: &Output,
) -> Result<(), CliError> {
    let user = client::user(api, user).await?;
    let body = PatchPerson { role: Some(role.into()) };
    let answer = api.patch::<User>(&format!("/users/{}", user.id), &body).await?;
    output.answer(&answer, |user| format!("{} is {} now", user.name, user.role.name()))
}

pub(super) async fn hand_over(api: &Api, user: &str, output: &Output) -> Result<(), CliError> {
    let user = client::user(api, user).await?;
    let answer = api.post::<User>(&format!("/users/{}/owner", user.id), &()).await?;
    output.answer(&answer, |user| format!("The instance is {}'s now", user.name))
}

//! `grove user …`

mod ls;
mod me;
mod role;

use crate::args::User;
use crate::client;
use crate::config::Config;
use crate::error::CliError;
use crate::output::Output;

pub(super) async fn run(command: User, config: &Config, output: &Output) -> Result<(), CliError> {
    let api = client::connect(config)?;
    match command {
        User::Ls(listing) => ls::run(&api, listing, output).await,
        User::Me => me::run(&api, output).await,
        User::Role { user, role } => role::role(&api, &user, role, output).await,
        User::HandOver { user } => role::hand_over(&api, &user, output).await,
    }
}

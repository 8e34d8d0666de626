//! `grove user …`

mod ls;
mod me;

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
    }
}

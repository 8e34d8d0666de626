//! `grove board …`

mod ls;
mod new;

use crate::args::Board;
use crate::client;
use crate::config::Config;
use crate::error::CliError;
use crate::output::Output;

pub(super) async fn run(command: Board, config: &Config, output: &Output) -> Result<(), CliError> {
    let api = client::connect(config)?;
    match command {
        Board::Ls(listing) => ls::run(&api, listing, output).await,
        Board::New { name } => new::run(&api, name, output).await,
    }
}

//! `grove board …`

mod ls;
mod new;
mod rights;
mod share;

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
        Board::Share { board, who, right } => {
            share::share(&api, (&board, &who), right, output).await
        }
        Board::Unshare { board, who } => share::unshare(&api, (&board, &who), output).await,
        Board::Visibility { board, visibility, right } => {
            share::visibility(&api, &board, visibility, right, output).await
        }
        Board::Grants { board, listing } => rights::grants(&api, &board, listing, output).await,
        Board::Rights { board, user } => {
            rights::rights(&api, &board, user.as_deref(), output).await
        }
    }
}

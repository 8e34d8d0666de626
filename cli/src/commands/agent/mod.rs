//! `grove agent …`

mod ls;

use crate::args::Agent;
use crate::client;
use crate::config::Config;
use crate::error::CliError;
use crate::output::Output;

pub(super) async fn run(command: Agent, config: &Config, output: &Output) -> Result<(), CliError> {
    let api = client::connect(config)?;
    match command {
        Agent::Ls => ls::run(&api, output).await,
    }
}

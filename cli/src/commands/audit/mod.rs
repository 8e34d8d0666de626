//! `grove audit …`

mod ls;
mod verify;

use crate::args::Audit;
use crate::client;
use crate::config::Config;
use crate::error::CliError;
use crate::output::Output;
use std::process::ExitCode;

pub(super) async fn run(
    command: Audit,
    config: &Config,
    output: &Output,
) -> Result<ExitCode, CliError> {
    let api = client::connect(config)?;
    match command {
        Audit::Ls(arguments) => ls::run(&api, arguments, output).await,
        Audit::Verify => verify::run(&api, output).await,
    }
}

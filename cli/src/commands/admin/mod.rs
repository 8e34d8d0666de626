//! `grove admin …`

mod user;

use crate::args::Admin;
use crate::config::Config;
use crate::error::CliError;
use crate::output::Output;

pub(super) async fn run(command: Admin, config: &Config, output: &Output) -> Result<(), CliError> {
    match command {
        Admin::User(command) => user::run(command, config, output).await,
    }
}

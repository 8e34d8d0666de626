//! `grove repo …`

mod add;
mod ls;
mod policy;
mod show;

use crate::args::Repo;
use crate::client;
use crate::config::Config;
use crate::error::CliError;
use crate::output::Output;

pub(super) async fn run(command: Repo, config: &Config, output: &Output) -> Result<(), CliError> {
    let api = client::connect(config)?;
    match command {
        Repo::Add { source, name, no_wait } => {
            let source = add::source(&source, &config.cwd.value)?;
            add::run(&api, source, name, !no_wait, output).await
        }
        Repo::Ls(listing) => ls::run(&api, listing, output).await,
        Repo::Policy { repo, policy } => policy::run(&api, &repo, policy, config, output).await,
        Repo::Show { repo } => show::run(&api, &repo, config, output).await,
    }
}

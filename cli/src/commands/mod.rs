//! One file per command: read what was typed, ask the API once or twice, write the answer.

mod admin;
mod agent;
mod audit;
mod board;
mod completions;
mod config;
mod demo;
mod doctor;
mod down;
mod executor;
mod group;
mod open;
mod repo;
mod session;
mod status;
mod up;
mod user;
mod watch;
mod worktree;

use crate::args::{Command, Listing};
use crate::config::Config;
use crate::error::CliError;
use crate::output::Output;
use grove_core_api::{Page, PageQuery};
use std::process::ExitCode;

/// Does what was typed.
pub(crate) async fn dispatch(
    command: Command,
    config: &Config,
    output: &Output,
) -> Result<ExitCode, CliError> {
    match command {
        Command::Up(arguments) => return up::run(arguments, config, output).await,
        Command::Audit(command) => return audit::run(command, config, output).await,
        Command::Doctor(arguments) => return doctor::run(arguments, config, output).await,
        Command::Watch(arguments) => return watch::run(&arguments, config, output).await,
        Command::Down => down::run(config, output).await?,
        Command::Status => status::run(config, output).await?,
        Command::Open => open::run(config, output)?,
        Command::Repo(command) => repo::run(command, config, output).await?,
        Command::Board(command) => board::run(command, config, output).await?,
        Command::Worktree(command) => worktree::run(command, config, output).await?,
        Command::Session(command) => session::run(*command, config, output).await?,
        Command::Group(command) => group::run(command, config, output).await?,
        Command::User(command) => user::run(command, config, output).await?,
        Command::Admin(command) => admin::run(command, config, output).await?,
        Command::Agent(command) => agent::run(command, config, output).await?,
        Command::Executor(command) => executor::run(command, config, output).await?,
        Command::Completions { shell } => completions::run(shell, output)?,
        Command::Config(command) => config::run(&command, config, output)?,
    }
    Ok(ExitCode::SUCCESS)
}

impl From<Listing> for PageQuery {
    fn from(listing: Listing) -> Self {
        Self { limit: listing.limit, cursor: listing.cursor }
    }
}

/// Adds how to go on below a page that is not the last one.
fn with_more<T>(text: String, page: &Page<T>) -> String {
    match &page.next_cursor {
        Some(cursor) => format!("{text}\n\nThere are more: --cursor {cursor}"),
        None => text,
    }
}

/// Takes a prompt as it is, or from standard input when it is `-`.
fn prompt_text(text: String) -> Result<String, CliError> {
    use std::io::Read;
    if text != "-" {
        return Ok(text);
    }
    let most = grove_core_api::limits::PROMPT_BYTES;
    let limit = u64::try_from(most).unwrap_or(u64::MAX);
    let mut read = String::new();
    // One byte more than allowed, so that a prompt that is too long is seen as such.
    std::io::stdin().take(limit + 1).read_to_string(&mut read).map_err(|error| {
        CliError::usage(
            format!("failed to read the prompt from standard input: {error}"),
            "It must be text in UTF-8.",
        )
    })?;
    if read.trim().is_empty() {
        return Err(CliError::usage("standard input holds no prompt", "Pipe a prompt into it."));
    }
    Ok(read)
}

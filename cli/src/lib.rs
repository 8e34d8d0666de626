//! The command line of Grove: a client of the REST API, and the one that starts Grove.
//!
//! `args` says what can be typed, `commands` does it, `client` talks to the instance, `host` looks at
//! and starts things on this machine, `output` writes. Deliberately absent: rules of Grove (the
//! daemon has them all) and the database.

mod args;
mod client;
mod commands;
mod config;
mod error;
mod host;
mod output;
mod progress;
mod reference;

use clap::Parser;
use config::Config;
use error::{CliError, Exit};
use output::Output;
use std::process::ExitCode;

/// Reads the arguments, does what they say, and returns the exit code.
#[must_use]
pub fn run() -> ExitCode {
    let arguments = match args::Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) if error.use_stderr() && is_json_asked_for() => {
            let message = error.to_string();
            let output = Output::of_terminal(true);
            output.error(&CliError::usage(message.trim_end(), "Try `grove help`."));
            return ExitCode::from(Exit::Usage.code());
        }
        Err(error) => return say(&error),
    };
    let output = Output::of_terminal(arguments.globals.json);
    match act(arguments, &output) {
        Ok(code) => code,
        Err(error) => {
            output.error(&error);
            ExitCode::from(error.exit.code())
        }
    }
}

/// Whether errors are to be written for programs, when the arguments as a whole cannot be read.
fn is_json_asked_for() -> bool {
    std::env::args_os().any(|argument| argument == "--json")
}

/// Prints help, the version or a mistake in the arguments, the way `clap` words it.
fn say(error: &clap::Error) -> ExitCode {
    // A closed terminal cannot be told anything.
    drop(error.print());
    ExitCode::from(if error.use_stderr() { Exit::Usage.code() } else { Exit::Done.code() })
}

fn act(arguments: args::Arguments, output: &Output) -> Result<ExitCode, CliError> {
    let config = Config::resolve(&arguments.globals)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| CliError::defect(format!("failed to start the async runtime: {error}")))?;
    runtime.block_on(commands::dispatch(arguments.command, &config, output))
}

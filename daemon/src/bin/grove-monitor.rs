//! `grove-monitor`: starts the daemon and, when the daemon asks, executors.
//!
//! All of it is in `grove_daemon::privileged`; here are only arguments and the exit code.

use clap::{Parser, ValueEnum};
use grove_core_api::isolation::IsolationMode;
use grove_daemon::privileged::{self, Options};
use grove_sandbox::account::Rules;
use std::error::Error;
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

/// Starts Grove's daemon and its executors, and ends them. `grove up` starts it for you.
#[derive(Debug, Parser)]
#[command(name = "grove-monitor", version)]
struct Arguments {
    /// Grove's home: an absolute path, made when it is absent.
    #[arg(long, value_name = "DIR")]
    home: PathBuf,
    /// Address that the daemon listens on.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:4768")]
    bind: String,
    /// How much isolation to insist on: `strict` starts nothing when a required layer is missing.
    #[arg(long, value_name = "MODE", value_enum, default_value_t = Mode::BestEffort)]
    isolation: Mode,
    /// Makes this a shared host: groved runs as this account, executors as people's own. Needs root.
    #[arg(long, value_name = "ACCOUNT")]
    service_account: Option<String>,
    /// What the names of accounts begin with that Grove makes.
    #[arg(long, value_name = "TEXT", default_value = "grove_", requires = "service_account")]
    account_prefix: String,
    /// Group of all accounts that may run executors.
    #[arg(long, value_name = "GROUP", default_value = "grove-users", requires = "service_account")]
    account_group: String,
}

/// `--isolation`.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Mode {
    Strict,
    BestEffort,
    Off,
}

fn options(arguments: Arguments) -> Options {
    let isolation = match arguments.isolation {
        Mode::Strict => IsolationMode::Strict,
        Mode::BestEffort => IsolationMode::BestEffort,
        Mode::Off => IsolationMode::Off,
    };
    let (prefix, group) = (arguments.account_prefix, arguments.account_group);
    let homes = arguments.home.join("home");
    let accounts = arguments.service_account.map(|service| Rules { prefix, group, service, homes });
    Options { home: arguments.home, bind: arguments.bind, isolation, accounts }
}

fn main() -> ExitCode {
    match privileged::run(&options(Arguments::parse())) {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            let mut text = format!("grove-monitor: {error}");
            let mut source = error.source();
            while let Some(cause) = source {
                text.push_str(&format!(": {cause}"));
                source = cause.source();
            }
            // When standard error is closed, the exit code has to do.
            drop(writeln!(io::stderr().lock(), "{text}"));
            ExitCode::from(error.exit_code())
        }
    }
}

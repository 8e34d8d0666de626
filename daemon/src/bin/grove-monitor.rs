//! `grove-monitor`: starts the daemon and, when the daemon asks, executors.
//!
//! All of it is in `grove_daemon::privileged`; here are only arguments and the exit code.

use clap::Parser;
use grove_daemon::privileged::{self, Options};
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
}

fn main() -> ExitCode {
    let Arguments { home, bind } = Arguments::parse();
    match privileged::run(&Options { home, bind }) {
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

//! `grove-executor`: logs to standard error and runs [`grove_executor::run`]. No arguments.

use std::process::ExitCode;
use tracing_subscriber::filter::LevelFilter;

fn main() -> ExitCode {
    tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .with_max_level(LevelFilter::INFO)
        .with_ansi(false)
        .init();
    match grove_executor::run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!(%error, "executor did not start");
            ExitCode::FAILURE
        }
    }
}

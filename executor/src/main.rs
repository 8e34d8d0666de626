//! `grove-executor`: logs to standard error and runs [`grove_executor::run`].
//!
//! The monitor adds `--init` when it is the first process of its namespace: then it leaves the work to
//! a child and reaps what is orphaned.

use std::error::Error;
use std::process::ExitCode;

fn main() -> ExitCode {
    if std::env::args_os().nth(1).is_some_and(|it| it == "--init")
        && let Some(code) = grove_executor::init()
    {
        return ExitCode::from(code);
    }
    grove_executor::Log::begin();
    match grove_executor::run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let cause = error.source().map(ToString::to_string).unwrap_or_default();
            tracing::error!(%error, cause, "executor did not start");
            ExitCode::FAILURE
        }
    }
}

//! `grove-executor`: logs to standard error and runs [`grove_executor::run`].
//!
//! The monitor adds `--init` when it is the first process of its namespace: then it leaves the work to
//! a child and reaps what is orphaned.

use std::process::ExitCode;
use tracing_subscriber::Layer;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::fmt::layer;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

fn main() -> ExitCode {
    if std::env::args_os().nth(1).is_some_and(|it| it == "--init")
        && let Some(code) = grove_executor::init()
    {
        return ExitCode::from(code);
    }
    // The provider library logs whole answers, and so what people and models said.
    let targets = Targets::new()
        .with_default(LevelFilter::INFO)
        .with_target("genai", LevelFilter::OFF)
        .with_target("rmcp", LevelFilter::OFF);
    let lines = layer().with_writer(std::io::stderr).with_ansi(false);
    tracing_subscriber::registry().with(lines.with_filter(targets)).init();
    match grove_executor::run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!(%error, "executor did not start");
            ExitCode::FAILURE
        }
    }
}

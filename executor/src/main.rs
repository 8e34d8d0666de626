//! `grove-executor`: logs to standard error and runs [`grove_executor::run`]. No arguments.

use std::process::ExitCode;
use tracing_subscriber::Layer;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::fmt::layer;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

fn main() -> ExitCode {
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

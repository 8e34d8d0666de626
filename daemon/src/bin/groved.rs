//! `groved`: serves REST, WebSocket, MCP and the web interface. Started by `grove-monitor`.

use clap::Parser;
use grove_daemon::config::Config;
use grove_daemon::{privileged, server};
use std::error::Error;
use std::path::PathBuf;
use std::process::ExitCode;
use tracing_subscriber::EnvFilter;

/// A restart cannot help (`EX_CONFIG` of sysexits(3)).
const EXIT_CONFIG: u8 = 78;

/// Serves Grove. Started by grove-monitor; `grove up` starts both.
#[derive(Debug, Parser)]
#[command(name = "groved", version)]
struct Arguments {
    /// Grove's home: an absolute path.
    #[arg(long, value_name = "DIR")]
    home: PathBuf,
    /// Address to listen on; only loopback ones.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:4768")]
    bind: String,
}

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let filter = EnvFilter::try_from_env("GROVE_LOG")
        .unwrap_or_else(|_| EnvFilter::new("info,sea_orm_migration=warn,sqlx=warn,rmcp=warn"));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
    if let Err(error) = privileged::hide() {
        tracing::warn!(%error, "other processes of this account may read groved's memory");
    }
    let served = match Config::load(&arguments.home, &arguments.bind) {
        Ok(config) => server::run(config).await,
        Err(error) => Err(error.into()),
    };
    let Err(error) = served else { return ExitCode::SUCCESS };
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    tracing::error!("groved: {text}");
    if error.is_permanent() { ExitCode::from(EXIT_CONFIG) } else { ExitCode::FAILURE }
}

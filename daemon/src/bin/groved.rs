//! `groved`: serves REST, WebSocket, MCP and the web interface. Started by `grove-monitor`.

use clap::Parser;
use grove_core_api::isolation::IsolationMode;
use grove_daemon::config::{Config, Told};
use grove_daemon::{privileged, server};
use grove_sandbox::promptness::answer_soon;
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
    /// How much isolation the monitor insists on: strict, best-effort or off.
    #[arg(long, value_name = "MODE", default_value = "off", value_parser = isolation)]
    isolation: IsolationMode,
    /// Executors run as people's own Unix accounts; everybody signs in with a token.
    #[arg(long)]
    shared_host: bool,
    /// What names of accounts that Grove makes begin with.
    #[arg(long, value_name = "PREFIX", default_value = "grove_")]
    account_prefix: String,
}

fn isolation(text: &str) -> Result<IsolationMode, String> {
    match text {
        "strict" => Ok(IsolationMode::Strict),
        "best-effort" | "best_effort" => Ok(IsolationMode::BestEffort),
        "off" => Ok(IsolationMode::Off),
        _ => Err("one of strict, best-effort, off".to_owned()),
    }
}

fn main() -> ExitCode {
    // Each thread answers people, or does what somebody waits for.
    let runtime =
        tokio::runtime::Builder::new_multi_thread().enable_all().on_thread_start(promptly).build();
    match runtime {
        Ok(runtime) => runtime.block_on(run()),
        Err(error) => {
            tracing_subscriber::fmt().with_writer(std::io::stderr).init();
            tracing::error!("groved: no threads: {error}");
            ExitCode::FAILURE
        }
    }
}

fn promptly() {
    if let Err(error) = answer_soon() {
        tracing::debug!(%error, "a thread waits its turn as everybody does");
    }
}

async fn run() -> ExitCode {
    let arguments = Arguments::parse();
    let filter = EnvFilter::try_from_env("GROVE_LOG")
        .unwrap_or_else(|_| EnvFilter::new("info,sea_orm_migration=warn,sqlx=warn,rmcp=warn"));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
    if let Err(error) = privileged::hide() {
        tracing::warn!(%error, "other processes of this account may read groved's memory");
    }
    let told = Told {
        home: arguments.home,
        bind: arguments.bind,
        isolation: arguments.isolation,
        is_shared_host: arguments.shared_host,
        account_prefix: arguments.account_prefix,
    };
    let served = match Config::load(told) {
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

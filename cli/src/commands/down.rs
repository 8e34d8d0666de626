//! `grove down`: ends the Grove of a home, in good order.

use crate::client::{Running, running};
use crate::config::Config;
use crate::error::{CliError, Exit};
use crate::host::process;
use crate::output::Output;
use grove_core_api::monitor::RunFile;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::json;
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// Longest wait; the monitor itself gives its daemon ten seconds.
const MOST: Duration = Duration::from_secs(20);
const LOOK: Duration = Duration::from_millis(50);

pub(super) async fn run(config: &Config, output: &Output) -> Result<(), CliError> {
    if config.url.value.is_some() {
        let hint = "Leave out --url and GROVE_URL, and name a home with --home.";
        return Err(CliError::usage("only a Grove on this machine can be ended", hint));
    }
    let home = &config.home.value;
    let Running::Yes(run) = running(home)? else {
        let message = format!("Grove is not running in {}", home.display());
        return Err(CliError::new(Exit::NotRunning, message, "There is nothing to end."));
    };
    kill(Pid::from_raw(run.pid), Signal::SIGTERM).map_err(|errno| {
        let message = format!("failed to end process {}: {errno}", run.pid);
        CliError::new(Exit::Unavailable, message, "It must be ended by whoever started it.")
    })?;
    wait_for_end(&run).await?;
    output.value(&json!({ "url": run.url, "pid": run.pid }), |_| "Grove has ended".to_owned())
}

async fn wait_for_end(run: &RunFile) -> Result<(), CliError> {
    let deadline = Instant::now() + MOST;
    while process::start_ticks(run.pid) == Some(run.start_ticks) {
        if Instant::now() >= deadline {
            let message = format!("Grove has not ended within {} seconds", MOST.as_secs());
            let hint = format!("Look at the log; the last resort is `kill -9 {}`.", run.pid);
            return Err(CliError::new(Exit::Unavailable, message, hint));
        }
        sleep(LOOK).await;
    }
    Ok(())
}

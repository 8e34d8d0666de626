//! `grove up`: starts Grove unless it runs, says where it is, opens it.

use super::demo;
use crate::args::Up;
use crate::client::{self, Running, running};
use crate::config::Config;
use crate::error::{CliError, Exit};
use crate::host::monitor::{self, Launch};
use crate::output::Output;
use serde_json::json;
use std::process::{Child, ExitCode, ExitStatus};

pub(super) async fn run(
    arguments: Up,
    config: &Config,
    output: &Output,
) -> Result<ExitCode, CliError> {
    if config.url.value.is_some() {
        let hint = "Leave out --url and GROVE_URL; `grove status --url …` looks at another one.";
        return Err(CliError::usage("`grove up` starts Grove on this machine", hint));
    }
    let home = &config.home.value;
    if let Running::Yes(run) = running(home)? {
        let answer = json!({ "url": run.url, "pid": run.pid, "is_new": false });
        output.value(&answer, |_| format!("Grove is already running at {}", run.url))?;
        after_start(&arguments, config, output, &run.url).await?;
        return Ok(ExitCode::SUCCESS);
    }
    let port = arguments.port.unwrap_or(config.port.value);
    let launch = Launch { home, port, is_foreground: arguments.foreground };
    let started = monitor::start(launch)?;
    let answer = json!({ "url": started.url, "pid": started.child.id(), "is_new": true });
    output.value(&answer, |_| format!("Grove is ready at {}", started.url))?;
    let done = after_start(&arguments, config, output, &started.url).await;
    if !arguments.foreground {
        return done.map(|()| ExitCode::SUCCESS);
    }
    if let Err(error) = done {
        // Grove itself runs, so whoever looks at it in the foreground keeps it.
        output.error(&error);
    }
    stay(started.child).await
}

async fn after_start(
    arguments: &Up,
    config: &Config,
    output: &Output,
    url: &str,
) -> Result<(), CliError> {
    if arguments.demo {
        demo::fill(&client::connect_to(url, config)?, &config.home.value, output).await?;
    }
    let may_open = !arguments.no_open && !output.is_json() && config.has_display.value;
    if may_open && open::that_detached(url).is_err() {
        // The URL stands on the terminal, so a browser that does not open is no failure.
        output.note("No browser could be opened.");
    }
    Ok(())
}

/// Waits for the monitor's end. Ctrl-C reaches the monitor too, which then ends everything; SIGTERM
/// is passed on.
async fn stay(mut child: Child) -> Result<ExitCode, CliError> {
    use tokio::signal::unix::{SignalKind, signal};
    let failed = |error: std::io::Error| CliError::defect(format!("failed to wait: {error}"));
    let pid = i32::try_from(child.id()).map(nix::unistd::Pid::from_raw);
    let mut interrupt = signal(SignalKind::interrupt()).map_err(failed)?;
    let mut terminate = signal(SignalKind::terminate()).map_err(failed)?;
    let mut end = tokio::task::spawn_blocking(move || child.wait());
    loop {
        tokio::select! {
            ended = &mut end => {
                let status = ended.map_err(std::io::Error::other).and_then(|it| it);
                return conclude(status.map_err(failed)?);
            }
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {
                if let Ok(pid) = pid {
                    // It fails only when the monitor has ended, which the other branch sees.
                    nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGTERM).ok();
                }
            }
        }
    }
}

fn conclude(status: ExitStatus) -> Result<ExitCode, CliError> {
    if status.success() {
        return Ok(ExitCode::SUCCESS);
    }
    let message = format!("Grove ended unexpectedly ({status})");
    Err(CliError::new(Exit::Unavailable, message, "The lines above say why."))
}

//! The executor: one process that runs one session's agent, or git for one user.
//!
//! Started by the monitor, asked by the daemon. It owns the running task, its processes and the events
//! that the daemon has not stored yet. Deliberately absent: databases, accounts, any decision about who
//! may do what, and any connection that the monitor did not hand over.

mod agent;
mod confine;
mod connection;
mod control;
mod environment;
mod git;
mod init;
mod network;
mod places;
mod process;
mod replay;
mod sys;
mod tools;
mod unit;
mod usage;

use control::Control;
pub use init::init;
use nix::sys::prctl;
use nix::sys::socket::{SockType, getsockopt, sockopt};
use std::io;
use std::os::fd::OwnedFd;
use unit::Unit;

/// Why the executor did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Descriptor 3 is not the monitor's socket.
    #[error("grove-executor is started by grove-monitor, not by hand: descriptor 3 is no socket")]
    NotStartedByMonitor,
    /// The operating system said no.
    #[error("failed to prepare the executor")]
    System(#[from] io::Error),
}

/// Runs the executor until the monitor ends, the daemon says so, or nobody comes back.
///
/// Call it first in `main`: it takes over descriptor 3.
///
/// # Errors
/// `NotStartedByMonitor` when descriptor 3 is no `SOCK_SEQPACKET` socket, `System` when the process
/// cannot be prepared.
pub fn run() -> Result<(), StartError> {
    // Before anything secret is in memory: no core dump, no tracing by other processes of the account.
    prctl::set_dumpable(false).map_err(io::Error::from)?;
    let control = take_control()?;
    // What tools leave behind comes to us, not to the init process.
    prctl::set_child_subreaper(true).map_err(io::Error::from)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .max_blocking_threads(8)
        .enable_all()
        .build()?;
    runtime.block_on(serve(control))?;
    // A tool that is stuck in the kernel must not keep us.
    runtime.shutdown_background();
    Ok(())
}

fn take_control() -> Result<OwnedFd, StartError> {
    let not_ours = |_error: nix::Error| StartError::NotStartedByMonitor;
    let control = sys::take_control().map_err(not_ours)?;
    match getsockopt(&control, sockopt::SockType).map_err(not_ours)? {
        SockType::SeqPacket => Ok(control),
        SockType::Stream | SockType::Datagram | SockType::Raw | SockType::Rdm => {
            Err(StartError::NotStartedByMonitor)
        }
        _ => Err(StartError::NotStartedByMonitor),
    }
}

async fn serve(control: OwnedFd) -> io::Result<()> {
    let control = Control::new(control)?;
    // The role comes with the first greeting; without one there is nothing to do.
    let Some((greeting, stream)) = control.next().await else { return Ok(()) };
    tracing::info!(executor.id = %greeting.id, role = ?greeting.role, "executor started");
    confine::prepare(&greeting.report)?;
    let unit = Unit::new(greeting.role, greeting.report.clone()).await?;
    unit.run(control, Some((greeting, stream))).await;
    Ok(())
}

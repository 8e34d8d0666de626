//! The executor: one process that runs one session's agent, or git for one user.
//!
//! Started by the monitor, asked by the daemon. It owns the running task, its processes and the events
//! that the daemon has not stored yet. Deliberately absent: databases, accounts, any decision about who
//! may do what, and any connection that the monitor did not hand over.

mod agent;
mod confine;
mod connection;
mod control;
mod desk;
mod environment;
mod git;
mod init;
mod log;
mod network;
mod places;
mod process;
mod replay;
mod sys;
mod tools;
mod unit;
mod usage;

use control::{Arrival, Control};
use grove_core_api::monitor::ExecutorRole;
use grove_sandbox::promptness::answer_soon;
pub use init::init;
pub use log::Log;
use nix::sys::prctl;
use nix::sys::socket::{SockType, getsockopt, sockopt};
use std::io;
use std::os::fd::OwnedFd;
use unit::Unit;

/// Threads on which a keeper works.
const KEEPER_THREADS: usize = 2;
/// Threads for calls that the kernel may keep waiting; what is more waits for one of them.
const BLOCKING_THREADS: usize = 8;

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
    sys::share_heap();
    if let Err(error) = answer_soon() {
        tracing::debug!(%error, "this executor waits its turn as everybody does");
    }
    // The role comes with the first greeting; without one there is nothing to do.
    let Some(first) = control::first(&control)? else { return Ok(()) };
    let runtime = runtime(first.0.role)?;
    runtime.block_on(serve(control, first))?;
    // A tool that is stuck in the kernel must not keep us.
    runtime.shutdown_background();
    Ok(())
}

/// A keeper serves many at once and reads what git says. A session's executor mostly waits: it answers
/// on the thread that it has, and its agent gets one of its own with the first task (`desk`).
fn runtime(role: ExecutorRole) -> io::Result<tokio::runtime::Runtime> {
    let mut builder = match role {
        ExecutorRole::Session => tokio::runtime::Builder::new_current_thread(),
        ExecutorRole::Keeper => tokio::runtime::Builder::new_multi_thread(),
    };
    builder
        .worker_threads(KEEPER_THREADS)
        .max_blocking_threads(BLOCKING_THREADS)
        .on_thread_start(desk::promptly)
        .enable_all()
        .build()
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

async fn serve(control: OwnedFd, (greeting, stream): Arrival) -> io::Result<()> {
    let control = Control::new(control)?;
    tracing::info!(executor.id = %greeting.id, role = ?greeting.role, "executor started");
    confine::prepare(&greeting.report)?;
    let unit = Unit::new(&greeting).await?;
    unit.run(control, (greeting, stream)).await;
    Ok(())
}

//! Starting the two programs that the monitor knows, and nothing else.
//!
//! [`executor`] is the seam where identity and sandbox come in; callers see only [`Launch`] and
//! [`Started`]. Not here: checks of what the daemon asked for (`request.rs`).

use super::channel;
use super::error::MonitorError;
use super::sys::{self, Inheritance};
use grove_core_api::isolation::SandboxReport;
use grove_core_api::monitor::{ExecutorGreeting, ExecutorRole};
use grove_core_api::{ExecutorId, Secret};
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::sys::signal::Signal;
use nix::sys::wait::waitpid;
use nix::unistd::{AccessFlags, Pid, User, access, geteuid};
use std::ffi::OsString;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// Where programs are looked for when the monitor itself was started without `PATH`.
const DEFAULT_PATH: &str = "/usr/local/bin:/usr/bin:/bin";

/// The programs beside the monitor.
pub(super) struct Programs {
    daemon: PathBuf,
    executor: PathBuf,
}

impl Programs {
    /// Finds them.
    ///
    /// # Errors
    /// `ProgramMissing` when one is not there or cannot be executed.
    pub(super) fn beside_this_one() -> Result<Self, MonitorError> {
        let me = std::fs::read_link("/proc/self/exe").map_err(|source| MonitorError::System {
            what: "find the monitor's own program",
            source,
        })?;
        let find = |name: &str| {
            let path = me.with_file_name(name);
            let is_there = path.is_file() && access(&path, AccessFlags::X_OK).is_ok();
            if is_there { Ok(path) } else { Err(MonitorError::ProgramMissing(path)) }
        };
        Ok(Self { daemon: find("groved")?, executor: find("grove-executor")? })
    }
}

/// A child's process and the monitor's end of its channel.
pub(super) struct Channelled {
    pub(super) pid: i32,
    pub(super) pidfd: OwnedFd,
    /// Nonblocking: the monitor never waits for a child to listen.
    pub(super) channel: OwnedFd,
}

/// Starts the daemon with the monitor's own environment and standard error.
///
/// Its standard output goes to standard error too: whoever waits for the ready line reads nothing but
/// the monitor's own words, and may close the pipe afterwards.
///
/// # Errors
/// What the operating system reports.
pub(super) fn daemon(programs: &Programs, home: &Path, bind: &str) -> io::Result<Channelled> {
    let mut command = command(&programs.daemon);
    command.arg("--home").arg(home).arg("--bind").arg(bind).stdin(Stdio::null());
    command.stdout(Stdio::from(io::stderr().as_fd().try_clone_to_owned()?));
    // A daemon whose monitor is gone can start nothing more; it is asked to end in good order.
    begin(command, None, Signal::SIGTERM)
}

/// What an executor is started with.
pub(super) struct Prepared {
    pub(super) id: ExecutorId,
    pub(super) role: ExecutorRole,
    pub(super) report: SandboxReport,
    /// Opened and checked; becomes the working directory.
    pub(super) directory: OwnedFd,
    /// What `initialize` on its first connection must carry.
    pub(super) token: Secret,
}

/// An executor that was started.
pub(super) struct Started {
    pub(super) process: Channelled,
    /// The daemon's end of the first connection.
    pub(super) connection: OwnedFd,
}

/// Starts an executor and hands it its first connection.
///
/// # Errors
/// What the operating system reports; nothing is left running then.
pub(super) fn executor(
    programs: &Programs,
    environment: &Environment,
    launch: Prepared,
) -> io::Result<Started> {
    let mut command = command(&programs.executor);
    command.env_clear().envs(environment.0.iter().map(|(name, value)| (name, value)));
    command.stdin(Stdio::null()).stdout(Stdio::null());
    let process = begin(command, Some(launch.directory), Signal::SIGKILL)?;
    let greeting = ExecutorGreeting {
        id: launch.id,
        role: launch.role,
        token: launch.token,
        report: launch.report,
    };
    match connect(&process.channel, &greeting) {
        Ok(connection) => Ok(Started { process, connection }),
        Err(error) => {
            end_unborn(&process);
            Err(error)
        }
    }
}

/// Hands an executor a fresh connection and returns the daemon's end of it.
///
/// # Errors
/// `WouldBlock` when the executor does not take its connections; else what the system reports.
pub(super) fn connect(channel: &OwnedFd, greeting: &ExecutorGreeting) -> io::Result<OwnedFd> {
    let (ours, theirs) = channel::stream_pair()?;
    channel::send(channel.as_fd(), greeting, &[theirs.as_fd()])?;
    Ok(ours)
}

fn begin(
    command: Command,
    directory: Option<OwnedFd>,
    on_parent_death: Signal,
) -> io::Result<Channelled> {
    let (ours, theirs) = channel::datagram_pair()?;
    fcntl(&ours, FcntlArg::F_SETFL(OFlag::O_NONBLOCK))?;
    let inherit = Inheritance { channel: theirs, directory, on_parent_death };
    let child = sys::start(command, inherit)?;
    let pid = i32::try_from(child.id()).map_err(io::Error::other)?;
    match sys::pidfd_open(pid) {
        Ok(pidfd) => Ok(Channelled { pid, pidfd, channel: ours }),
        Err(error) => {
            discard(child);
            Err(error)
        }
    }
}

fn discard(mut child: Child) {
    // Both fail only when it has ended by itself.
    drop(child.kill());
    drop(child.wait());
}

fn end_unborn(process: &Channelled) {
    // Both fail only when it has ended by itself.
    drop(sys::pidfd_signal(process.pidfd.as_fd(), Signal::SIGKILL));
    waitpid(Pid::from_raw(process.pid), None).ok();
}

#[expect(clippy::disallowed_methods, reason = "the monitor is the home of starting processes")]
fn command(program: &Path) -> Command {
    Command::new(program)
}

/// The whole environment of an executor.
pub(super) struct Environment(Vec<(&'static str, OsString)>);

impl Environment {
    /// Puts it together from the account that the monitor runs as.
    ///
    /// Of the monitor's own environment only what says where the person's things are is taken over;
    /// secrets in it never reach an executor.
    pub(super) fn of_this_account() -> Self {
        let account = User::from_uid(geteuid()).ok().flatten();
        let own = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
        let account_name = account.as_ref().map_or_else(
            || own("USER").unwrap_or_else(|| geteuid().to_string().into()),
            |account| OsString::from(&account.name),
        );
        let account_home = account.as_ref().map(|account| account.dir.clone().into_os_string());
        let account_shell = account
            .as_ref()
            .map(|account| account.shell.clone().into_os_string())
            .filter(|shell| !shell.is_empty());
        Self(vec![
            ("HOME", own("HOME").or(account_home).unwrap_or_else(|| "/".into())),
            ("USER", account_name.clone()),
            ("LOGNAME", account_name),
            ("SHELL", account_shell.unwrap_or_else(|| "/bin/sh".into())),
            ("PATH", own("PATH").unwrap_or_else(|| DEFAULT_PATH.into())),
            ("LANG", own("LANG").unwrap_or_else(|| "C.UTF-8".into())),
            ("TMPDIR", own("TMPDIR").unwrap_or_else(|| "/tmp".into())),
        ])
    }
}

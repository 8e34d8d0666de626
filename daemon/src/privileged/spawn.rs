//! Starting the two programs that the monitor knows, and nothing else.
//!
//! Here a request becomes a plan: which account, which directories, which layers. Not here: checks of
//! what the daemon asked for (`request.rs`), and how a layer is made (`grove-sandbox`).

use super::channel;
use super::error::MonitorError;
use super::host::Host;
use super::request::{self, Refused};
use grove_core_api::isolation::{ExecutorLimits, IsolationMode, Layer, LayerState, SandboxReport};
use grove_core_api::limits::{DAEMON_OPEN_FILES, EXECUTOR_OPEN_FILES, EXECUTOR_PROCESSES};
use grove_core_api::monitor::{ExecutorGreeting, ExecutorRole, Launch, Refusal};
use grove_core_api::{ExecutorId, Secret};
use grove_sandbox::account::{self, Identity};
use grove_sandbox::cgroup::{Cgroup, Cgroups};
use grove_sandbox::{LayerSet, Plan, StartError, environment, person, pidfd, start, tree};
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::sys::signal::Signal;
use nix::sys::wait::waitpid;
use nix::unistd::{AccessFlags, Pid, access, geteuid, pipe2};
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::path::PathBuf;

/// Directories of people that nobody's executor sees.
const HOMES: [&str; 2] = ["/home", "/root"];

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
    /// Holds everything that it starts, where the host has control groups.
    pub(super) group: Option<Cgroup>,
}

impl Channelled {
    /// Kills it with everything that it started: by its control group, else by its tree.
    pub(super) fn end(&self) {
        if let Some(group) = &self.group {
            group.kill();
        } else {
            // Stopped, it starts nothing more, and as the subreaper it keeps its orphans in sight.
            // A process that has just ended by itself takes no signal, which is fine.
            drop(pidfd::signal(self.pidfd.as_fd(), Signal::SIGSTOP));
            tree::kill_below(self.pid);
        }
        drop(pidfd::signal(self.pidfd.as_fd(), Signal::SIGKILL));
    }
}

/// Starts the daemon: on a shared host as the service account, without any privilege.
///
/// # Errors
/// What the operating system reports.
pub(super) fn daemon(host: &Host, bind: &str) -> Result<Channelled, StartError> {
    let home = host.home.to_string_lossy().into_owned();
    let mode = host.mode.name().replace('_', "-");
    let arguments = ["--home", &home, "--bind", bind, "--isolation", &mode];
    let mut arguments: Vec<String> = arguments.map(str::to_owned).to_vec();
    let service = host.accounts.as_ref().map(|accounts| accounts.service.clone());
    let mut layers = LayerSet::none();
    if let Some(accounts) = &host.accounts {
        let more = ["--shared-host", "--account-prefix", &accounts.rules.prefix];
        arguments.extend(more.map(str::to_owned));
        layers = [Layer::Capabilities, Layer::NoNewPrivs].into_iter().collect();
    }
    let plan = Plan {
        arguments,
        environment: environment::inherited(service.as_ref()),
        identity: service,
        // A daemon whose monitor is gone can start nothing more; it is asked to end in good order.
        parent_death: Signal::SIGTERM,
        open_files: DAEMON_OPEN_FILES,
        layers,
        required: layers,
        ..Plan::new(&host.programs.daemon, &host.home)
    };
    begin(plan, &Cgroups::none(), "groved").map(|(channelled, _)| channelled)
}

/// An executor that was started.
pub(super) struct Started {
    pub(super) process: Channelled,
    pub(super) report: SandboxReport,
    /// The daemon's end of the first connection.
    pub(super) connection: OwnedFd,
    /// Where its standard error comes out.
    pub(super) said: OwnedFd,
}

/// Starts an executor and hands it its first connection.
///
/// # Errors
/// `Invalid` for directories and accounts that it may not have, `Isolation` when a required layer
/// does not hold, `System` for the rest. Nothing is left running in any of these cases.
pub(super) fn executor(
    host: &Host,
    id: ExecutorId,
    launch: &Launch,
    token: Secret,
) -> Result<Started, Refused> {
    let identity = identity(host, launch)?;
    let mode = host.mode.or_stricter(launch.isolation);
    let mut plan = plan(host, launch, (identity, mode))?;
    // Nobody waits for whoever reads it: what finds no room is lost.
    let (said, says) = pipe2(OFlag::O_CLOEXEC | OFlag::O_NONBLOCK)
        .map_err(|errno| refuse(io::Error::from(errno).into()))?;
    plan.errors = Some(says);
    let account = plan.identity.as_ref().map_or_else(account::own_name, |it| it.name.clone());
    let uid = plan.identity.as_ref().map_or(geteuid(), |it| it.uid).as_raw();
    let (process, layers) = begin(plan, &host.groups, &id.to_string()).map_err(refuse)?;
    let report = SandboxReport { mode, account, uid, network: launch.network, layers };
    let greeting = ExecutorGreeting { id, role: launch.role, token, report: report.clone() };
    match connect(&process.channel, &greeting) {
        Ok(connection) => Ok(Started { process, report, connection, said }),
        Err(error) => {
            process.end();
            // It fails only when there is nothing to wait for.
            waitpid(Pid::from_raw(process.pid), None).ok();
            let detail = format!("failed to hand over a connection: {error}");
            Err(Refused::new(Refusal::System, detail))
        }
    }
}

fn refuse(error: StartError) -> Refused {
    let refusal = match &error {
        StartError::Layer { layer: Layer::Account, .. } => Refusal::Invalid,
        StartError::Layer { .. } => Refusal::Isolation,
        StartError::Step(_) | StartError::System(_) => Refusal::System,
    };
    Refused::new(refusal, error.to_string())
}

/// Who it runs as. On a shared host everybody has a name; elsewhere nobody has another one.
fn identity(host: &Host, launch: &Launch) -> Result<Option<Identity>, Refused> {
    let invalid = |detail: &str| Refused::new(Refusal::Invalid, detail);
    match (&host.accounts, &launch.account) {
        (None, None) => Ok(None),
        (None, Some(_)) => Err(invalid("this host is not shared: there is one account only")),
        (Some(accounts), None) if launch.role == ExecutorRole::Keeper => {
            Ok(Some(accounts.service.clone()))
        }
        (Some(_), None) => Err(invalid("a session runs as a person's account")),
        (Some(accounts), Some(account)) => {
            let found = accounts.rules.resolve_known(account);
            found.map(Some).map_err(|error| invalid(&error.to_string()))
        }
    }
}

fn plan(
    host: &Host,
    launch: &Launch,
    (identity, mode): (Option<Identity>, IsolationMode),
) -> Result<Plan, Refused> {
    request::open_directory(&host.home, &launch.directory)?;
    request::check_roots(&launch.roots, identity.is_some().then_some(&host.home))?;
    let paths = |list: &[String]| list.iter().map(PathBuf::from).collect::<Vec<_>>();
    let mut write = paths(&launch.roots.write);
    let mut read = paths(&launch.roots.read);
    let directory = PathBuf::from(&launch.directory);
    if !write.contains(&directory) {
        write.push(directory.clone());
    }
    let mut layers = if mode == IsolationMode::Off { LayerSet::none() } else { LayerSet::all() };
    let mut cover: Vec<PathBuf> = vec![host.home.clone()];
    let mut tmp = PathBuf::from("/tmp");
    match &identity {
        Some(identity) => {
            cover.extend(HOMES.map(PathBuf::from));
            if launch.account.is_some() {
                write.push(identity.home.clone());
            }
            if !host.has_namespaces {
                tmp = identity.home.join(".tmp");
            }
        }
        None if launch.role == ExecutorRole::Keeper => {
            // It runs git on repositories anywhere on the person's own machine. What a repository
            // makes git run is confined by the keeper itself.
            layers = layers.without(Layer::Namespaces);
            read.push("/".into());
            tmp = host.home.join("tmp");
        }
        None => {
            let home = std::env::var_os("HOME").map(PathBuf::from).unwrap_or_default();
            let grants = person::grants(&home, &host.home);
            write.extend(grants.write);
            read.extend(grants.read);
            cover.extend(grants.cover);
            if !host.has_namespaces {
                tmp = host.home.join("tmp");
            }
        }
    }
    if tmp.starts_with(&host.home) && identity.is_none() {
        write.push(tmp.clone());
    }
    // Mirrors are read by every account that is let in.
    let is_service = identity.is_some() && launch.account.is_none();
    let umask = if is_service { 0o022 } else { 0o027 };
    let processes = launch.limits.processes.or(Some(EXECUTOR_PROCESSES));
    Ok(Plan {
        init_argument: Some("--init".to_owned()),
        environment: environment::fresh(identity.as_ref(), &tmp),
        identity,
        write,
        read,
        cover,
        open_files: EXECUTOR_OPEN_FILES,
        network: launch.network,
        umask,
        limits: ExecutorLimits { processes, ..launch.limits },
        layers,
        required: if mode == IsolationMode::Strict { LayerSet::strict() } else { LayerSet::none() },
        ..Plan::new(&host.programs.executor, directory)
    })
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
    mut plan: Plan,
    groups: &Cgroups,
    id: &str,
) -> Result<(Channelled, Vec<LayerState>), StartError> {
    let (ours, theirs) = channel::datagram_pair()?;
    fcntl(&ours, FcntlArg::F_SETFL(OFlag::O_NONBLOCK)).map_err(io::Error::from)?;
    plan.descriptors.push(theirs);
    let started = start(&plan, groups, id)?;
    let grove_sandbox::Started { pid, pidfd, group, layers } = started;
    Ok((Channelled { pid, pidfd, channel: ours, group }, layers))
}

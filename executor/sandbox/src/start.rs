//! Starting a confined process: the parent's side.
//!
//! A layer that fails ends the start when it is required; otherwise the process is started anew
//! without it, so that nothing ever runs in a place that was built by half.

use crate::account::Identity;
use crate::cgroup::{Cgroup, Cgroups};
use crate::enter::{Child, Failure};
use crate::layers::LayerSet;
use crate::{seccomp, sys};
use grove_core_api::isolation::{ExecutorLimits, Layer, LayerState, NetworkProfile};
use nix::errno::Errno;
use nix::fcntl::OFlag;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::waitpid;
use nix::unistd::{Pid, Uid, geteuid, getgid, getuid, pipe2, read, write};
use std::ffi::OsString;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::path::PathBuf;

/// Files that a process may have open when nobody says otherwise.
const OPEN_FILES: u64 = 1_024;
/// Longest time from clone to exec.
const READY_MS: u16 = 10_000;
/// Longest text that a child may say before exec.
const SAID_BYTES: usize = 16 * 1024;

/// What is to be started, and where.
#[derive(Debug)]
pub struct Plan {
    /// Program: absolute.
    pub program: PathBuf,
    /// Its arguments, without its name.
    pub arguments: Vec<String>,
    /// Added behind the arguments when the program is the first process of its namespace, so that it
    /// can leave reaping to a process of its own.
    pub init_argument: Option<String>,
    /// Its whole environment.
    pub environment: Vec<(String, OsString)>,
    /// Become descriptors 3, 4, … of the program.
    pub descriptors: Vec<OwnedFd>,
    /// Becomes its standard error; absent: the caller's.
    pub errors: Option<OwnedFd>,
    /// The account that it becomes; absent: it stays with the caller's.
    pub identity: Option<Identity>,
    /// Working directory: absolute, entered as the account.
    pub directory: PathBuf,
    /// Directories that may be written.
    pub write: Vec<PathBuf>,
    /// Directories and files that may be read, beside the system's.
    pub read: Vec<PathBuf>,
    /// Directories that are out of sight but for what is granted in them.
    pub cover: Vec<PathBuf>,
    /// What may be reached over the network.
    pub network: NetworkProfile,
    /// What may be used up.
    pub limits: ExecutorLimits,
    /// Signal that it gets when its parent ends.
    pub parent_death: Signal,
    /// Permissions that files it makes do not have.
    pub umask: u32,
    /// Files that one of its processes may have open.
    pub open_files: u64,
    /// Layers that are wanted.
    pub layers: LayerSet,
    /// Those without which nothing is started. `Account` and `Network` always are when they apply:
    /// a process never gets another account or more of the network than was asked for.
    pub required: LayerSet,
}

impl Plan {
    /// A program in a directory: as the caller's account, without any layer or environment.
    #[must_use]
    pub fn new(program: impl Into<PathBuf>, directory: impl Into<PathBuf>) -> Self {
        Self {
            program: program.into(),
            arguments: Vec::new(),
            init_argument: None,
            environment: Vec::new(),
            descriptors: Vec::new(),
            errors: None,
            identity: None,
            directory: directory.into(),
            write: Vec::new(),
            read: Vec::new(),
            cover: Vec::new(),
            network: NetworkProfile::Shared,
            limits: ExecutorLimits::default(),
            parent_death: Signal::SIGKILL,
            umask: 0o027,
            open_files: OPEN_FILES,
            layers: LayerSet::none(),
            required: LayerSet::none(),
        }
    }
}

/// Marks every descriptor from 3 on as close-on-exec: what the caller inherited is nobody else's.
///
/// # Errors
/// When the kernel knows no `close_range` (before Linux 5.11).
pub fn seal_descriptors() -> io::Result<()> {
    Ok(sys::cloexec_from(3)?)
}

/// Whether this host lets the caller make namespaces: a process is started in some and ends at once.
#[must_use]
pub fn can_have_namespaces() -> bool {
    let layers = LayerSet::none().with(Layer::Namespaces);
    let plan = Plan { layers, required: layers, ..Plan::new("/bin/true", "/") };
    let Ok(started) = start(&plan, &Cgroups::none(), "probe") else { return false };
    waitpid(Pid::from_raw(started.pid), None).is_ok()
}

/// Whether namespaces are made by way of a user namespace, for want of privilege.
pub(crate) fn has_user_namespace(caller: Uid) -> bool {
    !caller.is_root()
}

/// A process in its place, with its program begun.
#[derive(Debug)]
pub struct Started {
    /// Its process id, as the caller sees it.
    pub pid: i32,
    /// Stands for the process; readable when it has ended.
    pub pidfd: OwnedFd,
    /// Its control group; removed when dropped.
    pub group: Option<Cgroup>,
    /// What came of each wanted layer, in the order of application.
    pub layers: Vec<LayerState>,
}

/// Why nothing was started. Nothing is left behind.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A layer that is required does not hold.
    #[error("the layer `{}` does not hold: {detail}", layer.name())]
    Layer {
        /// The layer.
        layer: Layer,
        /// Why.
        detail: String,
    },
    /// A step that belongs to no layer failed.
    #[error("failed to {0}")]
    Step(String),
    /// The operating system said no.
    #[error("failed to start a process")]
    System(#[from] io::Error),
}

/// Starts a confined process. `id` names its control group.
///
/// Call it from a process with one thread only: what runs between clone and exec allocates.
///
/// # Errors
/// `Layer` when a required layer fails, `Step` when the program or its directory cannot be used,
/// `System` for the rest.
pub fn start(plan: &Plan, groups: &Cgroups, id: &str) -> Result<Started, StartError> {
    let mut layers = applicable(plan);
    let mut given_up = Vec::new();
    // Compiled here, once, and not in each child; what goes wrong is reported there.
    seccomp::prepare();
    loop {
        match attempt(plan, layers, groups, id) {
            Ok(mut started) => {
                started.layers.extend(given_up);
                started.layers.sort_by_key(|state| state.layer);
                return Ok(started);
            }
            Err(Ended::Failed(Failure { layer: Some(layer), detail })) => {
                if is_required(plan, layers, layer) || !layers.contains(layer) {
                    return Err(StartError::Layer { layer, detail });
                }
                layers = layers.without(layer);
                given_up.push(LayerState { layer, is_on: false, detail });
            }
            Err(Ended::Failed(Failure { layer: None, detail })) => {
                return Err(StartError::Step(detail));
            }
            Err(Ended::System(error)) => return Err(error.into()),
        }
    }
}

fn applicable(plan: &Plan) -> LayerSet {
    let mut layers = plan.layers;
    if plan.network == NetworkProfile::Shared {
        layers = layers.without(Layer::Network);
    } else {
        layers = layers.with(Layer::Network);
    }
    if plan.identity.is_some() {
        layers.with(Layer::Account)
    } else {
        layers.without(Layer::Account)
    }
}

/// Whether a layer that failed ends the start. Of Landlock and namespaces one is enough.
fn is_required(plan: &Plan, layers: LayerSet, failed: Layer) -> bool {
    let is_only_wall = match failed {
        Layer::Landlock => !layers.contains(Layer::Namespaces),
        Layer::Namespaces => !layers.contains(Layer::Landlock),
        Layer::Account | Layer::Network => return true,
        Layer::Cgroup
        | Layer::Limits
        | Layer::Capabilities
        | Layer::NoNewPrivs
        | Layer::Seccomp => return plan.required.contains(failed),
    };
    let is_wall_required =
        plan.required.contains(Layer::Landlock) || plan.required.contains(Layer::Namespaces);
    is_only_wall && is_wall_required
}

/// Why one attempt ended.
enum Ended {
    Failed(Failure),
    System(io::Error),
}

impl From<Errno> for Ended {
    fn from(errno: Errno) -> Self {
        Self::System(errno.into())
    }
}

fn layer_failed(layer: Layer, detail: impl Into<String>) -> Ended {
    Ended::Failed(Failure { layer: Some(layer), detail: detail.into() })
}

fn attempt(plan: &Plan, layers: LayerSet, groups: &Cgroups, id: &str) -> Result<Started, Ended> {
    let group = make_group(plan, layers, groups, id)?;
    let (said, says) = pipe2(OFlag::O_CLOEXEC)?;
    let ids = (getuid(), getgid());
    let (cloned, is_born_in_group) = clone(layers, group.as_ref())?;
    let sys::Cloned::Parent(pid, pidfd) = cloned else {
        drop(said);
        let child = Child {
            plan,
            layers,
            group: group.as_ref(),
            is_born_in_group,
            ids,
            report: &|layer, detail| report(&says, layer, detail),
        };
        run_child(&child, &says);
    };
    drop(says);
    let mut newborn = Newborn { pid, is_wanted: false };
    let text = listen(&said)?;
    let mut states = understand(&text)?;
    if let Some(group) = &group {
        states.push(held(Layer::Cgroup, "killed as a whole".to_owned()));
        if layers.contains(Layer::Limits) {
            states.push(held(Layer::Limits, group.limits().join(", ")));
        }
    }
    newborn.is_wanted = true;
    Ok(Started { pid, pidfd, group, layers: states })
}

fn held(layer: Layer, detail: String) -> LayerState {
    LayerState { layer, is_on: true, detail }
}

fn make_group(
    plan: &Plan,
    layers: LayerSet,
    groups: &Cgroups,
    id: &str,
) -> Result<Option<Cgroup>, Ended> {
    if !layers.contains(Layer::Cgroup) {
        return if layers.contains(Layer::Limits) {
            Err(layer_failed(Layer::Limits, "without a control group nothing is limited"))
        } else {
            Ok(None)
        };
    }
    let limits =
        if layers.contains(Layer::Limits) { plan.limits } else { ExecutorLimits::default() };
    let group = groups
        .create(id, &limits)
        .map_err(|error| layer_failed(Layer::Cgroup, error.to_string()))?;
    let is_unlimited = limits.processes.is_none()
        || !group.limits().iter().any(|name| name.ends_with("processes"));
    if layers.contains(Layer::Limits) && is_unlimited {
        return Err(layer_failed(Layer::Limits, "no control group of this host limits processes"));
    }
    Ok(Some(group))
}

/// Clones, with what this kernel can do at once. The second part says whether the child was born in
/// its control group.
fn clone(layers: LayerSet, group: Option<&Cgroup>) -> Result<(sys::Cloned, bool), Ended> {
    let mut flags: libc::c_int = 0;
    if layers.contains(Layer::Namespaces) {
        flags |= libc::CLONE_NEWNS | libc::CLONE_NEWPID | libc::CLONE_NEWIPC;
    }
    if layers.contains(Layer::Network) {
        flags |= libc::CLONE_NEWNET;
    }
    if flags != 0 && has_user_namespace(geteuid()) {
        flags |= libc::CLONE_NEWUSER;
    }
    let bits = u64::from(flags.unsigned_abs());
    if let Some(birth) = group.and_then(Cgroup::birth)
        && let Ok(cloned) = sys::clone3(bits, Some(birth))
    {
        return Ok((cloned, true));
    }
    match sys::clone3(bits, None) {
        Ok(cloned) => Ok((cloned, false)),
        Err(errno) if layers.contains(Layer::Network) => {
            Err(layer_failed(Layer::Network, format!("clone3: {errno}")))
        }
        Err(errno) if layers.contains(Layer::Namespaces) => {
            Err(layer_failed(Layer::Namespaces, format!("clone3: {errno}")))
        }
        // A container whose filter does not know the call.
        Err(Errno::ENOSYS | Errno::EPERM) => Ok((sys::fork()?, false)),
        Err(errno) => Err(errno.into()),
    }
}

/// The child's life up to its program.
fn run_child(child: &Child<'_>, says: &OwnedFd) -> ! {
    let Failure { layer, detail } = child.enter();
    let number = layer.map_or_else(|| "-".to_owned(), |layer| (layer as u8).to_string());
    // A parent that does not listen any more has killed this process.
    write(says, format!("!{number}\t{}\n", detail.replace('\n', " ")).as_bytes()).ok();
    sys::exit_now(1)
}

fn report(says: &OwnedFd, layer: Layer, detail: &str) {
    // As above.
    write(says, format!("+{}\t{detail}\n", layer as u8).as_bytes()).ok();
}

/// A child that is killed and reaped unless somebody wants it.
struct Newborn {
    pid: i32,
    is_wanted: bool,
}

impl Drop for Newborn {
    fn drop(&mut self) {
        if !self.is_wanted {
            let pid = Pid::from_raw(self.pid);
            // Both fail only when it has ended already.
            kill(pid, Signal::SIGKILL).ok();
            waitpid(pid, None).ok();
        }
    }
}

/// Reads what the child says until its program begins or it ends.
fn listen(said: &OwnedFd) -> Result<String, Ended> {
    let mut text = Vec::new();
    let mut piece = [0; 4096];
    loop {
        let mut polled = [PollFd::new(said.as_fd(), PollFlags::POLLIN)];
        match poll(&mut polled, PollTimeout::from(READY_MS)) {
            Ok(0) => return Err(Ended::System(io::ErrorKind::TimedOut.into())),
            Ok(_) => {}
            Err(Errno::EINTR) => continue,
            Err(errno) => return Err(errno.into()),
        }
        let length = read(said, &mut piece)?;
        if length == 0 || text.len() > SAID_BYTES {
            return Ok(String::from_utf8_lossy(&text).into_owned());
        }
        text.extend_from_slice(&piece[..length]);
    }
}

/// What the child said: layers that hold, then nothing or the failure that ended it.
fn understand(text: &str) -> Result<Vec<LayerState>, Ended> {
    let mut states = Vec::new();
    for line in text.lines() {
        let (mark, rest) = line.split_at_checked(1).unwrap_or_default();
        let (number, detail) = rest.split_once('\t').unwrap_or((rest, ""));
        let layer = LayerSet::all().iter().find(|layer| (*layer as u8).to_string() == number);
        let detail = detail.to_owned();
        match (mark, layer) {
            ("+", Some(layer)) => states.push(held(layer, detail)),
            _ => return Err(Ended::Failed(Failure { layer, detail })),
        }
    }
    Ok(states)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_child_says_is_layers_and_at_most_one_failure() {
        let Ok(states) = understand("+4\tgrove_ana (1001)\n+8\t47 calls\n") else { panic!() };
        let layers: Vec<Layer> = states.iter().map(|state| state.layer).collect();
        assert_eq!(layers, [Layer::Account, Layer::Seccomp]);
        let Err(Ended::Failed(failure)) = understand("+4\tx\n!7\tno\tLandlock\n") else { panic!() };
        assert_eq!(
            (failure.layer, failure.detail.as_str()),
            (Some(Layer::Landlock), "no\tLandlock")
        );
        let Err(Ended::Failed(failure)) = understand("!-\tno program\n") else { panic!() };
        assert_eq!((failure.layer, failure.detail.as_str()), (None, "no program"));
        assert!(understand("").is_ok_and(|states| states.is_empty()));
        assert!(understand("nonsense\n").is_err());
    }
}

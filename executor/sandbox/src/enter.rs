//! The child between clone and exec: the sequence that puts it into its place.
//!
//! Runs in a copy of a one-threaded process. Each step either holds or ends the start with the name
//! of the layer that failed; [`start`](crate::start()) decides whether to go on without it.

use crate::account::Identity;
use crate::cgroup::Cgroup;
use crate::landlock::{self, Grants};
use crate::layers::LayerSet;
use crate::mounts::{self, TEMPORARY, Trouble, View};
use crate::start::{Plan, has_user_namespace};
use crate::{seccomp, sys, system};
use grove_core_api::isolation::Layer;
use nix::fcntl::{FcntlArg, OFlag, fcntl, open};
use nix::sys::prctl::{set_dumpable, set_no_new_privs, set_pdeathsig};
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use nix::sys::signal::SigSet;
use nix::sys::stat::{Mode, umask};
use nix::unistd::{Gid, Uid, setsid};
use std::ffi::CString;
use std::fmt::Display;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd, RawFd};
use std::path::{Path, PathBuf};

/// First number above those that a program's own descriptors are put at.
const ABOVE: RawFd = 100;
/// First descriptor of the program beside input, output and errors.
const FIRST: RawFd = 3;
/// Processes of the whole account; a backstop, the control group's limit comes first.
const PROCESSES: u64 = 4_096;
/// Locked memory.
const LOCKED_BYTES: u64 = 64 << 20;

/// A step that failed: the layer that it belongs to, and why.
pub(crate) struct Failure {
    pub(crate) layer: Option<Layer>,
    pub(crate) detail: String,
}

fn of(layer: Layer) -> impl FnOnce(String) -> Failure {
    move |detail| Failure { layer: Some(layer), detail }
}

fn plainly<E: Display>(what: &'static str) -> impl FnOnce(E) -> Failure {
    move |error| Failure { layer: None, detail: format!("{what}: {error}") }
}

/// What the child works with.
pub(crate) struct Child<'a> {
    pub(crate) plan: &'a Plan,
    pub(crate) layers: LayerSet,
    pub(crate) group: Option<&'a Cgroup>,
    pub(crate) is_born_in_group: bool,
    /// User and group before the clone: in a new user namespace they are gone until they are mapped.
    pub(crate) ids: (Uid, Gid),
    /// Takes each layer that holds, as it comes to hold.
    pub(crate) report: &'a dyn Fn(Layer, &str),
}

impl Child<'_> {
    /// Goes through the sequence and becomes the program; returns only when something failed.
    pub(crate) fn enter(&self) -> Failure {
        match self.prepare() {
            Ok(never) => never,
            Err(failure) => failure,
        }
    }

    fn prepare(&self) -> Result<Failure, Failure> {
        let program = self.program()?;
        self.map_user().map_err(of(Layer::Namespaces))?;
        setsid().map_err(plainly("begin a session"))?;
        SigSet::empty().thread_set_mask().map_err(plainly("unblock signals"))?;
        self.group_and_network()?;
        let descriptors = self.descriptors()?;
        self.view()?;
        limits(self.plan.open_files).map_err(plainly("set limits"))?;
        self.account()?;
        // After the account: a change of credentials clears it.
        set_pdeathsig(self.plan.parent_death).map_err(plainly("end with the parent"))?;
        umask(Mode::from_bits_truncate(self.plan.umask));
        // As the account that it will run as: a directory of somebody else's is refused here.
        nix::unistd::chdir(&self.plan.directory).map_err(plainly("enter its directory"))?;
        self.confine()?;
        place(self.plan.errors.as_ref(), &descriptors)?;
        let Program { path, arguments, environment } = program;
        let errno = sys::execute(&path, &arguments, &environment);
        Ok(plainly("start the program")(errno))
    }

    /// The same user and group inside and outside, and no others (`user_namespaces(7)`).
    fn map_user(&self) -> Result<(), String> {
        let is_new = [Layer::Namespaces, Layer::Network].iter().any(|it| self.layers.contains(*it));
        if !(is_new && has_user_namespace(self.ids.0)) {
            return Ok(());
        }
        // The files below belong to root while the process may not be looked at. It is a copy of the
        // parent for a moment only: exec gives it another memory.
        set_dumpable(true).map_err(|errno| errno.to_string())?;
        let (uid, gid) = self.ids;
        let set = |file: &str, text: String| {
            std::fs::write(format!("/proc/self/{file}"), text)
                .map_err(|error| format!("{file}: {error}"))
        };
        set("setgroups", "deny".to_owned())?;
        set("uid_map", format!("{uid} {uid} 1"))?;
        set("gid_map", format!("{gid} {gid} 1"))
    }

    fn group_and_network(&self) -> Result<(), Failure> {
        if let Some(group) = self.group {
            group
                .join(self.is_born_in_group)
                .map_err(|error| of(Layer::Cgroup)(format!("join the control group: {error}")))?;
        }
        if self.layers.contains(Layer::Network) {
            sys::raise_loopback().map_err(|error| of(Layer::Network)(error.to_string()))?;
            (self.report)(Layer::Network, "own network, loopback only");
        }
        Ok(())
    }

    /// Duplicates out of the way of the numbers that they will have.
    fn descriptors(&self) -> Result<Vec<OwnedFd>, Failure> {
        let mut duplicates = Vec::new();
        for descriptor in &self.plan.descriptors {
            let raw = fcntl(descriptor, FcntlArg::F_DUPFD_CLOEXEC(ABOVE))
                .map_err(plainly("duplicate a descriptor"))?;
            duplicates.push(sys::own(raw));
        }
        Ok(duplicates)
    }

    fn view(&self) -> Result<(), Failure> {
        if !self.layers.contains(Layer::Namespaces) {
            return Ok(());
        }
        let plan = self.plan;
        let (uid, gid) = match &plan.identity {
            Some(identity) => (identity.uid, identity.gid),
            None => self.ids,
        };
        let read = self.readable();
        let view = View {
            write: &plan.write,
            read: &read,
            cover: &plan.cover,
            tmp_bytes: plan.limits.tmp_bytes,
            uid,
            gid,
            is_host_root: !has_user_namespace(self.ids.0),
        };
        mounts::build(&view).map_err(|trouble| match trouble {
            Trouble::Host(detail) => of(Layer::Namespaces)(detail),
            Trouble::Path(detail) => Failure { layer: None, detail },
        })?;
        (self.report)(Layer::Namespaces, "own mounts, processes and IPC");
        Ok(())
    }

    /// What may be read, the program's own directory included.
    fn readable(&self) -> Vec<PathBuf> {
        let own = self.plan.program.parent().map(Path::to_owned);
        self.plan.read.iter().cloned().chain(own).collect()
    }

    /// Bounding set, groups and ids; then the proof that nothing of it can be undone.
    fn account(&self) -> Result<(), Failure> {
        let layers = self.layers;
        if layers.contains(Layer::Capabilities) {
            let refused =
                |errno| of(Layer::Capabilities)(format!("empty the bounding set: {errno}"));
            // Without the right to change it, it is what the parent had: nothing.
            match sys::drop_bounding_set() {
                Err(nix::errno::Errno::EPERM) if !self.ids.0.is_root() => {}
                outcome => outcome.map_err(refused)?,
            }
        }
        if let Some(identity) =
            self.plan.identity.as_ref().filter(|_| layers.contains(Layer::Account))
        {
            become_account(identity).map_err(of(Layer::Account))?;
            (self.report)(Layer::Account, &format!("{} ({})", identity.name, identity.uid));
        }
        if layers.contains(Layer::Capabilities) {
            sys::drop_capabilities()
                .map_err(|errno| of(Layer::Capabilities)(format!("drop capabilities: {errno}")))?;
            (self.report)(Layer::Capabilities, "none, and none to be had");
        }
        Ok(())
    }

    fn confine(&self) -> Result<(), Failure> {
        let layers = self.layers;
        if layers.contains(Layer::NoNewPrivs) {
            set_no_new_privs().map_err(|errno| of(Layer::NoNewPrivs)(errno.to_string()))?;
            (self.report)(Layer::NoNewPrivs, "on");
        }
        if layers.contains(Layer::Landlock) {
            let read = self.readable();
            let mut grants = Grants::new(&self.plan.write, &read);
            let stays_root = self.plan.identity.is_none() && self.ids.0.is_root();
            let settings = stays_root.then(system::public_settings);
            grants.settings = settings.as_deref();
            // Private ones; without namespaces they are everybody's, and stay shut.
            if layers.contains(Layer::Namespaces) {
                grants.write.extend(TEMPORARY.iter().map(Path::new));
                grants.write.push(Path::new("/run/user"));
            }
            let held = landlock::restrict(&grants).map_err(of(Layer::Landlock))?;
            (self.report)(Layer::Landlock, &held);
        }
        if layers.contains(Layer::Seccomp) {
            let held = seccomp::apply().map_err(of(Layer::Seccomp))?;
            (self.report)(Layer::Seccomp, &held);
        }
        Ok(())
    }

    fn program(&self) -> Result<Program, Failure> {
        let text = |bytes: Vec<u8>| CString::new(bytes).map_err(plainly("read the plan"));
        let plan = self.plan;
        let path = text(path_bytes(&plan.program))?;
        let init = plan.init_argument.iter().filter(|_| self.layers.contains(Layer::Namespaces));
        let arguments = [path_bytes(&plan.program)]
            .into_iter()
            .chain(plan.arguments.iter().chain(init).map(|it| it.clone().into_bytes()))
            .map(text)
            .collect::<Result<_, _>>()?;
        let entry = |(name, value): &(String, std::ffi::OsString)| {
            use std::os::unix::ffi::OsStrExt as _;
            [name.as_bytes(), b"=", value.as_bytes()].concat()
        };
        let environment = plan.environment.iter().map(entry).map(text).collect::<Result<_, _>>()?;
        Ok(Program { path, arguments, environment })
    }
}

struct Program {
    path: CString,
    arguments: Vec<CString>,
    environment: Vec<CString>,
}

fn path_bytes(path: &Path) -> Vec<u8> {
    use std::os::unix::ffi::OsStrExt as _;
    path.as_os_str().as_bytes().to_vec()
}

fn limits(open_files: u64) -> nix::Result<()> {
    let most = [
        (Resource::RLIMIT_CORE, 0),
        (Resource::RLIMIT_NOFILE, open_files),
        (Resource::RLIMIT_NPROC, PROCESSES),
        (Resource::RLIMIT_MEMLOCK, LOCKED_BYTES),
    ];
    for (resource, most) in most {
        let (_, hard) = getrlimit(resource)?;
        let value = most.min(hard);
        setrlimit(resource, value, value)?;
    }
    Ok(())
}

#[expect(clippy::disallowed_methods, reason = "the one place where an identity changes")]
fn become_account(identity: &Identity) -> Result<(), String> {
    use nix::unistd::{geteuid, setgroups, setresgid, setresuid};
    let Identity { uid, gid, groups, .. } = identity;
    setgroups(groups).map_err(|errno| format!("set the groups: {errno}"))?;
    setresgid(*gid, *gid, *gid).map_err(|errno| format!("set the group: {errno}"))?;
    setresuid(*uid, *uid, *uid).map_err(|errno| format!("set the user: {errno}"))?;
    let root = Uid::from_raw(0);
    let root_group = Gid::from_raw(0);
    if setresuid(root, root, root).is_ok()
        || setresgid(root_group, root_group, root_group).is_ok()
        || geteuid() != *uid
    {
        return Err("the old account could be had back".to_owned());
    }
    Ok(())
}

/// Puts the program's descriptors at their numbers and lets nothing else through.
fn place(errors: Option<&OwnedFd>, descriptors: &[OwnedFd]) -> Result<(), Failure> {
    let null = open("/dev/null", OFlag::O_RDWR | OFlag::O_CLOEXEC, Mode::empty())
        .map_err(plainly("open /dev/null"))?;
    let streams = [Some(&null), Some(&null), errors];
    let streams =
        streams.into_iter().zip(0..).filter_map(|(it, number)| Some((it?.as_fd(), number)));
    let own = descriptors.iter().map(AsFd::as_fd).zip(FIRST..);
    let all: Vec<(BorrowedFd<'_>, RawFd)> = streams.chain(own).collect();
    for (descriptor, number) in &all {
        sys::place(*descriptor, *number).map_err(plainly("place a descriptor"))?;
    }
    let count = RawFd::try_from(descriptors.len()).unwrap_or(0);
    sys::cloexec_from(FIRST + count).map_err(plainly("close other descriptors"))
}

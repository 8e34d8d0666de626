//! What kind of host this is: alone or shared, how much isolation is insisted on, what it can do.
//!
//! Comes from the command line of the monitor and from probing, never from a request.

use super::error::{MonitorError, system};
use super::spawn::Programs;
use grove_core_api::isolation::{ExecutorLimits, IsolationMode, Layer, NetworkProfile};
use grove_sandbox::account::{Identity, Rules, plain};
use grove_sandbox::cgroup::Cgroups;
use grove_sandbox::{LayerSet, Plan, start};
use nix::sys::signal::Signal;
use nix::sys::wait::waitpid;
use nix::unistd::{Pid, User, geteuid};
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// Where programs are looked for when nobody says.
const DEFAULT_PATH: &str = "/usr/local/bin:/usr/bin:/bin";
/// Longest part of a home's path that names its control groups.
const GROUP_NAME_BYTES: usize = 100;

/// A host with several people, each with a Unix account.
#[derive(Clone, Debug)]
pub struct SharedHost {
    /// The account that groved runs as.
    pub service: String,
    /// What the names of accounts begin with that Grove makes.
    pub prefix: String,
    /// Group of every account that may run executors.
    pub group: String,
}

/// The accounts of a shared host.
pub(super) struct Accounts {
    pub(super) rules: Rules,
    pub(super) service: Identity,
}

/// What the monitor knows of the host.
pub(super) struct Host {
    pub(super) home: PathBuf,
    pub(super) mode: IsolationMode,
    /// Absent when everything runs as the account that started the monitor.
    pub(super) accounts: Option<Accounts>,
    pub(super) programs: Programs,
    pub(super) groups: Cgroups,
    /// Whether private mounts can be had; decides where temporary files go.
    pub(super) has_namespaces: bool,
}

impl Host {
    /// Looks at the host.
    ///
    /// # Errors
    /// When a program is missing, or a shared host was asked for by somebody else than root or with
    /// a service account that cannot be used.
    pub(super) fn new(
        home: &Path,
        mode: IsolationMode,
        shared: Option<&SharedHost>,
    ) -> Result<Self, MonitorError> {
        let accounts = shared.map(|shared| Accounts::new(home, shared)).transpose()?;
        let groups = if mode == IsolationMode::Off {
            Cgroups::none()
        } else {
            Cgroups::detect(&group_name(home))
        };
        let mut host = Self {
            home: home.to_owned(),
            mode,
            accounts,
            programs: Programs::beside_this_one()?,
            groups,
            has_namespaces: false,
        };
        host.has_namespaces = mode != IsolationMode::Off && host.tries_namespaces();
        Ok(host)
    }

    /// Starts a process in namespaces that ends at once.
    fn tries_namespaces(&self) -> bool {
        let layers = LayerSet::none().with(Layer::Namespaces);
        let plan = Plan {
            program: "/bin/true".into(),
            arguments: Vec::new(),
            init_argument: None,
            environment: Vec::new(),
            descriptors: Vec::new(),
            identity: None,
            directory: "/".into(),
            write: Vec::new(),
            read: Vec::new(),
            cover: Vec::new(),
            parent_death: Signal::SIGKILL,
            open_files: 64,
            network: NetworkProfile::Shared,
            limits: ExecutorLimits::default(),
            layers,
            required: layers,
        };
        let Ok(started) = start(&plan, &Cgroups::none(), "probe") else { return false };
        waitpid(Pid::from_raw(started.pid), None).is_ok()
    }
}

impl Accounts {
    fn new(home: &Path, shared: &SharedHost) -> Result<Self, MonitorError> {
        if !geteuid().is_root() {
            return Err(MonitorError::NeedsRoot);
        }
        let unusable = |error: grove_sandbox::account::AccountError| MonitorError::ServiceAccount {
            name: shared.service.clone(),
            why: error.to_string(),
        };
        let service = plain(&shared.service).map_err(unusable)?;
        if service.uid.is_root() {
            let (name, why) = (shared.service.clone(), "it is root".to_owned());
            return Err(MonitorError::ServiceAccount { name, why });
        }
        let rules = Rules {
            prefix: shared.prefix.clone(),
            group: shared.group.clone(),
            service: shared.service.clone(),
            homes: home.join("home"),
        };
        Ok(Self { rules, service })
    }
}

/// Groups carry the home's path, so that the next monitor of the same home finds what is left.
fn group_name(home: &Path) -> String {
    let text = home.to_string_lossy();
    let tail = &text.as_bytes()[text.len().saturating_sub(GROUP_NAME_BYTES)..];
    tail.iter()
        .map(|byte| if byte.is_ascii_alphanumeric() { char::from(*byte) } else { '_' })
        .collect()
}

/// The environment of a process: seven names and nothing else.
pub(super) fn environment(person: Option<&Identity>, tmp: &Path) -> Vec<(String, OsString)> {
    let own = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
    let (home, name, shell, path, lang) = match person {
        Some(person) => {
            let name = OsString::from(&person.name);
            let home = person.home.clone().into_os_string();
            (
                home,
                name,
                person.shell.clone().into_os_string(),
                DEFAULT_PATH.into(),
                "C.UTF-8".into(),
            )
        }
        // Of the monitor's own environment only what says where the person's things are is taken
        // over; secrets in it never reach an executor.
        None => {
            let account = User::from_uid(geteuid()).ok().flatten();
            let number = geteuid().to_string();
            let name = account.as_ref().map_or(number, |it| it.name.clone());
            let home = account.as_ref().map(|it| it.dir.clone().into_os_string());
            let shell = account.as_ref().map(|it| it.shell.clone().into_os_string());
            (
                own("HOME").or(home).unwrap_or_else(|| "/".into()),
                name.into(),
                shell.filter(|it| !it.is_empty()).unwrap_or_else(|| "/bin/sh".into()),
                own("PATH").unwrap_or_else(|| DEFAULT_PATH.into()),
                own("LANG").unwrap_or_else(|| "C.UTF-8".into()),
            )
        }
    };
    [
        ("HOME", home),
        ("USER", name.clone()),
        ("LOGNAME", name),
        ("SHELL", shell),
        ("PATH", path),
        ("LANG", lang),
        ("TMPDIR", tmp.as_os_str().to_owned()),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .to_vec()
}

/// Looks at the host and takes the signals' side effects away.
///
/// # Errors
/// When the working directory cannot be entered.
pub(super) fn enter_home(home: &Path) -> Result<(), MonitorError> {
    std::env::set_current_dir(home).map_err(system("enter Grove's home"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_are_named_after_the_home() {
        assert_eq!(group_name(Path::new("/var/lib/grove")), "_var_lib_grove");
        assert_eq!(group_name(Path::new(&"/x".repeat(90))).len(), GROUP_NAME_BYTES);
    }
}

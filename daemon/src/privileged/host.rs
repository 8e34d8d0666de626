//! What kind of host this is: alone or shared, how much isolation is insisted on, what it can do.
//!
//! Comes from the command line of the monitor and from probing, never from a request.

use super::error::MonitorError;
use super::spawn::Programs;
use grove_core_api::isolation::IsolationMode;
use grove_sandbox::account::{Identity, Rules, plain};
use grove_sandbox::can_have_namespaces;
use grove_sandbox::cgroup::Cgroups;
use nix::unistd::geteuid;
use std::path::{Path, PathBuf};

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
        rules: Option<Rules>,
    ) -> Result<Self, MonitorError> {
        let accounts = rules.map(Accounts::new).transpose()?;
        let groups = if mode == IsolationMode::Off {
            Cgroups::none()
        } else {
            Cgroups::detect(&home.to_string_lossy())
        };
        Ok(Self {
            home: home.to_owned(),
            mode,
            accounts,
            programs: Programs::beside_this_one()?,
            groups,
            has_namespaces: mode != IsolationMode::Off && can_have_namespaces(),
        })
    }
}

impl Accounts {
    fn new(rules: Rules) -> Result<Self, MonitorError> {
        if !geteuid().is_root() {
            return Err(MonitorError::NeedsRoot);
        }
        let name = rules.service.clone();
        match plain(&name) {
            Ok(service) if !service.uid.is_root() => Ok(Self { rules, service }),
            Ok(_) => Err(MonitorError::ServiceAccount { name, why: "it is root".to_owned() }),
            Err(error) => Err(MonitorError::ServiceAccount { name, why: error.to_string() }),
        }
    }
}

//! Landlock: which files open at all.
//!
//! Everything that is not granted stays shut, whatever its mode says. The kernel may know less than
//! is asked for, and the library reports that as success: so the status is looked at, never only the
//! result.

use crate::sys;
use ::landlock::{
    ABI, Access, AccessFs, BitFlags, CompatLevel, Compatible, Ruleset, RulesetAttr, RulesetCreated,
    RulesetCreatedAttr, RulesetError, RulesetStatus, Scope, path_beneath_rules,
};
use std::path::{Path, PathBuf};

/// Version that is asked for: files, devices, signals and abstract sockets (Linux 6.12).
const WANTED: ABI = ABI::V6;

/// Directories of the system that may be read.
pub(crate) const SYSTEM: [&str; 13] = [
    "/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/etc", "/opt", "/nix", "/proc", "/sys",
    "/dev", "/run",
];

/// Devices that may be read and written.
const DEVICES: [&str; 8] = [
    "/dev/null",
    "/dev/zero",
    "/dev/full",
    "/dev/tty",
    "/dev/ptmx",
    "/dev/pts",
    "/dev/random",
    "/dev/urandom",
];

/// Files and directories that a domain grants beside the system's.
#[derive(Clone, Debug, Default)]
pub(crate) struct Grants<'a> {
    pub(crate) write: Vec<&'a Path>,
    pub(crate) read: Vec<&'a Path>,
}

impl<'a> Grants<'a> {
    pub(crate) fn new(write: &'a [PathBuf], read: &'a [PathBuf]) -> Self {
        let paths = |list: &'a [PathBuf]| list.iter().map(PathBuf::as_path).collect();
        Self { write: paths(write), read: paths(read) }
    }
}

/// Makes a ruleset; nobody is restricted yet. Paths that do not exist grant nothing.
///
/// # Errors
/// When the kernel takes no ruleset.
pub(crate) fn ruleset(grants: &Grants<'_>) -> Result<RulesetCreated, RulesetError> {
    let everything = AccessFs::from_all(WANTED);
    let reading = AccessFs::from_read(WANTED);
    let devices: BitFlags<AccessFs> = reading | AccessFs::WriteFile | AccessFs::IoctlDev;
    Ruleset::default()
        .set_compatibility(CompatLevel::BestEffort)
        .handle_access(everything)?
        .scope(Scope::Signal | Scope::AbstractUnixSocket)?
        .create()?
        .set_compatibility(CompatLevel::BestEffort)
        .add_rules(path_beneath_rules(SYSTEM, reading))?
        .add_rules(path_beneath_rules(&grants.read, reading))?
        .add_rules(path_beneath_rules(DEVICES, devices))?
        .add_rules(path_beneath_rules(&grants.write, everything))
}

/// Restricts this process for good and says what holds.
///
/// # Errors
/// When the kernel enforces nothing, or only a version that leaves truncation open (before Linux
/// 5.19 and version 2 nothing can be moved between directories either).
pub(crate) fn restrict(grants: &Grants<'_>) -> Result<String, String> {
    let abi = sys::landlock_abi();
    if abi < 2 {
        return Err(if abi == 0 {
            "the kernel has no Landlock".to_owned()
        } else {
            format!("the kernel has only version {abi} of Landlock; 2 is needed")
        });
    }
    let status = ruleset(grants)
        .and_then(RulesetCreated::restrict_self)
        .map_err(|error| error.to_string())?;
    match status.ruleset {
        RulesetStatus::FullyEnforced => Ok(format!("version {abi}, fully enforced")),
        RulesetStatus::PartiallyEnforced => Ok(format!("version {abi}, as far as it goes")),
        RulesetStatus::NotEnforced => Err("the kernel does not enforce Landlock".to_owned()),
    }
}

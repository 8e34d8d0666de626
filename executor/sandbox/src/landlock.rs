//! Landlock: which files open at all.
//!
//! Everything that is not granted stays shut, whatever its mode says. The kernel may know less than
//! is asked for, and the library reports that as success: so the status is looked at, never only the
//! result.

use crate::sys;
use ::landlock::{
    ABI, Access, AccessFs, BitFlags, CompatLevel, Compatible, PathBeneath, Ruleset, RulesetAttr,
    RulesetCreated, RulesetCreatedAttr, RulesetError, RulesetStatus, Scope, path_beneath_rules,
};
use nix::fcntl::{AT_FDCWD, OFlag, OpenHow, ResolveFlag, openat2};
use nix::sys::stat::{SFlag, fstat};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

/// Version that is asked for: files, devices, signals and abstract sockets (Linux 6.12).
const WANTED: ABI = ABI::V6;

/// Directories of the system that may be read.
const SYSTEM: [&str; 11] =
    ["/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/opt", "/nix", "/proc", "/sys", "/run"];
/// Settings of the system, for who does not stay root.
const SETTINGS: &str = "/etc";
/// Where devices lie: which there are may be seen, and no more.
const DEVICE_DIRECTORY: &str = "/dev";

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
    /// What of the system's settings may be read; absent: all of them.
    pub(crate) settings: Option<&'a [PathBuf]>,
}

impl<'a> Grants<'a> {
    pub(crate) fn new(write: &'a [PathBuf], read: &'a [PathBuf]) -> Self {
        let paths = |list: &'a [PathBuf]| list.iter().map(PathBuf::as_path).collect();
        Self { write: paths(write), read: paths(read), settings: None }
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
    let settings: Vec<&Path> = match grants.settings {
        Some(settings) => settings.iter().map(PathBuf::as_path).collect(),
        None => vec![Path::new(SETTINGS)],
    };
    Ruleset::default()
        .set_compatibility(CompatLevel::BestEffort)
        .handle_access(everything)?
        .scope(Scope::Signal | Scope::AbstractUnixSocket)?
        .create()?
        .set_compatibility(CompatLevel::BestEffort)
        .add_rules(path_beneath_rules(SYSTEM, reading))?
        .add_rules(path_beneath_rules([DEVICE_DIRECTORY], AccessFs::ReadDir))?
        .add_rules(rules(&settings, reading))?
        .add_rules(rules(&grants.read, reading))?
        .add_rules(path_beneath_rules(DEVICES, devices))?
        .add_rules(rules(&grants.write, everything))
}

/// Rules for granted paths. Those that are absent, or have a link in them, grant nothing: whoever
/// owns a granted directory could otherwise have any other one granted instead.
fn rules<'a>(
    paths: &'a [&Path],
    access: BitFlags<AccessFs>,
) -> impl Iterator<Item = Result<PathBeneath<OwnedFd>, RulesetError>> + 'a {
    let flags = OFlag::O_PATH | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
    let resolve = ResolveFlag::RESOLVE_NO_SYMLINKS | ResolveFlag::RESOLVE_NO_MAGICLINKS;
    paths.iter().filter_map(move |path| {
        let how = OpenHow::new().flags(flags).resolve(resolve);
        let opened = openat2(AT_FDCWD, *path, how).ok()?;
        let kind = SFlag::from_bits_truncate(fstat(&opened).ok()?.st_mode) & SFlag::S_IFMT;
        let valid = match kind {
            SFlag::S_IFDIR => access,
            // A link that was opened itself.
            SFlag::S_IFLNK => return None,
            _ => access & AccessFs::from_file(WANTED),
        };
        Some(Ok(PathBeneath::new(opened, valid)))
    })
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

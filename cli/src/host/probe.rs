//! Probes for the doctor: each one does the thing itself instead of reading about it.

use super::process;
use grove_core_api::isolation::IsolationMode;
use grove_sandbox::probe::Probe;
use nix::sys::statvfs::statvfs;
use nix::unistd::{AccessFlags, Gid, Uid, access, chown, geteuid};
use serde::Serialize;
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::Path;

/// Oldest git that has all that is used.
const GIT: (u32, u32) = (2, 38);
/// Room that a home needs for work to go on.
const FREE_BYTES: u64 = 1 << 30;

/// Whether something is as it should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Status {
    /// It is.
    Ok,
    /// It is not, or could not be tried; Grove works without.
    Warn,
    /// It is not, and is required.
    Fail,
}

/// What one probe found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Row {
    /// What was tried.
    pub(crate) name: &'static str,
    /// How it is.
    pub(crate) status: Status,
    /// Whether Grove cannot do without.
    #[serde(rename = "required")]
    pub(crate) is_required: bool,
    /// What was found.
    pub(crate) detail: String,
    /// What is missing without it; empty when all is well.
    pub(crate) effect: String,
    /// What to do about it; empty when all is well.
    pub(crate) fix: String,
}

impl Row {
    pub(crate) fn required(name: &'static str, found: Result<String, (String, String)>) -> Self {
        Self::new(name, true, found)
    }

    pub(crate) fn optional(name: &'static str, found: Result<String, (String, String)>) -> Self {
        Self::new(name, false, found)
    }

    fn new(name: &'static str, is_required: bool, found: Result<String, (String, String)>) -> Self {
        let (status, detail, fix) = match found {
            Ok(detail) => (Status::Ok, detail, String::new()),
            Err((detail, fix)) if is_required => (Status::Fail, detail, fix),
            Err((detail, fix)) => (Status::Warn, detail, fix),
        };
        Self { name, status, is_required, detail, effect: String::new(), fix }
    }

    /// Says what is missing, when something is.
    pub(crate) fn with_effect(mut self, effect: &str) -> Self {
        if self.status != Status::Ok {
            effect.clone_into(&mut self.effect);
        }
        self
    }

    /// A row of the sandbox's probes; what strict isolation requires counts only in that mode.
    pub(crate) fn of_sandbox(probe: Probe, mode: IsolationMode) -> Self {
        let is_required = probe.is_required && mode == IsolationMode::Strict;
        let status = match (probe.is_ok, is_required && probe.is_tried) {
            (true, _) => Status::Ok,
            (false, true) => Status::Fail,
            (false, false) => Status::Warn,
        };
        let Probe { name, found: detail, effect, fix, .. } = probe;
        Self { name, status, is_required, detail, effect, fix }
    }
}

fn bad<T>(detail: impl Into<String>, fix: &str) -> Result<T, (String, String)> {
    Err((detail.into(), fix.to_owned()))
}

/// git is there and new enough.
pub(crate) fn git() -> Row {
    let fix = "Install git 2.38 or newer and make sure that it is on the PATH.";
    let found = match process::git(Path::new("/"), ["--version"]) {
        Ok(output) if output.status.success() => {
            let text = String::from_utf8_lossy(&output.stdout).trim().to_owned();
            match git_version(&text) {
                Some(version) if version >= GIT => Ok(text),
                Some(_) | None => bad(format!("{text} is too old"), fix),
            }
        }
        Ok(output) => bad(format!("git ended with {}", output.status), fix),
        Err(error) => bad(format!("git cannot be started: {error}"), fix),
    };
    Row::required("git", found)
}

fn git_version(text: &str) -> Option<(u32, u32)> {
    let mut numbers = text.strip_prefix("git version ")?.split('.');
    Some((numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?))
}

/// The home takes a file that reaches the disk. A home that is absent is made, as `grove up` would.
pub(crate) fn home(home: &Path) -> Row {
    let fix = "Choose a directory that you can write with --home or GROVE_HOME.";
    let owner = fs::metadata(home).map(|it| it.uid());
    if owner.is_ok_and(|uid| uid != geteuid().as_raw()) && !geteuid().is_root() {
        let detail = format!("{} belongs to another account", home.display());
        let fix = "Run `grove doctor` as its owner to know more.".to_owned();
        return Row::optional("home", Err((detail, fix)));
    }
    let found = match write_and_remove(home) {
        Ok(()) => Ok(format!("{} can be written", home.display())),
        Err(error) => bad(format!("{}: {error}", home.display()), fix),
    };
    Row::required("home", found)
}

fn write_and_remove(home: &Path) -> io::Result<()> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(home)?;
    let path = home.join(format!(".doctor-{}", std::process::id()));
    let written =
        OpenOptions::new().write(true).create_new(true).open(&path).and_then(|mut file| {
            file.write_all(b"grove")?;
            file.sync_all()
        });
    let removed = fs::remove_file(&path);
    written.and(removed)
}

/// There is room on the disk.
pub(crate) fn disk(home: &Path) -> Row {
    let fix = "Make room, or put Grove's home on another disk with --home.";
    let there = home.ancestors().find(|path| path.exists()).unwrap_or(home);
    let found = match statvfs(there) {
        Ok(stat) => {
            let free = stat.blocks_available().saturating_mul(stat.fragment_size());
            let text = format!("{} MiB free", free >> 20);
            if free >= FREE_BYTES { Ok(text) } else { bad(text, fix) }
        }
        Err(errno) => bad(errno.to_string(), fix),
    };
    Row::required("disk", found)
}

/// The programs stand beside this one and can be executed.
pub(crate) fn programs() -> Row {
    let fix = "Install grove, groved, grove-executor and grove-monitor in one directory.";
    let is_missing = |name: &&str| {
        let path = process::beside(name);
        path.is_err() || path.is_ok_and(|path| access(&path, AccessFlags::X_OK).is_err())
    };
    let names = ["grove-monitor", "groved", "grove-executor"];
    let missing: Vec<&str> = names.into_iter().filter(|name| is_missing(name)).collect();
    let found = if missing.is_empty() {
        Ok("grove-monitor, groved and grove-executor are there".to_owned())
    } else {
        bad(format!("missing: {}", missing.join(", ")), fix)
    };
    Row::required("programs", found)
}

/// The port can be bound, or Grove itself has it.
pub(crate) fn port(port: u16, own_url: Option<&str>) -> Row {
    let fix = "Choose another port with `grove up --port N`, or end the program that has it.";
    let is_own = own_url.is_some_and(|url| url.ends_with(&format!(":{port}")));
    let found = match TcpListener::bind((Ipv4Addr::LOCALHOST, port)) {
        Ok(_) => Ok(format!("{port} is free")),
        Err(_) if is_own => Ok(format!("{port} is Grove's own")),
        Err(error) => bad(format!("{port}: {error}"), fix),
    };
    // A running instance may well stand on another port.
    if own_url.is_some() { Row::optional("port", found) } else { Row::required("port", found) }
}

/// git refuses to read a repository that somebody else owns, also over a path (CVE-2024-32004).
///
/// Tried on an empty repository that is given away, which only root can do.
pub(crate) fn git_owner_check() -> Row {
    const NAME: &str = "git owner check";
    let fix = "Install git 2.39.4, 2.45.1 or newer.";
    if !geteuid().is_root() {
        let detail = "needs root to probe".to_owned();
        return Row::optional(
            NAME,
            Err((detail, "Run `grove doctor` as root to know.".to_owned())),
        );
    }
    let found = match reads_foreign_repository() {
        Ok(false) => Ok("a repository of somebody else is refused".to_owned()),
        Ok(true) => bad("a repository of somebody else is read", fix),
        Err(error) => bad(error.to_string(), "Look at the temporary directory and at git."),
    };
    let effect = "git that reads another person's repository runs what that person configured";
    Row::optional(NAME, found).with_effect(effect)
}

fn reads_foreign_repository() -> io::Result<bool> {
    const NOBODY: u32 = 65_534;
    let parent = std::env::temp_dir().join(format!("grove-doctor-{}", std::process::id()));
    // New, and entered by nobody else: what is in it cannot be exchanged.
    fs::DirBuilder::new().mode(0o700).create(&parent)?;
    let repository = parent.join("foreign.git");
    let tried = process::git(&parent, ["init", "--quiet", "--bare", "foreign.git"])
        .and_then(|made| match made.status.success() {
            true => {
                Ok(chown(&repository, Some(Uid::from_raw(NOBODY)), Some(Gid::from_raw(NOBODY)))?)
            }
            false => Err(io::Error::other(String::from_utf8_lossy(&made.stderr).into_owned())),
        })
        // The empty value forgets every exception that the machine's configuration makes.
        .and_then(|()| {
            let read =
                ["-c", "safe.directory=", "upload-pack", "--http-backend-info-refs", "foreign.git"];
            process::git(&parent, read)
        });
    let removed = fs::remove_dir_all(&parent);
    let is_read = tried?.status.success();
    removed.map(|()| is_read)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_of_git_are_read_with_whatever_follows() {
        assert_eq!(git_version("git version 2.39.5 (Apple Git-154)"), Some((2, 39)));
        assert_eq!(git_version("git version 2.47.3"), Some((2, 47)));
        assert_eq!(git_version("hub 3"), None);
        assert!((2, 9) < GIT && (3, 0) > GIT);
    }

    #[test]
    fn what_strict_isolation_requires_fails_in_strict_mode_alone() {
        let probe = |is_ok, is_tried| Probe {
            name: "seccomp",
            is_ok,
            is_tried,
            is_required: true,
            found: "found".to_owned(),
            effect: "effect".to_owned(),
            fix: "fix".to_owned(),
        };
        let status = |is_ok, is_tried, mode| Row::of_sandbox(probe(is_ok, is_tried), mode).status;
        assert_eq!(status(true, true, IsolationMode::Strict), Status::Ok);
        assert_eq!(status(false, true, IsolationMode::Strict), Status::Fail);
        assert_eq!(status(false, true, IsolationMode::BestEffort), Status::Warn);
        assert_eq!(status(false, false, IsolationMode::Strict), Status::Warn);
    }

    #[test]
    fn a_repository_of_somebody_else_is_refused_by_this_git() {
        let row = git_owner_check();
        let expected = if geteuid().is_root() { Status::Ok } else { Status::Warn };
        assert_eq!(row.status, expected, "{row:?}");
    }

    #[test]
    fn a_home_is_probed_by_writing_and_left_clean() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("new/home");
        assert_eq!(home(&path).status, Status::Ok);
        assert_eq!(fs::read_dir(&path).unwrap().count(), 0);
        fs::write(directory.path().join("file"), "").unwrap();
        let row = home(&directory.path().join("file"));
        assert!(row.status == Status::Fail && !row.fix.is_empty());
    }

    #[test]
    fn a_taken_port_is_fine_only_when_it_is_our_own() {
        let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let number = taken.local_addr().unwrap().port();
        assert_eq!(port(number, None).status, Status::Fail);
        let own = port(number, Some(&format!("http://127.0.0.1:{number}")));
        assert_eq!(own.status, Status::Ok);
    }
}

//! Probes for the doctor: each one does the thing itself instead of reading about it.

use super::{process, sys};
use nix::sys::statvfs::statvfs;
use nix::unistd::{AccessFlags, access};
use serde::Serialize;
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;

/// Oldest git that has all that is used.
const GIT: (u32, u32) = (2, 38);
/// Room that a home needs for work to go on.
const FREE_BYTES: u64 = 1 << 30;

/// What one probe found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Row {
    /// What was tried.
    pub(crate) name: &'static str,
    /// Whether it works.
    #[serde(rename = "ok")]
    pub(crate) is_ok: bool,
    /// Whether Grove cannot do without.
    #[serde(rename = "required")]
    pub(crate) is_required: bool,
    /// What was found.
    pub(crate) detail: String,
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
        let is_ok = found.is_ok();
        let (detail, fix) = match found {
            Ok(detail) => (detail, String::new()),
            Err(bad) => bad,
        };
        Self { name, is_ok, is_required, detail, fix }
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
    let found = match write_and_remove(home) {
        Ok(()) => Ok(format!("{} can be written", home.display())),
        Err(error) => bad(format!("{}: {error}", home.display()), fix),
    };
    Row::required("home", found)
}

fn write_and_remove(home: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
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

/// The kernel has Landlock.
pub(crate) fn landlock() -> Row {
    let fix = "Linux 5.13 or newer with the Landlock module; Grove runs without it.";
    let found = match sys::landlock_version() {
        Ok(version) => Ok(format!("version {version}")),
        Err(error) => bad(error.to_string(), fix),
    };
    Row::optional("landlock", found)
}

/// This account may make user namespaces.
pub(crate) fn user_namespaces() -> Row {
    let fix = "Allow them in the kernel's settings; Grove runs without them.";
    let found = match process::try_user_namespace() {
        Ok(()) => Ok("allowed".to_owned()),
        Err(error) => bad(error.to_string(), fix),
    };
    Row::optional("user namespaces", found)
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
    fn a_home_is_probed_by_writing_and_left_clean() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("new/home");
        assert!(home(&path).is_ok);
        assert_eq!(fs::read_dir(&path).unwrap().count(), 0);
        fs::write(directory.path().join("file"), "").unwrap();
        let row = home(&directory.path().join("file"));
        assert!(!row.is_ok && !row.fix.is_empty());
    }

    #[test]
    fn a_taken_port_is_fine_only_when_it_is_our_own() {
        let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let number = taken.local_addr().unwrap().port();
        assert!(!port(number, None).is_ok);
        assert!(port(number, Some(&format!("http://127.0.0.1:{number}"))).is_ok);
    }
}

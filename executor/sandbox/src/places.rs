//! Directories of a shared host: parents that only root can change, leaves that belong to accounts.
//!
//! Root never follows a path into somebody's tree: every name is opened from its parent's
//! descriptor, without following links, and a leaf is given away by its descriptor. What accounts
//! put into their leaves is made and removed by themselves.

use crate::account::Identity;
use grove_core_api::monitor::Place;
use nix::errno::Errno;
use nix::fcntl::{OFlag, open, openat, renameat};
use nix::sys::stat::{Mode, fchmod, fstat, mkdirat};
use nix::unistd::{Gid, Uid, UnlinkatFlags, fchown, unlinkat};
use std::ffi::OsStr;
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;

/// Only root may list it; everybody may pass.
const PASSAGE: u32 = 0o711;
/// Its owner's; the group may pass.
const GROUP_PASSAGE: u32 = 0o710;
/// Its owner's alone.
const CLOSED: u32 = 0o700;
/// Longest name of a repository or worktree.
const NAME_BYTES: usize = 100;
/// Directories that hold one directory for each account.
const BY_ACCOUNT: [&str; 3] = ["home", "git", "wt"];

/// Why a directory was not made or removed.
#[derive(Debug, thiserror::Error)]
pub enum PlaceError {
    /// A name is not plain, or something else lies where the directory should be.
    #[error("{0}")]
    Invalid(String),
    /// Something is in it.
    #[error("the directory is not empty")]
    NotEmpty,
    /// The operating system said no.
    #[error("{0}")]
    System(String),
}

fn fail(what: &str) -> impl FnOnce(Errno) -> PlaceError {
    let what = what.to_owned();
    move |errno| {
        // With O_DIRECTORY, a link reports ENOTDIR rather than ELOOP.
        let is_odd = matches!(errno, Errno::ENOTDIR | Errno::ELOOP | Errno::ENOENT);
        let detail = format!("failed to {what}: {errno}");
        if is_odd { PlaceError::Invalid(detail) } else { PlaceError::System(detail) }
    }
}

fn flags() -> OFlag {
    OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC
}

/// Opens a directory below another one, made with this mode when it is absent.
fn enter(parent: &OwnedFd, name: &OsStr, mode: u32) -> Result<OwnedFd, PlaceError> {
    let shown = name.display();
    match mkdirat(parent, name, Mode::from_bits_truncate(CLOSED)) {
        Ok(()) | Err(Errno::EEXIST) => {}
        Err(errno) => return Err(fail(&format!("make {shown}"))(errno)),
    }
    let directory =
        openat(parent, name, flags(), Mode::empty()).map_err(fail(&format!("open {shown}")))?;
    let found = fstat(&directory).map_err(fail("look at it"))?;
    if found.st_uid == 0 && found.st_mode & 0o7777 != mode {
        fchmod(&directory, Mode::from_bits_truncate(mode)).map_err(fail("set its mode"))?;
    }
    Ok(directory)
}

/// Opens a leaf of an account; made and given to it when it is absent.
fn leaf(parent: &OwnedFd, name: &OsStr, owner: (Uid, Gid)) -> Result<OwnedFd, PlaceError> {
    let directory = enter(parent, name, CLOSED)?;
    let found = fstat(&directory).map_err(fail("look at it"))?;
    if found.st_uid == 0 {
        fchown(&directory, Some(owner.0), Some(owner.1)).map_err(fail("give it away"))?;
    } else if found.st_uid != owner.0.as_raw() {
        let detail = format!("{} belongs to user {}", name.display(), found.st_uid);
        return Err(PlaceError::Invalid(detail));
    }
    Ok(directory)
}

fn top(home: &Path) -> Result<OwnedFd, PlaceError> {
    open(home, flags(), Mode::empty()).map_err(fail("open Grove's home"))
}

/// Lays out the home of a shared host: what is the daemon's, and what holds the accounts'.
///
/// Mirrors are the daemon's; `people`, the group of all accounts, may pass to one whose name is known.
///
/// # Errors
/// `Invalid` when something lies where a directory should be, `System` for the rest.
pub fn lay_out(home: &Path, service: &Identity, people: Gid) -> Result<(), PlaceError> {
    let home = top(home)?;
    fchmod(&home, Mode::from_bits_truncate(PASSAGE)).map_err(fail("open the home"))?;
    for name in ["db", "files", "keys", "logs"] {
        leaf(&home, OsStr::new(name), (service.uid, service.gid))?;
    }
    let mirror = leaf(&home, OsStr::new("mirror"), (service.uid, people))?;
    fchown(&mirror, None, Some(people)).map_err(fail("give the mirrors to a group"))?;
    fchmod(&mirror, Mode::from_bits_truncate(GROUP_PASSAGE)).map_err(fail("set a mode"))?;
    for name in BY_ACCOUNT {
        enter(&home, OsStr::new(name), PASSAGE)?;
    }
    enter(&home, OsStr::new("run"), 0o755)?;
    enter(&home, OsStr::new("retired"), CLOSED).map(drop)
}

/// Makes a directory of an account. Done when it is there already.
///
/// # Errors
/// `Invalid` for names, links and directories of others; `System` for the rest.
pub fn make(home: &Path, person: &Identity, place: &Place) -> Result<(), PlaceError> {
    let owner = (person.uid, person.gid);
    let account = OsStr::new(&person.name);
    match place {
        Place::Repositories => {
            let home = top(home)?;
            let git = enter(&home, OsStr::new("git"), PASSAGE)?;
            // Beside them the parent of its worktrees: root's, so that no leaf is ever swapped.
            let trees = enter(&home, OsStr::new("wt"), PASSAGE)?;
            enter(&trees, account, PASSAGE)?;
            leaf(&git, account, owner).map(drop)
        }
        Place::Worktree { repo, name } => {
            let (repo, name) = (checked(repo)?, checked(name)?);
            let trees = enter(&top(home)?, OsStr::new("wt"), PASSAGE)?;
            let own = enter(&trees, account, PASSAGE)?;
            leaf(&enter(&own, repo, PASSAGE)?, name, owner).map(drop)
        }
    }
}

/// Removes an empty directory of an account. Done when it is gone already.
///
/// # Errors
/// As [`make`], and `NotEmpty`.
pub fn remove(home: &Path, person: &Identity, place: &Place) -> Result<(), PlaceError> {
    let parts: Vec<&OsStr> = match place {
        Place::Repositories => vec![OsStr::new("git"), OsStr::new(&person.name)],
        Place::Worktree { repo, name } => {
            vec![OsStr::new("wt"), OsStr::new(&person.name), checked(repo)?, checked(name)?]
        }
    };
    let Some((last, parents)) = parts.split_last() else { return Ok(()) };
    let mut here = top(home)?;
    for part in parents {
        here = match openat(&here, *part, flags(), Mode::empty()) {
            Ok(next) => next,
            Err(Errno::ENOENT) => return Ok(()),
            Err(errno) => return Err(fail("open a parent")(errno)),
        };
    }
    match unlinkat(here.as_fd(), *last, UnlinkatFlags::RemoveDir) {
        Ok(()) | Err(Errno::ENOENT) => Ok(()),
        Err(Errno::ENOTEMPTY | Errno::EEXIST) => Err(PlaceError::NotEmpty),
        Err(errno) => Err(fail("remove it")(errno)),
    }
}

/// Puts everything of an account where only root gets: a later account with the same number must not
/// come into it.
///
/// # Errors
/// `System`; what was moved stays moved.
pub fn retire(home: &Path, person: &Identity, at_ms: u64) -> Result<(), PlaceError> {
    let home = top(home)?;
    let retired = enter(&home, OsStr::new("retired"), CLOSED)?;
    let grave = format!("{}-{}-{at_ms}", person.name, person.uid);
    let grave = enter(&retired, OsStr::new(&grave), CLOSED)?;
    for name in BY_ACCOUNT {
        let parent = enter(&home, OsStr::new(name), PASSAGE)?;
        match renameat(&parent, person.name.as_str(), &grave, name) {
            Ok(()) | Err(Errno::ENOENT) => {}
            Err(errno) => return Err(fail("put its files away")(errno)),
        }
    }
    Ok(())
}

/// One name of a path: no separator, no dot in front, nothing that shells or people stumble over.
fn checked(name: &str) -> Result<&OsStr, PlaceError> {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    let is_ok = !name.is_empty()
        && name.len() <= NAME_BYTES
        && !name.starts_with(['.', '-'])
        && name.bytes().all(is_plain);
    if is_ok {
        return Ok(OsStr::new(name));
    }
    Err(PlaceError::Invalid("a name holds letters, digits, `.`, `_` and `-` only".to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use nix::unistd::{getgid, getuid};
    use std::fs;
    use std::os::unix::fs::{PermissionsExt, symlink};

    fn me() -> Identity {
        Identity {
            name: "ana".to_owned(),
            uid: getuid(),
            gid: getgid(),
            groups: Vec::new(),
            home: "/".into(),
            shell: "/bin/sh".into(),
        }
    }

    fn tree(repo: &str, name: &str) -> Place {
        Place::Worktree { repo: repo.to_owned(), name: name.to_owned() }
    }

    #[test]
    fn a_worktree_is_closed_and_goes_only_when_empty() {
        let home = tempfile::tempdir().unwrap();
        let (home, place) = (home.path(), tree("shop", "fix"));
        make(home, &me(), &place).unwrap();
        make(home, &me(), &place).unwrap();
        let path = home.join("wt/ana/shop/fix");
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, CLOSED);
        fs::write(path.join("file"), "").unwrap();
        assert!(matches!(remove(home, &me(), &place), Err(PlaceError::NotEmpty)));
        fs::remove_file(path.join("file")).unwrap();
        remove(home, &me(), &place).unwrap();
        remove(home, &me(), &place).unwrap();
        assert!(!path.exists());
    }

    #[test]
    fn links_and_odd_names_are_refused() {
        let home = tempfile::tempdir().unwrap();
        let home = home.path();
        fs::create_dir_all(home.join("wt/ana")).unwrap();
        symlink("/etc", home.join("wt/ana/shop")).unwrap();
        let made = make(home, &me(), &tree("shop", "x"));
        assert!(matches!(made, Err(PlaceError::Invalid(_))));
        let long = "x".repeat(101);
        for name in ["", ".", "..", "a/b", "-x", ".git", "a\0", "a\nb", "ä", &long] {
            let made = make(home, &me(), &tree("repo", name));
            assert!(matches!(made, Err(PlaceError::Invalid(_))), "{name:?}");
        }
    }

    #[test]
    fn what_is_retired_is_out_of_reach_and_whole() {
        let home = tempfile::tempdir().unwrap();
        let home = home.path();
        make(home, &me(), &tree("shop", "fix")).unwrap();
        fs::write(home.join("wt/ana/shop/fix/file"), "work").unwrap();
        retire(home, &me(), 7).unwrap();
        assert!(!home.join("wt/ana").exists());
        let grave = home.join(format!("retired/ana-{}-7", getuid()));
        assert_eq!(fs::read(grave.join("wt/shop/fix/file")).unwrap(), b"work");
        assert_eq!(fs::metadata(&grave).unwrap().permissions().mode() & 0o777, CLOSED);
    }
}

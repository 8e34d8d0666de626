//! The private view of the file system: everything read-only but what was granted, and whole
//! directories out of sight.
//!
//! Runs in a fresh mount namespace, before the account changes. The order matters: what is granted is
//! opened before anything is covered. Nothing here follows a symbolic link: sources are opened and
//! targets walked one name at a time (the mistake that other sandboxes made with links that a
//! user had put in the way).

use crate::sys::{self, MOUNT_NODEV, MOUNT_NOSUID, MOUNT_RDONLY};
use nix::errno::Errno;
use nix::fcntl::{OFlag, OpenHow, ResolveFlag, open, openat, openat2};
use nix::mount::{MsFlags, mount};
use nix::sys::stat::{Mode, SFlag, fstat, mkdirat};
use nix::unistd::{Gid, Uid, geteuid};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Component, Path, PathBuf};

/// Temporary directories that become private.
pub(crate) const TEMPORARY: [&str; 3] = ["/tmp", "/var/tmp", "/dev/shm"];
/// Where name resolution is configured on hosts whose `/etc/resolv.conf` leads below `/run`.
const RESOLVER: &str = "/run/systemd/resolve";
/// Devices that everybody may use; there are no others in the view.
const DEVICES: [&str; 6] = ["null", "zero", "full", "random", "urandom", "tty"];
/// Names for what a process has open.
const OPEN_NAMES: [(&str, &str); 4] = [
    ("fd", "/proc/self/fd"),
    ("stdin", "/proc/self/fd/0"),
    ("stdout", "/proc/self/fd/1"),
    ("stderr", "/proc/self/fd/2"),
];
/// Size of the private temporary directories when nobody says otherwise.
const TMP_BYTES: u64 = 512 << 20;

/// What the view is made of.
pub(crate) struct View<'a> {
    pub(crate) write: &'a [PathBuf],
    pub(crate) read: &'a [PathBuf],
    pub(crate) cover: &'a [PathBuf],
    pub(crate) tmp_bytes: Option<u64>,
    pub(crate) uid: Uid,
    pub(crate) gid: Gid,
    /// Whether this is the host's own user namespace.
    pub(crate) is_host_root: bool,
}

/// Why a view was not built.
pub(crate) enum Trouble {
    /// This host cannot do it.
    Host(String),
    /// A granted path cannot be used: it leads through a link, or is not there. Whoever owns it may
    /// have put a link there, so this must never lead to a start with less around it.
    Path(String),
}

impl From<String> for Trouble {
    fn from(detail: String) -> Self {
        Self::Host(detail)
    }
}

/// Builds the view.
///
/// # Errors
/// What was tried, and what the kernel said; the namespace is of no use then.
pub(crate) fn build(view: &View<'_>) -> Result<(), Trouble> {
    let none: Option<&str> = None;
    mount(none, "/", none, MsFlags::MS_REC | MsFlags::MS_PRIVATE, none)
        .map_err(failed("make mounts private"))?;
    let granted = granted(view)?;
    let root = open_directory(None, Path::new("/")).map_err(failed("open /"))?;
    sys::set_mount_attributes(root.as_fd(), MOUNT_RDONLY | MOUNT_NOSUID)
        .map_err(failed("make / read-only"))?;
    devices()?;
    hide(view)?;
    for (path, tree) in &granted {
        let onto = place(path, tree).map_err(Trouble::Path)?;
        let attached = sys::attach_tree(tree.as_fd(), onto.as_fd())
            .map_err(failed(&format!("attach {}", path.display())));
        attached.map_err(Trouble::Path)?;
    }
    terminals(view.is_host_root)?;
    processes()?;
    Ok(own_run_directory(view.uid, view.gid)?)
}

/// Clones of what is granted, parents before what lies in them.
fn granted(view: &View<'_>) -> Result<Vec<(PathBuf, OwnedFd)>, Trouble> {
    let write = view.write.iter().map(|path| (path.as_path(), MOUNT_NOSUID | MOUNT_NODEV));
    let reading = MOUNT_RDONLY | MOUNT_NOSUID | MOUNT_NODEV;
    let resolver = Path::new(RESOLVER).is_dir().then_some(Path::new(RESOLVER));
    // What nothing covers is read-only where it is.
    let is_hidden = |path: &&Path| {
        let covers = view.cover.iter().map(PathBuf::as_path);
        let mut covers = covers.chain(TEMPORARY.iter().map(Path::new)).chain([Path::new("/run")]);
        covers.any(|cover| path.starts_with(cover))
    };
    let read = view.read.iter().map(PathBuf::as_path).filter(is_hidden).chain(resolver);
    let read = read.map(|path| (path, reading));
    let mut granted = Vec::new();
    for (path, attributes) in write.chain(read) {
        let what = format!("open {}", path.display());
        let opened = match open_path(None, path, OFlag::empty()) {
            // What is only read and has gone meanwhile grants nothing.
            Err(Errno::ENOENT) if attributes == reading => continue,
            opened => opened.map_err(failed(&what)).map_err(Trouble::Path)?,
        };
        let tree = sys::clone_tree(opened.as_fd()).map_err(|error| format!("{what}: {error}"))?;
        sys::set_mount_attributes(tree.as_fd(), attributes).map_err(failed(&what))?;
        granted.push((path.to_owned(), tree));
    }
    granted.sort_by_key(|(path, _)| path.components().count());
    Ok(granted)
}

/// Puts empty file systems over what is nobody's business.
fn hide(view: &View<'_>) -> Result<(), String> {
    let bytes = view.tmp_bytes.unwrap_or(TMP_BYTES);
    for path in TEMPORARY {
        empty(Path::new(path), &format!("mode=1777,size={bytes},nr_inodes=200k"))?;
    }
    empty(Path::new("/run"), "mode=755,size=16m")?;
    for path in view.cover {
        if path.is_dir() {
            empty(path, "mode=755,size=1m")?;
        }
    }
    Ok(())
}

fn empty(path: &Path, options: &str) -> Result<(), String> {
    let flags = MsFlags::MS_NOSUID | MsFlags::MS_NODEV;
    mount(Some("tmpfs"), path, Some("tmpfs"), flags, Some(options))
        .map_err(failed(&format!("cover {}", path.display())))
}

/// A `/dev` of its own, with the devices that everybody may use and the places that others are
/// mounted at.
fn devices() -> Result<(), String> {
    let at = Path::new("/dev");
    let mut trees = Vec::new();
    for name in DEVICES {
        let how = OFlag::O_PATH | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
        // A container may lack one.
        let Ok(node) = open(&at.join(name), how, Mode::empty()) else { continue };
        let tree =
            sys::clone_tree(node.as_fd()).map_err(|error| format!("clone {name}: {error}"))?;
        trees.push((at.join(name), tree));
    }
    empty(at, "mode=755,size=64k")?;
    let make = || -> std::io::Result<()> {
        for name in ["pts", "shm", "mqueue"] {
            std::fs::create_dir(at.join(name))?;
        }
        for (name, target) in OPEN_NAMES {
            std::os::unix::fs::symlink(target, at.join(name))?;
        }
        std::fs::write(at.join("ptmx"), "")?;
        for (path, tree) in &trees {
            let onto = std::fs::File::create(path)?;
            sys::attach_tree(tree.as_fd(), onto.as_fd())?;
        }
        Ok(())
    };
    make().map_err(|error| format!("fill /dev: {error}"))?;
    let directory = open_directory(None, at).map_err(failed("open /dev"))?;
    sys::set_mount_attributes(directory.as_fd(), MOUNT_RDONLY).map_err(failed("shut /dev"))
}

/// Terminals of its own, so that nobody else's can be reached by number.
fn terminals(is_host_root: bool) -> Result<(), String> {
    let group = if is_host_root { ",gid=5" } else { "" };
    let options = format!("newinstance,ptmxmode=0666,mode=620{group}");
    let flags = MsFlags::MS_NOSUID | MsFlags::MS_NOEXEC;
    mount(Some("devpts"), "/dev/pts", Some("devpts"), flags, Some(options.as_str()))
        .map_err(failed("mount /dev/pts"))?;
    let none: Option<&str> = None;
    mount(Some("/dev/pts/ptmx"), "/dev/ptmx", none, MsFlags::MS_BIND, none)
        .map_err(failed("mount /dev/ptmx"))
}

/// A `/proc` of this process namespace in which others' processes do not appear.
fn processes() -> Result<(), String> {
    let flags = MsFlags::MS_NOSUID | MsFlags::MS_NODEV | MsFlags::MS_NOEXEC;
    let with = |options: &str| mount(Some("proc"), "/proc", Some("proc"), flags, Some(options));
    // Kernels before 5.8 know only the number.
    with("hidepid=invisible").or_else(|_| with("hidepid=2")).map_err(failed("mount /proc"))
}

/// `/run` is empty and ours by now, so paths in it lead where they say.
fn own_run_directory(uid: Uid, gid: Gid) -> Result<(), String> {
    let path = PathBuf::from(format!("/run/user/{uid}"));
    target(&path)?;
    let give = || -> std::io::Result<()> {
        std::os::unix::fs::chown(&path, Some(uid.as_raw()), Some(gid.as_raw()))?;
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o700))
    };
    give().map_err(|error| format!("make {}: {error}", path.display()))
}

/// Opens a directory without following a link in any part of its path.
pub(crate) fn open_directory(at: Option<BorrowedFd<'_>>, path: &Path) -> nix::Result<OwnedFd> {
    open_path(at, path, OFlag::O_DIRECTORY)
}

fn open_path(at: Option<BorrowedFd<'_>>, path: &Path, more: OFlag) -> nix::Result<OwnedFd> {
    let flags = OFlag::O_PATH | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC | more;
    let resolve = ResolveFlag::RESOLVE_NO_SYMLINKS | ResolveFlag::RESOLVE_NO_MAGICLINKS;
    let how = OpenHow::new().flags(flags).resolve(resolve);
    let opened = match at {
        Some(at) => openat2(at, path, how),
        None => openat2(nix::fcntl::AT_FDCWD, path, how),
    }?;
    // A link at the very end is opened itself (openat2(2)).
    if kind(&opened)? == SFlag::S_IFLNK { Err(Errno::ELOOP) } else { Ok(opened) }
}

fn kind(opened: &OwnedFd) -> nix::Result<SFlag> {
    Ok(SFlag::from_bits_truncate(fstat(opened)?.st_mode) & SFlag::S_IFMT)
}

/// Opens the place that a tree is attached to: a directory, or a file when the tree is one.
fn place(path: &Path, tree: &OwnedFd) -> Result<OwnedFd, String> {
    let what = format!("reach {}", path.display());
    let is_directory = kind(tree).map_err(failed(&what))? == SFlag::S_IFDIR;
    let (Some(parent), Some(name), false) = (path.parent(), path.file_name(), is_directory) else {
        return target(path);
    };
    let parent = target(parent)?;
    let found = open_path(Some(parent.as_fd()), Path::new(name), OFlag::empty());
    if !matches!(found, Err(Errno::ENOENT)) {
        return found.map_err(failed(&what));
    }
    own(&parent, &what)?;
    let how = OFlag::O_CREAT | OFlag::O_EXCL | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
    openat(&parent, name, how, Mode::from_bits_truncate(0o644)).map_err(failed(&what))
}

/// Fails unless the directory belongs to whoever builds the view: nothing is made in a user's.
fn own(directory: &OwnedFd, what: &str) -> Result<(), String> {
    let owner = fstat(directory).map_err(failed(what))?.st_uid;
    if owner == geteuid().as_raw() {
        return Ok(());
    }
    Err(format!("{what}: it would be made in a directory of user {owner}"))
}

/// Opens the directory that something is attached to, making what is missing.
fn target(path: &Path) -> Result<OwnedFd, String> {
    let mut here = open_directory(None, Path::new("/")).map_err(failed("open /"))?;
    for part in path.components() {
        let Component::Normal(name) = part else { continue };
        let what = format!("reach {} of {}", name.display(), path.display());
        here = match open_directory(Some(here.as_fd()), Path::new(name)) {
            Ok(next) => next,
            Err(Errno::ENOENT) => {
                own(&here, &what)?;
                mkdirat(here.as_fd(), name, Mode::from_bits_truncate(0o755))
                    .map_err(failed(&what))?;
                open_directory(Some(here.as_fd()), Path::new(name)).map_err(failed(&what))?
            }
            Err(errno) => return Err(failed(&what)(errno)),
        };
    }
    Ok(here)
}

fn failed(what: &str) -> impl FnOnce(Errno) -> String {
    let what = what.to_owned();
    move |errno| format!("{what}: {errno}")
}

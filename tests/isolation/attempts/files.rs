//! Attempts on files and directories.

use super::{Attempt, escaped, numbered, read};
use crate::setup::Targets;
use crate::sys;
use crate::victim::HELD_FILE;
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, symlink};
use std::path::{Path, PathBuf};

/// Opens for writing without changing anything.
fn open_to_write(path: impl AsRef<Path>) -> Attempt {
    OpenOptions::new().write(true).open(path)?;
    escaped("opened for writing")
}

/// Makes a file in a directory and removes it.
fn make_in(directory: &str) -> Attempt {
    let path = Path::new(directory).join("planted");
    OpenOptions::new().write(true).create(true).truncate(true).open(&path)?;
    fs::remove_file(&path)?;
    escaped("made a file")
}

/// Makes a file without a name in a directory: nothing is left behind.
fn make_unnamed_in(directory: &str) -> Attempt {
    sys::open(directory, libc::O_TMPFILE | libc::O_WRONLY)?;
    escaped("made a file")
}

fn list(directory: impl AsRef<Path>) -> Attempt {
    let count = fs::read_dir(directory)?.count();
    escaped(format!("listed {count} entries"))
}

/// Device and inode: whether it is the host's, or one of the same name.
fn identity(path: &str) -> io::Result<String> {
    let found = fs::metadata(path)?;
    Ok(format!("{}:{}", found.dev(), found.ino()))
}

pub(super) fn other_home_key(targets: &Targets) -> Attempt {
    read(&targets.other_key)
}

pub(super) fn other_public_file(targets: &Targets) -> Attempt {
    read(&targets.other_public)
}

pub(super) fn other_by_symlink(targets: &Targets) -> Attempt {
    let way = Path::new("way");
    symlink(&targets.other_public, way)?;
    let result = read(way);
    fs::remove_file(way)?;
    result
}

pub(super) fn other_by_parent(targets: &Targets) -> Attempt {
    read(PathBuf::from(format!("{}{}", "../".repeat(32), targets.other_public)))
}

pub(super) fn other_worktree_list(targets: &Targets) -> Attempt {
    list(&targets.other_worktree)
}

pub(super) fn other_worktree_write(targets: &Targets) -> Attempt {
    make_in(&targets.other_worktree)
}

pub(super) fn other_open_directory(targets: &Targets) -> Attempt {
    make_in(&targets.other_open_directory)
}

pub(super) fn other_file_truncate(targets: &Targets) -> Attempt {
    let name = sys::path(&targets.other_open_file)?;
    sys::call(libc::SYS_truncate, &[sys::address(&name), 4])?;
    escaped("truncated")
}

pub(super) fn other_fifo_write(targets: &Targets) -> Attempt {
    let flags = libc::O_NONBLOCK;
    let mut fifo = OpenOptions::new().write(true).custom_flags(flags).open(&targets.other_fifo)?;
    fifo.write_all(b"x")?;
    escaped("written")
}

pub(super) fn other_tmp_read(targets: &Targets) -> Attempt {
    read(&targets.other_tmp)
}

pub(super) fn other_shm_write(targets: &Targets) -> Attempt {
    let mut file = OpenOptions::new().write(true).open(&targets.other_shm)?;
    file.write_all(b"x")?;
    escaped("written")
}

pub(super) fn tmp_symlink_plant(targets: &Targets) -> Attempt {
    if identity("/tmp")? != targets.tmp_identity {
        return Ok(None);
    }
    let planted = format!("{}.planted", targets.other_tmp);
    symlink("/etc/passwd", &planted)?;
    fs::remove_file(&planted)?;
    escaped("planted a link")
}

pub(super) fn other_file_stat(targets: &Targets) -> Attempt {
    let found = fs::metadata(&targets.other_public)?;
    escaped(format!("{} bytes, changed {}", found.len(), found.mtime()))
}

pub(super) fn other_file_watch(targets: &Targets) -> Attempt {
    let watcher = sys::call(libc::SYS_inotify_init1, &[0])?;
    let name = sys::path(&targets.other_public)?;
    let mask = usize::try_from(libc::IN_OPEN).map_err(io::Error::other)?;
    sys::call(libc::SYS_inotify_add_watch, &[watcher, sys::address(&name), mask])?;
    escaped("watching")
}

pub(super) fn daemon_database_read(targets: &Targets) -> Attempt {
    read(&targets.database)
}

pub(super) fn daemon_database_replace(targets: &Targets) -> Attempt {
    let away = format!("{}.away", targets.database);
    fs::rename(&targets.database, &away)?;
    fs::rename(&away, &targets.database)?;
    escaped("renamed")
}

pub(super) fn daemon_key_read(targets: &Targets) -> Attempt {
    read(&targets.daemon_key)
}

pub(super) fn run_file_write(targets: &Targets) -> Attempt {
    open_to_write(&targets.run_file)
}

pub(super) fn mirror_write(targets: &Targets) -> Attempt {
    open_to_write(&targets.mirror_file)
}

pub(super) fn people_list(targets: &Targets) -> Attempt {
    list(Path::new(&targets.state).join("wt"))
}

pub(super) fn own_parent_write(targets: &Targets) -> Attempt {
    let parent = Path::new(&targets.own_worktree).parent().map(Path::to_owned).unwrap_or_default();
    make_in(&parent.to_string_lossy())
}

pub(super) fn own_worktree_swap(targets: &Targets) -> Attempt {
    let away = format!("{}.away", targets.own_worktree);
    fs::rename(&targets.own_worktree, &away)?;
    fs::rename(&away, &targets.own_worktree)?;
    escaped("swapped the directory that is mounted next time")
}

pub(super) fn executor_state_read(targets: &Targets) -> Attempt {
    read(Path::new(&targets.executor_state).join("journal"))
}

pub(super) fn hard_link(targets: &Targets) -> Attempt {
    let link = Path::new("linked");
    fs::hard_link(&targets.root_secret, link)?;
    fs::remove_file(link)?;
    escaped("linked root's file into the worktree")
}

pub(super) fn shadow_read(_: &Targets) -> Attempt {
    read("/etc/shadow")
}

pub(super) fn program_write(targets: &Targets) -> Attempt {
    open_to_write(&targets.sibling_program)
}

pub(super) fn program_plant(targets: &Targets) -> Attempt {
    let folder = Path::new(&targets.sibling_program).parent().map(Path::to_owned);
    make_unnamed_in(&folder.unwrap_or_default().to_string_lossy())
}

pub(super) fn etc_write(_: &Targets) -> Attempt {
    make_unnamed_in("/etc")
}

pub(super) fn spool_write(_: &Targets) -> Attempt {
    make_unnamed_in("/var/spool")
}

pub(super) fn usr_write(_: &Targets) -> Attempt {
    make_unnamed_in("/usr/bin")
}

pub(super) fn core_pattern(_: &Targets) -> Attempt {
    open_to_write("/proc/sys/kernel/core_pattern")
}

pub(super) fn sysctl_write(_: &Targets) -> Attempt {
    open_to_write("/proc/sys/kernel/panic")
}

pub(super) fn sysfs_write(_: &Targets) -> Attempt {
    open_to_write("/sys/kernel/mm/ksm/run").or_else(|_| open_to_write("/sys/kernel/profiling"))
}

pub(super) fn disk_read(targets: &Targets) -> Attempt {
    read(&targets.disk)
}

pub(super) fn kernel_messages(_: &Targets) -> Attempt {
    // 10: size of the buffer; refused like reading it.
    let size = sys::call(libc::SYS_syslog, &[10, 0, 0])?;
    escaped(format!("{size} bytes of kernel messages"))
}

pub(super) fn device_make(_: &Targets) -> Attempt {
    let name = sys::path("disk")?;
    let kind = usize::try_from(libc::S_IFBLK | 0o600).map_err(io::Error::other)?;
    let device = usize::try_from(libc::makedev(7, 0)).map_err(io::Error::other)?;
    let place = sys::signed(libc::AT_FDCWD);
    sys::call(libc::SYS_mknodat, &[place, sys::address(&name), kind, device])?;
    fs::remove_file("disk")?;
    escaped("made a block device")
}

pub(super) fn own_file_give_away(_: &Targets) -> Attempt {
    fs::write("gift", "x")?;
    let result = std::os::unix::fs::chown("gift", Some(54_321), None);
    fs::remove_file("gift")?;
    result?;
    escaped("made a file of somebody else")
}

pub(super) fn open_by_handle(_: &Targets) -> Attempt {
    // struct file_handle: size of what follows, type, up to 128 bytes.
    let mut handle = [0_u32; 34];
    handle[0] = 128;
    let mut mount = 0_i32;
    let name = sys::path(".")?;
    let at = handle.as_mut_ptr() as usize;
    let mount_at = &raw mut mount as usize;
    let place = sys::signed(libc::AT_FDCWD);
    sys::call(libc::SYS_name_to_handle_at, &[place, sys::address(&name), at, mount_at, 0])?;
    sys::call(libc::SYS_open_by_handle_at, &[place, at, sys::signed(libc::O_RDONLY)])?;
    escaped("opened a file without walking to it")
}

pub(super) fn proc_root(targets: &Targets) -> Attempt {
    first_of(|process| read(format!("/proc/{process}/root{}", targets.root_secret)))
}

pub(super) fn proc_cwd(_: &Targets) -> Attempt {
    first_of(|process| {
        fs::metadata(format!("/proc/{process}/cwd/{HELD_FILE}"))?;
        list(format!("/proc/{process}/cwd"))
    })
}

pub(super) fn proc_fds(_: &Targets) -> Attempt {
    first_of(|process| {
        let mut links = fs::read_dir(format!("/proc/{process}/fd"))?.flatten();
        let held = links.find(|it| {
            fs::read_link(it.path()).is_ok_and(|it| it.to_string_lossy().contains(HELD_FILE))
        });
        Ok(held.map(|it| it.path().display().to_string()))
    })
}

pub(super) fn ptys_seen(targets: &Targets) -> Attempt {
    let is_it = identity(&targets.other_pty)? == targets.other_pty_identity;
    Ok(is_it.then(|| targets.other_pty.clone()))
}

pub(super) fn pty_open(targets: &Targets) -> Attempt {
    if identity(&targets.other_pty)? != targets.other_pty_identity {
        return Ok(None);
    }
    sys::open(&targets.other_pty, libc::O_RDWR | libc::O_NOCTTY)?;
    escaped("opened another person's terminal")
}

/// Tries every process that is seen; the first success, or the last failure.
fn first_of(attempt: impl Fn(i32) -> Attempt) -> Attempt {
    let mut last = Ok(None);
    for process in numbered("/proc")? {
        match attempt(process) {
            Ok(None) => {}
            Ok(found) => return Ok(found),
            failed => last = failed,
        }
    }
    last
}

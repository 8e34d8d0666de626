//! Attempts through system calls that agents have no use for.

use super::{Attempt, escaped};
use crate::setup::Targets;
use crate::sys;
use std::io;

const NEW_USER: usize = 0x1000_0000;

/// Success, or a failure that comes only after the permission was checked.
fn is_permitted(result: io::Result<usize>, after: &[i32], what: &str) -> Attempt {
    match result {
        Ok(_) => escaped(what),
        Err(error) if error.raw_os_error().is_some_and(|it| after.contains(&it)) => {
            escaped(format!("{what} ({error} comes after the permission)"))
        }
        Err(error) => Err(error),
    }
}

pub(super) fn unshare_user(_: &Targets) -> Attempt {
    sys::call(libc::SYS_unshare, &[NEW_USER])?;
    escaped("has a user namespace with every capability")
}

pub(super) fn clone_user(_: &Targets) -> Attempt {
    let child = usize::try_from(libc::SIGCHLD).map_err(io::Error::other)?;
    let process = sys::call(libc::SYS_clone, &[NEW_USER | child])?;
    if process == 0 {
        sys::call(libc::SYS_exit_group, &[0])?;
    }
    sys::call(libc::SYS_wait4, &[process, 0, 0, 0])?;
    escaped("made a child in a user namespace")
}

pub(super) fn clone3_user(_: &Targets) -> Attempt {
    // struct clone_args: flags, pidfd, child_tid, parent_tid, exit_signal, stack, size, tls.
    let mut arguments = [0_u64; 8];
    arguments[0] = 0x1000_0000;
    arguments[4] = u64::from(libc::SIGCHLD.unsigned_abs());
    let process = sys::call(libc::SYS_clone3, &[arguments.as_mut_ptr() as usize, 64])?;
    if process == 0 {
        sys::call(libc::SYS_exit_group, &[0])?;
    }
    sys::call(libc::SYS_wait4, &[process, 0, 0, 0])?;
    escaped("made a child in a user namespace")
}

pub(super) fn mount(targets: &Targets) -> Attempt {
    let (kind, place) = (sys::path("tmpfs")?, sys::path(&targets.own_worktree)?);
    let (kind, place) = (sys::address(&kind), sys::address(&place));
    sys::call(libc::SYS_mount, &[kind, place, kind, 0, 0])?;
    escaped("mounted")
}

pub(super) fn new_mount(_: &Targets) -> Attempt {
    let kind = sys::path("tmpfs")?;
    sys::call(libc::SYS_fsopen, &[sys::address(&kind), 0])?;
    escaped("began a mount")
}

pub(super) fn open_tree(targets: &Targets) -> Attempt {
    let place = sys::path(&targets.own_worktree)?;
    let at = sys::signed(libc::AT_FDCWD);
    // OPEN_TREE_CLONE
    sys::call(libc::SYS_open_tree, &[at, sys::address(&place), 1])?;
    escaped("copied a mount")
}

pub(super) fn unmount_cover(_: &Targets) -> Attempt {
    let place = sys::path("/tmp")?;
    let detach = sys::signed(libc::MNT_DETACH);
    // EINVAL: it is no mount point, which is found out after the permission.
    let result = sys::call(libc::SYS_umount2, &[sys::address(&place), detach]);
    is_permitted(result, &[libc::EINVAL], "took the cover off")
}

pub(super) fn remount(_: &Targets) -> Attempt {
    let root = sys::path("/")?;
    let flags = usize::try_from(libc::MS_REMOUNT | libc::MS_BIND).map_err(io::Error::other)?;
    let result = sys::call(libc::SYS_mount, &[0, sys::address(&root), 0, flags, 0]);
    is_permitted(result, &[libc::EINVAL], "made the root writable")
}

pub(super) fn chroot(targets: &Targets) -> Attempt {
    let place = sys::path(&targets.own_worktree)?;
    sys::call(libc::SYS_chroot, &[sys::address(&place)])?;
    escaped("changed its root")
}

pub(super) fn enter_namespace(_: &Targets) -> Attempt {
    let handle = sys::open("/proc/self/ns/mnt", libc::O_RDONLY)?;
    sys::call(libc::SYS_setns, &[handle, 0])?;
    escaped("entered a namespace")
}

pub(super) fn io_uring(_: &Targets) -> Attempt {
    let mut parameters = [0_u8; 256];
    sys::call(libc::SYS_io_uring_setup, &[4, parameters.as_mut_ptr() as usize])?;
    escaped("has a ring that filters do not see")
}

pub(super) fn keyring(_: &Targets) -> Attempt {
    // KEYCTL_GET_KEYRING_ID of the session keyring, made when absent.
    let key = sys::call(libc::SYS_keyctl, &[0, sys::signed(-3), 1])?;
    escaped(format!("keyring {key}"))
}

pub(super) fn key_add(_: &Targets) -> Attempt {
    let (kind, name) = (sys::path("user")?, sys::path("grovet")?);
    let value = b"x";
    let arguments =
        [sys::address(&kind), sys::address(&name), value.as_ptr() as usize, 1, sys::signed(-2)];
    sys::call(libc::SYS_add_key, &arguments)?;
    escaped("left a key in the kernel")
}

pub(super) fn bpf(_: &Targets) -> Attempt {
    // BPF_MAP_CREATE: an array of one entry.
    let mut attributes = [0_u32; 32];
    attributes[..4].copy_from_slice(&[2, 4, 4, 1]);
    sys::call(libc::SYS_bpf, &[0, attributes.as_mut_ptr() as usize, 128])?;
    escaped("made a BPF map")
}

pub(super) fn perf(_: &Targets) -> Attempt {
    // struct perf_event_attr: software event, its clock, user space only.
    let mut attributes = [0_u64; 16];
    attributes[0] = 1 | (128 << 32);
    attributes[5] = 0b110_0000;
    let at = attributes.as_mut_ptr() as usize;
    sys::call(libc::SYS_perf_event_open, &[at, 0, sys::signed(-1), sys::signed(-1), 0])?;
    escaped("counts events")
}

pub(super) fn userfaultfd(_: &Targets) -> Attempt {
    // UFFD_USER_MODE_ONLY
    sys::call(libc::SYS_userfaultfd, &[1])?;
    escaped("stops the kernel at its will")
}

pub(super) fn fanotify(_: &Targets) -> Attempt {
    // FAN_REPORT_FID, which needs no privilege.
    sys::call(libc::SYS_fanotify_init, &[0x200, 0])?;
    escaped("watches file systems")
}

pub(super) fn fanotify_all(_: &Targets) -> Attempt {
    // FAN_CLASS_CONTENT: may permit or deny what others open.
    sys::call(libc::SYS_fanotify_init, &[0x4, 0])?;
    escaped("decides what others may open")
}

pub(super) fn load_module(_: &Targets) -> Attempt {
    let (image, options) = ([0_u8; 8], sys::path("")?);
    let arguments = [image.as_ptr() as usize, image.len(), sys::address(&options)];
    let result = sys::call(libc::SYS_init_module, &arguments);
    is_permitted(result, &[libc::ENOEXEC], "may load modules")
}

pub(super) fn reboot(_: &Targets) -> Attempt {
    // Wrong magic numbers: the permission is checked before them, and nothing happens.
    is_permitted(sys::call(libc::SYS_reboot, &[1, 2, 3, 0]), &[libc::EINVAL], "may reboot")
}

pub(super) fn swap_on(_: &Targets) -> Attempt {
    let place = sys::path("/nothing/here")?;
    let result = sys::call(libc::SYS_swapon, &[sys::address(&place), 0]);
    is_permitted(result, &[libc::ENOENT], "may add swap")
}

pub(super) fn set_clock(_: &Targets) -> Attempt {
    // Neither a time nor a zone: only the permission is checked.
    sys::call(libc::SYS_settimeofday, &[0, 0])?;
    escaped("may set the clock")
}

pub(super) fn set_host_name(_: &Targets) -> Attempt {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname")?;
    let name = sys::path(name.trim())?;
    let length = name.as_bytes().len();
    sys::call(libc::SYS_sethostname, &[sys::address(&name), length])?;
    escaped("may rename the host")
}

/// A terminal that becomes the controlling one of a new session.
fn controlling_terminal() -> io::Result<usize> {
    let main = sys::open("/dev/ptmx", libc::O_RDWR | libc::O_NOCTTY)?;
    let unlocked = 0_i32;
    sys::call(libc::SYS_ioctl, &[main, 0x4004_5431, &raw const unlocked as usize])?;
    let mut number = 0_u32;
    sys::call(libc::SYS_ioctl, &[main, 0x8004_5430, &raw mut number as usize])?;
    let terminal = sys::open(&format!("/dev/pts/{number}"), libc::O_RDWR | libc::O_NOCTTY)?;
    sys::call(libc::SYS_setsid, &[])?;
    sys::call(libc::SYS_ioctl, &[terminal, 0x540E, 0])?;
    Ok(terminal)
}

pub(super) fn tiocsti(_: &Targets) -> Attempt {
    let terminal = controlling_terminal()?;
    let key = b'x';
    sys::call(libc::SYS_ioctl, &[terminal, 0x5412, &raw const key as usize])?;
    escaped("typed into a terminal")
}

/// The same with bits above the 32 that the kernel looks at: filters must not compare 64.
pub(super) fn tiocsti_high_bits(_: &Targets) -> Attempt {
    let terminal = controlling_terminal()?;
    let key = b'x';
    sys::call(libc::SYS_ioctl, &[terminal, 0x1_0000_5412, &raw const key as usize])?;
    escaped("typed into a terminal")
}

/// Socket families are 32 bits wide as well.
pub(super) fn vsock_high_bits(_: &Targets) -> Attempt {
    let family = 0x1_0000_0000 | sys::signed(libc::AF_VSOCK);
    sys::call(libc::SYS_socket, &[family, sys::signed(libc::SOCK_STREAM), 0])?;
    escaped("may talk to the hypervisor")
}

/// The 32-bit table of x86-64, whose numbers are marked by bit 30.
#[cfg(target_arch = "x86_64")]
pub(super) fn other_table(_: &Targets) -> Attempt {
    let number = libc::SYS_getpid | 0x4000_0000;
    sys::call(number, &[])?;
    escaped("calls through a table that the filter does not name")
}

/// Other machines have no second table.
#[cfg(not(target_arch = "x86_64"))]
pub(super) fn other_table(_: &Targets) -> Attempt {
    Ok(None)
}

/// getpid through the table of 32-bit programs, where numbers mean other calls.
#[cfg(target_arch = "x86_64")]
pub(super) fn compat_table(_: &Targets) -> Attempt {
    let answer = sys::call_compat(20);
    let is_own = i64::from(nix::unistd::getpid().as_raw()) == answer;
    Ok(is_own.then(|| "calls through a table that the filter does not name".to_owned()))
}

/// Other machines have no second table.
#[cfg(not(target_arch = "x86_64"))]
pub(super) fn compat_table(_: &Targets) -> Attempt {
    Ok(None)
}

/// `open_tree_attr` of Linux 6.15: younger than most filters.
pub(super) fn open_tree_attr(targets: &Targets) -> Attempt {
    let place = sys::path(&targets.own_worktree)?;
    let at = sys::signed(libc::AT_FDCWD);
    sys::call(467, &[at, sys::address(&place), 1, 0, 0])?;
    escaped("copied a mount")
}

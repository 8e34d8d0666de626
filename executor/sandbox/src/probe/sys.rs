//! The raw system calls of the probes, each behind a safe function. Nothing else here.
#![expect(unsafe_code, reason = "the one home of unsafe code of the probes")]

use nix::errno::Errno;
use std::ffi::CStr;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};

/// Exit code of a child whose work came to an unexpected end.
const CHILD_PANICKED: i32 = 2;

/// Ends the process when it is dropped, so that a child never goes on in its parent's code.
struct Exit;

impl Drop for Exit {
    fn drop(&mut self) {
        // SAFETY: _exit ends this process and touches no memory of it.
        unsafe { libc::_exit(CHILD_PANICKED) }
    }
}

fn be_the_child(work: impl FnOnce() -> i32) -> ! {
    let exit = Exit;
    let code = work();
    core::mem::forget(exit);
    // SAFETY: _exit ends this process and touches no memory of it.
    unsafe { libc::_exit(code) }
}

/// Forks; the child does the work, ends with its answer as exit code and never returns from here.
///
/// The work should allocate little and take no lock: another thread may have held it.
pub(super) fn fork(work: impl FnOnce() -> i32) -> nix::Result<i32> {
    // SAFETY: the child runs `work` alone, and what that allocates is covered by the C library, which
    // puts its allocator in order around fork. It leaves by `_exit`.
    let pid = Errno::result(unsafe { libc::fork() })?;
    if pid == 0 { be_the_child(work) } else { Ok(pid) }
}

/// Makes a child by `clone3`, with its process descriptor, in a control group when one is given.
pub(super) fn clone3(
    group: Option<BorrowedFd<'_>>,
    work: impl FnOnce() -> i32,
) -> nix::Result<(i32, OwnedFd)> {
    const PIDFD: u64 = 0x1000;
    const INTO_CGROUP: u64 = 0x2_0000_0000;
    let mut pidfd: RawFd = -1;
    let into = if group.is_some() { INTO_CGROUP } else { 0 };
    let group = group.map_or(0, |it| u64::try_from(it.as_raw_fd()).unwrap_or_default());
    let place = (&raw mut pidfd).addr();
    let signal = u64::from(libc::SIGCHLD.unsigned_abs());
    // The fields of `struct clone_args`: flags, pidfd, child_tid, parent_tid, exit_signal, stack,
    // stack_size, tls, set_tid, set_tid_size, cgroup.
    let place = u64::try_from(place).map_err(|_too_wide| Errno::EINVAL)?;
    let arguments = [PIDFD | into, place, 0, 0, signal, 0, 0, 0, 0, 0, group];
    // SAFETY: without CLONE_VM this is a fork: the child has a copy of all memory and runs `work`
    // alone. `pidfd` lives until the call has returned, and the kernel writes one integer to it.
    let pid = Errno::result(unsafe {
        libc::syscall(libc::SYS_clone3, arguments.as_ptr(), size_of_val(&arguments))
    })?;
    if pid == 0 {
        be_the_child(work);
    }
    // SAFETY: the kernel has just made this descriptor for us; nobody else knows its number.
    let pidfd = unsafe { OwnedFd::from_raw_fd(pidfd) };
    i32::try_from(pid).map(|pid| (pid, pidfd)).map_err(|_too_wide| Errno::EOVERFLOW)
}

fn call(number: libc::c_long, arguments: [usize; 5]) -> nix::Result<libc::c_long> {
    let [a, b, c, d, e] = arguments;
    // SAFETY: every caller passes numbers, or addresses of values that outlive the call.
    Errno::result(unsafe { libc::syscall(number, a, b, c, d, e) })
}

/// A descriptor as an argument of a raw call.
fn word(fd: RawFd) -> usize {
    // Sign-extended, as the kernel expects of AT_FDCWD.
    isize::try_from(fd).unwrap_or(-1).cast_unsigned()
}

fn owned(number: libc::c_long) -> nix::Result<OwnedFd> {
    let number = RawFd::try_from(number).map_err(|_too_wide| Errno::EBADF)?;
    // SAFETY: a system call has just made this descriptor for us; nobody else knows its number.
    Ok(unsafe { OwnedFd::from_raw_fd(number) })
}

/// Opens a descriptor of a child that has not been reaped.
pub(super) fn pidfd_open(pid: i32) -> nix::Result<OwnedFd> {
    owned(call(libc::SYS_pidfd_open, [word(pid), 0, 0, 0, 0])?)
}

/// Version of Landlock.
pub(super) fn landlock_version() -> nix::Result<libc::c_long> {
    call(libc::SYS_landlock_create_ruleset, [0, 0, 1, 0, 0])
}

/// Opens a path with `openat2`, following no link at all.
pub(super) fn open_without_links(path: &CStr) -> nix::Result<OwnedFd> {
    const NO_MAGIC_LINKS_AND_NO_SYMLINKS: u64 = 0x02 | 0x04;
    let path_only = u64::from((libc::O_PATH | libc::O_CLOEXEC).unsigned_abs());
    let how = [path_only, 0, NO_MAGIC_LINKS_AND_NO_SYMLINKS];
    let arguments =
        [word(libc::AT_FDCWD), path.as_ptr().addr(), how.as_ptr().addr(), size_of_val(&how), 0];
    owned(call(libc::SYS_openat2, arguments)?)
}

/// Copies the mount at a path, with all below it, without attaching the copy anywhere.
pub(super) fn open_tree(path: &CStr) -> nix::Result<OwnedFd> {
    const CLONE_RECURSIVE_CLOEXEC: usize = 0x1 | 0x8000 | 0x8_0000;
    let arguments = [word(libc::AT_FDCWD), path.as_ptr().addr(), CLONE_RECURSIVE_CLOEXEC, 0, 0];
    owned(call(libc::SYS_open_tree, arguments)?)
}

/// Makes a mount with all below it read-only.
pub(super) fn make_read_only(mount: BorrowedFd<'_>) -> nix::Result<()> {
    const EMPTY_PATH_RECURSIVE: usize = 0x1000 | 0x8000;
    const READ_ONLY: u64 = 1;
    let attributes = [READ_ONLY, 0, 0, 0];
    let arguments = [
        word(mount.as_raw_fd()),
        c"".as_ptr().addr(),
        EMPTY_PATH_RECURSIVE,
        attributes.as_ptr().addr(),
        size_of_val(&attributes),
    ];
    call(libc::SYS_mount_setattr, arguments).map(drop)
}

/// Attaches a copied mount at a path.
pub(super) fn move_mount(mount: BorrowedFd<'_>, path: &CStr) -> nix::Result<()> {
    const FROM_EMPTY_PATH: usize = 0x4;
    let arguments = [
        word(mount.as_raw_fd()),
        c"".as_ptr().addr(),
        word(libc::AT_FDCWD),
        path.as_ptr().addr(),
        FROM_EMPTY_PATH,
    ];
    call(libc::SYS_move_mount, arguments).map(drop)
}

/// Marks every descriptor from `first` on as closed on exec.
pub(super) fn close_range_on_exec(first: usize) -> nix::Result<()> {
    call(libc::SYS_close_range, [first, u32::MAX as usize, 4, 0, 0]).map(drop)
}

/// Asks which format of project quota is on for the file system of a directory.
pub(super) fn project_quota(directory: BorrowedFd<'_>) -> nix::Result<u32> {
    const GET_FORMAT_OF_PROJECTS: usize = (0x80_0004 << 8) | 2;
    let mut format = 0_u32;
    let place = (&raw mut format).addr();
    let arguments = [word(directory.as_raw_fd()), GET_FORMAT_OF_PROJECTS, 0, place, 0];
    call(libc::SYS_quotactl_fd, arguments)?;
    Ok(format)
}

/// Becomes another user for good, in a child alone: every id, no groups, and may be looked at through
/// `/proc` again.
pub(super) fn become_user(id: u32) -> nix::Result<()> {
    let id = id as usize;
    call(libc::SYS_setgroups, [0, 0, 0, 0, 0])?;
    call(libc::SYS_setresgid, [id, id, id, 0, 0])?;
    call(libc::SYS_setresuid, [id, id, id, 0, 0])?;
    call(libc::SYS_prctl, [libc::PR_SET_DUMPABLE.unsigned_abs() as usize, 1, 0, 0, 0]).map(drop)
}

/// Asks whether `no_new_privs` is set, after setting it.
pub(super) fn set_no_new_privs() -> nix::Result<bool> {
    let set = libc::PR_SET_NO_NEW_PRIVS.unsigned_abs() as usize;
    let get = libc::PR_GET_NO_NEW_PRIVS.unsigned_abs() as usize;
    call(libc::SYS_prctl, [set, 1, 0, 0, 0])?;
    Ok(call(libc::SYS_prctl, [get, 0, 0, 0, 0])? == 1)
}

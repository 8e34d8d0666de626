//! The system calls that have no safe function elsewhere, each behind one. Nothing else here.
#![expect(unsafe_code, reason = "the one home of raw system calls in the sandbox")]

use nix::errno::Errno;
use std::ffi::{CStr, CString};
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};

/// `CLONE_INTO_CGROUP` of `clone(2)`.
const CLONE_INTO_CGROUP: u64 = 0x2_0000_0000;
/// `OPEN_TREE_CLONE` of `open_tree(2)`.
const OPEN_TREE_CLONE: libc::c_uint = 1;
/// `AT_RECURSIVE` of `mount_setattr(2)`.
const AT_RECURSIVE: libc::c_uint = 0x8000;
/// `MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH` of `move_mount(2)`.
const MOVE_BOTH_EMPTY: libc::c_uint = 0x04 | 0x40;
/// Mount attributes of `mount_setattr(2)`.
pub(crate) const MOUNT_RDONLY: u64 = 0x1;
pub(crate) const MOUNT_NOSUID: u64 = 0x2;
pub(crate) const MOUNT_NODEV: u64 = 0x4;

fn owned(result: libc::c_long) -> io::Result<OwnedFd> {
    let raw = RawFd::try_from(Errno::result(result)?).map_err(io::Error::other)?;
    // SAFETY: the kernel has just made this descriptor for the caller; nobody else knows it.
    Ok(unsafe { OwnedFd::from_raw_fd(raw) })
}

/// Takes over a descriptor that fcntl has just made.
pub(crate) fn own(raw: RawFd) -> OwnedFd {
    // SAFETY: callers hand on the result of F_DUPFD_CLOEXEC, which nobody else knows.
    unsafe { OwnedFd::from_raw_fd(raw) }
}

/// The side on which a clone returns.
pub(crate) enum Cloned {
    /// In the new process.
    Child,
    /// In the old one, with the new process's id and a descriptor that stands for it.
    Parent(i32, OwnedFd),
}

/// Makes a new process as fork(2) does, in the given namespaces and control group.
///
/// # Errors
/// The kernel's; `ENOSYS` also where a container's filter forbids the call.
pub(crate) fn clone3(flags: u64, cgroup: Option<BorrowedFd<'_>>) -> nix::Result<Cloned> {
    let mut pidfd: libc::c_int = -1;
    let into = if cgroup.is_some() { CLONE_INTO_CGROUP } else { 0 };
    let pidfd_flag = u64::from(libc::CLONE_PIDFD.unsigned_abs());
    // SAFETY: all-zero is a valid value of this plain structure.
    let mut arguments: libc::clone_args = unsafe { std::mem::zeroed() };
    arguments.flags = flags | pidfd_flag | into;
    arguments.pidfd = (&raw mut pidfd) as u64;
    arguments.exit_signal = u64::from(libc::SIGCHLD.unsigned_abs());
    arguments.cgroup = cgroup.map_or(0, |fd| u64::from(fd.as_raw_fd().unsigned_abs()));
    let size = size_of::<libc::clone_args>();
    // SAFETY: without CLONE_VM the child has its own copy of this one-threaded process, as after
    // fork; the structure lives across the call.
    let result = unsafe { libc::syscall(libc::SYS_clone3, &raw const arguments, size) };
    let pid = i32::try_from(Errno::result(result)?).unwrap_or(i32::MAX);
    if pid == 0 {
        return Ok(Cloned::Child);
    }
    // SAFETY: with CLONE_PIDFD the kernel has stored a new descriptor of ours there.
    Ok(Cloned::Parent(pid, unsafe { OwnedFd::from_raw_fd(pidfd) }))
}

/// The same for kernels and containers without clone3: no namespaces, no control group.
///
/// # Errors
/// The kernel's.
pub(crate) fn fork() -> nix::Result<Cloned> {
    // SAFETY: the caller has one thread, so the child may go on with any code.
    match unsafe { nix::unistd::fork()? } {
        nix::unistd::ForkResult::Child => Ok(Cloned::Child),
        nix::unistd::ForkResult::Parent { child } => {
            // SAFETY: pidfd_open takes two integers.
            let pidfd = unsafe { libc::syscall(libc::SYS_pidfd_open, child.as_raw(), 0) };
            let pidfd = owned(pidfd).map_err(|error| errno(&error))?;
            Ok(Cloned::Parent(child.as_raw(), pidfd))
        }
    }
}

fn errno(error: &io::Error) -> Errno {
    Errno::from_raw(error.raw_os_error().unwrap_or(libc::EIO))
}

/// Clones exactly the mount below a directory, to be attached elsewhere.
pub(crate) fn clone_tree(directory: BorrowedFd<'_>) -> io::Result<OwnedFd> {
    let flags = OPEN_TREE_CLONE
        | libc::O_CLOEXEC.unsigned_abs()
        | libc::AT_EMPTY_PATH.unsigned_abs()
        | AT_RECURSIVE;
    // SAFETY: the path is an empty string that lives across the call.
    owned(unsafe { libc::syscall(libc::SYS_open_tree, directory.as_raw_fd(), c"".as_ptr(), flags) })
}

/// Attaches a cloned mount to a directory.
pub(crate) fn attach_tree(tree: BorrowedFd<'_>, onto: BorrowedFd<'_>) -> nix::Result<()> {
    let empty = c"".as_ptr();
    // SAFETY: both paths are empty strings that live across the call.
    let result = unsafe {
        libc::syscall(
            libc::SYS_move_mount,
            tree.as_raw_fd(),
            empty,
            onto.as_raw_fd(),
            empty,
            MOVE_BOTH_EMPTY,
        )
    };
    Errno::result(result).map(drop)
}

/// Sets attributes on a mount and all below it.
pub(crate) fn set_mount_attributes(mount: BorrowedFd<'_>, set: u64) -> nix::Result<()> {
    #[repr(C)]
    struct Attributes {
        set: u64,
        clear: u64,
        propagation: u64,
        userns: u64,
    }
    let attributes = Attributes { set, clear: 0, propagation: 0, userns: 0 };
    let flags = libc::AT_EMPTY_PATH.unsigned_abs() | AT_RECURSIVE;
    // SAFETY: the structure is the one of mount_setattr(2) and lives across the call.
    let result = unsafe {
        libc::syscall(
            libc::SYS_mount_setattr,
            mount.as_raw_fd(),
            c"".as_ptr(),
            flags,
            &raw const attributes,
            size_of::<Attributes>(),
        )
    };
    Errno::result(result).map(drop)
}

/// Empties the bounding set, so that no program can give a capability.
pub(crate) fn drop_bounding_set() -> nix::Result<()> {
    for capability in 0_u8..=63 {
        let number = libc::c_ulong::from(capability);
        // SAFETY: prctl takes integers here and touches no memory.
        let has = unsafe { libc::prctl(libc::PR_CAPBSET_READ, number, 0, 0, 0) };
        if has != 1 {
            continue;
        }
        // SAFETY: as above.
        let dropped = unsafe { libc::prctl(libc::PR_CAPBSET_DROP, number, 0, 0, 0) };
        Errno::result(dropped)?;
    }
    Ok(())
}

/// Gives up every capability that the process itself holds.
pub(crate) fn drop_capabilities() -> nix::Result<()> {
    #[repr(C)]
    struct Header {
        version: u32,
        pid: libc::c_int,
    }
    // `_LINUX_CAPABILITY_VERSION_3` of capget(2): two words of each set.
    let header = Header { version: 0x2008_0522, pid: 0 };
    let none = [0_u32; 6];
    // SAFETY: both structures have the layout of capset(2) and live across the call.
    let result = unsafe { libc::syscall(libc::SYS_capset, &raw const header, none.as_ptr()) };
    Errno::result(result)?;
    // SAFETY: prctl takes integers here and touches no memory.
    let ambient =
        unsafe { libc::prctl(libc::PR_CAP_AMBIENT, libc::PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) };
    // Kernels before 4.3 have no ambient set.
    match Errno::result(ambient) {
        Ok(_) | Err(Errno::EINVAL) => Ok(()),
        Err(errno) => Err(errno),
    }
}

/// Marks every descriptor from `first` on as close-on-exec.
pub(crate) fn cloexec_from(first: RawFd) -> nix::Result<()> {
    let first = libc::c_uint::try_from(first).unwrap_or(0);
    let flags = libc::CLOSE_RANGE_CLOEXEC;
    // SAFETY: close_range takes three integers; with this flag it closes nothing now.
    let result = unsafe { libc::syscall(libc::SYS_close_range, first, libc::c_uint::MAX, flags) };
    Errno::result(result).map(drop)
}

/// Puts a descriptor at a number, open across exec.
pub(crate) fn place(fd: BorrowedFd<'_>, number: RawFd) -> nix::Result<()> {
    // SAFETY: dup2 takes two integers; what was open at the number is none of this process's
    // owned descriptors any more: it is about to become another program.
    Errno::result(unsafe { libc::dup2(fd.as_raw_fd(), number) }).map(drop)
}

/// Becomes another program; returns only when that fails.
pub(crate) fn execute(program: &CStr, arguments: &[CString], environment: &[CString]) -> Errno {
    let list = |strings: &[CString]| -> Vec<*const libc::c_char> {
        strings.iter().map(|it| it.as_ptr()).chain([std::ptr::null()]).collect()
    };
    let (arguments, environment) = (list(arguments), list(environment));
    // SAFETY: both lists end with null and, with the strings in them, live across the call.
    unsafe { libc::execve(program.as_ptr(), arguments.as_ptr(), environment.as_ptr()) };
    Errno::last()
}

/// Ends this process at once, without running anything.
pub(crate) fn exit_now(code: i32) -> ! {
    // SAFETY: _exit ends the process; nothing of it runs on.
    unsafe { libc::_exit(code) }
}

/// Newest Landlock version of the kernel; 0 when there is none.
pub(crate) fn landlock_abi() -> i32 {
    // `LANDLOCK_CREATE_RULESET_VERSION` of landlock_create_ruleset(2).
    let version = 1_u32;
    let nothing = std::ptr::null::<u8>();
    // SAFETY: with this flag the kernel reads no structure.
    let abi = unsafe { libc::syscall(libc::SYS_landlock_create_ruleset, nothing, 0, version) };
    i32::try_from(abi).unwrap_or(0).max(0)
}

/// Enters a Landlock domain. Async-signal-safe: for use between fork and exec.
pub(crate) fn landlock_restrict_self(ruleset: BorrowedFd<'_>) -> nix::Result<()> {
    // SAFETY: landlock_restrict_self takes two integers.
    let result =
        unsafe { libc::syscall(libc::SYS_landlock_restrict_self, ruleset.as_raw_fd(), 0_u32) };
    Errno::result(result).map(drop)
}

/// Brings up the loopback interface of this network namespace.
pub(crate) fn raise_loopback() -> io::Result<()> {
    let family = nix::sys::socket::AddressFamily::Inet;
    let kind = nix::sys::socket::SockType::Datagram;
    let flags = nix::sys::socket::SockFlag::SOCK_CLOEXEC;
    let socket = nix::sys::socket::socket(family, kind, flags, None)?;
    // SAFETY: all-zero is a valid value of this plain structure.
    let mut request: libc::ifreq = unsafe { std::mem::zeroed() };
    for (place, byte) in request.ifr_name.iter_mut().zip(b"lo") {
        *place = libc::c_char::try_from(*byte).unwrap_or_default();
    }
    let up = libc::IFF_UP | libc::IFF_RUNNING;
    request.ifr_ifru.ifru_flags = libc::c_short::try_from(up).map_err(io::Error::other)?;
    let fd = socket.as_fd().as_raw_fd();
    // SAFETY: SIOCSIFFLAGS reads the interface's name and flags from the structure.
    Errno::result(unsafe { libc::ioctl(fd, libc::SIOCSIFFLAGS, &raw const request) })?;
    Ok(())
}

/// Asks for slices of the processor of this length for this thread, as far as it is scheduled in the
/// ordinary way. What it starts gets the usual ones.
///
/// # Errors
/// The kernel's; `ENOSYS` also where a filter forbids the call.
pub(crate) fn set_slice(nanoseconds: u64) -> nix::Result<()> {
    let mut attributes = slice_attributes()?;
    let policy = i32::try_from(attributes.sched_policy).unwrap_or(-1);
    if ![libc::SCHED_OTHER, libc::SCHED_BATCH].contains(&policy) {
        return Ok(());
    }
    attributes.sched_flags = u64::from(libc::SCHED_FLAG_RESET_ON_FORK.unsigned_abs());
    attributes.sched_runtime = nanoseconds;
    // SAFETY: the kernel reads the structure, whose size is in it; it lives across the call.
    let set = unsafe { libc::syscall(libc::SYS_sched_setattr, 0, &raw const attributes, 0) };
    Errno::result(set).map(drop)
}

/// How this thread is scheduled.
///
/// # Errors
/// The kernel's.
pub(crate) fn slice_attributes() -> nix::Result<libc::sched_attr> {
    // SAFETY: all-zero is a valid value of this plain structure.
    let mut attributes: libc::sched_attr = unsafe { std::mem::zeroed() };
    let size = size_of::<libc::sched_attr>();
    // SAFETY: the kernel writes at most `size` bytes to the structure, which is that large.
    let read = unsafe { libc::syscall(libc::SYS_sched_getattr, 0, &raw mut attributes, size, 0) };
    Errno::result(read)?;
    attributes.size = u32::try_from(size).unwrap_or(0);
    Ok(attributes)
}

/// Whether the kernel can make a filtered call fail with an error.
pub(crate) fn has_filters() -> bool {
    let action = libc::SECCOMP_RET_ERRNO;
    let operation = libc::SECCOMP_GET_ACTION_AVAIL;
    // SAFETY: with this operation the kernel reads one number, which lives across the call.
    unsafe { libc::syscall(libc::SYS_seccomp, operation, 0, &raw const action) == 0 }
}

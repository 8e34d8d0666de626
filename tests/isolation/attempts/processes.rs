//! Attempts on processes: other people's, the daemon's, the own executor, other sessions.

use super::{Attempt, escaped, numbered, read};
use crate::setup::{ARGUMENT_SECRET, ENVIRONMENT_SECRET, Targets};
use crate::sys;
use std::fs::{self, OpenOptions};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

fn parent() -> i32 {
    nix::unistd::getppid().as_raw()
}

fn signal(process: i32) -> Attempt {
    sys::call(libc::SYS_kill, &[sys::signed(process), 0])?;
    escaped(format!("may signal process {process}"))
}

fn trace(process: i32) -> Attempt {
    let attach = usize::try_from(libc::PTRACE_ATTACH).map_err(io::Error::other)?;
    let detach = usize::try_from(libc::PTRACE_DETACH).map_err(io::Error::other)?;
    sys::call(libc::SYS_ptrace, &[attach, sys::signed(process)])?;
    let wait = [sys::signed(process), 0, sys::signed(libc::__WALL), 0];
    sys::call(libc::SYS_wait4, &wait)?;
    sys::call(libc::SYS_ptrace, &[detach, sys::signed(process)])?;
    escaped(format!("traced process {process}"))
}

fn open_memory(process: i32) -> Attempt {
    OpenOptions::new().read(true).write(true).open(format!("/proc/{process}/mem"))?;
    escaped("opened its memory")
}

/// Numbers alone are worth nothing: what lies behind them has to be seen.
fn list_descriptors(process: i32) -> Attempt {
    let mut seen = Vec::new();
    for entry in fs::read_dir(format!("/proc/{process}/fd"))?.flatten() {
        seen.push(fs::read_link(entry.path())?.display().to_string());
    }
    escaped(seen.join(", "))
}

fn find_in(file: &str, secret: &str) -> Attempt {
    let mut last = Ok(None);
    for process in numbered("/proc")? {
        match fs::read(format!("/proc/{process}/{file}")) {
            Ok(text) if contains(&text, secret) => {
                return escaped(format!("found in /proc/{process}/{file}"));
            }
            Ok(_) => {}
            Err(error) => last = Err(error),
        }
    }
    last
}

fn contains(text: &[u8], needle: &str) -> bool {
    text.windows(needle.len()).any(|it| it == needle.as_bytes())
}

/// The bytes that `process_vm_readv` asks for; failing on the address means that it was permitted.
fn read_memory(process: i32) -> Attempt {
    let mut buffer = [0_u8; 8];
    let local = [buffer.as_mut_ptr() as usize, buffer.len()];
    let remote = [0x40_0000_usize, buffer.len()];
    let (local, remote) = (local.as_ptr() as usize, remote.as_ptr() as usize);
    let arguments = [sys::signed(process), local, 1, remote, 1, 0];
    match sys::call(libc::SYS_process_vm_readv, &arguments) {
        Err(error) if error.raw_os_error() != Some(libc::EFAULT) => Err(error),
        _ => escaped("may read its memory"),
    }
}

fn write_memory(process: i32) -> Attempt {
    let buffer = [0_u8; 8];
    let local = [buffer.as_ptr() as usize, buffer.len()];
    // Nothing is mapped there: permitted or not, nothing is changed.
    let remote = [0x1000_usize, buffer.len()];
    let (local, remote) = (local.as_ptr() as usize, remote.as_ptr() as usize);
    let arguments = [sys::signed(process), local, 1, remote, 1, 0];
    match sys::call(libc::SYS_process_vm_writev, &arguments) {
        Err(error) if error.raw_os_error() != Some(libc::EFAULT) => Err(error),
        _ => escaped("may write its memory"),
    }
}

fn take_descriptor(process: i32) -> Attempt {
    let handle = sys::call(libc::SYS_pidfd_open, &[sys::signed(process), 0])?;
    sys::call(libc::SYS_pidfd_getfd, &[handle, 3, 0])?;
    escaped("took descriptor 3")
}

pub(super) fn other_ptrace(targets: &Targets) -> Attempt {
    trace(targets.other_pid)
}

pub(super) fn other_memory(targets: &Targets) -> Attempt {
    open_memory(targets.other_pid)
}

pub(super) fn other_vm_read(targets: &Targets) -> Attempt {
    read_memory(targets.other_pid)
}

pub(super) fn other_pidfd_getfd(targets: &Targets) -> Attempt {
    take_descriptor(targets.other_pid)
}

pub(super) fn other_environ(_: &Targets) -> Attempt {
    find_in("environ", ENVIRONMENT_SECRET.1)
}

pub(super) fn other_command_line(_: &Targets) -> Attempt {
    find_in("cmdline", ARGUMENT_SECRET)
}

pub(super) fn other_processes_seen(targets: &Targets) -> Attempt {
    let own = nix::unistd::getuid().as_raw();
    let is_foreign = |process: &i32| {
        let owner = fs::metadata(format!("/proc/{process}")).map(|it| it.uid());
        *process == targets.other_pid || owner.is_ok_and(|it| it != own)
    };
    let seen: Vec<i32> = numbered("/proc")?.into_iter().filter(is_foreign).collect();
    Ok((!seen.is_empty()).then(|| format!("{} processes seen", seen.len())))
}

pub(super) fn other_signal(targets: &Targets) -> Attempt {
    signal(targets.other_pid)
}

pub(super) fn daemon_signal(targets: &Targets) -> Attempt {
    signal(targets.daemon_pid)
}

pub(super) fn daemon_ptrace(targets: &Targets) -> Attempt {
    trace(targets.daemon_pid)
}

pub(super) fn daemon_environ(targets: &Targets) -> Attempt {
    read(format!("/proc/{}/environ", targets.daemon_pid))
}

pub(super) fn monitor_signal(targets: &Targets) -> Attempt {
    signal(targets.monitor_pid)
}

/// What `kill(-1)` would reach, without doing it.
pub(super) fn kill_everything(targets: &Targets) -> Attempt {
    let family = family();
    let mut known = numbered("/proc")?;
    known.extend([targets.other_pid, targets.daemon_pid, targets.same_pid]);
    let reached = known.into_iter().filter(|it| !family.contains(it));
    let reached = reached.filter(|it| signal(*it).is_ok()).count();
    Ok((reached > 0).then(|| format!("reaches {reached} processes")))
}

/// This process and those that it descends from.
fn family() -> Vec<i32> {
    let mut family = vec![nix::unistd::getpid().as_raw()];
    let mut next = parent();
    while next > 0 && family.len() < 16 {
        family.push(next);
        let stat = fs::read_to_string(format!("/proc/{next}/stat")).unwrap_or_default();
        let after_name = stat.rsplit_once(')').map(|it| it.1).unwrap_or_default();
        next = after_name.split_whitespace().nth(1).and_then(|it| it.parse().ok()).unwrap_or(0);
    }
    family
}

pub(super) fn executor_ptrace(_: &Targets) -> Attempt {
    trace(parent())
}

pub(super) fn executor_memory(_: &Targets) -> Attempt {
    open_memory(parent())
}

pub(super) fn executor_environ(_: &Targets) -> Attempt {
    read(format!("/proc/{}/environ", parent()))
}

pub(super) fn executor_fds(_: &Targets) -> Attempt {
    list_descriptors(parent())
}

pub(super) fn executor_pidfd_getfd(_: &Targets) -> Attempt {
    take_descriptor(parent())
}

pub(super) fn executor_vm_read(_: &Targets) -> Attempt {
    read_memory(parent())
}

pub(super) fn executor_vm_write(_: &Targets) -> Attempt {
    write_memory(parent())
}

pub(super) fn executor_signal(_: &Targets) -> Attempt {
    signal(parent())
}

pub(super) fn same_environ(targets: &Targets) -> Attempt {
    let text = fs::read(format!("/proc/{}/environ", targets.same_pid))?;
    Ok(contains(&text, ENVIRONMENT_SECRET.1).then(|| "read its token".to_owned()))
}

pub(super) fn same_memory(targets: &Targets) -> Attempt {
    open_memory(targets.same_pid)
}

pub(super) fn same_vm_write(targets: &Targets) -> Attempt {
    write_memory(targets.same_pid)
}

pub(super) fn same_cwd(targets: &Targets) -> Attempt {
    let count = fs::read_dir(format!("/proc/{}/cwd", targets.same_pid))?.count();
    escaped(format!("listed {count} entries"))
}

pub(super) fn same_ptrace(targets: &Targets) -> Attempt {
    trace(targets.same_pid)
}

pub(super) fn same_signal(targets: &Targets) -> Attempt {
    signal(targets.same_pid)
}

pub(super) fn same_pidfd_getfd(targets: &Targets) -> Attempt {
    take_descriptor(targets.same_pid)
}

pub(super) fn same_worktree(targets: &Targets) -> Attempt {
    read(Path::new(&targets.same_worktree).join("secret"))
}

pub(super) fn same_worktree_write(targets: &Targets) -> Attempt {
    let path = Path::new(&targets.same_worktree).join("planted");
    fs::write(&path, "x")?;
    fs::remove_file(path)?;
    escaped("made a file")
}

pub(super) fn same_limits(targets: &Targets) -> Attempt {
    let mut old = [0_u64; 2];
    let resource = usize::try_from(libc::RLIMIT_NOFILE).map_err(io::Error::other)?;
    let old_at = old.as_mut_ptr() as usize;
    sys::call(libc::SYS_prlimit64, &[sys::signed(targets.same_pid), resource, 0, old_at])?;
    escaped("may change its limits")
}

pub(super) fn same_priority(targets: &Targets) -> Attempt {
    // The lowest: no privilege is needed for it, whatever the priority was.
    sys::call(libc::SYS_setpriority, &[0, sys::signed(targets.same_pid), 19])?;
    escaped("changed its priority")
}

//! What the kernel offers to confine a process.

use super::child::{At, Wrong, attempt, wait, wait_for};
use super::{Probe, is_root, setting, sys};
use landlock::{
    AccessFs, CompatLevel, Compatible, Ruleset, RulesetAttr, RulesetCreated, RulesetError, Scope,
};
use nix::errno::Errno;
use nix::fcntl::{OFlag, open};
use nix::mount::{MsFlags, mount};
use nix::sched::{CloneFlags, unshare};
use nix::sys::signal::kill;
use nix::sys::stat::Mode;
use nix::sys::wait::WaitStatus;
use nix::unistd::{close, getegid, geteuid, getppid, write};
use seccompiler::{BpfProgram, SeccompAction, SeccompFilter};
use std::collections::BTreeMap;
use std::net::UdpSocket;
use std::os::fd::{AsFd, IntoRawFd};
use std::time::Duration;

const NEWER_KERNEL: &str = "Use a newer kernel, or let the container's seccomp profile permit it.";
/// Oldest Landlock that strict isolation accepts.
const LANDLOCK: i64 = 2;
pub(super) const NAMESPACES: &str = "namespaces";
pub(super) const USER_NAMESPACES: &str = "user namespaces";
const NETWORK: &str = "network namespace";
const MOUNT_API: &str = "mount API";
/// The user `nobody`.
const NOBODY: u32 = 65_534;
const PRIVATE_FLAGS: MsFlags = MsFlags::MS_REC.union(MsFlags::MS_PRIVATE);

/// Every probe of the kernel.
pub(super) fn all() -> Vec<Probe> {
    let mut landlock = landlock();
    let mut namespaces = if is_root() { namespaces() } else { user_namespaces() };
    // Either of the two keeps other people's files away; without both nothing does.
    landlock.is_required = !namespaces.is_ok;
    namespaces.is_required = !landlock.is_ok;
    let mut rows = vec![no_new_privs(), seccomp(), landlock, landlock_scopes(), namespaces];
    if is_root() {
        rows.push(user_namespaces());
    }
    if is_root() {
        rows.extend([network_namespace(), mount_api()]);
    } else {
        rows.extend([NETWORK, MOUNT_API].map(Probe::only_root));
    }
    rows.extend([openat2(), clone3(), close_range()]);
    rows
}

fn no_new_privs() -> Probe {
    let found = attempt(|| match sys::set_no_new_privs().at("prctl")? {
        true => Ok(()),
        false => Err(Wrong::worked("going on without it")),
    });
    let found = found.map(|()| "can be set and stays".to_owned());
    let effect = "programs with the setuid bit give an agent more rights";
    Probe::new("no_new_privs", found, effect, NEWER_KERNEL).required()
}

fn seccomp() -> Probe {
    let found = denying_getppid().and_then(|program| {
        attempt(move || {
            // A filter that cannot be set leaves the call as it was, which is then seen.
            sys::set_no_new_privs().ok();
            seccompiler::apply_filter(&program).ok();
            // The C library's function cannot say that it failed; the number can.
            if getppid().as_raw() == -1 { Ok(()) } else { Err(Wrong::worked("a denied call")) }
        })
    });
    let found = found.map(|()| "a filter denies a call".to_owned());
    let effect = "agents reach system calls that only attacks need";
    Probe::new("seccomp", found, effect, "Use a kernel with CONFIG_SECCOMP_FILTER.").required()
}

fn denying_getppid() -> Result<BpfProgram, String> {
    let architecture = std::env::consts::ARCH.try_into();
    let architecture = architecture.map_err(|error| format!("{error}"))?;
    let eperm = SeccompAction::Errno(Errno::EPERM as u32);
    let rules = BTreeMap::from([(libc::SYS_getppid, Vec::new())]);
    SeccompFilter::new(rules, SeccompAction::Allow, eperm, architecture)
        .and_then(TryInto::try_into)
        .map_err(|error| error.to_string())
}

fn ruleset(
    rules: impl FnOnce(Ruleset) -> Result<Ruleset, RulesetError>,
) -> Result<RulesetCreated, String> {
    let ruleset = Ruleset::default().set_compatibility(CompatLevel::HardRequirement);
    rules(ruleset).and_then(Ruleset::create).map_err(|error| error.to_string())
}

/// Restricts this process. Whether that worked is not asked: what counts is what can be done then.
fn restrict(ruleset: RulesetCreated) {
    ruleset.restrict_self().ok();
}

/// Landlock keeps a child from a file that everybody may read.
pub(super) fn landlock() -> Probe {
    let version = sys::landlock_version().map_err(|errno| {
        if errno == Errno::EOPNOTSUPP {
            "switched off when the machine started".to_owned()
        } else {
            format!("the kernel has none ({errno})")
        }
    });
    let found = version.and_then(|version| {
        let ruleset = ruleset(|it| it.handle_access(AccessFs::ReadFile))?;
        attempt(move || {
            restrict(ruleset);
            match open("/proc/version", OFlag::O_RDONLY, Mode::empty()) {
                Err(Errno::EACCES) => Ok(()),
                Err(errno) => Err(errno).at("reading a forbidden file"),
                Ok(_) => Err(Wrong::worked("reading a forbidden file")),
            }
        })?;
        let text = format!("version {version}, a forbidden file does not open");
        if version < LANDLOCK {
            Err(format!("{text}, but {LANDLOCK} is the oldest that does"))
        } else {
            Ok(text)
        }
    });
    let effect = "only accounts and mounts keep an agent from other files, and one session of a \
                  person from another";
    let fix = "Use a kernel of 5.19 or newer with `landlock` in its `lsm=` list; in a container, a \
               seccomp profile that permits it.";
    Probe::new("landlock", found, effect, fix)
}

fn landlock_scopes() -> Probe {
    let found = ruleset(|it| it.scope(Scope::Signal)?.scope(Scope::AbstractUnixSocket));
    let found = found.and_then(|ruleset| {
        attempt(move || {
            let parent = getppid();
            restrict(ruleset);
            match kill(parent, None) {
                Err(Errno::EPERM) => Ok(()),
                Err(errno) => Err(errno).at("a signal to the parent"),
                Ok(()) => Err(Wrong::worked("a signal to the parent")),
            }
        })
    });
    let found = found.map(|()| "signals and abstract sockets stay inside".to_owned());
    let effect = "without process and network namespaces an agent can signal what runs as the same \
                  account, and reach abstract sockets";
    Probe::new("landlock scopes", found, effect, "Use a kernel of 6.12 or newer.")
}

/// What a child of root does to have mounts, processes and IPC of its own.
fn make_namespaces() -> Result<(), Wrong> {
    unshare(CloneFlags::CLONE_NEWNS | CloneFlags::CLONE_NEWPID | CloneFlags::CLONE_NEWIPC)
        .at("unshare")?;
    mount(None::<&str>, "/", None::<&str>, PRIVATE_FLAGS, None::<&str>).at("private mounts")?;
    let first = sys::fork(|| {
        let flags = MsFlags::MS_NOSUID | MsFlags::MS_NODEV | MsFlags::MS_NOEXEC;
        let proc = mount(Some("proc"), "/proc", Some("proc"), flags, Some("hidepid=invisible"));
        match proc {
            Ok(()) if nix::unistd::getpid().as_raw() == 1 => 0,
            Ok(()) => Errno::ECHILD as i32,
            Err(errno) => errno as i32,
        }
    });
    match wait(first.at("fork")?, Duration::from_secs(2)) {
        Ok(WaitStatus::Exited(_, 0)) => Ok(()),
        Ok(WaitStatus::Exited(_, code)) => Err(Errno::from_raw(code)).at("a /proc of its own"),
        Ok(_) | Err(_) => Err(Errno::ECHILD).at("the first process of the namespace"),
    }
}

fn namespaces() -> Probe {
    let found = attempt(make_namespaces);
    let found = found.map(|()| "mounts, processes, IPC and a /proc of its own".to_owned());
    let effect = "agents see the processes of others, shared /tmp, and the sockets in /run";
    let fix = "Run the monitor as root on the host itself; in a container, with CAP_SYS_ADMIN.";
    Probe::new(NAMESPACES, found, effect, fix)
}

/// A user namespace in which something can be mounted, made by somebody without rights.
fn user_namespaces() -> Probe {
    let (uid, gid) =
        if is_root() { (NOBODY, NOBODY) } else { (geteuid().as_raw(), getegid().as_raw()) };
    let maps = [format!("0 {uid} 1"), format!("0 {gid} 1")];
    let found = attempt(move || {
        if is_root() {
            sys::become_user(NOBODY).at("becoming nobody")?;
        }
        unshare(CloneFlags::CLONE_NEWUSER | CloneFlags::CLONE_NEWNS).at("unshare")?;
        put(c"/proc/self/setgroups", b"deny").at("setgroups")?;
        put(c"/proc/self/uid_map", maps[0].as_bytes()).at("uid_map")?;
        put(c"/proc/self/gid_map", maps[1].as_bytes()).at("gid_map")?;
        mount(None::<&str>, "/", None::<&str>, PRIVATE_FLAGS, None::<&str>).at("private mounts")?;
        mount(Some("tmpfs"), "/tmp", Some("tmpfs"), MsFlags::empty(), None::<&str>).at("tmpfs")
    });
    let (cause, fix) = user_namespace_fix();
    let found = found
        .map(|()| "anybody can make one and mount in it".to_owned())
        .map_err(|found| format!("{found}{cause}"));
    let effect = "a Grove that runs without root has no mounts and processes of its own for agents; \
                  one that runs as root needs none";
    Probe::new(USER_NAMESPACES, found, effect, &fix)
}

fn put(path: &std::ffi::CStr, text: &[u8]) -> nix::Result<()> {
    let file = open(path, OFlag::O_WRONLY | OFlag::O_CLOEXEC, Mode::empty())?;
    let written = write(&file, text).map(drop);
    written.and(close(file.into_raw_fd()))
}

/// Which setting forbids user namespaces, and how that is changed.
fn user_namespace_fix() -> (String, String) {
    let blockers = [
        ("kernel/apparmor_restrict_unprivileged_userns", "1", "0"),
        ("kernel/unprivileged_userns_clone", "0", "1"),
        ("user/max_user_namespaces", "0", "15000"),
    ];
    for (path, blocking, better) in blockers {
        if setting(path).as_deref() == Some(blocking) {
            let name = path.replace('/', ".");
            let fix = if name.contains("apparmor") {
                format!(
                    "Run Grove as a shared host, give its programs an AppArmor profile with \
                     `userns,`, or `sysctl {name}={better}` for everybody."
                )
            } else {
                format!("`sysctl {name}={better}`, or run Grove as a shared host.")
            };
            return (format!(" ({name} is {blocking})"), fix);
        }
    }
    let fix = "In a container, let its runtime permit them, or run Grove on the host itself.";
    (String::new(), fix.to_owned())
}

fn network_namespace() -> Probe {
    let found = attempt(|| {
        unshare(CloneFlags::CLONE_NEWNET).at("unshare")?;
        let socket = UdpSocket::bind("0.0.0.0:0").at("a socket")?;
        // Its loopback interface is down: there is nothing to reach.
        match socket.connect("127.0.0.1:9") {
            Ok(()) => Err(Wrong::worked("reaching the host's loopback")),
            Err(_) => Ok(()),
        }
    });
    let found = found.map(|()| "a network of its own, with nothing in it".to_owned());
    let effect = "the network profiles `proxy` and `none` cannot be had";
    let fix = "Run the monitor as root on the host itself; in a container, with CAP_SYS_ADMIN.";
    Probe::new(NETWORK, found, effect, fix)
}

fn mount_api() -> Probe {
    let found = attempt(|| {
        unshare(CloneFlags::CLONE_NEWNS).at("unshare")?;
        mount(None::<&str>, "/", None::<&str>, PRIVATE_FLAGS, None::<&str>).at("private mounts")?;
        let tree = sys::open_tree(c"/usr").at("open_tree")?;
        sys::make_read_only(tree.as_fd()).at("mount_setattr")?;
        sys::move_mount(tree.as_fd(), c"/tmp").at("move_mount")?;
        match nix::unistd::access("/tmp", nix::unistd::AccessFlags::W_OK) {
            Err(Errno::EROFS) => Ok(()),
            Err(errno) => Err(errno).at("a read-only mount"),
            Ok(()) => Err(Wrong::worked("writing to a read-only mount")),
        }
    });
    let found = found.map(|()| "open_tree, mount_setattr and move_mount work".to_owned());
    let effect = "directories cannot be put into an executor's view without a race";
    Probe::new(MOUNT_API, found, effect, "Use a kernel of 5.12 or newer.")
}

fn openat2() -> Probe {
    let found = match sys::open_without_links(c"/proc/self") {
        Err(Errno::ELOOP) => Ok("refuses to follow a link".to_owned()),
        Err(errno) => Err(format!("openat2: {errno}")),
        Ok(_) => Err("a link was followed".to_owned()),
    };
    let effect = "a link that an agent plants could lead the monitor elsewhere";
    Probe::new("openat2", found, effect, "Use a kernel of 5.6 or newer.")
}

fn clone3() -> Probe {
    let found = sys::clone3(None, || 0).map_err(|errno| format!("clone3: {errno}"));
    let found = found.and_then(|(pid, pidfd)| {
        let status = wait_for(pid, pidfd.as_fd(), Duration::from_secs(5))?;
        if matches!(status, WaitStatus::Exited(_, 0)) {
            Ok("gives a child and its descriptor at once".to_owned())
        } else {
            Err(format!("the child ended unexpectedly: {status:?}"))
        }
    });
    let effect = "an executor is started by fork and joins its control group late";
    Probe::new("clone3", found, effect, NEWER_KERNEL)
}

fn close_range() -> Probe {
    let found = attempt(|| sys::close_range_on_exec(3).at("close_range"));
    let found = found.map(|()| "closes all that is open at once".to_owned());
    let effect = "descriptors are closed one by one";
    Probe::new("close_range", found, effect, "Use a kernel of 5.11 or newer.")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Answers a system call with an error for this process, as an older kernel would.
    fn without(call: i64, errno: Errno) -> Result<(), Wrong> {
        let rules = BTreeMap::from([(call, Vec::new())]);
        let action = SeccompAction::Errno(errno as u32);
        let architecture = std::env::consts::ARCH.try_into().unwrap();
        let filter = SeccompFilter::new(rules, SeccompAction::Allow, action, architecture).unwrap();
        let program: BpfProgram = filter.try_into().unwrap();
        sys::set_no_new_privs().at("no_new_privs")?;
        seccompiler::apply_filter(&program).unwrap();
        Ok(())
    }

    fn is_bad(row: &Probe) -> Result<(), Wrong> {
        if row.is_ok { Err(Wrong::worked(row.name)) } else { Ok(()) }
    }

    #[test]
    fn a_kernel_without_landlock_is_seen() {
        let seen = attempt(|| {
            without(libc::SYS_landlock_create_ruleset, Errno::ENOSYS)?;
            is_bad(&landlock()).and_then(|()| is_bad(&landlock_scopes()))
        });
        assert_eq!(seen, Ok(()));
    }

    #[test]
    fn a_landlock_that_answers_and_restricts_nothing_is_seen() {
        let seen = attempt(|| {
            without(libc::SYS_landlock_restrict_self, Errno::ENOSYS)?;
            is_bad(&landlock())
        });
        assert_eq!(seen, Ok(()));
    }

    #[test]
    fn a_container_without_clone3_and_namespaces_is_seen() {
        let seen = attempt(|| {
            without(libc::SYS_clone3, Errno::ENOSYS)?;
            without(libc::SYS_unshare, Errno::EPERM)?;
            is_bad(&clone3())?;
            is_bad(&namespaces())?;
            is_bad(&user_namespaces())
        });
        assert_eq!(seen, Ok(()));
    }

    #[test]
    fn without_landlock_and_namespaces_both_are_required() {
        let seen = attempt(|| {
            without(libc::SYS_landlock_create_ruleset, Errno::ENOSYS)?;
            without(libc::SYS_unshare, Errno::EPERM)?;
            let required = all().iter().filter(|it| it.is_required && !it.is_ok).count();
            if required == 2 { Ok(()) } else { Err(Wrong::worked("other than two")) }
        });
        assert_eq!(seen, Ok(()));
    }
}

//! Attempts to gain what was given away: root, capabilities, descriptors, limits.

use super::{Attempt, Broken, escaped};
use crate::setup::Targets;
use crate::sys;
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Descriptors that an attack may have: standard ones, and the one for its result.
const OWN_DESCRIPTORS: std::ops::RangeInclusive<i32> = 0..=3;
/// Names that an executor's environment may hold.
const OWN_NAMES: &[&str] =
    &["HOME", "USER", "LOGNAME", "SHELL", "PATH", "LANG", "TMPDIR", "XDG_RUNTIME_DIR"];

/// A field of `/proc/self/status`.
fn status(field: &str) -> io::Result<String> {
    let text = fs::read_to_string("/proc/self/status")?;
    let line = text.lines().find_map(|it| it.strip_prefix(field));
    Ok(line.unwrap_or_default().trim_start_matches(':').trim().to_owned())
}

pub(super) fn regain_root(_: &Targets) -> Attempt {
    let keep = sys::signed(-1);
    let ways: [(i64, [usize; 3]); 4] = [
        (libc::SYS_setuid, [0, 0, 0]),
        (libc::SYS_setresuid, [0, 0, 0]),
        (libc::SYS_setreuid, [keep, 0, 0]),
        (libc::SYS_setresuid, [keep, 0, keep]),
    ];
    let mut last = Ok(None);
    for (number, arguments) in ways {
        match sys::call(number, &arguments) {
            Ok(_) => return escaped("is root"),
            Err(error) => last = Err(error),
        }
    }
    last
}

pub(super) fn regain_group(_: &Targets) -> Attempt {
    let groups = [0_u32];
    sys::call(libc::SYS_setgroups, &[1, groups.as_ptr() as usize])?;
    escaped("is in the group of root")
}

pub(super) fn other_user(_: &Targets) -> Attempt {
    sys::call(libc::SYS_setuid, &[54_321])?;
    escaped("is somebody else")
}

pub(super) fn foreign_groups(targets: &Targets) -> Attempt {
    let groups = nix::unistd::getgroups()?;
    let is_foreign = groups.iter().any(|it| it.as_raw() == targets.foreign_group);
    Ok(is_foreign.then(|| format!("groups {groups:?}")))
}

pub(super) fn capabilities_left(_: &Targets) -> Attempt {
    let mut left = Vec::new();
    for field in ["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"] {
        let value = status(field)?;
        if value.bytes().any(|it| it != b'0') {
            left.push(format!("{field} {value}"));
        }
    }
    Ok((!left.is_empty()).then(|| left.join(", ")))
}

/// Runs a copy of this program and asks what it has become.
#[expect(clippy::disallowed_methods, reason = "the attack is to start this very program")]
fn become_through(program: &str) -> io::Result<String> {
    let output = Command::new(program).arg("who").stderr(Stdio::null()).output()?;
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// What `attack who` prints: effective ids and capabilities.
pub(crate) fn who() -> io::Result<String> {
    let (user, group) = (nix::unistd::geteuid(), nix::unistd::getegid());
    Ok(format!("uid={user} gid={group} caps={}", status("CapEff")?))
}

/// Whether a copy of this program is more than this one is.
fn gains(program: &str) -> Attempt {
    let (own, found) = (who()?, become_through(program)?);
    Ok((!found.is_empty() && own != found).then_some(found))
}

pub(super) fn setuid_program(targets: &Targets) -> Attempt {
    gains(&targets.setuid_program)
}

pub(super) fn setgid_program(targets: &Targets) -> Attempt {
    gains(&targets.setgid_program)
}

pub(super) fn capable_program(targets: &Targets) -> Attempt {
    gains(&targets.capable_program)
}

pub(super) fn inherited_fds(_: &Targets) -> Attempt {
    let mut found = Vec::new();
    for descriptor in super::numbered("/proc/self/fd")? {
        let link = fs::read_link(format!("/proc/self/fd/{descriptor}")).unwrap_or_default();
        // The listing itself has a descriptor; it is gone by now.
        let is_own = OWN_DESCRIPTORS.contains(&descriptor) || link == Path::new("");
        if !is_own {
            found.push(format!("{descriptor} {}", link.display()));
        }
    }
    Ok((!found.is_empty()).then(|| found.join(", ")))
}

/// None of them may be the monitor's.
pub(super) fn inherited_streams(_: &Targets) -> Attempt {
    let mut found = Vec::new();
    for descriptor in 0..=2 {
        let link = fs::read_link(format!("/proc/self/fd/{descriptor}")).unwrap_or_default();
        if link != Path::new("/dev/null") {
            found.push(format!("{descriptor} {}", link.display()));
        }
    }
    Ok((!found.is_empty()).then(|| found.join(", ")))
}

pub(super) fn inherited_environment(_: &Targets) -> Attempt {
    let names = std::env::vars_os().map(|it| it.0.to_string_lossy().into_owned());
    let foreign: Vec<_> = names.filter(|it| !OWN_NAMES.contains(&it.as_str())).collect();
    Ok((!foreign.is_empty()).then(|| foreign.join(" ")))
}

pub(super) fn core_dump(_: &Targets) -> Attempt {
    let (soft, hard) = nix::sys::resource::getrlimit(nix::sys::resource::Resource::RLIMIT_CORE)?;
    Ok((soft > 0 || hard > 0).then(|| format!("up to {hard} bytes")))
}

/// The control groups of this process: mount, and path below it.
fn groups() -> io::Result<Vec<(PathBuf, String)>> {
    let own = fs::read_to_string("/proc/self/cgroup")?;
    let mounts = fs::read_to_string("/proc/self/mountinfo")?;
    let mut found = Vec::new();
    for line in own.lines() {
        let mut parts = line.splitn(3, ':').skip(1);
        let (Some(controllers), Some(path)) = (parts.next(), parts.next()) else { continue };
        for mount in mounts.lines() {
            let Some((place, kind)) = mount.split_once(" - ") else { continue };
            let mut kind = kind.split(' ');
            let (name, options) = (kind.next().unwrap_or_default(), kind.next_back());
            let is_it = match controllers {
                "" => name == "cgroup2",
                _ => {
                    let options = options.unwrap_or_default();
                    name == "cgroup" && options.split(',').any(|it| it == controllers)
                }
            };
            if let (true, Some(place)) = (is_it, place.split(' ').nth(4)) {
                found.push((PathBuf::from(place), path.trim_start_matches('/').to_owned()));
            }
        }
    }
    Ok(found)
}

/// Tries something in every group that is this process's own.
fn in_own_groups(attempt: impl Fn(&Path, &Path) -> io::Result<String>) -> Attempt {
    let own: Vec<_> = groups()?.into_iter().filter(|(_, path)| !path.is_empty()).collect();
    if own.is_empty() {
        return Err(Broken::error("the process has no control group of its own"));
    }
    let mut last = Ok(None);
    for (mount, path) in own {
        match attempt(&mount, &mount.join(path)) {
            Ok(detail) => return escaped(detail),
            Err(error) => last = Err(error),
        }
    }
    last
}

fn write_to(path: &Path, text: &str) -> io::Result<String> {
    OpenOptions::new().write(true).open(path)?.write_all(text.as_bytes())?;
    Ok(format!("wrote {}", path.display()))
}

pub(super) fn slice_shorten(_: &Targets) -> Attempt {
    // `struct sched_attr` of sched_setattr(2), 48 bytes: its size, then among zeros the slice.
    let mut attributes = [0_u64; 6];
    attributes[0] = 48;
    attributes[3] = 100_000;
    sys::call(libc::SYS_sched_setattr, &[0, attributes.as_ptr() as usize, 0])?;
    escaped("has the shortest slices")
}

pub(super) fn cgroup_raise(_: &Targets) -> Attempt {
    in_own_groups(|_, own| {
        write_to(&own.join("pids.max"), "max")
            .or_else(|_| write_to(&own.join("memory.max"), "max"))
            .or_else(|_| write_to(&own.join("memory.limit_in_bytes"), "-1"))
    })
}

pub(super) fn cgroup_leave(_: &Targets) -> Attempt {
    let process = nix::unistd::getpid().to_string();
    in_own_groups(|top, _| write_to(&top.join("cgroup.procs"), &process))
}

pub(super) fn cgroup_child(_: &Targets) -> Attempt {
    in_own_groups(|_, own| {
        let child = own.join("child");
        fs::create_dir(&child)?;
        fs::remove_dir(child)?;
        Ok("made a group below its own".to_owned())
    })
}

pub(super) fn cgroup_thaw(_: &Targets) -> Attempt {
    in_own_groups(|_, own| write_to(&own.join("cgroup.freeze"), "0"))
}

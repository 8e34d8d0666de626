//! Control groups: one per executor, with limits, killed as a whole.
//!
//! Hosts differ: one hierarchy with all controllers (v2), a v2 without controllers beside the old
//! ones (hybrid), the old ones alone (v1), or none that may be written. [`Hierarchy`] is what differs
//! between them. Groups of a monitor that died are found by the name of its home and swept.

mod mounts;
mod unified;
mod v1;

use grove_core_api::isolation::ExecutorLimits;
use std::fs;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Longest part of an instance's name that is part of its groups' names.
const INSTANCE_BYTES: usize = 100;
/// Tries to remove a group whose last process is just being reaped, and the pause between them.
const REMOVALS: (u32, Duration) = (50, Duration::from_millis(2));
/// Walks over a group's processes in one kill, where the kernel cannot kill a group by itself.
const KILLS: u32 = 64;

/// One way in which a host has control groups.
trait Hierarchy: std::fmt::Debug + Send {
    /// Directory of this instance's groups.
    fn base(&self) -> &Path;
    /// Makes the group's directory and sets what can be set.
    ///
    /// Returns the names of the limits that hold.
    fn make(&self, id: &str, limits: &ExecutorLimits) -> io::Result<(PathBuf, Vec<String>)>;
    /// Whether a group with these limits needs a directory here.
    fn is_needed(&self, limits: &ExecutorLimits) -> bool;
    /// How a process gets into a group.
    fn entry(&self) -> Entry;
    /// File that counts kills for want of memory, when this hierarchy limits memory.
    fn memory_events(&self) -> Option<&'static str>;
}

/// How a process gets into a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Entry {
    /// It is born in it (`CLONE_INTO_CGROUP`).
    Birth,
    /// It writes itself into `cgroup.procs`.
    Write,
}

/// The control groups of one instance.
#[derive(Debug)]
pub struct Cgroups {
    hierarchies: Vec<Box<dyn Hierarchy>>,
}

/// The group of one executor: a directory in each hierarchy that is used.
#[derive(Debug)]
pub struct Cgroup {
    places: Vec<Place>,
    limits: Vec<String>,
}

#[derive(Debug)]
struct Place {
    path: PathBuf,
    entry: Entry,
    memory_events: Option<&'static str>,
    /// Open for `CLONE_INTO_CGROUP`.
    directory: Option<OwnedFd>,
}

impl Cgroups {
    /// Finds what this host allows. `instance` (a home's path) is part of the groups' names, and the
    /// same after each restart of the same instance.
    ///
    /// A process of a v2 hierarchy with controllers moves into a group beside those it makes, because
    /// only groups without processes of their own may have limited ones below them.
    #[must_use]
    pub fn detect(instance: &str) -> Self {
        let name = name_of_instance(instance);
        let found = mounts::find();
        let mut hierarchies: Vec<Box<dyn Hierarchy>> = Vec::new();
        if let Some(unified) = found.unified.and_then(|at| unified::Unified::open(&at, &name)) {
            hierarchies.push(Box::new(unified));
        }
        for (controller, at) in found.v1 {
            if let Some(old) = v1::V1::open(controller, &at, &name) {
                hierarchies.push(Box::new(old));
            }
        }
        Self { hierarchies }
    }

    /// No groups, as on a host where none may be made.
    #[must_use]
    pub const fn none() -> Self {
        Self { hierarchies: Vec::new() }
    }

    /// Kills and removes what is left of this instance's groups; returns how many there were.
    pub fn sweep(&self) -> usize {
        let mut count = 0;
        for hierarchy in &self.hierarchies {
            let Ok(entries) = fs::read_dir(hierarchy.base()) else { continue };
            for path in entries.flatten().map(|entry| entry.path()).filter(|path| path.is_dir()) {
                kill_all(&path);
                if remove(&path).is_ok() {
                    count += 1;
                }
            }
        }
        count
    }

    /// Removes this instance's own directories at its end. What still holds a group stays for the
    /// next sweep.
    pub fn close(&self) {
        self.sweep();
        for hierarchy in &self.hierarchies {
            remove(hierarchy.base()).ok();
        }
    }

    /// Makes a group.
    ///
    /// # Errors
    /// `Unsupported` when this host has none; else what the file system says. Nothing is left behind.
    pub fn create(&self, id: &str, limits: &ExecutorLimits) -> io::Result<Cgroup> {
        if self.hierarchies.is_empty() {
            return Err(io::Error::new(io::ErrorKind::Unsupported, "no writable control groups"));
        }
        let mut group = Cgroup { places: Vec::new(), limits: Vec::new() };
        for hierarchy in self.hierarchies.iter().filter(|it| it.is_needed(limits)) {
            // Dropped on failure, the group removes what it has already.
            let (path, holding) = hierarchy.make(id, limits)?;
            group.limits.extend(holding);
            let entry = hierarchy.entry();
            let mut place =
                Place { path, entry, memory_events: hierarchy.memory_events(), directory: None };
            if entry == Entry::Birth {
                place.directory = Some(fs::File::open(&place.path)?.into());
            }
            group.places.push(place);
        }
        if group.places.is_empty() {
            return Err(io::Error::new(io::ErrorKind::Unsupported, "no group without limits here"));
        }
        Ok(group)
    }
}

impl Cgroup {
    /// Descriptor of the group that a new process can be born in.
    #[must_use]
    pub(crate) fn birth(&self) -> Option<BorrowedFd<'_>> {
        self.places.iter().find_map(|place| place.directory.as_ref()).map(AsFd::as_fd)
    }

    /// Moves the calling process into the group, but for the part that it was born in.
    pub(crate) fn join(&self, was_born_in: bool) -> io::Result<()> {
        for place in &self.places {
            if !(was_born_in && place.entry == Entry::Birth) {
                fs::write(place.path.join("cgroup.procs"), "0")?;
            }
        }
        Ok(())
    }

    /// The limits that hold, by name.
    #[must_use]
    pub fn limits(&self) -> &[String] {
        &self.limits
    }

    /// Kills everything in the group, whatever sessions or parents it has left.
    pub fn kill(&self) {
        for place in &self.places {
            kill_all(&place.path);
        }
    }

    /// Whether the kernel killed a process of the group because its memory limit was reached.
    #[must_use]
    pub fn is_out_of_memory(&self) -> bool {
        self.places.iter().any(|place| {
            let Some(file) = place.memory_events else { return false };
            kills_in(&place.path.join(file)).is_some_and(|count| count > 0)
        })
    }

    /// Paths of the group, one for each hierarchy.
    pub fn paths(&self) -> impl Iterator<Item = &Path> {
        self.places.iter().map(|place| place.path.as_path())
    }
}

impl Drop for Cgroup {
    fn drop(&mut self) {
        for place in &self.places {
            // Processes that do not end keep their group; the next sweep finds it.
            if remove(&place.path).is_err() {
                kill_all(&place.path);
                remove(&place.path).ok();
            }
        }
    }
}

/// How many processes of the caller's own group were killed because its limit of memory was reached.
///
/// `id` is the group's name; `None` when the caller is in no such group, or it has no such limit.
#[must_use]
pub fn own_memory_kills(id: &str) -> Option<u64> {
    let found = mounts::find();
    let old = found.v1.into_iter().find(|(controller, _)| *controller == "memory");
    let old = old.map(|(_, group)| (group, "memory.oom_control"));
    let own = old.into_iter().chain(found.unified.map(|group| (group, "memory.events")));
    let mut own = own.filter(|(group, _)| group.ends_with(id));
    own.find_map(|(group, file)| kills_in(&group.join(file)))
}

/// The count in a file of a group's memory events.
fn kills_in(file: &Path) -> Option<u64> {
    let text = fs::read_to_string(file).ok()?;
    text.lines().find_map(|line| line.strip_prefix("oom_kill ")?.trim().parse().ok())
}

/// Kills every process in a group and in those below it.
fn kill_all(path: &Path) {
    // Linux 5.14: the kernel does it at once, however fast they fork.
    if fs::write(path.join("cgroup.kill"), "1").is_ok() {
        return;
    }
    let below = fs::read_dir(path).into_iter().flatten().flatten().map(|entry| entry.path());
    below.filter(|path| path.is_dir()).for_each(|path| kill_all(&path));
    for _ in 0..KILLS {
        let text = fs::read_to_string(path.join("cgroup.procs")).unwrap_or_default();
        let pids: Vec<i32> = text.lines().filter_map(|line| line.parse().ok()).collect();
        if pids.is_empty() {
            return;
        }
        for pid in pids {
            // It may have ended by itself, which is what was wanted.
            nix::sys::signal::kill(
                nix::unistd::Pid::from_raw(pid),
                nix::sys::signal::Signal::SIGKILL,
            )
            .ok();
        }
    }
}

/// Removes a group; processes in it that were killed may need a moment to be gone.
fn remove(path: &Path) -> io::Result<()> {
    let (times, pause) = REMOVALS;
    for _ in 0..times {
        match fs::remove_dir(path) {
            Err(error) if error.raw_os_error() == Some(libc::EBUSY) => std::thread::sleep(pause),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            outcome => return outcome,
        }
    }
    fs::remove_dir(path)
}

/// Writes a limit; answers with its name when it was taken.
fn limit(group: &Path, file: &str, value: Option<String>, name: String) -> Option<String> {
    let value = value?;
    fs::write(group.join(file), value).ok().map(|()| name)
}

/// The end of the instance's name, which tells homes apart, as a plain name.
fn name_of_instance(instance: &str) -> String {
    let tail = &instance.as_bytes()[instance.len().saturating_sub(INSTANCE_BYTES)..];
    let plain = |byte: &u8| if byte.is_ascii_alphanumeric() { char::from(*byte) } else { '_' };
    format!("grove-{}", tail.iter().map(plain).collect::<String>())
}

/// A limit for people: `512 processes`.
fn name_of<T: std::fmt::Display>(unit: &str, value: Option<T>) -> String {
    value.map_or_else(String::new, |value| format!("{value} {unit}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_are_named_after_the_home() {
        assert_eq!(name_of_instance("/var/lib/grove"), "grove-_var_lib_grove");
        assert_eq!(name_of_instance(&"/x".repeat(90)).len(), 6 + INSTANCE_BYTES);
    }

    #[test]
    fn without_groups_nothing_is_made_and_the_reason_is_said() {
        let error = Cgroups::none().create("x", &ExecutorLimits::default()).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::Unsupported);
    }
}

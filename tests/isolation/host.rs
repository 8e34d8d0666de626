//! What the fixture asks of the host: files with owners, account tools, child processes, sweeping.

use anyhow::{Context, bail};
use grove_tests::{Outcome, say};
use nix::unistd::{Gid, Uid, chown, getuid};
use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// What names of this suite begin with on the whole host.
const PREFIX: &str = "grovet_";

/// Who a file belongs to.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Owner {
    /// Who runs the tests.
    Caller,
    /// An account.
    Account(Uid, Gid),
    /// Who runs the tests, and that group.
    Group(Option<Gid>),
}

/// Sets owner, then mode: a change of owner takes setuid bits away.
pub(crate) fn own(path: &Path, mode: u32, owner: &Owner) -> Outcome {
    let (uid, gid) = match *owner {
        Owner::Caller => (None, None),
        Owner::Account(uid, gid) => (Some(uid), Some(gid)),
        Owner::Group(gid) => (None, gid),
    };
    chown(path, uid, gid).with_context(|| path.display().to_string())?;
    fs::set_permissions(path, fs::Permissions::from_mode(mode))?;
    Ok(())
}

/// Makes a directory.
pub(crate) fn directory(path: &Path, mode: u32, owner: &Owner) -> Outcome {
    if !path.is_dir() {
        fs::create_dir(path).with_context(|| path.display().to_string())?;
    }
    own(path, mode, owner)
}

/// Writes a file.
pub(crate) fn file(path: &Path, text: &str, mode: u32, owner: &Owner) -> Outcome {
    fs::write(path, text).with_context(|| path.display().to_string())?;
    own(path, mode, owner)
}

/// A directory for sockets below `/run`, or in the state directory for those who cannot write there.
pub(crate) fn socket_directory(base: &str, state: &Path) -> PathBuf {
    if getuid().is_root() { Path::new("/run").join(base) } else { state.join("sockets") }
}

/// A block device that root may read here: the root file system's, or any.
pub(crate) fn disk() -> Option<String> {
    let wanted = fs::metadata("/").ok()?.dev();
    let mut disks: Vec<(bool, PathBuf)> = Vec::new();
    for entry in fs::read_dir("/dev").ok()?.flatten() {
        let Ok(found) = fs::metadata(entry.path()) else { continue };
        // Opening tells whether this machine lets anybody read it at all.
        if found.file_type().is_block_device() && fs::File::open(entry.path()).is_ok() {
            disks.push((found.rdev() != wanted, entry.path()));
        }
    }
    disks.sort();
    disks.first().map(|(_, path)| path.display().to_string())
}

/// A command with nothing set.
#[expect(clippy::disallowed_methods, reason = "the suite starts victims and account tools")]
pub(crate) fn command(program: &Path) -> Command {
    Command::new(program)
}

/// Runs a program to its end and gives its output.
pub(crate) fn run(program: &Path, arguments: &[&str]) -> Outcome<String> {
    let output = command(program).args(arguments).stdin(Stdio::null()).output()?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        bail!("{} {arguments:?}: {}: {said}", program.display(), output.status);
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Runs a tool of the host.
pub(crate) fn tool(name: &str, arguments: &[&str]) -> Outcome {
    let folders = ["/usr/sbin", "/sbin", "/usr/bin", "/bin"];
    let path = folders.iter().map(|it| Path::new(it).join(name)).find(|it| it.is_file());
    run(&path.with_context(|| format!("{name} is not installed"))?, arguments).map(drop)
}

/// Makes a command run as somebody.
pub(crate) fn as_owner(command: &mut Command, owner: &Owner) {
    if let Owner::Account(uid, gid) = owner {
        command.uid(uid.as_raw()).gid(gid.as_raw());
    }
}

/// Starts a program that says one line when it is ready and ends when its standard input does.
pub(crate) fn start_as(mut command: Command, owner: &Owner) -> Outcome<(Child, String)> {
    as_owner(&mut command, owner);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
    let mut said = String::new();
    let output = child.stdout.take().context("no output")?;
    BufReader::new(output).read_line(&mut said)?;
    Ok((child, said))
}

/// Removes what a fixture made; says what could not be removed.
pub(crate) fn remove(base: &str, state: &Path) {
    let report = |what: &str, result: Outcome| {
        if let Err(error) = result {
            say(&format!("left behind: {what}: {error:#}"));
        }
    };
    if getuid().is_root() {
        for name in accounts(&format!("{base}_")) {
            report(&name, tool("userdel", &["--force", "--", &name]));
        }
        for name in names("/etc/group", &format!("{base}-")) {
            report(&name, tool("groupdel", &["--", &name]));
        }
    }
    for path in [socket_directory(base, state), state.to_owned()] {
        if path.exists() {
            report(&path.display().to_string(), fs::remove_dir_all(&path).map_err(Into::into));
        }
    }
}

fn accounts(prefix: &str) -> Vec<String> {
    names("/etc/passwd", prefix)
}

/// Names of a file of the account database that begin so.
fn names(file: &str, prefix: &str) -> Vec<String> {
    let text = fs::read_to_string(file).unwrap_or_default();
    let names = text.lines().filter_map(|line| line.split(':').next());
    names.filter(|name| name.starts_with(prefix)).map(str::to_owned).collect()
}

/// Process id in a name that this suite gave.
fn run_of(name: &str) -> Option<i32> {
    let rest = name.strip_prefix("grove-").unwrap_or(name).strip_prefix(PREFIX)?;
    let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().ok()
}

fn base_of(name: &str) -> Option<&str> {
    let end = name[PREFIX.len()..].find(|it: char| !it.is_ascii_alphanumeric());
    end.map(|end| &name[..PREFIX.len() + end])
}

/// Removes what runs left behind that were killed: their process ids are nobody's any more.
pub(crate) fn sweep(parent: &Path) {
    let is_dead =
        |name: &str| run_of(name).is_some_and(|pid| !Path::new(&format!("/proc/{pid}")).exists());
    let mut bases: Vec<String> =
        entries(parent, PREFIX).into_iter().filter(|it| is_dead(it)).collect();
    let stale = accounts(PREFIX).into_iter().chain(names("/etc/group", PREFIX));
    bases.extend(stale.filter(|it| is_dead(it)).filter_map(|it| base_of(&it).map(str::to_owned)));
    bases.sort();
    bases.dedup();
    for base in bases {
        say(&format!("sweeping {base}, which an earlier run left behind"));
        for process in crate::leaks::processes_of(&base) {
            // It may end by itself meanwhile.
            nix::sys::signal::kill(
                nix::unistd::Pid::from_raw(process),
                nix::sys::signal::Signal::SIGKILL,
            )
            .ok();
        }
        grove_sandbox::cgroup::Cgroups::detect(&base).close();
        remove(&base, &parent.join(&base));
    }
    for folder in ["/tmp", "/dev/shm"] {
        for name in entries(Path::new(folder), PREFIX).into_iter().filter(|it| is_dead(it)) {
            fs::remove_file(Path::new(folder).join(name)).ok();
        }
    }
}

/// Names in a directory that begin so.
pub(crate) fn entries(folder: &Path, prefix: &str) -> Vec<String> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let names = entries.map(|entry| entry.file_name().to_string_lossy().into_owned());
    names.filter(|name| name.starts_with(prefix)).collect()
}

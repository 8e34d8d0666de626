//! How the host is set up around Grove: settings, accounts, permissions, leftovers.
//!
//! These are looked at, because trying them out would change the host; the limit on limits is tried.

use super::child::{At, attempt};
use super::{Probe, is_root, setting, sys};
use nix::errno::Errno;
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use nix::unistd::{AccessFlags, Group, User, access};
use std::fs::{self, File, Metadata};
use std::os::fd::AsFd;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};

/// Groups whose members are as good as root, or read what is not theirs.
const POWERFUL: &[&str] = &[
    "adm",
    "disk",
    "docker",
    "incus",
    "incus-admin",
    "kmem",
    "libvirt",
    "lxd",
    "root",
    "shadow",
    "sudo",
    "wheel",
];
/// Parts of Grove's home, and the permissions that nobody may have on them.
const PARTS: &[(&str, u32)] = &[
    ("", 0o022),
    ("db", 0o077),
    ("keys", 0o077),
    ("logs", 0o077),
    ("mirror", 0o022),
    ("git", 0o022),
    ("wt", 0o022),
    ("run", 0o022),
    ("grove.toml", 0o022),
];
/// Parts whose files count too, when the directory is open.
const PRIVATE_PARTS: &[&str] = &["db", "keys"];
/// Most entries of `/run` that are looked at, and how deep.
const RUN_ENTRIES: usize = 4_096;
const RUN_DEPTH: usize = 4;
/// Most names that one row tells.
const SHOWN: usize = 5;

/// What the host's probes look at.
#[derive(Clone, Copy, Debug)]
pub struct Host<'a> {
    /// Grove's home.
    pub home: &'a Path,
    /// The group of the accounts that executors may run as.
    pub group: &'a str,
    /// Whether executors have mounts of their own, which hide the host's sockets.
    pub has_namespaces: bool,
}

/// Every probe of the host.
pub(super) fn all(host: &Host<'_>) -> Vec<Probe> {
    let members = Members::of(host.group);
    vec![
        permissions(host.home),
        quota(host.home),
        powerful_groups(&members, group_members),
        homes(&members),
        account_tools(),
        sockets(Path::new("/run"), host.has_namespaces),
        link_protection(setting),
        at_least("ptrace scope", "kernel/yama/ptrace_scope", setting, TRACING),
        terminal_injection(setting),
        raising_limits(),
    ]
}

/// Which people have accounts that executors may run as.
struct Members {
    group: String,
    is_there: bool,
    users: Vec<User>,
}

impl Members {
    fn of(group: &str) -> Self {
        let names = Group::from_name(group).ok().flatten().map(|it| it.mem);
        let find = |name: &String| User::from_name(name).ok().flatten();
        let users = names.iter().flatten().filter_map(find).collect();
        Self { group: group.to_owned(), is_there: names.is_some(), users }
    }

    /// What a row finds when there is nobody to look at.
    fn nobody(&self) -> Option<String> {
        if !self.is_there {
            Some(format!("the group {} is not there: one account runs everything", self.group))
        } else if self.users.is_empty() {
            Some(format!("nobody is in the group {}", self.group))
        } else {
            None
        }
    }
}

fn group_members(group: &str) -> Vec<String> {
    Group::from_name(group).ok().flatten().map(|it| it.mem).unwrap_or_default()
}

fn powerful_groups(members: &Members, members_of: impl Fn(&str) -> Vec<String>) -> Probe {
    let mut bad = Vec::new();
    for group in POWERFUL {
        let inside = members_of(group);
        let both = members.users.iter().filter(|user| inside.contains(&user.name));
        bad.extend(both.map(|user| format!("{} is in {group}", user.name)));
    }
    let system = members.users.iter().filter(|user| user.uid.as_raw() < 1_000);
    bad.extend(system.map(|user| format!("{} is an account of the system", user.name)));
    let well = members.nobody().unwrap_or_else(|| format!("{} looked at", members.users.len()));
    let effect = "executors leave these groups behind, but what the person runs outside of Grove, \
                  from files that an agent wrote, has their power";
    let fix = "Take them out with `gpasswd --delete NAME GROUP`, or give those people an account \
               that Grove makes.";
    Probe::new("groups of people", listed(&bad, well), effect, fix)
}

fn homes(members: &Members) -> Probe {
    let is_open = |user: &&User| fs::metadata(&user.dir).is_ok_and(|it| mode(&it) & 0o077 != 0);
    let open = |user: &User| format!("{} of {}", user.dir.display(), user.name);
    let bad: Vec<_> = members.users.iter().filter(is_open).map(open).collect();
    let well = members.nobody().unwrap_or_else(|| "closed to others".to_owned());
    let effect = "other people's programs outside of Grove read what agents leave there";
    Probe::new("homes of people", listed(&bad, well), effect, "`chmod 700` them.")
}

fn account_tools() -> Probe {
    let places = ["/usr/sbin", "/sbin", "/usr/bin", "/bin"].map(Path::new);
    let is_there =
        |name: &str| places.iter().any(|it| access(&it.join(name), AccessFlags::X_OK).is_ok());
    let missing: Vec<_> = ["useradd", "userdel"].into_iter().filter(|it| !is_there(it)).collect();
    let found = if missing.is_empty() {
        Ok("useradd and userdel are there".to_owned())
    } else {
        Err(format!("missing: {}", missing.join(", ")))
    };
    let effect = "Grove cannot make or retire accounts; existing ones can be linked";
    Probe::new("account tools", found, effect, "Install them: package `passwd` or `shadow-utils`.")
}

fn permissions(home: &Path) -> Probe {
    if !home.exists() {
        let found = Ok(format!("{} is not there yet", home.display()));
        return Probe::new("permissions", found, "", "");
    }
    let mut bad = Vec::new();
    let mut look = |path: PathBuf, forbidden: u32| {
        if let Ok(it) = fs::symlink_metadata(&path)
            && !it.is_symlink()
            && mode(&it) & forbidden != 0
        {
            bad.push(format!("{} is {:04o}", path.display(), mode(&it)));
        }
    };
    for (part, forbidden) in PARTS {
        look(home.join(part), *forbidden);
    }
    for part in PRIVATE_PARTS {
        let folder = home.join(part);
        // Nobody comes to the files of a closed directory, whatever their modes.
        if fs::metadata(&folder).is_ok_and(|it| mode(&it) & 0o077 == 0) {
            continue;
        }
        let entries = fs::read_dir(folder).into_iter().flatten().flatten();
        entries.take(RUN_ENTRIES).for_each(|entry| look(entry.path(), 0o077));
    }
    let effect = "other accounts can read or change what is Grove's alone";
    let fix = "`chmod go-rwx` the files in db and keys, `chmod go-w` the others.";
    let found = listed(&bad, "only Grove gets at its data".to_owned());
    Probe::new("permissions", found, effect, fix)
}

fn quota(home: &Path) -> Probe {
    let there = home.ancestors().find(|path| path.exists()).unwrap_or(home);
    let Ok(directory) = File::open(there) else { return Probe::only_root("disk quota") };
    let found = match sys::project_quota(directory.as_fd()) {
        Ok(_) => Ok("project quota is on".to_owned()),
        Err(Errno::ESRCH) => Err("project quota is off".to_owned()),
        Err(Errno::ENOSYS) => Err("the kernel has no quota for this file system".to_owned()),
        Err(errno) => Err(errno.to_string()),
    };
    let effect = "the kernel does not stop a worktree from filling the disk; what a session uses is \
                  measured at intervals instead";
    let fix = "Mount the file system of Grove's home with `prjquota` (ext4, xfs).";
    Probe::new("disk quota", found, effect, fix)
}

fn sockets(run: &Path, has_namespaces: bool) -> Probe {
    let mut open = Vec::new();
    let mut left = RUN_ENTRIES;
    find_sockets(run, RUN_DEPTH, &mut left, &mut open);
    let covered = format!("{}, covered in executors", plural(open.len(), "open socket"));
    let found = if has_namespaces { Ok(covered) } else { listed(&open, "none is open".to_owned()) };
    let effect = "agents can connect to these services; Landlock does not stop that";
    let fix = "Run Grove where namespaces can be made, or close the sockets to others.";
    Probe::new("sockets in /run", found, effect, fix)
}

/// Finds sockets that everybody may connect to, below directories that everybody may enter.
fn find_sockets(folder: &Path, depth: usize, left: &mut usize, open: &mut Vec<String>) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        if *left == 0 {
            return;
        }
        *left -= 1;
        let path = entry.path();
        let Ok(it) = fs::symlink_metadata(&path) else { continue };
        if it.file_type().is_socket() && mode(&it) & 0o002 != 0 {
            open.push(path.display().to_string());
        } else if it.is_dir() && mode(&it) & 0o001 != 0 && depth > 0 {
            find_sockets(&path, depth - 1, left, open);
        }
    }
}

fn link_protection(read: impl Fn(&str) -> Option<String>) -> Probe {
    let names = ["symlinks", "hardlinks", "regular", "fifos"];
    let is_off = |name: &&str| {
        let value = read(&format!("fs/protected_{name}")).and_then(|it| it.parse().ok());
        value.unwrap_or(0_u32) == 0
    };
    let off: Vec<_> =
        names.into_iter().filter(is_off).map(|it| format!("protected_{it}")).collect();
    let found = if off.is_empty() {
        Ok("links, files and pipes in shared directories are protected".to_owned())
    } else {
        Err(format!("off: {}", off.join(", ")))
    };
    let effect = "a link planted in /tmp may lead programs outside of Grove to other files";
    let off = off.iter().map(|it| format!("fs.{it}=1")).collect::<Vec<_>>().join(" ");
    Probe::new("link protection", found, effect, &format!("`sysctl {off}`, and in /etc/sysctl.d."))
}

const TRACING: (u32, &str) = (
    1,
    "processes of one account trace each other outside of Grove; executors are kept from it by \
     seccomp",
);

fn at_least(
    name: &'static str,
    path: &str,
    read: impl Fn(&str) -> Option<String>,
    (least, effect): (u32, &str),
) -> Probe {
    let dotted = path.replace('/', ".");
    let found = match read(path) {
        None => Err(format!("{dotted} is not there")),
        Some(value) if value.parse::<u32>().is_ok_and(|it| it >= least) => {
            Ok(format!("{dotted} is {value}"))
        }
        Some(value) => Err(format!("{dotted} is {value}")),
    };
    Probe::new(name, found, effect, &format!("`sysctl {dotted}={least}`, where the kernel has it."))
}

fn terminal_injection(read: impl Fn(&str) -> Option<String>) -> Probe {
    let found = match read("dev/tty/legacy_tiocsti").as_deref() {
        Some("0") => Ok("dev.tty.legacy_tiocsti is 0".to_owned()),
        Some(value) => Err(format!("dev.tty.legacy_tiocsti is {value}")),
        None => Err("dev.tty.legacy_tiocsti is not there: always permitted".to_owned()),
    };
    let effect = "programs type into the terminal that they share; executors are kept from it by \
                  seccomp";
    let fix = "`sysctl dev.tty.legacy_tiocsti=0`, on a kernel of 6.2 or newer.";
    Probe::new("terminal injection", found, effect, fix)
}

/// Lowers a hard limit in a child and raises it again, which only `CAP_SYS_RESOURCE` permits.
fn raising_limits() -> Probe {
    const NAME: &str = "CAP_SYS_RESOURCE";
    if !is_root() {
        return Probe::only_root(NAME);
    }
    let found = attempt(|| {
        let (_, hard) = getrlimit(Resource::RLIMIT_CORE).at("getrlimit")?;
        setrlimit(Resource::RLIMIT_CORE, 0, 0).at("lowering a limit")?;
        setrlimit(Resource::RLIMIT_CORE, 0, hard.max(1)).at("raising a limit")
    });
    let found = found.map(|()| "root can raise limits".to_owned());
    let effect = "executors have at most the limits that Grove was started with, and the monitor \
                  cannot shield itself from the out-of-memory killer";
    Probe::new(NAME, found, effect, "Leave it in the capabilities of the service or container.")
}

fn mode(metadata: &Metadata) -> u32 {
    metadata.mode() & 0o7777
}

fn plural(count: usize, what: &str) -> String {
    if count == 1 { format!("1 {what}") } else { format!("{count} {what}s") }
}

/// Nothing bad is well; otherwise the first few are named.
fn listed(bad: &[String], well: String) -> Result<String, String> {
    if bad.is_empty() {
        return Ok(well);
    }
    let shown = bad.iter().take(SHOWN).cloned().collect::<Vec<_>>().join(", ");
    let more = bad.len().saturating_sub(SHOWN);
    Err(if more == 0 { shown } else { format!("{shown} and {more} more") })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;
    use std::os::unix::net::UnixListener;

    fn chmod(path: &Path, mode: u32) {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    }

    #[test]
    fn a_key_that_others_can_read_is_named() {
        let home = tempfile::tempdir().unwrap();
        fs::create_dir(home.path().join("keys")).unwrap();
        chmod(&home.path().join("keys"), 0o700);
        let key = home.path().join("keys/owner.token");
        fs::write(&key, "").unwrap();
        chmod(&key, 0o640);
        assert!(permissions(home.path()).is_ok, "its directory is closed");
        chmod(&home.path().join("keys"), 0o711);
        let row = permissions(home.path());
        assert!(!row.is_ok && row.found.contains("owner.token is 0640"), "{row:?}");
        assert!(permissions(&home.path().join("absent")).is_ok);
    }

    #[test]
    fn people_in_powerful_groups_and_accounts_of_the_system_are_named() {
        let root = User::from_name("root").unwrap().unwrap();
        let members =
            Members { group: "grove-users".to_owned(), is_there: true, users: vec![root] };
        let inside = |group: &str| if group == "docker" { vec!["root".to_owned()] } else { vec![] };
        let row = powerful_groups(&members, inside);
        assert_eq!(row.found, "root is in docker, root is an account of the system");
        let nobody = Members { users: Vec::new(), ..members };
        assert!(powerful_groups(&nobody, inside).is_ok);
        let absent = Members::of("grove-no-such-group");
        assert!(powerful_groups(&absent, inside).found.contains("is not there"));
    }

    #[test]
    fn only_sockets_that_everybody_reaches_count_and_namespaces_cover_them() {
        let run = tempfile::tempdir().unwrap();
        for (folder, folder_mode, socket_mode) in
            [("docker", 0o755, 0o666), ("private", 0o700, 0o666), ("closed", 0o755, 0o660)]
        {
            let folder = run.path().join(folder);
            fs::create_dir(&folder).unwrap();
            drop(UnixListener::bind(folder.join("s")).unwrap());
            chmod(&folder.join("s"), socket_mode);
            chmod(&folder, folder_mode);
        }
        let row = sockets(run.path(), false);
        assert_eq!(row.found, run.path().join("docker/s").display().to_string());
        assert!(!row.is_ok);
        let covered = sockets(run.path(), true);
        assert!(covered.is_ok && covered.found.starts_with("1 open socket,"), "{covered:?}");
    }

    #[test]
    fn settings_of_the_kernel_are_judged_by_value_and_by_absence() {
        let on = |_: &str| Some("1".to_owned());
        let off = |_: &str| Some("0".to_owned());
        let absent = |_: &str| None;
        assert!(link_protection(on).is_ok);
        let row = link_protection(off);
        assert!(!row.is_ok && row.fix.contains("fs.protected_fifos=1"), "{row:?}");
        let scope = |read: fn(&str) -> Option<String>| {
            at_least("ptrace scope", "kernel/yama/ptrace_scope", read, TRACING).is_ok
        };
        assert!(scope(on) && !scope(off) && !scope(absent));
        assert!(terminal_injection(off).is_ok && !terminal_injection(on).is_ok);
        assert!(!terminal_injection(absent).is_ok);
    }

    #[test]
    fn long_lists_are_cut() {
        let names: Vec<_> = (0..8).map(|it| it.to_string()).collect();
        assert_eq!(listed(&names, String::new()), Err("0, 1, 2, 3, 4 and 3 more".to_owned()));
        assert_eq!(listed(&[], "well".to_owned()), Ok("well".to_owned()));
    }
}

//! Unix accounts: who an executor runs as, and how such accounts come and go.
//!
//! An account may run executors when it is in Grove's group, is an ordinary account by its number,
//! and is neither root nor the daemon's own. Of its other groups only those with Grove's prefix come
//! along: membership of `docker` or `sudo` never reaches an agent.

use grove_core_api::isolation::UnixAccount;
use nix::unistd::{Gid, Group, Uid, User, geteuid, getgrouplist};
use std::ffi::CString;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// Numbers of ordinary accounts; those below are the system's, those above special.
const UIDS: std::ops::RangeInclusive<u32> = 1_000..=65_533;
/// Longest name; useradd(8) takes 32, and the prefix of the group has to fit.
const NAME_BYTES: usize = 32;
/// Where account tools are, whatever the caller's `PATH` is.
const TOOLS: [&str; 2] = ["/usr/sbin", "/sbin"];

/// The account that a process becomes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// Its name.
    pub name: String,
    /// Its user id.
    pub uid: Uid,
    /// Its own group.
    pub gid: Gid,
    /// Groups that come along.
    pub groups: Vec<Gid>,
    /// Its home directory.
    pub home: PathBuf,
    /// Its shell.
    pub shell: PathBuf,
}

/// Which accounts are Grove's.
#[derive(Clone, Debug)]
pub struct Rules {
    /// What the names of accounts begin with that Grove makes, such as `grove_`.
    pub prefix: String,
    /// Group that every account must be in which runs executors.
    pub group: String,
    /// The daemon's own account.
    pub service: String,
    /// Directory that homes of new accounts are made in.
    pub homes: PathBuf,
}

/// Why an account is not used.
#[derive(Debug, thiserror::Error)]
pub enum AccountError {
    /// It has no usable name.
    #[error(
        "`{0}` cannot be the name of an account: lower-case letters, digits, `_` and `-`, at most 32, beginning with a letter or `_`"
    )]
    Name(String),
    /// It is not there.
    #[error("there is no account `{0}`")]
    Absent(String),
    /// The group of Grove's accounts is not there.
    #[error("there is no group `{0}`; make it with `groupadd --system {0}`")]
    NoGroup(String),
    /// Name and number do not belong together: it was removed and made again.
    #[error(
        "the account `{name}` has the number {found}, not {expected}: it is another one than before"
    )]
    Replaced {
        /// The name.
        name: String,
        /// The number that was recorded.
        expected: u32,
        /// The number that it has now.
        found: u32,
    },
    /// It is not one that may run executors.
    #[error("the account `{name}` may not run executors: {why}")]
    Forbidden {
        /// The name.
        name: String,
        /// Why.
        why: String,
    },
    /// A tool of the host said no.
    #[error("{tool} failed: {said}")]
    Tool {
        /// The tool.
        tool: &'static str,
        /// Its own words.
        said: String,
    },
    /// The account database cannot be read.
    #[error("failed to look up accounts")]
    System(#[from] io::Error),
}

impl From<nix::Error> for AccountError {
    fn from(errno: nix::Error) -> Self {
        Self::System(errno.into())
    }
}

/// Whether a text can be the name of an account (useradd(8), without upper case).
#[must_use]
pub fn is_name(text: &str) -> bool {
    let is_first = |byte: u8| byte.is_ascii_lowercase() || byte == b'_';
    let is_rest = |byte: u8| is_first(byte) || byte.is_ascii_digit() || byte == b'-';
    text.len() <= NAME_BYTES
        && text.bytes().next().is_some_and(is_first)
        && text.bytes().all(is_rest)
}

/// Looks up any account, such as the daemon's own; all its groups are left out.
///
/// # Errors
/// `Name`, `Absent`, `System`.
pub fn plain(name: &str) -> Result<Identity, AccountError> {
    if !is_name(name) {
        return Err(AccountError::Name(name.to_owned()));
    }
    let user = User::from_name(name)?.ok_or_else(|| AccountError::Absent(name.to_owned()))?;
    Ok(Identity {
        name: user.name,
        uid: user.uid,
        gid: user.gid,
        groups: Vec::new(),
        home: user.dir,
        shell: user.shell,
    })
}

/// Name of the account that the caller runs as; its number when it has none.
#[must_use]
pub fn own_name() -> String {
    let user = User::from_uid(geteuid()).ok().flatten();
    user.map_or_else(|| geteuid().to_string(), |user| user.name)
}

impl Rules {
    /// The group of all accounts that may run executors.
    ///
    /// # Errors
    /// `NoGroup`, `System`.
    pub fn people(&self) -> Result<Gid, AccountError> {
        let group = Group::from_name(&self.group)?;
        let group = group.ok_or_else(|| AccountError::NoGroup(self.group.clone()))?;
        Ok(group.gid)
    }

    /// Looks up an account that may run executors.
    ///
    /// # Errors
    /// `Name`, `Absent`, `Forbidden`, `System`.
    pub fn resolve(&self, name: &str) -> Result<Identity, AccountError> {
        let mut identity = plain(name)?;
        let forbidden = |why: String| AccountError::Forbidden { name: name.to_owned(), why };
        if name == self.service {
            return Err(forbidden("it is the daemon's own".to_owned()));
        }
        let uid = identity.uid.as_raw();
        if !UIDS.contains(&uid) {
            return Err(forbidden(format!("{uid} is not the number of an ordinary account")));
        }
        let people = self.people()?;
        let c_name = CString::new(name).map_err(io::Error::other)?;
        let groups = getgrouplist(&c_name, identity.gid)?;
        if !groups.contains(&people) {
            return Err(forbidden(format!("it is not in the group `{}`", self.group)));
        }
        identity.groups = groups
            .into_iter()
            .filter(|gid| *gid == identity.gid || *gid == people || self.is_ours(*gid))
            .collect();
        Ok(identity)
    }

    /// The same, for an account that is known with its number.
    ///
    /// # Errors
    /// As [`Rules::resolve`], and `Replaced`.
    pub fn resolve_known(&self, account: &UnixAccount) -> Result<Identity, AccountError> {
        let identity = self.resolve(&account.name)?;
        let found = identity.uid.as_raw();
        if found == account.uid {
            return Ok(identity);
        }
        let (name, expected) = (account.name.clone(), account.uid);
        Err(AccountError::Replaced { name, expected, found })
    }

    fn is_ours(&self, gid: Gid) -> bool {
        let group = Group::from_gid(gid).ok().flatten();
        group.is_some_and(|group| group.name.starts_with(&self.prefix))
    }

    /// Whether Grove made the account.
    #[must_use]
    pub fn is_managed(&self, name: &str) -> bool {
        name.starts_with(&self.prefix)
    }

    /// Fails unless Grove made the account.
    ///
    /// # Errors
    /// `Forbidden`.
    pub fn check_managed(&self, name: &str) -> Result<(), AccountError> {
        if self.is_managed(name) {
            return Ok(());
        }
        let why = "Grove did not make it".to_owned();
        Err(AccountError::Forbidden { name: name.to_owned(), why })
    }

    /// Takes the account that is there, or makes a managed one: locked, without subordinate ids, its
    /// home closed to others.
    ///
    /// # Errors
    /// As [`Rules::resolve`]; `Forbidden` for a name without the prefix that is not there; `Tool`.
    pub fn ensure(&self, name: &str) -> Result<Identity, AccountError> {
        match self.resolve(name) {
            Err(AccountError::Absent(_)) if self.is_managed(name) => {}
            Err(AccountError::Absent(_)) => {
                let why = format!("it does not exist, and Grove makes only `{}…`", self.prefix);
                return Err(AccountError::Forbidden { name: name.to_owned(), why });
            }
            outcome => return outcome,
        }
        let home = self.homes.join(name);
        let home_text = home.to_string_lossy();
        let arguments = [
            "--create-home",
            "--home-dir",
            &home_text,
            "--shell",
            "/bin/bash",
            "--user-group",
            "--groups",
            &self.group,
            "--comment",
            "Grove",
            "-K",
            "SUB_UID_COUNT=0",
            "-K",
            "SUB_GID_COUNT=0",
            "-K",
            "HOME_MODE=0700",
            "--",
            name,
        ];
        tool("useradd", &arguments)?;
        self.resolve(name)
    }

    /// Removes a managed account; its files stay where they are.
    ///
    /// # Errors
    /// `Forbidden` for one that Grove did not make, `Tool` when something of it still runs.
    pub fn remove(&self, name: &str) -> Result<(), AccountError> {
        self.check_managed(name)?;
        tool("userdel", &["--", name]).map(drop)
    }
}

/// Runs one of the host's account tools: fixed program, fixed environment, no shell.
fn tool(name: &'static str, arguments: &[&str]) -> Result<Output, AccountError> {
    let path = TOOLS.iter().map(|at| Path::new(at).join(name)).find(|path| path.is_file());
    let path =
        path.ok_or_else(|| AccountError::Tool { tool: name, said: "not installed".into() })?;
    #[expect(clippy::disallowed_methods, reason = "the one home of account tools")]
    let mut command = Command::new(path);
    let output = command
        .args(arguments)
        .env_clear()
        .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
        .env("LC_ALL", "C")
        .stdin(Stdio::null())
        .output()?;
    if output.status.success() {
        return Ok(output);
    }
    let said = String::from_utf8_lossy(&output.stderr);
    let said = said.lines().next_back().unwrap_or("no reason given").to_owned();
    Err(AccountError::Tool { tool: name, said })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn rules() -> Rules {
        Rules {
            prefix: "grove_".to_owned(),
            group: "grove-users".to_owned(),
            service: "grove".to_owned(),
            homes: PathBuf::from("/nonexistent"),
        }
    }

    #[test]
    fn names_are_those_that_useradd_takes() {
        for name in ["ana", "grove_ana", "_x", "a-b", "a1"] {
            assert!(is_name(name), "{name}");
        }
        let long = "a".repeat(33);
        for name in ["", "1a", "-a", "Ana", "a b", "a\nroot", "../x", "a:b", "a\0", "ä", &long] {
            assert!(!is_name(name), "{name:?}");
        }
    }

    #[test]
    fn root_and_accounts_of_the_system_never_run_executors() {
        for name in ["root", "nobody", "daemon", "a\nroot", "../root", "grove"] {
            assert!(rules().resolve(name).is_err(), "{name}");
        }
        assert!(matches!(rules().remove("root"), Err(AccountError::Forbidden { .. })));
        assert!(matches!(rules().ensure("ana-is-absent"), Err(AccountError::Forbidden { .. })));
    }

    proptest! {
        #[test]
        fn no_name_with_a_separator_passes(text in "\\PC*") {
            let is_odd = text.contains(['/', ':', '.', '\n', ' ', '\0']) || text.starts_with('-');
            prop_assert!(!(is_odd && is_name(&text)));
        }
    }
}

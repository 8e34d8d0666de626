//! The environments of processes: executors' made from nothing, the daemon's from its monitor's.

use crate::account::Identity;
use nix::unistd::{User, geteuid};
use std::ffi::OsString;
use std::path::Path;

/// Where programs are looked for when nobody says.
const DEFAULT_PATH: &str = "/usr/local/bin:/usr/bin:/bin";

/// The environment of a process: seven names and nothing else.
#[must_use]
pub fn fresh(person: Option<&Identity>, tmp: &Path) -> Vec<(String, OsString)> {
    let own = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
    let (home, name, shell, path, lang) = match person {
        Some(person) => {
            let name = OsString::from(&person.name);
            let home = person.home.clone().into_os_string();
            (
                home,
                name,
                person.shell.clone().into_os_string(),
                DEFAULT_PATH.into(),
                "C.UTF-8".into(),
            )
        }
        // Of the monitor's own environment only what says where the person's things are is taken
        // over; secrets in it never reach an executor.
        None => {
            let account = User::from_uid(geteuid()).ok().flatten();
            let number = geteuid().to_string();
            let name = account.as_ref().map_or(number, |it| it.name.clone());
            let home = account.as_ref().map(|it| it.dir.clone().into_os_string());
            let shell = account.as_ref().map(|it| it.shell.clone().into_os_string());
            (
                own("HOME").or(home).unwrap_or_else(|| "/".into()),
                name.into(),
                shell.filter(|it| !it.is_empty()).unwrap_or_else(|| "/bin/sh".into()),
                own("PATH").unwrap_or_else(|| DEFAULT_PATH.into()),
                own("LANG").unwrap_or_else(|| "C.UTF-8".into()),
            )
        }
    };
    [
        ("HOME", home),
        ("USER", name.clone()),
        ("LOGNAME", name),
        ("SHELL", shell),
        ("PATH", path),
        ("LANG", lang),
        ("TMPDIR", tmp.as_os_str().to_owned()),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .to_vec()
}

/// The caller's own environment, which holds provider keys, but for what `sudo` left in it.
///
/// git takes `SUDO_UID` for a reason to trust that account's repositories. `service` is the account
/// that the process will run as.
#[must_use]
pub fn inherited(service: Option<&Identity>) -> Vec<(String, OsString)> {
    let own = std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value)))
        .filter(|(name, _)| !name.starts_with("SUDO_"));
    let Some(service) = service else { return own.collect() };
    let person = fresh(Some(service), Path::new("/tmp"));
    let is_replaced = |name: &str| person.iter().any(|(it, _)| it == name);
    own.filter(|(name, _)| !is_replaced(name)).chain(person.iter().cloned()).collect()
}

//! Finding the instance: the URL that was named, or the run file in Grove's home.

use crate::config::Config;
use crate::error::{CliError, Exit};
use crate::host::process;
use grove_core_api::Secret;
use grove_core_api::monitor::RunFile;
use std::fs;
use std::io;
use std::path::Path;

/// What the run file says.
#[derive(Debug)]
pub(crate) enum Running {
    /// Grove runs.
    Yes(RunFile),
    /// There is a run file, but its process is gone.
    Stale,
    /// There is none.
    No,
}

/// Looks whether Grove runs in a home.
pub(crate) fn running(home: &Path) -> Result<Running, CliError> {
    let path = home.join("run/grove.json");
    let bytes = match fs::read(&path) {
        Ok(bytes) => bytes,
        Err(error) if is_absent(&error) => return Ok(Running::No),
        Err(error) => return Err(CliError::home("read", &path, &error)),
    };
    let Ok(run) = serde_json::from_slice::<RunFile>(&bytes) else { return Ok(Running::Stale) };
    let is_alive = process::start_ticks(run.pid) == Some(run.start_ticks);
    Ok(if is_alive { Running::Yes(run) } else { Running::Stale })
}

fn is_absent(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

/// Returns the URL of the instance.
///
/// # Errors
/// `NotRunning` when none was named and none runs in the home.
pub(crate) fn require_url(config: &Config) -> Result<String, CliError> {
    if let Some(url) = &config.url.value {
        return Ok(url.clone());
    }
    let home = config.home.value.display();
    let message = match running(&config.home.value)? {
        Running::Yes(run) => return Ok(run.url),
        Running::Stale => format!("Grove ran in {home}, but its process is gone"),
        Running::No => format!("Grove is not running in {home}"),
    };
    let hint = "Start it with `grove up`, or name an instance with --url.";
    Err(CliError::new(Exit::NotRunning, message, hint))
}

/// Returns the token to show: the one of the environment, else the owner's in Grove's home where that
/// can be read. The owner's goes to no other instance than that of the home.
///
/// # Errors
/// When the home's run file is there but cannot be read.
pub(crate) fn token(config: &Config) -> Result<Option<Secret>, CliError> {
    if config.token.is_some() {
        return Ok(config.token.clone());
    }
    if let Some(url) = &config.url.value {
        let own = match running(&config.home.value)? {
            Running::Yes(run) => run.url,
            Running::Stale | Running::No => return Ok(None),
        };
        if own.trim_end_matches('/') != url.trim_end_matches('/') {
            return Ok(None);
        }
    }
    let path = config.home.value.join("keys/owner.token");
    match fs::read_to_string(&path) {
        Ok(text) if !text.trim().is_empty() => Ok(Some(Secret::new(text.trim()))),
        Ok(_) => Ok(None),
        // There is none where nobody signs in, and whoever may not read it is not the owner.
        Err(error)
            if matches!(
                error.kind(),
                io::ErrorKind::NotFound | io::ErrorKind::PermissionDenied
            ) =>
        {
            Ok(None)
        }
        Err(error) => Err(CliError::home("read", &path, &error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(home: &Path, content: &str) {
        fs::create_dir_all(home.join("run")).unwrap();
        fs::write(home.join("run/grove.json"), content).unwrap();
    }

    #[test]
    fn the_owners_token_goes_to_no_other_instance() {
        let home = tempfile::tempdir().unwrap();
        fs::create_dir_all(home.path().join("keys")).unwrap();
        fs::write(home.path().join("keys/owner.token"), "grove_pat_owner\n").unwrap();
        let shown = |url: Option<&str>| {
            let globals = crate::args::Globals {
                home: Some(home.path().to_owned()),
                url: url.map(str::to_owned),
                ..crate::args::Globals::default()
            };
            let mut config = Config::resolve(&globals).unwrap();
            config.token = None;
            token(&config).unwrap().map(|it| it.expose().to_owned())
        };
        assert_eq!(shown(None).as_deref(), Some("grove_pat_owner"));
        assert_eq!(shown(Some("http://127.0.0.1:1")), None);
        let pid = i32::try_from(std::process::id()).unwrap();
        let start_ticks = process::start_ticks(pid).unwrap();
        let url = "http://127.0.0.1:1/".to_owned();
        let run = RunFile { pid, start_ticks, url, version: "1".to_owned() };
        write(home.path(), &serde_json::to_string(&run).unwrap());
        assert_eq!(shown(Some("http://127.0.0.1:1")).as_deref(), Some("grove_pat_owner"));
        assert_eq!(shown(Some("http://127.0.0.1:2")), None);
    }

    #[test]
    fn only_a_run_file_of_a_live_process_counts() {
        let home = tempfile::tempdir().unwrap();
        assert!(matches!(running(home.path()), Ok(Running::No)));
        write(home.path(), "not json");
        assert!(matches!(running(home.path()), Ok(Running::Stale)));
        let pid = i32::try_from(std::process::id()).unwrap();
        let start_ticks = process::start_ticks(pid).unwrap();
        let mut run =
            RunFile { pid, start_ticks, url: "http://x".to_owned(), version: "1".to_owned() };
        write(home.path(), &serde_json::to_string(&run).unwrap());
        assert!(matches!(running(home.path()), Ok(Running::Yes(found)) if found == run));
        run.start_ticks += 1;
        write(home.path(), &serde_json::to_string(&run).unwrap());
        assert!(matches!(running(home.path()), Ok(Running::Stale)));
    }
}

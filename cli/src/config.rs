//! Where settings come from: arguments, then the environment, then defaults.
//!
//! The only file of the command line that reads the environment.

use crate::args::Globals;
use crate::error::CliError;
use grove_core_api::Secret;
use serde::Serialize;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// Port that Grove listens on when none is named.
pub(crate) const DEFAULT_PORT: u16 = 4768;

/// Where a setting came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Source {
    /// A command-line argument.
    Argument,
    /// An environment variable.
    Environment,
    /// Grove's own choice.
    Default,
}

/// A setting with its origin.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Setting<T> {
    pub(crate) value: T,
    pub(crate) source: Source,
}

/// All settings of one call.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Config {
    /// URL of the instance, when one was named.
    pub(crate) url: Setting<Option<String>>,
    /// Grove's home.
    pub(crate) home: Setting<PathBuf>,
    /// Port to listen on.
    pub(crate) port: Setting<u16>,
    /// Directory that commands act in.
    pub(crate) cwd: Setting<PathBuf>,
    /// Directory of the repository that sessions are made in.
    pub(crate) project_dir: Setting<Option<PathBuf>>,
    /// Title of new sessions.
    pub(crate) session_name: Setting<Option<String>>,
    /// Personal access token for the instance; never shown.
    #[serde(skip)]
    pub(crate) token: Option<Secret>,
    /// Whether there is a display that a browser could open on.
    pub(crate) has_display: Setting<bool>,
}

type Lookup<'a> = &'a dyn Fn(&str) -> Option<OsString>;

impl Config {
    pub(crate) fn resolve(globals: &Globals) -> Result<Self, CliError> {
        let present = std::env::current_dir().map_err(|error| {
            CliError::usage(
                format!("failed to find the working directory: {error}"),
                "Change to a directory that exists.",
            )
        })?;
        Self::from(globals, &present, &|name| std::env::var_os(name))
    }

    fn from(globals: &Globals, present: &Path, lookup: Lookup<'_>) -> Result<Self, CliError> {
        // An empty variable counts as absent, as it does for most programs.
        let lookup = |name: &str| lookup(name).filter(|value| !value.is_empty());
        let cwd = match &globals.cwd {
            Some(path) => argument(present.join(path)),
            None => default(present.to_owned()),
        };
        let at_cwd = |path: PathBuf| cwd.value.join(path);
        let text = |name: &str| match lookup(name) {
            Some(value) => environment(Some(value.to_string_lossy().into_owned())),
            None => default(None),
        };
        let project_dir = match lookup("GROVE_PROJECT_DIR") {
            Some(path) => environment(Some(at_cwd(path.into()))),
            None => default(None),
        };
        let url = match &globals.url {
            Some(url) => argument(Some(url.clone())),
            None => text("GROVE_URL"),
        };
        let has_display = lookup("DISPLAY").or_else(|| lookup("WAYLAND_DISPLAY")).is_some();
        Ok(Self {
            url,
            home: home(globals, &cwd.value, &lookup)?,
            port: port(&lookup)?,
            project_dir,
            session_name: text("GROVE_SESSION_NAME"),
            token: text("GROVE_TOKEN").value.map(|token| Secret::new(token.trim())),
            has_display: environment(has_display),
            cwd,
        })
    }
}

/// Whether colours are wanted at all (<https://no-color.org>).
pub(crate) fn has_colour() -> bool {
    std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}

fn home(
    globals: &Globals,
    cwd: &Path,
    lookup: &impl Fn(&str) -> Option<OsString>,
) -> Result<Setting<PathBuf>, CliError> {
    if let Some(home) = &globals.home {
        return Ok(argument(cwd.join(home)));
    }
    if let Some(home) = lookup("GROVE_HOME") {
        return Ok(environment(cwd.join(home)));
    }
    match lookup("HOME") {
        Some(home) => Ok(default(Path::new(&home).join(".grove"))),
        None => Err(CliError::usage(
            "failed to find Grove's home: HOME is not set",
            "Name a directory with --home or GROVE_HOME.",
        )),
    }
}

fn port(lookup: &impl Fn(&str) -> Option<OsString>) -> Result<Setting<u16>, CliError> {
    let Some(text) = lookup("GROVE_PORT") else { return Ok(default(DEFAULT_PORT)) };
    match text.to_str().and_then(|text| text.parse().ok()) {
        Some(port) => Ok(environment(port)),
        None => Err(CliError::usage(
            format!("GROVE_PORT is not a port: {}", text.display()),
            "Set it to a number from 0 (any free port) to 65535.",
        )),
    }
}

fn argument<T>(value: T) -> Setting<T> {
    Setting { value, source: Source::Argument }
}

fn environment<T>(value: T) -> Setting<T> {
    Setting { value, source: Source::Environment }
}

fn default<T>(value: T) -> Setting<T> {
    Setting { value, source: Source::Default }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolve(globals: &Globals, variables: &[(&str, &str)]) -> Result<Config, CliError> {
        let lookup = |name: &str| {
            variables.iter().find(|(key, _)| *key == name).map(|(_, value)| OsString::from(value))
        };
        Config::from(globals, Path::new("/here"), &lookup)
    }

    #[test]
    fn an_argument_beats_the_environment_and_that_beats_the_default() {
        let mut globals = Globals::default();
        let config = resolve(&globals, &[("HOME", "/home/ana")]).unwrap();
        assert_eq!(config.home, default("/home/ana/.grove".into()));
        assert_eq!(config.port, default(DEFAULT_PORT));
        let variables =
            [("GROVE_HOME", "/srv/grove"), ("GROVE_PORT", "5000"), ("GROVE_URL", "http://a")];
        let config = resolve(&globals, &variables).unwrap();
        assert_eq!(config.home, environment("/srv/grove".into()));
        assert_eq!(config.port, environment(5000));
        assert_eq!(config.url, environment(Some("http://a".to_owned())));
        globals.home = Some("mine".into());
        globals.url = Some("http://b".to_owned());
        globals.cwd = Some("there".into());
        let config = resolve(&globals, &variables).unwrap();
        assert_eq!(config.home, argument("/here/there/mine".into()));
        assert_eq!(config.url, argument(Some("http://b".to_owned())));
    }

    #[test]
    fn empty_variables_count_as_absent_and_bad_ones_are_named() {
        let globals = Globals::default();
        let config = resolve(&globals, &[("HOME", "/h"), ("GROVE_HOME", ""), ("GROVE_PORT", "")]);
        assert_eq!(config.unwrap().home, default("/h/.grove".into()));
        let error = resolve(&globals, &[("HOME", "/h"), ("GROVE_PORT", "http")]).unwrap_err();
        assert!(error.problem.detail.contains("GROVE_PORT"));
        assert_eq!(error.exit.code(), 2);
        assert!(resolve(&globals, &[]).is_err());
    }

    #[test]
    fn the_project_and_the_session_name_come_from_the_environment() {
        let variables = [
            ("HOME", "/h"),
            ("GROVE_PROJECT_DIR", "shop"),
            ("GROVE_SESSION_NAME", "fix it"),
            ("GROVE_TOKEN", "grove_pat_private"),
        ];
        let config = resolve(&Globals::default(), &variables).unwrap();
        assert_eq!(config.project_dir.value, Some("/here/shop".into()));
        assert_eq!(config.session_name.value.as_deref(), Some("fix it"));
        assert_eq!(config.token.as_ref().map(Secret::expose), Some("grove_pat_private"));
        let shown = format!("{config:?} {}", serde_json::to_string(&config).unwrap());
        assert!(!shown.contains("private"), "{shown}");
    }
}

//! `grove repo add`.

use crate::client::{Api, until_cloned};
use crate::error::CliError;
use crate::output::Output;
use grove_core_api::rest::repos::{CreateRepo, Repo, RepoState};
use std::path::Path;

pub(super) async fn run(
    api: &Api,
    source: String,
    name: Option<String>,
    is_waiting: bool,
    output: &Output,
) -> Result<(), CliError> {
    let mut answer = api.post::<Repo>("/repos", &CreateRepo { source, name }).await?;
    if is_waiting {
        answer = until_cloned(api, answer.value).await?;
    }
    output.answer(&answer, |repo| {
        let state = match repo.state {
            RepoState::Ready => "is ready",
            RepoState::Cloning => "is being cloned",
            RepoState::Failed => "could not be cloned",
        };
        format!("Repository {} ({}) {state}", repo.name, repo.id.short())
    })
}

/// Makes a path absolute; a URL stays as it is.
pub(super) fn source(text: &str, cwd: &Path) -> Result<String, CliError> {
    if is_url(text) {
        return Ok(text.to_owned());
    }
    let path = cwd.join(text).canonicalize().map_err(|error| {
        CliError::usage(
            format!("no such directory: {text} ({error})"),
            "Write the path of a repository on this machine, or a URL as for `git clone`.",
        )
    })?;
    path.into_os_string().into_string().map_err(|path| {
        CliError::usage(
            format!("the path is not UTF-8: {}", path.display()),
            "Rename the directory, or register a link to it that is.",
        )
    })
}

/// `scheme://…` or git's own short form `[user@]host:path`, which needs a colon before any slash.
fn is_url(text: &str) -> bool {
    let has_host = text.split_once(':').is_some_and(|(host, _)| !host.contains('/'));
    text.contains("://") || (has_host && !text.starts_with('.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_stay_and_paths_become_absolute() {
        let directory = tempfile::tempdir().unwrap();
        let cwd = directory.path().canonicalize().unwrap();
        std::fs::create_dir(cwd.join("shop:eu")).unwrap();
        for url in ["https://example.org/shop.git", "git@example.org:shop.git", "host:shop"] {
            assert_eq!(source(url, &cwd).unwrap(), url);
        }
        let shop = cwd.join("shop:eu").display().to_string();
        assert_eq!(source("./shop:eu", &cwd).unwrap(), shop);
        assert_eq!(source(&shop, Path::new("/")).unwrap(), shop);
        assert_eq!(source("none", &cwd).unwrap_err().exit.code(), 2);
    }
}

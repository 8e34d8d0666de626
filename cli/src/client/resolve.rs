//! From what people type to ids: names, ends of ids, directories.

use super::http::Api;
use crate::error::{CliError, Exit};
use grove_core_api::event::Topic;
use grove_core_api::ids::IdRef;
use grove_core_api::limits::PAGE_MAX;
use grove_core_api::rest::boards::Board;
use grove_core_api::rest::grants::Group;
use grove_core_api::rest::repos::Repo;
use grove_core_api::rest::sessions::Session;
use grove_core_api::rest::users::User;
use grove_core_api::{BoardId, Page, PageQuery};
use serde::de::DeserializeOwned;
use std::path::{Path, PathBuf};

/// Pages read when looking for a name; whoever has more names things by id.
const PAGES: usize = 10;

async fn all<T: DeserializeOwned>(api: &Api, path: &str) -> Result<Vec<T>, CliError> {
    let mut items = Vec::new();
    let mut query = PageQuery { limit: i64::try_from(PAGE_MAX).ok(), cursor: None };
    for _ in 0..PAGES {
        let page = api.get::<Page<T>>(path, &query).await?.value;
        items.extend(page.items);
        query.cursor = page.next_cursor;
        if query.cursor.is_none() {
            break;
        }
    }
    Ok(items)
}

/// Finds a repository by name, id or the directory it was registered from.
pub(crate) async fn repo(api: &Api, text: &str, cwd: &Path) -> Result<Repo, CliError> {
    let repos = all::<Repo>(api, "/repos").await?;
    let directory = cwd.join(text).canonicalize().ok();
    let is_named = |repo: &&Repo| {
        repo.name == text || directory.as_deref().is_some_and(|it| Path::new(&repo.source) == it)
    };
    if let Some(found) = repos.iter().find(is_named) {
        return Ok(found.clone());
    }
    if text.parse::<IdRef>().is_ok() {
        return Ok(api.get(&format!("/repos/{text}"), &()).await?.value);
    }
    Err(unknown("repository", text, repos.iter().map(|repo| repo.name.as_str())))
}

/// Finds the repository of a directory; without a match, the only one there is.
pub(crate) async fn repo_at(api: &Api, directory: &Path) -> Result<Repo, CliError> {
    let repos = all::<Repo>(api, "/repos").await?;
    let root = repository_root(directory);
    let is_here = |repo: &&Repo| root.as_deref().is_some_and(|it| Path::new(&repo.source) == it);
    if let Some(found) = repos.iter().find(is_here) {
        return Ok(found.clone());
    }
    if let (None, [only]) = (&root, repos.as_slice()) {
        return Ok(only.clone());
    }
    let hint = match root {
        Some(root) => format!("Register it with `grove repo add {}`.", root.display()),
        None => "Name one with --repo, or register one with `grove repo add`.".to_owned(),
    };
    let message = format!("no registered repository belongs to {}", directory.display());
    Err(CliError::new(Exit::NotFound, message, hint))
}

fn repository_root(directory: &Path) -> Option<PathBuf> {
    let directory = directory.canonicalize().ok()?;
    directory.ancestors().find(|it| it.join(".git").exists()).map(Path::to_owned)
}

/// Finds a board by name, if there is one.
pub(crate) async fn find_board(api: &Api, name: &str) -> Result<Option<Board>, CliError> {
    let is_it = |board: &Board| board.name == name && board.archived_at_ms.is_none();
    Ok(all::<Board>(api, "/boards").await?.into_iter().find(is_it))
}

/// Finds a board by name or id.
pub(crate) async fn board_id(api: &Api, text: &str) -> Result<BoardId, CliError> {
    let boards = all::<Board>(api, "/boards").await?;
    if let Some(found) = boards.iter().find(|board| board.name == text) {
        return Ok(found.id);
    }
    if text.parse::<IdRef>().is_ok() {
        return Ok(api.get::<Board>(&format!("/boards/{text}"), &()).await?.value.id);
    }
    Err(unknown("board", text, boards.iter().map(|board| board.name.as_str())))
}

/// Finds what can be followed: a board by name or id, a session by id. `board:` or `session:` before
/// it says which.
pub(crate) async fn topic(api: &Api, text: &str) -> Result<Topic, CliError> {
    let session = async |id: &str| {
        let found = api.get::<Session>(&format!("/sessions/{id}"), &()).await;
        found.map(|it| Topic::Session(it.value.id))
    };
    match text.split_once(':') {
        Some(("board", board)) => return board_id(api, board).await.map(Topic::Board),
        Some(("session", id)) if id.parse::<IdRef>().is_ok() => return session(id).await,
        Some(_) | None => {}
    }
    match board_id(api, text).await {
        Ok(board) => Ok(Topic::Board(board)),
        Err(error) if error.exit.code() == Exit::NotFound.code() && is_id(text) => {
            session(text).await
        }
        Err(error) => Err(error),
    }
}

fn is_id(text: &str) -> bool {
    text.parse::<IdRef>().is_ok()
}

/// Finds a person by name or id.
pub(crate) async fn user(api: &Api, text: &str) -> Result<User, CliError> {
    let users = all::<User>(api, "/users").await?;
    if let Some(found) = users.iter().find(|user| user.name == text) {
        return Ok(found.clone());
    }
    if text.parse::<IdRef>().is_ok() {
        return Ok(api.get(&format!("/users/{text}"), &()).await?.value);
    }
    Err(unknown("person", text, users.iter().map(|user| user.name.as_str())))
}

/// Finds a group by name or id.
pub(crate) async fn group(api: &Api, text: &str) -> Result<Group, CliError> {
    let groups = all::<Group>(api, "/groups").await?;
    if let Some(found) = groups.iter().find(|group| group.name == text) {
        return Ok(found.clone());
    }
    if text.parse::<IdRef>().is_ok() {
        return Ok(api.get(&format!("/groups/{text}"), &()).await?.value);
    }
    Err(unknown("group", text, groups.iter().map(|group| group.name.as_str())))
}

/// Finds whom a grant is for: a person by name, a group by name, or either by id.
pub(crate) async fn subject(api: &Api, text: &str) -> Result<String, CliError> {
    match user(api, text).await {
        Ok(user) => Ok(user.id.to_string()),
        Err(error) if error.exit.code() == Exit::NotFound.code() => {
            Ok(group(api, text).await?.id.to_string())
        }
        Err(error) => Err(error),
    }
}

fn unknown<'a>(noun: &str, text: &str, names: impl Iterator<Item = &'a str>) -> CliError {
    let names: Vec<&str> = names.take(20).collect();
    let hint = if names.is_empty() {
        format!("There is no {noun} yet.")
    } else {
        format!("There are: {}.", names.join(", "))
    };
    CliError::new(Exit::NotFound, format!("no {noun} `{text}`"), hint)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn the_root_of_a_repository_is_found_from_below() {
        let directory = tempfile::tempdir().unwrap();
        let root = directory.path().canonicalize().unwrap();
        fs::create_dir_all(root.join("shop/src/deep")).unwrap();
        assert_eq!(repository_root(&root.join("shop/src/deep")), None);
        // In a worktree `.git` is a file.
        fs::write(root.join("shop/.git"), "gitdir: elsewhere").unwrap();
        assert_eq!(repository_root(&root.join("shop/src/deep")), Some(root.join("shop")));
    }

    #[test]
    fn an_unknown_name_lists_those_that_are_there() {
        let error = unknown("board", "Dmo", ["Demo", "Team"].into_iter());
        assert_eq!(error.exit.code(), 3);
        assert_eq!(error.problem.hint.as_deref(), Some("There are: Demo, Team."));
    }
}

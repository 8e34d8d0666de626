//! The demo of `grove up --demo`: a small repository, a board, and sessions at work on it.
//!
//! Made once; a board of this name means that it is there.

use super::session::create;
use crate::client::{Api, find_board, until_cloned};
use crate::error::{CliError, Exit};
use crate::host::process;
use crate::output::Output;
use grove_core_api::rest::boards::{Board, CreateBoard};
use grove_core_api::rest::instance::Instance;
use grove_core_api::rest::repos::{CreateRepo, Repo};
use grove_core_api::rest::sessions::CreateSession;
use grove_core_api::{BoardId, Page, RepoId};
use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

/// Name of the board.
const BOARD: &str = "Demo";
/// Name of the repository.
const REPO: &str = "slug";
/// The agent that needs neither account nor network.
const AGENT: &str = "rehearsal";
/// Scenarios that are shown, in the order of their cards.
const SCENARIOS: [&str; 5] = ["tour", "fix-tests", "ask-first", "rate-limit", "spawn-child"];
/// Cards in a row, and the way from one to the next in board units.
const COLUMNS: usize = 3;
const STEP: [u16; 2] = [380, 240];

/// The files of the repository: path, content, whether it can be executed.
const FILES: [(&str, &str, bool); 3] = [
    ("README.md", include_str!("../../../deploy/dev/sample/README.md"), false),
    ("slug.sh", include_str!("../../../deploy/dev/sample/slug.sh"), false),
    ("test.sh", include_str!("../../../deploy/dev/sample/test.sh"), true),
];

/// A session of the demo.
struct Card {
    title: String,
    model: String,
    prompt: String,
}

/// Fills the demo board, unless it is there.
pub(super) async fn fill(api: &Api, home: &Path, output: &Output) -> Result<(), CliError> {
    if find_board(api, BOARD).await?.is_some() {
        return Ok(());
    }
    let instance = api.get::<Instance>("/instance", &()).await?.value;
    let repo = repo(api, home).await?;
    let board = CreateBoard { name: BOARD.to_owned(), ..CreateBoard::default() };
    let board = api.post::<Board>("/boards", &board).await?.value;
    let cards = cards(&instance);
    let count = cards.len();
    for (place, card) in cards.into_iter().enumerate() {
        create(api, &session(board.id, repo, place, card)).await?;
    }
    if !output.is_json() {
        output.note(&format!("The board {BOARD} has {count} sessions at work."));
    }
    Ok(())
}

async fn repo(api: &Api, home: &Path) -> Result<RepoId, CliError> {
    let repos = api.get::<Page<Repo>>("/repos", &()).await?.value.items;
    if let Some(found) = repos.iter().find(|repo| repo.name == REPO) {
        return Ok(until_cloned(api, found.clone()).await?.value.id);
    }
    let directory = home.join("sample").join(REPO);
    write_sample(&directory)?;
    let source = directory.canonicalize().unwrap_or(directory).display().to_string();
    let body = CreateRepo { source, name: Some(REPO.to_owned()) };
    let made = api.post::<Repo>("/repos", &body).await?.value;
    Ok(until_cloned(api, made).await?.value.id)
}

fn cards(instance: &Instance) -> Vec<Card> {
    let agent = instance.agents.iter().find(|agent| agent.name == AGENT);
    let models = agent.map(|agent| agent.models.as_slice()).unwrap_or_default();
    let card = |name: &&str| {
        let model = models.iter().find(|model| model.name == *name)?;
        let prompt = model.example_prompt.clone()?;
        Some(Card { title: model.title.clone(), model: model.name.clone(), prompt })
    };
    SCENARIOS.iter().filter_map(card).collect()
}

fn session(board: BoardId, repo: RepoId, place: usize, card: Card) -> CreateSession {
    // There are few cards, so the place fits.
    let at =
        |index: usize, step: u16| f64::from(u16::try_from(index).unwrap_or(0)) * f64::from(step);
    CreateSession {
        board_id: Some(board),
        repo_id: Some(repo),
        title: Some(card.title),
        prompt: Some(card.prompt),
        agent: Some(AGENT.to_owned()),
        model: Some(card.model),
        pos: Some([at(place % COLUMNS, STEP[0]), at(place / COLUMNS, STEP[1])]),
        ..CreateSession::default()
    }
}

/// Writes the repository, unless an earlier call has finished it.
fn write_sample(directory: &Path) -> Result<(), CliError> {
    let failed = |error: io::Error| CliError::home("write", directory, &error);
    if head(directory).is_some() {
        return Ok(());
    }
    fs::create_dir_all(directory).map_err(failed)?;
    for (name, content, is_executable) in FILES {
        let path = directory.join(name);
        fs::write(&path, content).map_err(failed)?;
        let mode = if is_executable { 0o755 } else { 0o644 };
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).map_err(failed)?;
    }
    git(directory, &["init", "--quiet", "--initial-branch=main"])?;
    git(directory, &["add", "--all"])?;
    let author = ["-c", "user.name=Grove", "-c", "user.email=grove@localhost"];
    let rest = ["-c", "commit.gpgsign=false", "commit", "--quiet", "-m", "Add slugify"];
    git(directory, &[author.as_slice(), rest.as_slice()].concat())
}

fn head(directory: &Path) -> Option<()> {
    // Only a repository of its own counts, not one that the home happens to lie in.
    let is_own = directory.join(".git").is_dir();
    let output = process::git(directory, ["rev-parse", "--verify", "--quiet", "HEAD"]);
    (is_own && output.ok()?.status.success()).then_some(())
}

fn git(directory: &Path, arguments: &[&str]) -> Result<(), CliError> {
    let what = arguments.join(" ");
    let hint = "`grove doctor` tries out git.";
    match process::git(directory, arguments) {
        Ok(output) if output.status.success() => Ok(()),
        Ok(output) => {
            let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
            let message = format!("`git {what}` failed: {said}");
            Err(CliError::new(Exit::Unavailable, message, hint))
        }
        Err(error) => {
            let message = format!("`git {what}` cannot be started: {error}");
            Err(CliError::new(Exit::Unavailable, message, hint))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use grove_core_api::isolation::IsolationMode;
    use grove_core_api::rest::instance::{AgentInfo, AuthMode, ModelInfo};

    #[test]
    fn the_sample_is_a_repository_with_one_commit_and_is_written_once() {
        let home = tempfile::tempdir().unwrap();
        let directory = home.path().join("sample/slug");
        // What an interrupted first call may leave behind.
        fs::create_dir_all(directory.join(".git")).unwrap();
        write_sample(&directory).unwrap();
        fs::write(directory.join("slug.sh"), "mine").unwrap();
        write_sample(&directory).unwrap();
        assert_eq!(fs::read_to_string(directory.join("slug.sh")).unwrap(), "mine");
        let log = process::git(&directory, ["log", "--format=%an %s", "main"]).unwrap();
        assert_eq!(String::from_utf8_lossy(&log.stdout), "Grove Add slugify\n");
        let files = process::git(&directory, ["ls-tree", "--format=%(objectmode) %(path)", "main"]);
        assert_eq!(
            String::from_utf8_lossy(&files.unwrap().stdout),
            "100644 README.md\n100644 slug.sh\n100755 test.sh\n"
        );
    }

    #[test]
    fn scenarios_that_are_not_there_are_left_out_and_cards_stand_in_three_columns() {
        let model = |name: &str| ModelInfo {
            name: name.to_owned(),
            title: name.to_owned(),
            example_prompt: Some(format!("try {name}")),
        };
        let models = ["auto", "spawn-child", "rate-limit", "ask-first", "tour"].map(model).into();
        let agent = AgentInfo {
            name: AGENT.to_owned(),
            title: String::new(),
            description: String::new(),
            models,
        };
        let instance = Instance {
            version: String::new(),
            auth: AuthMode::Anonymous,
            isolation: IsolationMode::Off,
            agents: vec![agent],
        };
        let ids = (BoardId(uuid::Uuid::nil()), RepoId(uuid::Uuid::nil()));
        let cards = cards(&instance).into_iter().enumerate();
        let placed: Vec<_> = cards
            .map(|(place, card)| session(ids.0, ids.1, place, card))
            .map(|session| (session.model.unwrap(), session.pos.unwrap()))
            .collect();
        let expected = [
            ("tour".to_owned(), [0.0, 0.0]),
            ("ask-first".to_owned(), [380.0, 0.0]),
            ("rate-limit".to_owned(), [760.0, 0.0]),
            ("spawn-child".to_owned(), [0.0, 240.0]),
        ];
        assert_eq!(placed, expected);
    }
}

//! The browser's types are written from the Rust types: `UPDATE=1 cargo test -p grove-core-api`.
#![expect(clippy::expect_used, reason = "a failing test helper should stop the test")]

use grove_core_api as api;
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use ts_rs::{Config, TS};

fn export(directory: &Path) {
    let config = Config::new().with_out_dir(directory).with_large_int("number");
    macro_rules! write { ($($kind:ty),* $(,)?) => { $(<$kind>::export_all(&config).expect("exports");)* }; }
    write!(
        api::Problem,
        api::Page<api::rest::boards::Board>,
        api::realtime::ClientFrame,
        api::realtime::ServerFrame,
        api::realtime::Presence,
        api::rest::auth::AccessToken,
        api::rest::auth::CreateLoginSession,
        api::rest::auth::LoginSession,
        api::rest::boards::BoardImage,
        api::rest::boards::BoardMark,
        api::rest::boards::BoardObject,
        api::rest::boards::CreateBoard,
        api::rest::boards::CreateBoardObject,
        api::rest::boards::PatchBoard,
        api::rest::boards::PatchBoardObject,
        api::rest::boards::BoardView,
        api::rest::boards::SessionCard,
        api::rest::boards::TopicState,
        api::rest::comments::Comment,
        api::rest::comments::CreateComment,
        api::rest::comments::PatchComment,
        api::rest::docs::Doc,
        api::rest::executors::Executor,
        api::rest::executors::ExecutorPolicy,
        api::rest::grants::BoardGrant,
        api::rest::grants::BoardRights,
        api::rest::grants::CreateGroup,
        api::rest::grants::Group,
        api::rest::grants::PatchGroup,
        api::rest::grants::PatchPerson,
        api::rest::grants::PutBoardGrant,
        api::rest::grants::TokenScope,
        api::rest::instance::Instance,
        api::rest::messages::EventList,
        api::rest::messages::MessageList,
        api::rest::notices::Attention,
        api::rest::notices::Mention,
        api::rest::notices::UserBoard,
        api::rest::repos::Branches,
        api::rest::repos::CreateRepo,
        api::rest::repos::PatchRepo,
        api::rest::repos::Repo,
        api::rest::sessions::AnswerPermission,
        api::rest::sessions::CreatePrompt,
        api::rest::sessions::CreateSession,
        api::rest::sessions::PatchSession,
        api::rest::sessions::Session,
        api::rest::sessions::SessionResult,
        api::rest::sessions::SpawnSession,
        api::rest::tasks::Task,
        api::rest::users::PatchUser,
        api::rest::users::User,
        api::rest::worktrees::CreateWorktree,
        api::rest::worktrees::Diff,
        api::rest::worktrees::PatchWorktree,
        api::rest::worktrees::Worktree,
    );
    let mut names: Vec<String> = read(directory).into_keys().collect();
    names.sort();
    let index: String = names
        .iter()
        .filter_map(|name| name.strip_suffix(".ts"))
        .map(|name| format!("export type {{ {name} }} from \"./{name}\";\n"))
        .collect();
    fs::write(directory.join("index.ts"), index).expect("writes the index");
}

fn read(directory: &Path) -> BTreeMap<String, String> {
    let Ok(entries) = fs::read_dir(directory) else { return BTreeMap::new() };
    entries
        .map(|entry| entry.expect("reads the directory"))
        .filter(|entry| entry.path().is_file())
        .map(|entry| {
            let text = fs::read_to_string(entry.path()).expect("reads the file");
            (entry.file_name().to_string_lossy().into_owned(), text)
        })
        .collect()
}

#[test]
fn the_browsers_types_are_those_of_the_server() {
    let committed = Path::new(env!("CARGO_MANIFEST_DIR")).join("../web/src/wire");
    let fresh = tempfile::tempdir().expect("makes a directory");
    export(fresh.path());
    if std::env::var_os("UPDATE").is_some() {
        if committed.exists() {
            fs::remove_dir_all(&committed).expect("removes the old types");
        }
        fs::create_dir_all(&committed).expect("makes the directory");
        export(&committed);
    }
    assert_eq!(
        read(&committed),
        read(fresh.path()),
        "web/src/wire is out of date: run `UPDATE=1 cargo test -p grove-core-api --test wire`"
    );
}

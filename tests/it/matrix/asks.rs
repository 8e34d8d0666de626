//! How each operation and tool is asked: about the private board, without leaving anything changed
//! that the next question needs.
//!
//! A question that would change something is asked with a value that is refused later than the right
//! is asked for, or of something that was made for it.

use super::people::House;
use anyhow::bail;
use grove_core_api::event::Op;
use grove_core_api::rest::boards::BoardObject;
use grove_core_api::rest::comments::Comment;
use grove_core_api::rest::worktrees::Worktree;
use grove_tests::Outcome;
use serde_json::{Value, json};
use uuid::Uuid;

/// One question.
pub(super) struct Ask {
    pub(super) path: String,
    pub(super) body: Option<Value>,
    /// What it names on purpose that is not there.
    pub(super) misses: Option<&'static str>,
    /// What is in the answer for those who see the board, and in no other.
    pub(super) mark: Option<String>,
}

fn get(path: String) -> Ask {
    Ask { path, body: None, misses: None, mark: None }
}

fn with(path: String, body: Value) -> Ask {
    Ask { body: Some(body), ..get(path) }
}

fn missing(noun: &'static str, ask: Ask) -> Ask {
    Ask { misses: Some(noun), ..ask }
}

fn list(path: &str, mark: impl ToString) -> Ask {
    Ask { mark: Some(mark.to_string()), ..get(path.to_owned()) }
}

/// The question of an operation; `is_real` when it is expected to be let through.
pub(super) async fn of(house: &House, operation: &str, is_real: bool) -> Outcome<Ask> {
    let (_, path) = operation.split_once(' ').unwrap_or_default();
    let noun = path.trim_start_matches('/').split('/').next().unwrap_or_default();
    match noun {
        "boards" => of_board(house, operation, is_real).await,
        "sessions" => of_session(house, operation, is_real).await,
        "users" => of_user(house, operation),
        "groups" => of_group(house, operation),
        "comments" | "docs" => of_words(house, operation, is_real).await,
        "worktrees" | "repos" => of_repo(house, operation, is_real).await,
        _ => of_rest(house, operation),
    }
}

async fn of_board(house: &House, operation: &str, is_real: bool) -> Outcome<Ask> {
    let board = format!("/boards/{}", house.board);
    let nobody = Uuid::now_v7();
    let mark = json!({ "kind": "note", "pos": [5, 5] });
    Ok(match operation {
        "GET /boards" => list("/boards", house.board),
        "POST /boards" => with("/boards".into(), json!({ "name": "" })),
        "GET /boards/{id}" => get(board),
        "PATCH /boards/{id}" => with(board, json!({ "name": "" })),
        "GET /boards/{id}/at" => get(format!("{board}/at?seq=1")),
        "GET /boards/{id}/events" => get(format!("{board}/events")),
        "GET /boards/{id}/grants" => get(format!("{board}/grants")),
        "PUT /boards/{id}/grants/{subject}" => {
            let ask = with(format!("{board}/grants/{nobody}"), json!({ "right": "view" }));
            missing("person or group", ask)
        }
        "DELETE /boards/{id}/grants/{subject}" => {
            missing("person or group", get(format!("{board}/grants/{nobody}")))
        }
        "POST /boards/{id}/images" => with(format!("{board}/images"), json!("no picture")),
        "GET /boards/{id}/images/{image}" => get(format!("{board}/images/{}", house.image)),
        "GET /boards/{id}/objects" => get(format!("{board}/objects")),
        "POST /boards/{id}/objects" => with(format!("{board}/objects"), mark),
        "GET /boards/{id}/objects/{object_id}" => get(format!("{board}/objects/{}", house.note)),
        "DELETE /boards/{id}/objects/{object_id}" => {
            let id = if is_real {
                house.olga.post::<BoardObject>(format!("{board}/objects"), mark).await?.id
            } else {
                house.note
            };
            get(format!("{board}/objects/{id}"))
        }
        "PATCH /boards/{id}/objects/{object_id}" => {
            with(format!("{board}/objects/{}", house.note), json!({ "pos": [2, 2] }))
        }
        "GET /boards/{id}/rights" => get(format!("{board}/rights")),
        "GET /boards/{id}/snapshot" => get(format!("{board}/snapshot")),
        "GET /boards/{id}/view" => get(format!("{board}/view")),
        "PUT /boards/{id}/view" => with(format!("{board}/view"), json!({ "v": 1 })),
        other => bail!("no question for {other}"),
    })
}

async fn of_session(house: &House, operation: &str, is_real: bool) -> Outcome<Ask> {
    let session = format!("/sessions/{}", house.session);
    let empty = json!({ "text": "" });
    Ok(match operation {
        "GET /sessions" => list("/sessions", house.session),
        "POST /sessions" => {
            let body = json!({ "board_id": house.board, "repo_id": house.repo, "title": "" });
            with("/sessions".into(), body)
        }
        "GET /sessions/{id}" => get(session),
        "DELETE /sessions/{id}" if is_real => {
            get(format!("/sessions/{}", house.fresh_session().await?))
        }
        "DELETE /sessions/{id}" => get(session),
        "PATCH /sessions/{id}" => with(session, json!({ "title": "Hers" })),
        "GET /sessions/{id}/diff" => get(format!("{session}/diff")),
        "GET /sessions/{id}/events" => get(format!("{session}/events")),
        "POST /sessions/{id}/interrupt" => get(format!("{session}/interrupt")),
        "GET /sessions/{id}/messages" => get(format!("{session}/messages")),
        "POST /sessions/{id}/permissions/{permission_id}" => {
            let path = format!("{session}/permissions/{}", Uuid::now_v7());
            missing("permission request", with(path, json!({ "decision": "allow" })))
        }
        "POST /sessions/{id}/prompt" => with(format!("{session}/prompt"), empty),
        "GET /sessions/{id}/result" => get(format!("{session}/result")),
        "GET /sessions/{id}/snapshot" => get(format!("{session}/snapshot")),
        "POST /sessions/{id}/spawn" => with(format!("{session}/spawn"), json!({ "prompt": "" })),
        "POST /sessions/{id}/stop" => get(format!("{session}/stop")),
        other => bail!("no question for {other}"),
    })
}

fn of_user(house: &House, operation: &str) -> Outcome<Ask> {
    let olga = format!("/users/{}", house.olga_id);
    let nobody = format!("/users/{}", Uuid::now_v7());
    Ok(match operation {
        "GET /users" => get("/users".into()),
        "POST /users" => with("/users".into(), json!({ "name": "" })),
        "GET /users/me" => get("/users/me".into()),
        "PATCH /users/me" => with("/users/me".into(), json!({})),
        "GET /users/me/inbox" => list("/users/me/inbox", house.board),
        "DELETE /users/me/mentions/{id}" => {
            missing("mention in comment", get(format!("/users/me/mentions/{}", Uuid::now_v7())))
        }
        "GET /users/{id}" => get(olga),
        "DELETE /users/{id}" => missing("user", get(nobody)),
        "PATCH /users/{id}" => missing("user", with(nobody, json!({}))),
        "POST /users/{id}/owner" => missing("user", get(format!("{nobody}/owner"))),
        "GET /users/{id}/tokens" => get(format!("{olga}/tokens")),
        "POST /users/{id}/tokens" => with(format!("{olga}/tokens"), json!({ "name": "" })),
        "DELETE /users/{id}/tokens/{token_id}" => {
            missing("token", get(format!("{olga}/tokens/{}", Uuid::now_v7())))
        }
        other => bail!("no question for {other}"),
    })
}

fn of_group(house: &House, operation: &str) -> Outcome<Ask> {
    let group = format!("/groups/{}", house.group);
    let nobody = Uuid::now_v7();
    Ok(match operation {
        "GET /groups" => get("/groups".into()),
        "POST /groups" => with("/groups".into(), json!({ "name": "" })),
        "GET /groups/{id}" => get(group),
        "PATCH /groups/{id}" => with(group, json!({})),
        "DELETE /groups/{id}" => missing("group", get(format!("/groups/{nobody}"))),
        "PUT /groups/{id}/members/{user}" => {
            missing("user", get(format!("{group}/members/{nobody}")))
        }
        "DELETE /groups/{id}/members/{user}" => {
            missing("member of the group", get(format!("{group}/members/{nobody}")))
        }
        other => bail!("no question for {other}"),
    })
}

async fn of_words(house: &House, operation: &str, is_real: bool) -> Outcome<Ask> {
    let comment = format!("/comments/{}", house.comment);
    let anchor = json!({ "kind": "point", "board": house.board, "pos": [3, 3] });
    Ok(match operation {
        "GET /comments" => list("/comments", house.comment),
        "POST /comments" => with("/comments".into(), json!({ "anchor": anchor, "text": "" })),
        "GET /comments/{id}" => get(comment),
        "DELETE /comments/{id}" if is_real => {
            let body = json!({ "anchor": anchor, "text": "to be removed" });
            let fresh: Comment = house.olga.post("/comments", body).await?;
            get(format!("/comments/{}", fresh.id))
        }
        "DELETE /comments/{id}" => get(comment),
        "PATCH /comments/{id}" => with(comment, json!({ "is_resolved": false })),
        "GET /docs/{id}" => get(format!("/docs/{}", house.note)),
        other => bail!("no question for {other}"),
    })
}

async fn of_repo(house: &House, operation: &str, is_real: bool) -> Outcome<Ask> {
    let worktree = format!("/worktrees/{}", house.worktree);
    let repo = format!("/repos/{}", house.repo);
    Ok(match operation {
        "GET /worktrees" => list("/worktrees", house.worktree),
        "POST /worktrees" => {
            let body = json!({ "repo_id": house.repo, "board_id": house.board, "name": "" });
            with("/worktrees".into(), body)
        }
        "GET /worktrees/{id}" => get(worktree),
        "DELETE /worktrees/{id}" if is_real => {
            let name = format!("w{}", Uuid::now_v7().simple());
            let body = json!({ "repo_id": house.repo, "board_id": house.board, "name": name });
            let fresh: Worktree = house.olga.post("/worktrees", body).await?;
            get(format!("/worktrees/{}", fresh.id))
        }
        "DELETE /worktrees/{id}" => get(worktree),
        "PATCH /worktrees/{id}" => with(worktree, json!({})),
        "GET /worktrees/{id}/diff" => get(format!("{worktree}/diff")),
        "POST /worktrees/{id}/publish" => get(format!("{worktree}/publish")),
        "GET /repos" => get("/repos".into()),
        "POST /repos" => with("/repos".into(), json!({ "source": "-" })),
        "GET /repos/{id}" => get(repo),
        "PATCH /repos/{id}" => with(repo, json!({})),
        "GET /repos/{id}/branches" => get(format!("{repo}/branches")),
        "POST /repos/{id}/fetch" => {
            missing("repo", get(format!("/repos/{}/fetch", Uuid::now_v7())))
        }
        other => bail!("no question for {other}"),
    })
}

fn of_rest(house: &House, operation: &str) -> Outcome<Ask> {
    let executor = format!("/executors/{}", house.executor);
    let task = format!("/tasks/{}", house.task);
    Ok(match operation {
        "GET /executors" => list("/executors", house.executor),
        "GET /executors/{id}" => get(executor),
        "POST /executors/{id}/restart" => get(format!("{executor}/restart")),
        "GET /tasks" => list("/tasks", house.task),
        "GET /tasks/{id}" => get(task),
        "GET /tasks/{id}/messages" => get(format!("{task}/messages")),
        "GET /audit" => get("/audit?limit=1".into()),
        "GET /audit/verify" => get("/audit/verify".into()),
        "GET /instance" => get("/instance".into()),
        "POST /access-tokens" => get("/access-tokens".into()),
        "POST /login-sessions" => with("/login-sessions".into(), json!({ "name": "" })),
        "GET /login-sessions/current" => get("/login-sessions/current".into()),
        "DELETE /login-sessions/current" => get("/login-sessions/current".into()),
        other => bail!("no question for {other}"),
    })
}

/// The arguments of a tool, and what a list has in it for those who see the board.
pub(super) fn of_tool(house: &House, tool: &str) -> Outcome<(Value, Option<String>)> {
    let id = |id: String| (json!({ "id": id }), None);
    let all = |mark: String| (json!({}), Some(mark));
    Ok(match tool {
        "grove_boards_get" => id(house.board.to_string()),
        "grove_boards_list" => all(house.board.to_string()),
        "grove_sessions_get" => id(house.session.to_string()),
        "grove_sessions_get_current" | "grove_users_get_current" | "grove_users_list" => {
            (json!({}), None)
        }
        "grove_sessions_list" => all(house.session.to_string()),
        "grove_sessions_spawn" => {
            (json!({ "parent_id": house.session.to_string(), "prompt": "" }), None)
        }
        "grove_tasks_get" => id(house.task.to_string()),
        "grove_tasks_list" => all(house.task.to_string()),
        "grove_users_get" => id(house.olga_id.to_string()),
        "grove_users_update_current" => (json!({}), None),
        "grove_worktrees_create" => (json!({ "repo_id": house.repo, "worktree_name": "" }), None),
        "grove_worktrees_get" => id(house.worktree.to_string()),
        "grove_worktrees_list" => all(house.worktree.to_string()),
        "grove_worktrees_update" => id(house.worktree.to_string()),
        other => bail!("no arguments for {other}"),
    })
}

/// Puts a comment on the board.
pub(super) fn comment_op(house: &House) -> Outcome<Op> {
    let anchor = json!({ "kind": "point", "board": house.board, "pos": [1, 1] });
    Ok(serde_json::from_value(json!({
        "op": "put", "id": Uuid::now_v7(), "kind": "comment",
        "v": { "anchor": anchor, "text": "over the socket" },
    }))?)
}

/// Puts a note on the board.
pub(super) fn note_op() -> Outcome<Op> {
    Ok(serde_json::from_value(json!({
        "op": "put", "id": Uuid::now_v7(), "kind": "note", "v": { "pos": [7, 7] },
    }))?)
}

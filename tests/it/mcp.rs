//! `/mcp` with clients of two makers: every tool, every way to be refused.

use grove_core_api::mcp::TOOLS;
use grove_core_api::rest::auth::AccessToken;
use grove_core_api::rest::sessions::Session;
use grove_core_api::rest::worktrees::Worktree;
use grove_core_api::ErrorCode;
use grove_tests::mcp::{McpClient, python};
use grove_tests::{Instance, Outcome, World, eventually};
use reqwest::{Method, StatusCode, header};
use serde_json::{Value, json};
use std::path::Path;

const INITIALIZE: &str = r#"{"jsonrpc":"2.0","id":1,"method":"initialize","params":{
    "protocolVersion":"2025-06-18","capabilities":{},"clientInfo":{"name":"test","version":"1"}}}"#;

async fn with_session(world: &World) -> Outcome<(Session, String)> {
    let session = world.finished("Agent", "say hello").await?;
    let token = world.grove.session_token(session.id).await?;
    Ok((session, token))
}

#[tokio::test]
async fn all_sixteen_tools_are_listed_and_answer() -> Outcome {
    World::on_each(async |world| {
        let (session, token) = with_session(world).await?;
        let mcp = McpClient::open(world.grove.url(), &token).await?;
        let mut wanted = TOOLS.to_vec();
        wanted.sort_unstable();
        assert_eq!(mcp.tools().await?, wanted);
        let (id, board, repo) = (session.id, world.board.id, world.repo.id);
        let user = world.client.me().await?;
        let task = world.client.tasks(id).await?[0].id;
        let short = json!({ "id": session.worktree_id.short() });
        let created = json!({ "repo_id": repo, "worktree_name": "by-agent" });
        for (tool, arguments, pointer, value) in [
            ("grove_sessions_list", json!({ "status": "idle" }), "/items/0/id", json!(id)),
            ("grove_sessions_get", json!({ "id": id }), "/title", json!("Agent")),
            ("grove_sessions_get_current", json!({}), "/id", json!(id)),
            ("grove_worktrees_get", short, "/id", json!(session.worktree_id)),
            ("grove_worktrees_list", json!({ "limit": 1 }), "/items/0/repo_id", json!(repo)),
            ("grove_worktrees_create", created, "/branch", json!("grove/by-agent")),
            ("grove_worktrees_update", json!({ "notes": "seen" }), "/id", json!(session.worktree_id)),
            ("grove_boards_get", json!({ "id": board }), "/name", json!("Board")),
            ("grove_boards_list", json!({}), "/items/0/id", json!(board)),
            ("grove_tasks_list", json!({ "session_id": id }), "/items/0/id", json!(task)),
            ("grove_tasks_get", json!({ "id": task }), "/prompt", json!("say hello")),
            ("grove_users_list", json!({}), "/items/0/id", json!(user.id)),
            ("grove_users_get", json!({ "id": user.id }), "/name", json!(user.name)),
            ("grove_users_get_current", json!({}), "/id", json!(user.id)),
            ("grove_users_update_current", json!({ "emoji": "🤖" }), "/emoji", json!("🤖")),
            ("grove_sessions_spawn", json!({ "prompt": "say child" }), "/parent_id", json!(id)),
        ] {
            let answer = mcp.answer(tool, arguments).await?;
            assert_eq!(answer.pointer(pointer), Some(&value), "{tool}: {answer}");
        }
        let worktree: Worktree =
            world.client.get(format!("/worktrees/{}", session.worktree_id)).await?;
        assert_eq!(worktree.notes, "seen");
        mcp.end().await?;
        let children: grove_core_api::Page<Session> =
            world.client.get(format!("/sessions?parent_id={id}")).await?;
        world.client.until_over(children.items[0].id).await?;
        Ok(())
    })
    .await
}

#[tokio::test]
async fn refusals_of_tools_are_problems_with_codes() -> Outcome {
    let world = World::start().await?;
    let (session, token) = with_session(&world).await?;
    let mcp = McpClient::open(world.grove.url(), &token).await?;
    let nobody = uuid::Uuid::now_v7();
    let other = world.finished("Other", "say hello").await?;
    for (tool, arguments, code) in [
        ("grove_sessions_get", json!({ "id": nobody }), ErrorCode::NotFound),
        ("grove_sessions_get", json!({ "id": "nonsense" }), ErrorCode::InvalidRequest),
        ("grove_sessions_list", json!({ "limit": 0 }), ErrorCode::InvalidRequest),
        ("grove_sessions_list", json!({ "cursor": "x" }), ErrorCode::InvalidRequest),
        ("grove_tasks_get", json!({ "id": nobody }), ErrorCode::NotFound),
        ("grove_boards_get", json!({ "id": nobody }), ErrorCode::NotFound),
        ("grove_users_update_current", json!({ "name": "" }), ErrorCode::InvalidRequest),
        ("grove_sessions_spawn", json!({ "prompt": "" }), ErrorCode::InvalidRequest),
        (
            "grove_sessions_spawn",
            json!({ "prompt": "say no", "parent_id": other.id }),
            ErrorCode::Forbidden,
        ),
        (
            "grove_worktrees_update",
            json!({ "id": other.worktree_id, "notes": "mine now" }),
            ErrorCode::Forbidden,
        ),
        (
            "grove_worktrees_create",
            json!({ "repo_id": world.repo.id, "worktree_name": "../up" }),
            ErrorCode::InvalidRequest,
        ),
    ] {
        mcp.refusal(tool, arguments, code).await?;
    }
    for (tool, arguments) in [
        ("grove_sessions_get", json!({})),
        ("grove_sessions_get", json!({ "id": 7 })),
        ("grove_sessions_get", json!({ "id": session.id, "extra": 1 })),
        ("grove_no_such_tool", json!({})),
    ] {
        let answer = mcp.call(tool, arguments).await;
        assert!(!matches!(answer, Ok(Ok(_))), "{tool}: {answer:?}");
    }
    mcp.end().await?;
    world.end().await
}

#[tokio::test]
async fn nobody_comes_in_without_a_token_that_is_valid_now() -> Outcome {
    let world = World::start().await?;
    let client = &world.client;
    let knock = |token: Option<&str>| {
        let request = client.request_at(Method::POST, "/mcp");
        let request = request.header(header::CONTENT_TYPE, "application/json");
        let request = request.header(header::ACCEPT, "application/json, text/event-stream");
        let request = request.body(INITIALIZE);
        match token {
            Some(token) => request.bearer_auth(token),
            None => request,
        }
    };
    let wrong = "0".repeat(64);
    for token in [None, Some("nonsense"), Some(wrong.as_str())] {
        let response = knock(token).send().await?;
        assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
        assert!(response.headers().contains_key(header::WWW_AUTHENTICATE));
    }
    let (ana, _) = client.named("Ana").await?;
    let cookie = ana.request_at(Method::POST, "/mcp").body(INITIALIZE).send().await?;
    assert_eq!(cookie.status(), StatusCode::UNAUTHORIZED, "a cookie is no token");
    let (session, token) = with_session(&world).await?;
    assert!(knock(Some(&token)).send().await?.status().is_success());
    // The end of a session's executor makes its tokens worthless.
    let _: Value = client.delete(format!("/sessions/{}", session.id)).await?;
    eventually("the token is worthless", async || {
        let status = knock(Some(&token)).send().await?.status();
        Ok((status == StatusCode::UNAUTHORIZED).then_some(()))
    })
    .await?;
    world.end().await
}

#[tokio::test]
async fn a_protocol_session_belongs_to_whoever_opened_it() -> Outcome {
    let world = World::start().await?;
    let (_, ours) = with_session(&world).await?;
    let (_, theirs) = with_session(&world).await?;
    let send = async |token: &str, id: Option<&str>, body: &'static str| {
        let request = world.client.request_at(Method::POST, "/mcp").bearer_auth(token);
        let request = request.header(header::CONTENT_TYPE, "application/json");
        let request = request.header(header::ACCEPT, "application/json, text/event-stream");
        let request = match id {
            Some(id) => request.header("mcp-session-id", id),
            None => request,
        };
        Ok::<_, anyhow::Error>(request.body(body).send().await?)
    };
    let opened = send(&ours, None, INITIALIZE).await?;
    let id = opened.headers().get("mcp-session-id").map(|it| it.to_str().map(str::to_owned));
    let id = id.transpose()?.ok_or_else(|| anyhow::anyhow!("no protocol session: {opened:?}"))?;
    let list = r#"{"jsonrpc":"2.0","id":2,"method":"tools/list"}"#;
    let foreign = send(&theirs, Some(&id), list).await?;
    assert_eq!(foreign.status(), StatusCode::NOT_FOUND);
    let unknown = send(&ours, Some("made-up"), list).await?;
    assert_eq!(unknown.status(), StatusCode::NOT_FOUND);
    let initialized = r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#;
    assert!(send(&ours, Some(&id), initialized).await?.status().is_success());
    assert!(send(&ours, Some(&id), list).await?.status().is_success());
    world.end().await
}

#[tokio::test]
async fn a_person_with_an_access_token_is_in_no_session() -> Outcome {
    let grove = Instance::start().await?;
    let token: AccessToken = grove.client()?.post("/access-tokens", json!({})).await?;
    let mcp = McpClient::open(grove.url(), &token.access_token).await?;
    mcp.answer("grove_users_get_current", json!({})).await?;
    mcp.refusal("grove_sessions_get_current", json!({}), ErrorCode::InvalidRequest).await?;
    mcp.end().await?;
    grove.end().await
}

#[tokio::test]
async fn the_python_client_lists_and_calls_every_tool() -> Outcome {
    let world = World::start().await?;
    let (session, token) = with_session(&world).await?;
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("mcp_client/call_all.py");
    let url = format!("{}/mcp", world.grove.url());
    let (id, repo) = (session.id.to_string(), world.repo.id.to_string());
    if let Some(output) = python(&script, &[&url, &token, &id, &repo])? {
        assert_eq!(output.code, 0, "{}\n{}", output.stdout, output.stderr);
        let called: Vec<String> = serde_json::from_str(&output.stdout)?;
        let mut wanted = TOOLS.to_vec();
        wanted.sort_unstable();
        assert_eq!(called, wanted);
    }
    world.end().await
}

//! Who one is: cookies, access tokens, session tokens, and what an agent may not do.

use grove_core_api::ErrorCode;
use grove_core_api::rest::auth::{AccessToken, LoginSession};
use grove_tests::{Instance, Outcome, World, is_code};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

#[tokio::test]
async fn a_name_is_taken_and_given_back() -> Outcome {
    Instance::on_each(async |grove| {
        let client = grove.client()?;
        let nobody: LoginSession = client.get("/login-sessions/current").await?;
        assert!(!nobody.is_named);
        let (ana, user) = client.named("Ana").await?;
        let current: LoginSession = ana.get("/login-sessions/current").await?;
        assert!(current.is_named && current.user == user);
        ana.delete::<()>("/login-sessions/current").await?;
        let current: LoginSession = ana.get("/login-sessions/current").await?;
        assert!(!current.is_named && current.user == nobody.user);
        Ok(())
    })
    .await
}

#[tokio::test]
async fn the_cookie_is_kept_from_scripts_and_other_sites() -> Outcome {
    let grove = Instance::start().await?;
    let client = grove.client()?;
    let request = client.request(Method::POST, "/login-sessions").json(&json!({ "name": "Ana" }));
    let response = request.send().await?;
    assert_eq!(response.status(), StatusCode::CREATED);
    let cookie = response.headers()["set-cookie"].to_str()?.to_owned();
    assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Strict"), "{cookie}");
    // A cookie that nobody gave out is nobody's.
    let forged = client.request(Method::GET, "/login-sessions/current");
    let forged = forged.header("cookie", "grove_session=AAAAAAAAAAAAAAAAAAAAAA");
    assert!(!client.send::<LoginSession>(forged).await?.is_named);
    grove.end().await
}

#[tokio::test]
async fn an_access_token_stands_for_the_one_who_made_it() -> Outcome {
    Instance::on_each(async |grove| {
        let (ana, user) = grove.client()?.named("Ana").await?;
        let token: AccessToken = ana.post("/access-tokens", json!({})).await?;
        assert!(token.expires_in_secs > 0);
        let program = grove.client()?.with_token(&token.access_token);
        assert_eq!(program.me().await?.id, user.id);
        for wrong in ["nonsense", &"0".repeat(64), &format!("{}x", token.access_token)] {
            let refused = grove.client()?.with_token(wrong).me().await;
            is_code(refused, ErrorCode::Unauthenticated)?;
        }
        Ok(())
    })
    .await
}

#[tokio::test]
async fn an_agent_may_read_and_delegate_but_never_approve_sign_in_or_remove() -> Outcome {
    World::on_each(async |world| {
        let session = world.client.new_session(world.repo.id, "Agent", None).await?;
        let agent = world.client.with_token(&world.grove.session_token(session.id).await?);
        assert_eq!(agent.me().await?.id, world.client.me().await?.id);
        let (one, board) = (session.id, world.board.id);
        let nobody = uuid::Uuid::nil();
        for (method, path, body) in [
            (
                Method::POST,
                format!("/sessions/{one}/permissions/{nobody}"),
                json!({ "decision": "allow" }),
            ),
            (Method::POST, format!("/sessions/{one}/prompt"), json!({ "text": "more" })),
            (Method::POST, format!("/sessions/{one}/stop"), json!({})),
            (Method::PATCH, format!("/sessions/{one}"), json!({ "is_archived": true })),
            (Method::DELETE, format!("/sessions/{one}"), json!({})),
            (Method::DELETE, format!("/worktrees/{}", session.worktree_id), json!({})),
            (Method::POST, "/sessions".to_owned(), json!({ "repo_id": world.repo.id })),
            (Method::POST, "/repos".to_owned(), json!({ "source": "/nowhere" })),
            (Method::PATCH, format!("/boards/{board}"), json!({ "name": "Mine" })),
            (Method::POST, "/boards".to_owned(), json!({ "name": "Mine" })),
            (Method::POST, "/access-tokens".to_owned(), json!({})),
            (Method::POST, "/login-sessions".to_owned(), json!({ "name": "Me" })),
        ] {
            let request = agent.request(method, &path).json(&body);
            is_code(agent.send::<Value>(request).await, ErrorCode::Forbidden)?;
        }
        Ok(())
    })
    .await
}

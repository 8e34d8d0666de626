//! What went wrong elsewhere, tried here. Each name begins with the number of the finding.

use grove_core_api::event::Op;
use grove_core_api::rest::boards::{Board, BoardObject};
use grove_core_api::rest::comments::Comment;
use grove_core_api::rest::sessions::Session;
use grove_core_api::rest::users::{NewPersonalToken, User, UserRole};
use grove_core_api::{ErrorCode, Page};
use grove_tests::{Client, Instance, Outcome, Socket, World, is_code};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use uuid::Uuid;

async fn private_board(client: &Client) -> Outcome<Board> {
    let body = json!({ "name": "Private", "visibility": "private" });
    Ok(client.post("/boards", body).await?)
}

fn note(id: Uuid) -> Outcome<Op> {
    let op = json!({ "op": "put", "id": id, "kind": "note", "v": { "pos": [0, 0], "text": "s" } });
    Ok(serde_json::from_value(op)?)
}

#[tokio::test]
async fn f01_a_socket_gets_nothing_of_what_it_may_not_see() -> Outcome {
    let grove = Instance::start().await?;
    let base = grove.client()?;
    let (ana, _) = base.named("Ana").await?;
    let (ben, _) = base.named("Ben").await?;
    let board = private_board(&ana).await?;
    let topic = format!("board:{}", board.id);
    let mut hers = Socket::of(grove.url(), &ana).await?;
    hers.subscribe(&topic).await?;
    let mut his = Socket::of(grove.url(), &ben).await?;
    his.subscribe("user:me").await?;
    assert!(!his.joins(&topic).await?);
    hers.mutate(&topic, "m1", vec![note(Uuid::now_v7())?]).await?;
    hers.point(&topic, [1.0, 2.0]).await?;
    // Something that he does get comes after all that: nothing of hers came before it.
    let seen = base.new_board("Everybody's").await?;
    his.until("the other board", |it| {
        it.views.get("user:me")?.objects.contains_key(&seen.id.to_string()).then_some(())
    })
    .await?;
    assert!(!his.views.contains_key(&topic) && his.peers.is_empty() && his.cursors.is_empty());
    let mine = &his.view("user:me")?.objects;
    assert!(!mine.contains_key(&board.id.to_string()), "{mine:?}");
    // A token that is worth nothing opens no socket at all.
    let wrong = base.with_token("nonsense");
    assert!(Socket::of(grove.url(), &wrong).await.is_err());
    grove.end().await
}

#[tokio::test]
async fn f02_what_an_agent_says_is_streamed_to_nobody_who_may_not_see_it() -> Outcome {
    let world = World::start().await?;
    let (ana, _) = world.client.named("Ana").await?;
    let (ben, _) = world.client.named("Ben").await?;
    let board = private_board(&ana).await?;
    let body = json!({ "board_id": board.id, "repo_id": world.repo.id, "title": "Hers" });
    let session: Session = ana.post("/sessions", body).await?;
    let mut his = Socket::of(world.grove.url(), &ben).await?;
    assert!(!his.joins(&format!("session:{}", session.id)).await?);
    assert!(!his.joins(&format!("doc:{}", session.id)).await?);
    ana.prompt(session.id, "hello").await?;
    ana.until_over(session.id).await?;
    assert!(his.joins("user:me").await?);
    let topics: Vec<_> = his.views.keys().collect();
    assert_eq!(topics, ["user:me"]);
    for path in ["messages", "events", "snapshot", "result", "diff"] {
        let path = format!("/sessions/{}/{path}", session.id);
        is_code(ben.get::<Value>(path).await, ErrorCode::NotFound)?;
    }
    world.end().await
}

#[tokio::test]
async fn f03_no_list_holds_a_token_and_no_agent_makes_people() -> Outcome {
    let world = World::start().await?;
    let session = world.finished("One", "hello").await?;
    let token = world.grove.session_token(session.id).await?;
    for path in ["/sessions", "/executors", "/tasks", "/users", "/audit"] {
        let text = world.client.request(Method::GET, path).send().await?.text().await?;
        assert!(!text.contains(&token), "{path}: {text}");
    }
    let agent = world.client.with_token(&token);
    let body = json!({ "name": "Eve", "role": "admin" });
    is_code(agent.post::<User>("/users", body).await, ErrorCode::Forbidden)?;
    let me = agent.me().await?;
    let body = json!({ "role": "admin" });
    let raised = agent.patch::<User>(format!("/users/{}", me.id), body).await;
    is_code(raised, ErrorCode::Forbidden)?;
    let path = format!("/users/{}/tokens", me.id);
    let made = agent.post::<NewPersonalToken>(path, json!({ "name": "x" })).await;
    is_code(made, ErrorCode::Forbidden)?;
    world.end().await
}

#[tokio::test]
async fn f04_nobody_raises_their_own_role() -> Outcome {
    let grove = Instance::start().await?;
    let (ana, user) = grove.client()?.named("Ana").await?;
    for role in ["owner", "admin", "member"] {
        let body = json!({ "role": role });
        let mine = ana.patch::<User>("/users/me", &body).await;
        is_code(mine, ErrorCode::InvalidRequest)?;
        let named = ana.patch::<User>(format!("/users/{}", user.id), &body).await;
        assert!(named.is_err(), "{role}");
    }
    let owner = ana.request(Method::POST, format!("/users/{}/owner", user.id));
    is_code(ana.send::<User>(owner).await, ErrorCode::Forbidden)?;
    assert_eq!(ana.me().await?.role, UserRole::Member);
    grove.end().await
}

#[tokio::test]
async fn f05_people_are_shown_without_what_they_sign_in_with() -> Outcome {
    let grove = Instance::start().await?;
    let base = grove.client()?;
    let (ana, user) = base.named("Ana").await?;
    let body = json!({ "name": "laptop" });
    let path = format!("/users/{}/tokens", user.id);
    let made: NewPersonalToken = ana.post(&path, &body).await?;
    for path in ["/users".to_owned(), format!("/users/{}", user.id), path] {
        let text = ana.request(Method::GET, &path).send().await?.text().await?;
        let is_bare =
            ["hash", "password", "env", made.token.as_str()].iter().all(|it| !text.contains(it));
        assert!(is_bare, "{path}: {text}");
    }
    let (ben, _) = base.named("Ben").await?;
    is_code(ben.get::<Value>(format!("/users/{}/tokens", user.id)).await, ErrorCode::Forbidden)?;
    grove.end().await
}

#[tokio::test]
async fn f06_who_wrote_it_is_who_asked_whatever_the_body_says() -> Outcome {
    let grove = Instance::start().await?;
    let base = grove.client()?;
    let (ana, _) = base.named("Ana").await?;
    let (ben, ben_user) = base.named("Ben").await?;
    let board = ana.new_board("Open").await?;
    let anchor = json!({ "kind": "point", "board": board.id, "pos": [0, 0] });
    let forged = json!({ "anchor": anchor, "text": "I agree", "created_by": ben_user.id });
    is_code(ana.post::<Comment>("/comments", forged).await, ErrorCode::InvalidRequest)?;
    let forged = json!({ "kind": "note", "pos": [0, 0], "created_by": ben_user.id });
    let path = format!("/boards/{}/objects", board.id);
    is_code(ana.post::<BoardObject>(&path, forged).await, ErrorCode::InvalidRequest)?;
    // Over the socket what is said of the author is ignored.
    let topic = format!("board:{}", board.id);
    let mut hers = Socket::of(grove.url(), &ana).await?;
    hers.subscribe(&topic).await?;
    let id = Uuid::now_v7();
    let op = json!({ "op": "put", "id": id, "kind": "note",
        "v": { "pos": [0, 0], "created_by": ben_user.id } });
    hers.mutate(&topic, "m1", vec![serde_json::from_value(op)?]).await?;
    let objects: Page<BoardObject> = ben.get(&path).await?;
    assert!(objects.items.iter().all(|it| it.created_by != ben_user.id), "{objects:?}");
    grove.end().await
}

#[tokio::test]
async fn f09_an_error_tells_nothing_of_the_database_and_a_cursor_needs_the_board() -> Outcome {
    let grove = Instance::start().await?;
    let base = grove.client()?;
    let (ana, _) = base.named("Ana").await?;
    let (ben, _) = base.named("Ben").await?;
    let board = private_board(&ana).await?;
    let topic = format!("board:{}", board.id);
    let mut hers = Socket::of(grove.url(), &ana).await?;
    hers.subscribe(&topic).await?;
    let mut his = Socket::of(grove.url(), &ben).await?;
    his.point(&topic, [3.0, 4.0]).await?;
    his.send(&grove_core_api::realtime::ClientFrame::Ping { ts: 1 }).await?;
    his.until("a pong", |it| (!it.pongs.is_empty()).then_some(())).await?;
    hers.mutate(&topic, "m1", vec![note(Uuid::now_v7())?]).await?;
    hers.until("her own note", |it| it.answers.get("m1").map(|_| ())).await?;
    assert!(hers.cursors.is_empty() && hers.peers.keys().all(|peer| *peer == hers.peer));
    for path in ["/sessions?cursor=%27%20OR%201", "/boards/%27--", "/tasks?session_id=x%27"] {
        let response = base.request(Method::GET, path).send().await?;
        assert!(response.status() != StatusCode::INTERNAL_SERVER_ERROR, "{path}");
        let text = response.text().await?.to_lowercase();
        assert!(!text.contains("select ") && !text.contains("sql"), "{path}: {text}");
    }
    grove.end().await
}

#[tokio::test]
async fn f10_what_waits_is_put_away_for_oneself_alone_and_counts_only_what_one_sees() -> Outcome {
    let world = World::start().await?;
    let (ana, ana_user) = world.client.named("Ana").await?;
    let (ben, ben_user) = world.client.named("Ben").await?;
    let (cem, cem_user) = world.client.named("Cem").await?;
    let board = private_board(&ana).await?;
    let path = format!("/boards/{}/grants/{}", board.id, ben_user.id);
    let grant = ana.request(Method::PUT, path).json(&json!({ "right": "comment" }));
    ana.send::<Value>(grant).await?;
    let anchor = json!({ "kind": "point", "board": board.id, "pos": [0, 0] });
    let body = json!({ "anchor": anchor, "text": "look", "mentions": [ben_user.id, cem_user.id] });
    let comment: Comment = ana.post("/comments", body).await?;
    assert_eq!(comment.created_by, ana_user.id);
    let has = async |client: &Client| {
        let inbox: Value = client.get("/users/me/inbox").await?;
        Outcome::Ok(inbox["state"].get(comment.id.to_string()).is_some())
    };
    assert!(has(&ben).await? && !has(&cem).await?, "only who sees the board is told");
    is_code(
        cem.delete::<()>(format!("/users/me/mentions/{}", comment.id)).await,
        ErrorCode::NotFound,
    )?;
    assert!(has(&ben).await?, "nobody else puts it away");
    // Archiving says who did it.
    ana.patch::<Board>(format!("/boards/{}", board.id), json!({ "is_archived": true })).await?;
    let listed: Page<Board> = cem.get("/boards?limit=1").await?;
    assert!(listed.items.iter().all(|it| it.id != board.id) && listed.next_cursor.is_none());
    world.end().await
}

//! What waits for one person: the topic `user:me`, mentions and the inbox, over REST and WebSocket.

use grove_core_api::ErrorCode;
use grove_core_api::UserId;
use grove_core_api::rest::boards::{Board, TopicState};
use grove_core_api::rest::comments::Comment;
use grove_core_api::rest::sessions::{RunState, SessionResult};
use grove_core_api::rest::users::User;
use grove_tests::{Client, Instance, Outcome, Socket, World, is_code};
use serde_json::{Value, json};

async fn open(grove: &Instance, client: &Client) -> Outcome<Socket> {
    let mut socket = Socket::open(grove.url(), client.cookie()).await?;
    socket.subscribe("user:me").await?;
    Ok(socket)
}

/// The one object of a kind in one's own topic.
fn one(socket: &Socket, kind: &str) -> Option<Value> {
    let objects = &socket.views.get("user:me")?.objects;
    let mut found = objects.values().filter(|it| it.kind == kind);
    let first = found.next()?;
    found.next().is_none().then(|| Value::Object(first.v.clone()))
}

#[tokio::test]
async fn rt28_boards_and_waiting_sessions_come_and_go_in_ones_own_topic() -> Outcome {
    World::on_each(async |world| {
        let client = &world.client;
        let (ana, user) = client.named("Ana").await?;
        let mut socket = open(&world.grove, &ana).await?;
        assert_eq!(one(&socket, "board").map(|it| it["name"].clone()), Some(json!("Board")));
        assert_eq!(one(&socket, "user").map(|it| it["name"].clone()), Some(json!("Ana")));
        let renamed = json!({ "emoji": "🦊" });
        ana.patch::<User>("/users/me", renamed).await?;
        let fox = |it: &Socket| one(it, "user").filter(|it| it["emoji"] == "🦊");
        socket.until("my own change", fox).await?;
        let second = client.new_board("Second").await?;
        let id = second.id.to_string();
        let has =
            |it: &Socket| it.views.get("user:me").is_some_and(|it| it.objects.contains_key(&id));
        socket.until("the new board", |it| has(it).then_some(())).await?;
        let path = format!("/boards/{id}");
        client.patch::<Board>(&path, json!({ "is_archived": true })).await?;
        socket.until("it is archived", |it| (!has(it)).then_some(())).await?;
        // A session of somebody else asks: everybody who may answer is told.
        let session = world.session("Ask", "ask echo yes > answer").await?;
        let asks = |it: &Socket| one(it, "attention");
        let attention = socket.until("it asks", asks).await?;
        assert_eq!(
            (&attention["reason"], &attention["title"]),
            (&json!("approval"), &json!("Ask"))
        );
        let inbox: TopicState = ana.get("/users/me/inbox").await?;
        assert_eq!(inbox.state[&session.id.to_string()].kind, "attention");
        let result: SessionResult = client.get(format!("/sessions/{}/result", session.id)).await?;
        let path =
            format!("/sessions/{}/permissions/{}", session.id, result.pending_permissions[0]);
        client.post::<Value>(path, json!({ "decision": "allow" })).await?;
        socket.until("it asks no more", |it| asks(it).is_none().then_some(())).await?;
        client.until_state(session.id, RunState::Idle).await?;
        // Nobody names another's topic.
        let other = format!("user:{}", client.me().await?.id);
        assert!(socket.subscribe(&other).await.is_err());
        let own = format!("user:{}", user.id);
        assert_ne!(own, other);
        Ok(())
    })
    .await
}

#[tokio::test]
async fn rt28_a_mention_waits_until_it_is_put_away() -> Outcome {
    Instance::on_each(async |grove| {
        let client = grove.client()?;
        let board = client.new_board("Board").await?;
        let (ana, ana_user) = client.named("Ana").await?;
        let (ben, ben_user) = client.named("Ben").await?;
        let mut socket = open(grove, &ana).await?;
        let say = async |text: &str, mentions: &[UserId]| -> Outcome<Comment> {
            let anchor = json!({ "kind": "point", "board": board.id, "pos": [0, 0] });
            let body = json!({ "anchor": anchor, "text": text, "mentions": mentions });
            Ok(ben.post("/comments", body).await?)
        };
        let both = [ana_user.id, ben_user.id];
        let comment = say("@Ana look", &both).await?;
        let mention = socket.until("the mention", |it| one(it, "mention")).await?;
        assert_eq!((&mention["excerpt"], &mention["by"]), (&json!("@Ana look"), &json!(both[1])));
        let mine: TopicState = ben.get("/users/me/inbox").await?;
        assert!(!mine.state.contains_key(&comment.id.to_string()), "one is not told of oneself");
        // Across a restart it waits on.
        grove.kill_daemon().await?;
        let mut socket = open(grove, &ana).await?;
        assert!(one(&socket, "mention").is_some());
        let path = format!("/users/me/mentions/{}", comment.id);
        ana.delete::<()>(&path).await?;
        let gone = |it: &Socket| one(it, "mention").is_none().then_some(());
        socket.until("it is put away", gone).await?;
        is_code(ana.delete::<Value>(&path).await, ErrorCode::NotFound)?;
        // Mentioned later, by a change of the words; gone with the comment.
        let quiet = say("hm", &[]).await?;
        let path = format!("/comments/{}", quiet.id);
        ben.patch::<Comment>(&path, json!({ "mentions": [ana_user.id] })).await?;
        socket.until("the second mention", |it| one(it, "mention")).await?;
        is_code(ana.delete::<Value>(&path).await, ErrorCode::Forbidden)?;
        ben.delete::<()>(&path).await?;
        socket.until("gone with its comment", gone).await?;
        Ok(())
    })
    .await
}

//! Comments and mentions, over REST and WebSocket.

use grove_core_api::ErrorCode;
use grove_core_api::Page;
use grove_core_api::event::Op;
use grove_core_api::realtime::NackCode;
use grove_core_api::rest::boards::Board;
use grove_core_api::rest::comments::Comment;
use grove_tests::{Client, Instance, Mutated, Outcome, Socket, World, is_code};
use serde_json::{Value, json};
use uuid::Uuid;

async fn on(grove: &Instance, client: &Client, topic: &str) -> Outcome<Socket> {
    let mut socket = Socket::open(grove.url(), client.cookie()).await?;
    socket.subscribe(topic).await?;
    Ok(socket)
}

fn put(id: Uuid, v: Value) -> Outcome<Op> {
    let v = serde_json::from_value(v)?;
    Ok(Op::Put { id: id.to_string(), kind: "comment".to_owned(), v })
}

fn set(id: Uuid, key: &str, value: Value) -> Op {
    Op::Set { id: id.to_string(), k: key.to_owned(), v: value, if_seq: None }
}

#[tokio::test]
async fn rt26_a_comment_on_a_board_is_a_mutation_that_everybody_sees() -> Outcome {
    Instance::on_each(async |grove| {
        let client = grove.client()?;
        let board = client.new_board("Board").await?;
        let topic = format!("board:{}", board.id);
        let (ana, ana_user) = client.named("Ana").await?;
        let (ben, ben_user) = client.named("Ben").await?;
        let mut left = on(grove, &ana, &topic).await?;
        let mut right = on(grove, &ben, &topic).await?;
        let (first, answer) = (Uuid::now_v7(), Uuid::now_v7());
        let anchor = json!({ "kind": "point", "board": board.id, "pos": [3, 4] });
        let words = json!({ "anchor": anchor, "text": "Here?" });
        assert_eq!(
            left.mutate(&topic, "1", vec![put(first, words.clone())?]).await?,
            Mutated::Done(1)
        );
        let reply = json!({ "parent": first, "text": "There." });
        assert_eq!(right.mutate(&topic, "2", vec![put(answer, reply)?]).await?, Mutated::Done(2));
        let text = |it: &Socket, id: Uuid| it.views.get(&topic)?.property(id, "text").cloned();
        let seen = left.until("the answer", |it| text(it, answer)).await?;
        assert_eq!(seen, "There.");
        assert_eq!(left.view(&topic)?.property(answer, "anchor"), Some(&anchor_of(&board)));
        // Words are the author's, the resolution is everybody's; the fields that follow are told.
        let mine = vec![set(first, "text", json!("not mine"))];
        assert_eq!(right.mutate(&topic, "3", mine).await?, Mutated::Refused(NackCode::Forbidden));
        right.mutate(&topic, "4", vec![set(first, "is_resolved", json!(true))]).await?;
        let by = |it: &Socket| it.views.get(&topic)?.property(first, "resolved_by").cloned();
        let by = left.until("it is resolved", |it| by(it).filter(|it| !it.is_null())).await?;
        assert_eq!(by, json!(ben_user.id));
        let changed = Op::Set {
            id: first.to_string(),
            k: "text".to_owned(),
            v: json!("Here!"),
            if_seq: Some(1),
        };
        assert!(matches!(left.mutate(&topic, "5", vec![changed.clone()]).await?, Mutated::Done(_)));
        let late = left.mutate(&topic, "6", vec![changed]).await?;
        assert_eq!(late, Mutated::Refused(NackCode::Conflict));
        // The thread has somebody else's answer: its author cannot take that away.
        let whole = vec![Op::del(first)];
        assert_eq!(left.mutate(&topic, "7", whole).await?, Mutated::Refused(NackCode::Conflict));
        right.mutate(&topic, "8", vec![Op::del(answer)]).await?;
        assert!(matches!(left.mutate(&topic, "9", vec![Op::del(first)]).await?, Mutated::Done(_)));
        let back = right.mutate(&topic, "10", vec![put(first, words.clone())?]).await?;
        assert_eq!(back, Mutated::Refused(NackCode::Gone), "RT-23");
        assert!(matches!(
            left.mutate(&topic, "11", vec![put(first, words)?]).await?,
            Mutated::Done(_)
        ));
        let page: Page<Comment> = ana.get(format!("/comments?board_id={}", board.id)).await?;
        assert_eq!(page.items.len(), 1);
        assert_eq!((page.items[0].created_by, page.items[0].text.as_str()), (ana_user.id, "Here?"));
        // Whoever joins now sees it too.
        let late = on(grove, &ben, &topic).await?;
        assert_eq!(text(&late, first), Some(json!("Here?")));
        Ok(())
    })
    .await
}

fn anchor_of(board: &Board) -> Value {
    json!({ "kind": "point", "board": board.id, "pos": [3.0, 4.0] })
}

#[tokio::test]
async fn rt26_a_comment_in_a_session_appears_in_its_topic() -> Outcome {
    World::on_each(async |world| {
        let client = &world.client;
        let session = world.finished("Talk", "say hello").await?;
        let topic = format!("session:{}", session.id);
        let mut socket = world.grove.socket().await?;
        socket.subscribe(&topic).await?;
        let message = client.messages(session.id).await?[0].id;
        let on_message = json!({ "kind": "message", "session": session.id, "message": message });
        let line = json!({ "kind": "diff_line", "session": session.id, "path": "src/main.rs",
            "side": "new", "line": 7 });
        let mut made = Vec::new();
        for anchor in [on_message, line] {
            let body = json!({ "anchor": anchor, "text": "Why?" });
            let comment: Comment = client.post("/comments", body).await?;
            let here = |it: &Socket| it.views.get(&topic)?.property(comment.id, "text").cloned();
            assert_eq!(socket.until("the comment", here).await?, "Why?");
            made.push(comment);
        }
        let path = format!("/comments/{}", made[0].id);
        let answer = json!({ "parent": made[0].id, "text": "Because." });
        let answer: Comment = client.post("/comments", answer).await?;
        assert_eq!(answer.anchor, made[0].anchor);
        let nested = json!({ "parent": answer.id, "text": "deeper" });
        is_code(client.post::<Value>("/comments", nested).await, ErrorCode::InvalidRequest)?;
        let resolved: Comment = client.patch(&path, json!({ "is_resolved": true })).await?;
        assert!(resolved.is_resolved && resolved.resolved_by.is_some());
        let of = format!("/comments?session_id={}", session.id);
        let open: Page<Comment> = client.get(format!("{of}&is_resolved=false")).await?;
        assert_eq!(open.items.iter().map(|it| it.id).collect::<Vec<_>>(), [made[1].id]);
        let thread: Page<Comment> =
            client.get(format!("/comments?thread_id={}", made[0].id)).await?;
        assert_eq!(thread.items.len(), 2);
        client.delete::<()>(&path).await?;
        let gone = |it: &Socket| {
            let objects = &it.views.get(&topic)?.objects;
            (!objects.contains_key(&answer.id.to_string())).then_some(())
        };
        socket.until("the thread is gone", gone).await?;
        is_code(client.get::<Value>(&path).await, ErrorCode::NotFound)?;
        let nowhere =
            json!({ "kind": "message", "session": session.id, "message": Uuid::now_v7() });
        for body in [
            json!({ "text": "about nothing" }),
            json!({ "anchor": nowhere, "text": "?" }),
            json!({ "parent": made[1].id, "text": " " }),
            json!({ "parent": made[1].id, "text": "x", "mentions": [Uuid::now_v7()] }),
        ] {
            is_code(client.post::<Value>("/comments", body).await, ErrorCode::InvalidRequest)?;
        }
        Ok(())
    })
    .await
}

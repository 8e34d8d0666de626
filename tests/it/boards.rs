//! Boards and what lies on them, over REST.

use grove_core_api::event::Op;
use grove_core_api::rest::boards::{Board, BoardObject, ObjectColor, ObjectKind};
use grove_core_api::{ErrorCode, Page};
use grove_tests::{Instance, Outcome, World, is_code};
use reqwest::Method;
use serde_json::{Value, json};

#[tokio::test]
async fn a_board_is_made_renamed_archived_and_brought_back() -> Outcome {
    Instance::on_each(async |grove| {
        let client = grove.client()?;
        let made = client.new_board("  Plans ").await?;
        assert_eq!((made.name.as_str(), made.version), ("Plans", 1));
        assert_eq!(made.created_by, client.me().await?.id);
        let path = format!("/boards/{}", made.id);
        let renamed: Board = client.patch(&path, json!({ "name": "Ideas" })).await?;
        assert_eq!((renamed.name.as_str(), renamed.version), ("Ideas", 2));
        let archived: Board = client.patch(&path, json!({ "is_archived": true })).await?;
        assert!(archived.archived_at_ms.is_some());
        let listed: Page<Board> = client.get("/boards").await?;
        assert!(listed.items.is_empty(), "{listed:?}");
        let back: Board = client.patch(&path, json!({ "is_archived": false })).await?;
        assert_eq!((back.archived_at_ms, back.version), (None, 4));
        assert_eq!(client.get::<Board>(format!("/boards/{}", made.id.short())).await?, back);
        assert_eq!(client.get::<Page<Board>>("/boards").await?.items, [back]);
        Ok(())
    })
    .await
}

#[tokio::test]
async fn a_change_with_an_old_version_is_refused_and_changes_nothing() -> Outcome {
    Instance::on_each(async |grove| {
        let client = grove.client()?;
        let board = client.new_board("Plans").await?;
        let path = format!("/boards/{}", board.id);
        let patch = |version: &str, name: &str| {
            let request = client.request(Method::PATCH, &path).header("if-match", version);
            request.json(&json!({ "name": name }))
        };
        let changed: Board = client.send(patch("\"1\"", "First")).await?;
        assert_eq!(changed.version, 2);
        let refused = client.send::<Board>(patch("\"1\"", "Second")).await;
        is_code(refused, ErrorCode::PreconditionFailed)?;
        assert_eq!(client.get::<Board>(&path).await?.name, "First");
        Ok(())
    })
    .await
}

#[tokio::test]
async fn notes_texts_and_zones_come_change_and_go() -> Outcome {
    Instance::on_each(async |grove| {
        let client = grove.client()?;
        let board = client.new_board("Plans").await?;
        let path = format!("/boards/{}/objects", board.id);
        for kind in ["note", "text", "zone"] {
            let body = json!({ "kind": kind, "pos": [1.5, -2.0], "size": [200.0, 100.0],
                               "text": "Wörds 🌱", "color": "blue" });
            let made: BoardObject = client.post(&path, body).await?;
            assert_eq!((made.pos, made.size), ([1.5, -2.0], Some([200.0, 100.0])));
            assert_eq!((made.text.as_str(), made.color), ("Wörds 🌱", ObjectColor::Blue));
            let one = format!("{path}/{}", made.id);
            assert_eq!(client.get::<BoardObject>(&one).await?, made);
            let moved: BoardObject =
                client.patch(&one, json!({ "pos": [9.0, 9.0], "text": "" })).await?;
            assert_eq!((moved.pos, moved.text.as_str(), moved.size), ([9.0, 9.0], "", made.size));
            client.delete::<()>(&one).await?;
            is_code(client.get::<BoardObject>(&one).await, ErrorCode::NotFound)?;
            is_code(client.delete::<Value>(&one).await, ErrorCode::NotFound)?;
        }
        let log = client.log(&format!("/boards/{}", board.id)).await?;
        let kinds: Vec<_> = log.iter().map(|event| event.kind.as_str()).collect();
        let once = ["board_object.created", "board_object.patched", "board_object.removed"];
        assert_eq!(kinds, [once, once, once].concat());
        assert!(log.iter().all(|event| event.via == "api" && event.by.is_some()), "{log:?}");
        Ok(())
    })
    .await
}

#[tokio::test]
async fn an_object_of_another_board_is_not_found_on_this_one() -> Outcome {
    Instance::on_each(async |grove| {
        let client = grove.client()?;
        let (ours, theirs) = (client.new_board("A").await?, client.new_board("B").await?);
        let body = json!({ "kind": "note", "pos": [0, 0] });
        let note: BoardObject = client.post(format!("/boards/{}/objects", ours.id), body).await?;
        let elsewhere = format!("/boards/{}/objects/{}", theirs.id, note.id);
        is_code(client.get::<Value>(&elsewhere).await, ErrorCode::NotFound)?;
        is_code(client.patch::<Value>(&elsewhere, json!({})).await, ErrorCode::NotFound)?;
        is_code(client.delete::<Value>(&elsewhere).await, ErrorCode::NotFound)?;
        Ok(())
    })
    .await
}

#[tokio::test]
async fn a_card_can_be_moved_but_neither_made_changed_nor_removed() -> Outcome {
    World::on_each(async |world| {
        let client = &world.client;
        let session = client.new_session(world.repo.id, "Card", None).await?;
        let objects = format!("/boards/{}/objects", world.board.id);
        let card = format!("{objects}/{}", session.id);
        assert_eq!(client.get::<BoardObject>(&card).await?.kind, ObjectKind::Session);
        let moved: BoardObject = client.patch(&card, json!({ "pos": [40.0, 50.0] })).await?;
        assert_eq!(moved.pos, [40.0, 50.0]);
        for change in [json!({ "text": "mine" }), json!({ "size": [100.0, 100.0] })] {
            is_code(client.patch::<Value>(&card, change).await, ErrorCode::InvalidRequest)?;
        }
        let gone = client.delete::<Value>(&card).await;
        assert!(gone.is_err(), "{gone:?}");
        let fresh = json!({ "kind": "session", "pos": [0, 0] });
        is_code(client.post::<Value>(&objects, fresh).await, ErrorCode::InvalidRequest)?;
        assert_eq!(client.get::<BoardObject>(&card).await?.pos, [40.0, 50.0]);
        let log = client.log(&format!("/boards/{}", world.board.id)).await?;
        let Some(Op::Set { k, v, .. }) = log.last().and_then(|event| event.ops.first()) else {
            anyhow::bail!("the last event is not the move: {log:?}");
        };
        assert_eq!((k.as_str(), v), ("pos", &json!([40.0, 50.0])));
        Ok(())
    })
    .await
}

#[tokio::test]
async fn pages_hold_every_board_once_while_others_are_made() -> Outcome {
    Instance::on_each(async |grove| {
        let client = grove.client()?;
        let mut made = Vec::new();
        for number in 0..7 {
            made.push(client.new_board(&format!("Board {number}")).await?.id);
        }
        let mut seen = Vec::new();
        let mut cursor = None;
        loop {
            let rest = cursor.map_or_else(String::new, |it: String| format!("&cursor={it}"));
            let page: Page<Board> = client.get(format!("/boards?limit=2{rest}")).await?;
            assert!(page.items.len() <= 2);
            seen.extend(page.items.iter().map(|board| board.id));
            // Newest first: what comes in between belongs to no later page.
            client.new_board("In between").await?;
            cursor = page.next_cursor;
            if cursor.is_none() {
                break;
            }
        }
        made.reverse();
        assert_eq!(seen, made);
        Ok(())
    })
    .await
}

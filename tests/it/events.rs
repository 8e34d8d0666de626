//! The logs of boards and sessions: numbered without holes, readable from anywhere.

use grove_core_api::event::{Event, Op};
use grove_core_api::rest::messages::EventList;
use grove_core_api::rest::sessions::Session;
use grove_core_api::{ErrorCode, SessionId};
use grove_tests::{Outcome, World, is_code};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// Plays a log from its beginning.
fn play(log: &[Event]) -> BTreeMap<String, (String, Map<String, Value>)> {
    let mut objects = BTreeMap::new();
    for op in log.iter().flat_map(|event| &event.ops) {
        match op {
            Op::Put { id, kind, v } => {
                objects.insert(id.clone(), (kind.clone(), v.clone()));
            }
            Op::Set { id, k, v, .. } => {
                if let Some((_, properties)) = objects.get_mut(id) {
                    properties.insert(k.clone(), v.clone());
                }
            }
            Op::Del { id, .. } => {
                objects.remove(id);
            }
        }
    }
    objects
}

#[tokio::test]
async fn a_log_played_from_the_start_is_what_rest_says_now() -> Outcome {
    World::on_each(async |world| {
        let session = world.finished("Replay", "run echo hello | tee file").await?;
        world.client.prompt(session.id, "fail").await?;
        let session = world.client.until_over(session.id).await?;
        let played = play(&world.client.log(&format!("/sessions/{}", session.id)).await?);
        let as_stored = |value: Value| {
            let mut fields = value.as_object().cloned().unwrap_or_default();
            let id = fields.remove("id").and_then(|it| it.as_str().map(str::to_owned));
            (id.unwrap_or_default(), fields)
        };
        let (id, fields) = as_stored(serde_json::to_value(&session)?);
        assert_eq!(played[&id], ("session".to_owned(), fields));
        for message in world.client.messages(session.id).await? {
            let (id, fields) = as_stored(serde_json::to_value(&message)?);
            assert_eq!(played[&id], ("message".to_owned(), fields));
        }
        for task in world.client.tasks(session.id).await? {
            let (id, fields) = as_stored(serde_json::to_value(&task)?);
            assert_eq!(played[&id], ("task".to_owned(), fields));
        }
        let board = play(&world.client.log(&format!("/boards/{}", world.board.id)).await?);
        assert_eq!(board[&session.id.to_string()].1["state"], "failed");
        Ok(())
    })
    .await
}

#[tokio::test]
async fn a_log_is_read_from_any_number_on() -> Outcome {
    World::on_each(async |world| {
        let session = world.finished("Pages", "say hello").await?;
        let path = format!("/sessions/{}/events", session.id);
        let all: EventList = world.client.get(format!("{path}?limit=200")).await?;
        let rest: EventList = world.client.get(format!("{path}?after=3&limit=2")).await?;
        assert_eq!(rest.items, all.items[3..5]);
        assert_eq!((rest.seq, &rest.epoch), (all.seq, &all.epoch));
        let none: EventList = world.client.get(format!("{path}?after={}", all.seq)).await?;
        assert!(none.items.is_empty());
        for query in ["after=-1", "after=x", "limit=0"] {
            let answer = world.client.get::<EventList>(format!("{path}?{query}")).await;
            is_code(answer, ErrorCode::InvalidRequest)?;
        }
        let nobody = SessionId(uuid::Uuid::now_v7());
        let answer = world.client.get::<EventList>(format!("/sessions/{nobody}/events")).await;
        is_code(answer, ErrorCode::NotFound)?;
        Ok(())
    })
    .await
}

#[tokio::test]
async fn many_writers_at_once_leave_one_log_without_holes() -> Outcome {
    World::on_each(async |world| {
        let path = format!("/boards/{}", world.board.id);
        let note = serde_json::json!({ "kind": "note", "pos": [0, 0] });
        let objects = format!("{path}/objects");
        let calls = (0..60).map(|_| world.client.post::<Value>(&objects, &note));
        for made in futures_util::future::join_all(calls).await {
            made?;
        }
        let sessions = ["A", "B", "C", "D"].map(|title| world.finished(title, "say hello"));
        let done: Vec<Session> = futures_util::future::try_join_all(sessions).await?;
        for session in done {
            world.client.log(&format!("/sessions/{}", session.id)).await?;
        }
        let log = world.client.log(&path).await?;
        assert_eq!(log.iter().filter(|it| it.kind == "board_object.created").count(), 60);
        assert_eq!(log.iter().filter(|it| it.kind == "session.created").count(), 4);
        Ok(())
    })
    .await
}

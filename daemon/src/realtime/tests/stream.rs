//! Streamed text: offsets, late joiners, the end.

use super::support::{SESSION, SESSION_ID, World, set};
use crate::realtime::stream::{Finals, Marks, Outcome, Streams};
use grove_core_api::event::Op;
use grove_core_api::{MessageId, limits};
use serde_json::{Value, json};
use uuid::Uuid;

const MESSAGE: MessageId = MessageId(Uuid::from_u128(0x3e));

fn put_message() -> Op {
    let v = json!({"text": "", "is_streaming": true}).as_object().unwrap().clone();
    Op::Put { id: MESSAGE.to_string(), kind: "message".into(), v }
}

fn final_ops(text: &str) -> Vec<Op> {
    let id = MESSAGE.to_string();
    vec![set(&id, "text", text), set(&id, "is_streaming", false)]
}

fn texts(streams: &mut Streams, marks: &mut Marks) -> Vec<(u64, String)> {
    streams.show();
    let mut frames = Vec::new();
    streams.pull(marks, &mut frames);
    let texts = frames.into_iter().map(|frame| {
        let value: Value = serde_json::from_str(frame.as_str()).unwrap();
        (value["o"].as_u64().unwrap(), value["d"].as_str().unwrap().to_owned())
    });
    texts.collect()
}

#[test]
fn rt10_offsets_count_utf16_and_known_text_is_skipped() {
    let mut streams = Streams::new("session:x".into());
    let mut marks = Marks::new();
    assert_eq!(streams.append(MESSAGE, 0, "a🌱"), Outcome::Grew);
    assert_eq!(texts(&mut streams, &mut marks), [(0, "a🌱".to_owned())]);
    assert_eq!(streams.append(MESSAGE, 1, "🌱b"), Outcome::Grew, "half of it is known");
    assert_eq!(streams.append(MESSAGE, 0, "a🌱"), Outcome::Known);
    assert_eq!(streams.append(MESSAGE, 4, "é"), Outcome::Grew);
    assert_eq!(texts(&mut streams, &mut marks), [(3, "bé".to_owned())]);
    assert_eq!(streams.append(MESSAGE, 9, "hole"), Outcome::Refused);
    assert_eq!(texts(&mut streams, &mut marks), []);
    assert_eq!(texts(&mut streams, &mut Marks::new()), [(0, "a🌱bé".to_owned())]);
}

#[test]
fn rt10_a_reset_sends_only_what_is_new_or_else_everything() {
    let mut streams = Streams::new("session:x".into());
    let mut marks = Marks::new();
    streams.append(MESSAGE, 0, "one");
    texts(&mut streams, &mut marks);
    streams.reset(MESSAGE, "one two");
    assert_eq!(texts(&mut streams, &mut marks), [(3, " two".to_owned())]);
    streams.reset(MESSAGE, "other");
    assert_eq!(texts(&mut streams, &mut marks), [(0, "other".to_owned())]);
    assert_eq!(streams.append(MESSAGE, 5, "!"), Outcome::Grew);
    assert_eq!(texts(&mut streams, &mut marks), [(5, "!".to_owned())]);
}

#[test]
fn rt10_text_is_bounded_in_bytes_and_messages() {
    let mut streams = Streams::new("session:x".into());
    let whole = "x".repeat(limits::STREAM_TEXT_BYTES);
    assert_eq!(streams.append(MESSAGE, 0, &whole), Outcome::Grew);
    let end = u64::try_from(whole.len()).unwrap();
    assert_eq!(streams.append(MESSAGE, end, "y"), Outcome::Refused);
    let more = u128::try_from(limits::STREAM_MESSAGES).unwrap() - 1;
    for number in 1..=more {
        let message = MessageId(Uuid::from_u128(0x1000 + number));
        assert_eq!(streams.append(message, 0, "x"), Outcome::Grew);
    }
    assert_eq!(streams.append(MessageId(Uuid::from_u128(1)), 0, "x"), Outcome::Refused);
}

#[test]
fn rt11_a_message_that_began_after_the_reading_is_not_ended_by_it() {
    let mut streams = Streams::new("session:x".into());
    streams.append(MESSAGE, 0, "old");
    let read_at = streams.generation();
    let mut finals = Finals::default();
    finals.note_ops(&final_ops("old"));
    streams.end(MESSAGE);
    streams.append(MESSAGE, 0, "anew");
    streams.end_final(&finals, read_at);
    assert!(!streams.is_empty());
    streams.end_by(&final_ops("anew"));
    assert!(streams.is_empty());
}

#[tokio::test(start_paused = true)]
async fn rt10_a_late_joiner_gets_all_text_so_far_and_then_the_rest() {
    let world = World::memory();
    world.happen(SESSION, vec![put_message()]);
    world.hub.stream(SESSION_ID, MESSAGE, 0, "Hello ");
    world.hub.stream(SESSION_ID, MESSAGE, 6, "wörld");

    let mut late = world.greeted("Ana").await;
    late.send(json!({"t": "sub", "id": 1, "ch": SESSION.to_string()})).await;
    assert_eq!(late.next().await["t"], "snap");
    // The second piece may wait for its tick; together they are the whole text.
    let mut text = String::new();
    while text != "Hello wörld" {
        let frame = late.next().await;
        assert_eq!((&frame["t"], &frame["m"]), (&json!("st"), &json!(MESSAGE.to_string())));
        assert_eq!(frame["o"], text.encode_utf16().count());
        text.push_str(frame["d"].as_str().unwrap());
    }
    world.hub.stream(SESSION_ID, MESSAGE, 11, "!");
    let frame = late.next().await;
    assert_eq!((&frame["o"], &frame["d"]), (&json!(11), &json!("!")));
}

#[tokio::test(start_paused = true)]
async fn rt10_text_is_joined_per_tick() {
    let world = World::memory();
    world.happen(SESSION, vec![put_message()]);
    let mut reader = world.greeted("Ana").await;
    reader.send(json!({"t": "sub", "id": 1, "ch": SESSION.to_string()})).await;
    assert_eq!(reader.next().await["t"], "snap");
    for offset in 0..100 {
        world.hub.stream(SESSION_ID, MESSAGE, offset, "x");
    }
    let first = reader.next().await;
    assert_eq!(first["d"], "x", "the first piece goes at once");
    let rest = reader.next().await;
    assert_eq!(rest["o"], 1);
    assert_eq!(rest["d"].as_str().unwrap().len(), 99);
    reader.assert_quiet().await;
}

#[tokio::test(start_paused = true)]
async fn rt10_who_wants_no_text_gets_events_only_and_may_change_its_mind() {
    let world = World::memory();
    world.happen(SESSION, vec![put_message()]);
    world.hub.stream(SESSION_ID, MESSAGE, 0, "a");
    let mut tile = world.greeted("Ana").await;
    let ch = SESSION.to_string();
    tile.send(json!({"t": "sub", "id": 1, "ch": ch, "text": false})).await;
    let snap = tile.next().await;
    assert_eq!(snap["t"], "snap");
    tile.assert_quiet().await;
    world.hub.stream(SESSION_ID, MESSAGE, 1, "b");
    tokio::time::advance(std::time::Duration::from_millis(limits::STREAM_TICK_MS * 2)).await;
    tile.assert_quiet().await;
    let id = MESSAGE.to_string();
    world.happen(SESSION, vec![set(&id, "title", "still told")]);
    let event = tile.next().await;
    assert_eq!(event["t"], "ev");

    let (epoch, seq) = (&snap["epoch"], &event["evs"][0]["seq"]);
    tile.send(json!({"t": "sub", "id": 2, "ch": ch, "epoch": epoch, "seq": seq})).await;
    assert_eq!(tile.next().await["t"], "subok");
    let frame = tile.next().await;
    assert_eq!((&frame["t"], &frame["o"], &frame["d"]), (&json!("st"), &json!(0), &json!("ab")));
}

#[tokio::test(start_paused = true)]
async fn rt11_no_text_follows_the_final_event() {
    let world = World::memory();
    world.happen(SESSION, vec![put_message()]);
    let mut reader = world.greeted("Ana").await;
    reader.send(json!({"t": "sub", "id": 1, "ch": SESSION.to_string()})).await;
    assert_eq!(reader.next().await["t"], "snap");
    world.hub.stream(SESSION_ID, MESSAGE, 0, "a");
    assert_eq!(reader.next().await["t"], "st");
    world.hub.stream(SESSION_ID, MESSAGE, 1, "b");
    world.happen(SESSION, final_ops("ab"));
    assert_eq!(reader.next().await["t"], "ev");
    reader.assert_quiet().await;
    tokio::time::advance(std::time::Duration::from_millis(limits::STREAM_TICK_MS * 2)).await;
    reader.assert_quiet().await;
    world.hub.stream_end(SESSION_ID, MESSAGE);
}

#[tokio::test(start_paused = true)]
async fn rt11_a_snapshot_with_the_final_text_is_not_followed_by_live_text() {
    let world = World::memory();
    world.happen(SESSION, vec![put_message()]);
    world.hub.stream(SESSION_ID, MESSAGE, 0, "half");
    // Committed, but on its way to the hub when the reader joins.
    let late = world.memory.commit(SESSION, None, final_ops("half and half"));
    let mut reader = world.greeted("Ana").await;
    reader.send(json!({"t": "sub", "id": 1, "ch": SESSION.to_string()})).await;
    let snap = reader.next().await;
    assert_eq!(snap["state"][MESSAGE.to_string()]["v"]["text"], "half and half");
    reader.assert_quiet().await;
    world.hub.publish(SESSION, late);
    reader.assert_quiet().await;
}

#[tokio::test(start_paused = true)]
async fn rt11_text_waits_for_the_event_that_begins_its_message() {
    let world = World::memory();
    let first = world.memory.commit(SESSION, None, vec![super::support::put("s", json!({}))]);
    let mut reader = world.greeted("Ana").await;
    reader.send(json!({"t": "sub", "id": 1, "ch": SESSION.to_string()})).await;
    assert_eq!(reader.next().await["seq"], first.seq);
    let held_up = world.memory.commit(SESSION, None, vec![set("s", "title", "x")]);
    world.happen(SESSION, vec![put_message()]);
    world.hub.stream(SESSION_ID, MESSAGE, 0, "text");
    reader.assert_quiet().await;
    world.hub.publish(SESSION, held_up);
    assert_eq!(reader.seqs_until(3).await, [2, 3]);
    assert_eq!(reader.next().await["d"], "text");
}

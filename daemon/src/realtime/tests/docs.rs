//! Documents on a connection: joining, updates, carets. The backend here keeps bytes and knows no Yjs.

use super::support::{Client, World};
use crate::bus::Exchange;
use bytes::Bytes;
use futures_util::{SinkExt, StreamExt};
use grove_core_api::realtime::binary::{
    AwarenessEntry, BinaryFrame, FrameKind, SyncMessage, decode_awareness, encode_awareness,
};
use grove_core_api::{DocId, limits};
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::protocol::Message;
use uuid::Uuid;

const DOC: DocId = DocId(Uuid::from_u128(0xd0));

fn ch() -> String {
    format!("doc:{DOC}")
}

async fn send_bytes(client: &mut Client, bytes: Vec<u8>) {
    client.ws.send(Message::binary(bytes)).await.unwrap();
}

/// Returns the next frame, text or binary.
async fn next(client: &mut Client) -> Result<Value, Bytes> {
    loop {
        match client.ws.next().await.unwrap().unwrap() {
            Message::Text(text) => return Ok(serde_json::from_str(&text).unwrap()),
            Message::Binary(bytes) => return Err(bytes),
            Message::Ping(_) | Message::Pong(_) => {}
            other @ (Message::Close(_) | Message::Frame(_)) => panic!("{other:?}"),
        }
    }
}

async fn next_bytes(client: &mut Client) -> Bytes {
    next(client).await.unwrap_err()
}

/// Joins the document and returns its number; the server's question has been taken.
async fn join(client: &mut Client) -> u32 {
    client.send(json!({"t": "sub", "id": 4, "ch": ch()})).await;
    let subok = next(client).await.unwrap();
    assert_eq!(
        (&subok["t"], &subok["id"], &subok["epoch"]),
        (&json!("subok"), &json!(4), &json!("e1"))
    );
    let number = u32::try_from(subok["n"].as_u64().unwrap()).unwrap();
    assert_eq!(next_bytes(client).await, SyncMessage::Step1(&[0]).frame(number));
    number
}

fn caret(number: u32, client: u64, state: &str) -> Vec<u8> {
    let entry = AwarenessEntry { client, clock: 1, state: state.to_owned() };
    let payload = encode_awareness(&[entry]);
    BinaryFrame { kind: FrameKind::Awareness, channel: number, payload: &payload }.encode()
}

fn read_carets(bytes: &[u8]) -> Vec<(u64, Value)> {
    let frame = BinaryFrame::decode(bytes).unwrap();
    assert_eq!(frame.kind, FrameKind::Awareness);
    let entries = decode_awareness(frame.payload).unwrap();
    entries.iter().map(|it| (it.client, serde_json::from_str(&it.state).unwrap())).collect()
}

#[tokio::test(start_paused = true)]
async fn rt40_who_joins_gets_a_number_is_asked_and_can_ask() {
    let world = World::memory();
    let mut ana = world.greeted("Ana").await;
    let number = join(&mut ana).await;
    send_bytes(&mut ana, SyncMessage::Update(b"one").frame(number)).await;
    assert_eq!(next(&mut ana).await, Ok(json!({"t": "saved", "ch": ch(), "n": 1})));
    let mut ben = world.greeted("Ben").await;
    assert_eq!(join(&mut ben).await, number, "one number for all");
    send_bytes(&mut ben, SyncMessage::Step1(&[0]).frame(number)).await;
    assert_eq!(next_bytes(&mut ben).await, SyncMessage::Step2(b"one").frame(number));
}

#[tokio::test(start_paused = true)]
async fn rt41_an_update_is_saved_and_goes_to_the_others_only() {
    let world = World::memory();
    let (mut ana, mut ben) = (world.greeted("Ana").await, world.greeted("Ben").await);
    let number = join(&mut ana).await;
    join(&mut ben).await;
    for (update, n) in [(b"a", 1), (b"b", 2)] {
        send_bytes(&mut ana, SyncMessage::Update(update).frame(number)).await;
        assert_eq!(next(&mut ana).await, Ok(json!({"t": "saved", "ch": ch(), "n": n})));
        assert_eq!(next_bytes(&mut ben).await, SyncMessage::Update(update).frame(number));
    }
    ana.assert_quiet().await;
    ben.send(json!({"t": "unsub", "ch": ch()})).await;
    ben.assert_quiet().await;
    send_bytes(&mut ana, SyncMessage::Update(b"c").frame(number)).await;
    assert_eq!(ana.next().await["n"], 3);
    ben.assert_quiet().await;
}

#[tokio::test(start_paused = true)]
async fn rt42_an_update_that_lacks_something_is_refused_and_asked_for_whole() {
    let world = World::memory();
    let mut ana = world.greeted("Ana").await;
    let number = join(&mut ana).await;
    send_bytes(&mut ana, SyncMessage::Update(&[255]).frame(number)).await;
    assert_eq!(next_bytes(&mut ana).await, SyncMessage::Step1(&[0]).frame(number));
    let error = ana.next().await;
    assert_eq!((&error["code"], &error["ch"]), (&json!("conflict"), &json!(ch())));
    assert_eq!(ana.next().await["t"], "saved", "it is dealt with");
}

#[tokio::test(start_paused = true)]
async fn rt42_unusable_binary_frames_are_answered() {
    let world = World::memory();
    let mut ana = world.greeted("Ana").await;
    let number = u8::try_from(join(&mut ana).await).unwrap();
    for bytes in [
        vec![],
        vec![7, number],
        vec![1, number, 9, 0],
        vec![1, number, 0, 200],
        vec![2, number, 1],
    ] {
        send_bytes(&mut ana, bytes.clone()).await;
        assert_eq!(ana.next().await["code"], "invalid_request", "{bytes:?}");
    }
    // A number that names nothing (any more) is no fault.
    send_bytes(&mut ana, vec![1, number + 1, 2, 0]).await;
    ana.assert_quiet().await;
}

#[tokio::test(start_paused = true)]
async fn rt43_who_is_behind_the_room_gets_the_whole_state() {
    let world = World::memory();
    let (mut ana, mut ben) = (world.greeted("Ana").await, world.greeted("Ben").await);
    let number = join(&mut ana).await;
    join(&mut ben).await;
    // Ben's connection is busy writing the first of these while the ring loses the others.
    let large = vec![1; limits::DOC_RING_BYTES / 2];
    for _ in 0..4 {
        send_bytes(&mut ana, SyncMessage::Update(&large).frame(number)).await;
        assert_eq!(ana.next().await["t"], "saved");
    }
    let mut bytes = 0;
    while bytes < 4 * large.len() {
        let frame = next_bytes(&mut ben).await;
        let frame = BinaryFrame::decode(&frame).unwrap();
        match SyncMessage::decode(frame.payload).unwrap() {
            SyncMessage::Update(update) => bytes += update.len(),
            SyncMessage::Step2(state) => bytes = state.len(),
            SyncMessage::Step1(_) => panic!("nobody asked"),
        }
    }
    assert_eq!(bytes, 4 * large.len());
}

#[tokio::test(start_paused = true)]
async fn rt43_windows_on_one_document_are_bounded() {
    let world = World::memory();
    let mut clients = Vec::new();
    for _ in 0..limits::DOC_SUBSCRIBERS {
        let mut client = world.greeted("Ana").await;
        join(&mut client).await;
        clients.push(client);
    }
    let mut late = world.greeted("Ana").await;
    late.send(json!({"t": "sub", "id": 9, "ch": ch()})).await;
    let error = late.next().await;
    assert_eq!((&error["code"], &error["ref"]), (&json!("too_large"), &json!(9)));
    drop(clients.pop());
    // Its place is free when the server has noticed.
    loop {
        late.send(json!({"t": "sub", "id": 10, "ch": ch()})).await;
        if next(&mut late).await.unwrap()["t"] == "subok" {
            break;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn rt44_carets_reach_others_with_the_name_of_the_server() {
    let world = World::memory();
    let (mut ana, mut ben) = (world.greeted("Ana").await, world.greeted("Ben").await);
    let number = join(&mut ana).await;
    join(&mut ben).await;
    send_bytes(&mut ana, caret(number, 70, r#"{"cursor":1,"user":{"name":"Eve"}}"#)).await;
    let seen = read_carets(&next_bytes(&mut ben).await);
    assert_eq!(
        (seen[0].0, &seen[0].1["cursor"], &seen[0].1["user"]["name"]),
        (70, &json!(1), &json!("Ana"))
    );
    // Ben cannot move Ana's caret, and is told so.
    send_bytes(&mut ben, caret(number, 70, "{}")).await;
    assert_eq!(ben.next().await["code"], "forbidden");
    ana.assert_quiet().await;
    drop(ana);
    assert_eq!(read_carets(&next_bytes(&mut ben).await), vec![(70, Value::Null)]);
}

#[tokio::test(start_paused = true)]
async fn rt44_the_last_caret_arrives_however_many_were_replaced() {
    let world = World::memory();
    let (mut ana, mut ben) = (world.greeted("Ana").await, world.greeted("Ben").await);
    let number = join(&mut ana).await;
    join(&mut ben).await;
    for at in 0..200 {
        send_bytes(&mut ana, caret(number, 70, &format!(r#"{{"cursor":{at}}}"#))).await;
    }
    let mut frames = 0;
    loop {
        frames += 1;
        let seen = read_carets(&next_bytes(&mut ben).await);
        if seen[0].1["cursor"] == 199 {
            break;
        }
    }
    assert!(frames <= 2 * limits::DOC_AWARENESS_PER_SEC, "{frames}");
    let large = format!(r#"{{"cursor":"{}"}}"#, "x".repeat(limits::DOC_AWARENESS_BYTES));
    send_bytes(&mut ana, caret(number, 70, &large)).await;
    assert_eq!(ana.next().await["code"], "too_large");
}

#[tokio::test(start_paused = true)]
async fn rt47_a_document_that_is_gone_ends_for_everybody() {
    let world = World::memory();
    let mut ana = world.greeted("Ana").await;
    join(&mut ana).await;
    world.hub.end_doc(DOC);
    let error = ana.next().await;
    assert_eq!((&error["code"], &error["ch"]), (&json!("gone"), &json!(ch())));
    join(&mut ana).await;
}

#[tokio::test(start_paused = true)]
async fn rt48_carets_cross_between_daemons_and_go_with_them() {
    let exchange = Exchange::default();
    let alpha = World::node(&exchange, 1, None);
    let beta = World::node(&exchange, 2, Some(&alpha));
    let (mut ana, mut ben) = (alpha.greeted("Ana").await, beta.greeted("Ben").await);
    let (left, right) = (join(&mut ana).await, join(&mut ben).await);
    send_bytes(&mut ana, caret(left, 70, r#"{"cursor":1}"#)).await;
    let seen = read_carets(&next_bytes(&mut ben).await);
    assert_eq!((seen[0].0, &seen[0].1["cursor"]), (70, &json!(1)));
    assert_eq!(seen[0].1["user"]["name"], "Ana", "who it is, says the daemon that knows");
    send_bytes(&mut ben, caret(right, 71, r#"{"cursor":2}"#)).await;
    assert_eq!(read_carets(&next_bytes(&mut ana).await)[0].0, 71);
    send_bytes(&mut ben, caret(right, 71, "null")).await;
    assert_eq!(read_carets(&next_bytes(&mut ana).await), [(71, Value::Null)]);
    alpha.shutdown.cancel();
    while read_carets(&next_bytes(&mut ben).await) != [(70, Value::Null)] {}
}

//! Rights that end, one's own topic, and states that are too large for a frame.

use super::support::{BOARD, Client, SESSION, World, put};
use crate::realtime::Backend;
use grove_core_api::event::Topic;
use grove_core_api::limits;
use serde_json::{Value, json};
use std::sync::atomic::Ordering;

async fn subscribe(client: &mut Client, ch: &str) -> Value {
    client.send(json!({"t": "sub", "id": 5, "ch": ch})).await;
    client.next().await
}

async fn with_refetch(world: &World, name: &str) -> Client {
    let mut client = world.connect(name).await;
    client.send(json!({"t": "hello", "v": 1, "caps": ["refetch", "unheard of"]})).await;
    assert_eq!(client.next().await["t"], "welcome");
    client
}

fn fill(world: &World) {
    let text = "x".repeat(limits::SNAP_FRAME_BYTES / 8);
    for number in 0..9 {
        world.happen(BOARD, vec![put(&format!("n{number}"), json!({ "text": text }))]);
    }
}

#[tokio::test]
async fn rt12_a_right_that_ends_ends_the_topic_and_nothing_else() {
    let world = World::loopback().await;
    let mut ana = world.on_board("Ana").await;
    let mut ben = world.on_board("Ben").await;
    assert_eq!(ana.next_of("peers").await["ch"], BOARD.to_string());
    assert_eq!(subscribe(&mut ana, &SESSION.to_string()).await["t"], "snap");
    let user = world.memory.identity(&"Ana".to_owned()).user;
    world.hub.revoke(user, BOARD);
    let told = ana.next_of("error").await;
    assert_eq!((&told["code"], &told["ch"]), (&json!("forbidden"), &json!(BOARD.to_string())));
    world.notes(BOARD, 3);
    assert_eq!(ben.seqs_until(3).await, [1, 2, 3], "others read on");
    // The connection lives, and of what comes only the other topic is for Ana.
    world.notes(SESSION, 1);
    let next = ana.next().await;
    assert_eq!((&next["t"], &next["ch"]), (&json!("ev"), &json!(SESSION.to_string())));
    ana.assert_quiet().await;
}

#[tokio::test]
async fn rt12_a_change_of_rights_asks_again_for_every_open_topic() {
    let world = World::loopback().await;
    let mut ana = world.on_board("Ana").await;
    assert_eq!(subscribe(&mut ana, &SESSION.to_string()).await["t"], "snap");
    world.memory.hide(BOARD);
    world.hub.recheck(None);
    let told = ana.next_of("error").await;
    assert_eq!((&told["code"], &told["ch"]), (&json!("forbidden"), &json!(BOARD.to_string())));
    // What she may read goes on.
    world.notes(BOARD, 1);
    world.notes(SESSION, 1);
    let next = ana.next().await;
    assert_eq!((&next["t"], &next["ch"]), (&json!("ev"), &json!(SESSION.to_string())));
    ana.assert_quiet().await;
}

#[tokio::test]
async fn rt12_ones_own_topic_is_nobody_elses() {
    let world = World::loopback().await;
    let users = ["Ana", "Ben"].map(|name| world.memory.identity(&name.to_owned()).user);
    let mut ana = world.greeted("Ana").await;
    let mut ben = world.greeted("Ben").await;
    for client in [&mut ana, &mut ben] {
        let snap = subscribe(client, "user:me").await;
        assert_eq!((&snap["t"], &snap["ch"]), (&json!("snap"), &json!("user:me")));
    }
    world.happen(Topic::User(users[0]), vec![put("a", json!({}))]);
    let event = ana.next().await;
    assert_eq!((&event["t"], &event["ch"]), (&json!("ev"), &json!("user:me")));
    ben.assert_quiet().await;
}

#[tokio::test]
async fn rt25_a_large_state_is_read_over_http_by_clients_that_can() {
    let world = World::loopback().await;
    fill(&world);
    let mut client = with_refetch(&world, "Ana").await;
    let answer = subscribe(&mut client, &BOARD.to_string()).await;
    assert_eq!(answer["t"], "refetch");
    assert_eq!(
        (&answer["id"], &answer["epoch"], &answer["seq"]),
        (&json!(5), &json!("e1"), &json!(9))
    );
    assert!(answer["url"].as_str().unwrap().ends_with("/snapshot"), "{answer}");
    // Nothing comes of the topic before it is subscribed again, from what was read.
    world.notes(BOARD, 1);
    client.assert_quiet().await;
    let sub = json!({"t": "sub", "id": 6, "ch": BOARD.to_string(), "epoch": "e1", "seq": 9});
    client.send(sub).await;
    assert_eq!(client.next().await["t"], "subok");
    assert_eq!(client.seqs_until(10).await, [10]);
}

#[tokio::test]
async fn rt25_a_large_state_is_a_frame_for_clients_that_cannot() {
    let world = World::loopback().await;
    fill(&world);
    let mut client = world.greeted("Ana").await;
    assert_eq!(subscribe(&mut client, &BOARD.to_string()).await["t"], "snap");
    // And a small one is a frame for everybody.
    let mut other = with_refetch(&world, "Ben").await;
    assert_eq!(subscribe(&mut other, &SESSION.to_string()).await["t"], "snap");
}

#[tokio::test]
async fn rt25_joining_reads_no_event_however_long_the_log_is() {
    let mut reads = Vec::new();
    for count in [10, 20_000] {
        let world = World::loopback().await;
        for number in 0..count {
            // Nobody is there yet: the events are in the log alone.
            world.memory.commit(BOARD, None, vec![put("n", json!({ "text": number }))]);
        }
        let mut client = world.on_board("Ana").await;
        client.assert_quiet().await;
        let count = |it: &std::sync::atomic::AtomicUsize| it.load(Ordering::Relaxed);
        reads.push((count(&world.memory.log_reads), count(&world.memory.snapshots)));
    }
    assert_eq!(reads, [(0, 1), (0, 1)]);
}

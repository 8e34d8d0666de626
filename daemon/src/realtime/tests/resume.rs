//! Joining, resuming, gaps, and what is left when the history is not.

use super::support::{BOARD, Client, World, put};
use grove_core_api::limits;
use serde_json::json;
use std::sync::atomic::Ordering;

async fn resume(client: &mut Client, seq: i64) -> serde_json::Value {
    let sub = json!({"t": "sub", "id": 9, "ch": BOARD.to_string(), "epoch": "e1", "seq": seq});
    client.send(sub).await;
    client.next().await
}

#[tokio::test]
async fn rt03_a_resume_replays_what_was_missed_without_a_snapshot() {
    let world = World::loopback().await;
    world.notes(BOARD, 3);
    let first = world.on_board("Ana").await;
    drop(first);
    world.notes(BOARD, 5);
    let mut back = world.greeted("Ana").await;
    let answer = resume(&mut back, 3).await;
    assert_eq!(answer["t"], "subok");
    assert_eq!(
        (&answer["id"], &answer["epoch"], &answer["seq"]),
        (&json!(9), &json!("e1"), &json!(8))
    );
    assert_eq!(back.seqs_until(8).await, [4, 5, 6, 7, 8]);
    assert_eq!(world.memory.snapshots.load(Ordering::Relaxed), 1, "only the first join");
}

#[tokio::test(start_paused = true)]
async fn rt03_a_resume_across_a_restart_is_read_from_the_log() {
    let world = World::memory();
    world.notes(BOARD, 700);
    let mut back = world.greeted("Ana").await;
    assert_eq!(resume(&mut back, 2).await["t"], "subok");
    assert_eq!(back.seqs_until(700).await, (3..=700).collect::<Vec<_>>());
    assert_eq!(world.memory.snapshots.load(Ordering::Relaxed), 0);
}

#[tokio::test(start_paused = true)]
async fn rt03_another_epoch_the_future_and_a_compacted_log_get_a_snapshot() {
    let world = World::memory();
    world.notes(BOARD, 5);
    let mut client = world.greeted("Ana").await;
    let other = json!({"t": "sub", "id": 1, "ch": BOARD.to_string(), "epoch": "e0", "seq": 2});
    client.send(other).await;
    assert_eq!(client.next().await["t"], "snap");
    client.next_of("peers").await;
    for seq in [6, -1, i64::MAX, i64::MIN] {
        assert_eq!(resume(&mut client, seq).await["t"], "snap", "{seq}");
        client.next_of("peers").await;
    }
    world.memory.compact(BOARD, 4);
    assert_eq!(resume(&mut client, 1).await["t"], "snap");
}

#[tokio::test(start_paused = true)]
async fn rt03_too_large_a_distance_gets_a_snapshot() {
    let world = World::memory();
    let too_many = usize::try_from(limits::RESUME_EVENTS).unwrap() + 1;
    world.notes(BOARD, too_many);
    let mut client = world.greeted("Ana").await;
    assert_eq!(resume(&mut client, 0).await["t"], "snap");
    client.next_of("peers").await;
    assert_eq!(resume(&mut client, 1).await["t"], "subok");
}

#[tokio::test(start_paused = true)]
async fn rt03_a_client_whose_snapshot_was_ahead_of_the_room_resumes() {
    let world = World::memory();
    let mut client = world.on_board("Ana").await;
    let late = world.memory.commit(BOARD, None, vec![put("n1", json!({}))]);
    assert_eq!(resume(&mut client, 1).await["t"], "subok");
    client.next_of("peers").await;
    world.hub.publish(BOARD, late);
    world.notes(BOARD, 1);
    assert_eq!(client.seqs_until(2).await, [2], "the first is not sent twice");
}

#[tokio::test(start_paused = true)]
async fn rt04_an_event_that_never_reaches_the_hub_is_read_from_the_log() {
    let world = World::memory();
    let mut client = world.on_board("Ana").await;
    world.memory.commit(BOARD, None, vec![put("n1", json!({}))]);
    world.notes(BOARD, 2);
    assert_eq!(client.seqs_until(3).await, [1, 2, 3]);
    assert_eq!(world.memory.log_reads.load(Ordering::Relaxed), 1);
}

#[tokio::test(start_paused = true)]
async fn rt04_an_event_that_only_a_snapshot_knows_is_read_from_the_log() {
    let world = World::memory();
    let mut ana = world.on_board("Ana").await;
    world.memory.commit(BOARD, None, vec![put("n1", json!({}))]);
    let mut ben = world.on_board("Ben").await;
    assert_eq!(ana.seqs_until(1).await, [1]);
    ben.assert_quiet().await;
}

#[tokio::test(start_paused = true)]
async fn rt04_a_log_with_a_hole_makes_the_room_start_anew_with_a_snapshot() {
    let world = World::memory();
    let mut client = world.on_board("Ana").await;
    world.memory.commit(BOARD, None, vec![put("n1", json!({}))]);
    world.memory.compact(BOARD, 2);
    world.notes(BOARD, 1);
    let snap = client.next().await;
    assert_eq!((&snap["t"], &snap["seq"]), (&json!("snap"), &json!(2)));
    assert!(snap.get("id").is_none(), "it answers no `sub`");
    world.notes(BOARD, 1);
    assert_eq!(client.seqs_until(3).await, [3]);
}

#[tokio::test(start_paused = true)]
async fn rt12_a_topic_that_one_may_not_read_is_refused_and_sends_nothing() {
    let world = World::memory();
    world.memory.hide(BOARD);
    let mut client = world.greeted("Eve").await;
    client.send(json!({"t": "sub", "id": 4, "ch": BOARD.to_string()})).await;
    let error = client.next().await;
    assert_eq!(
        (&error["t"], &error["code"], &error["ref"]),
        (&json!("error"), &json!("not_found"), &json!(4))
    );
    world.notes(BOARD, 1);
    client.assert_quiet().await;
}

#[tokio::test(start_paused = true)]
async fn rt12_a_topic_that_was_left_sends_nothing() {
    let world = World::memory();
    let mut client = world.on_board("Ana").await;
    client.send(json!({"t": "unsub", "ch": BOARD.to_string()})).await;
    client.assert_quiet().await;
    world.notes(BOARD, 1);
    client.assert_quiet().await;
}

#[tokio::test(start_paused = true)]
async fn rt12_topics_per_connection_are_bounded() {
    let world = World::memory();
    let mut client = world.greeted("Ana").await;
    for number in 0..=limits::WS_TOPICS {
        let id = uuid::Uuid::from_u128(u128::try_from(number).unwrap());
        client.send(json!({"t": "sub", "id": number, "ch": format!("session:{id}")})).await;
        let answer = client.next().await;
        let expected = if number < limits::WS_TOPICS { "snap" } else { "error" };
        assert_eq!(answer["t"], expected, "{number}: {answer}");
    }
}

#[tokio::test(start_paused = true)]
async fn rt21_a_room_is_dropped_after_its_last_reader_and_made_again() {
    let world = World::memory();
    let client = world.on_board("Ana").await;
    assert_eq!(world.hub.rooms(), 1);
    drop(client);
    tokio::time::sleep(std::time::Duration::from_millis(limits::ROOM_IDLE_MS * 2)).await;
    assert_eq!((world.hub.rooms(), world.hub.connections()), (0, 0));
    world.notes(BOARD, 1);
    let mut client = world.greeted("Ana").await;
    assert_eq!(resume(&mut client, 0).await["t"], "subok");
    assert_eq!(client.seqs_until(1).await, [1]);
}

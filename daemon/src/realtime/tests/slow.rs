//! Clients that do not take their frames, and everybody else.

use super::support::{BOARD, World, put};
use grove_core_api::limits;
use serde_json::json;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::time::Instant;

#[tokio::test(start_paused = true)]
async fn rt08_a_client_that_does_not_read_is_closed_and_others_are_unaffected() {
    let world = World::memory();
    let mut slow = world.on_board("Slow").await;
    let mut ben = world.on_board("Ben").await;
    let started = Instant::now();
    let text = "x".repeat(8 * 1024);
    let count = 100;
    for number in 1..=count {
        world.happen(BOARD, vec![put(&format!("n{number}"), json!({"text": text}))]);
    }
    assert_eq!(ben.seqs_until(count).await.len(), 100);
    let before = started.elapsed();
    assert!(before < Duration::from_secs(1), "the reader waited {before:?} for the slow one");
    assert_eq!(ben.next_of("pres").await["gone"], json!([slow.peer]));
    let write = Duration::from_millis(limits::WS_WRITE_MS);
    assert!(started.elapsed() >= write && started.elapsed() < write * 2);
    assert_eq!(slow.closed().await, Some(4408));
}

#[tokio::test(start_paused = true)]
async fn rt07_who_falls_behind_the_ring_catches_up_from_the_log() {
    let world = World::memory();
    let mut slow = world.on_board("Slow").await;
    // In pauses shorter than the longest write, more happens than the ring holds.
    let last = i64::try_from(limits::ROOM_RING_EVENTS * 2).unwrap();
    world.notes(BOARD, limits::ROOM_RING_EVENTS);
    tokio::time::sleep(Duration::from_millis(limits::WS_WRITE_MS / 2)).await;
    world.notes(BOARD, limits::ROOM_RING_EVENTS);
    assert_eq!(slow.seqs_until(last).await, (1..=last).collect::<Vec<_>>());
    assert!(world.memory.log_reads.load(Ordering::Relaxed) > 0);
    assert_eq!(world.memory.snapshots.load(Ordering::Relaxed), 1, "only the one of the join");
}

#[tokio::test(start_paused = true)]
async fn rt07_who_falls_too_far_behind_gets_a_snapshot() {
    let world = World::memory();
    let mut slow = world.on_board("Slow").await;
    world.notes(BOARD, limits::ROOM_RING_EVENTS);
    tokio::time::sleep(Duration::from_millis(limits::WS_WRITE_MS / 2)).await;
    let more = usize::try_from(limits::RESUME_EVENTS).unwrap() + limits::ROOM_RING_EVENTS;
    world.notes(BOARD, more);
    let snap = slow.next_of("snap").await;
    assert!(snap.get("id").is_none());
    assert_eq!(snap["seq"], more + limits::ROOM_RING_EVENTS);
}

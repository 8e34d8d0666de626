//! Two daemons on one database: what crosses between them, and what happens when it does not.

use super::support::{BOARD, SESSION, SESSION_ID, World, put, set};
use crate::bus::Exchange;
use grove_core_api::MessageId;
use serde_json::json;
use uuid::Uuid;

const MESSAGE: MessageId = MessageId(Uuid::from_u128(0x3e));

fn streaming() -> Vec<grove_core_api::event::Op> {
    vec![put(&MESSAGE.to_string(), json!({ "is_streaming": true, "text": "" }))]
}

#[tokio::test(start_paused = true)]
async fn rt30_events_reach_the_clients_of_other_daemons_in_order() {
    let exchange = Exchange::default();
    let alpha = World::node(&exchange, 1, None);
    let beta = World::node(&exchange, 2, Some(&alpha));
    let (mut ana, mut ben) = (alpha.on_board("ana").await, beta.on_board("ben").await);
    for number in 1..=20 {
        let world = if number % 2 == 0 { &alpha } else { &beta };
        world.notes(BOARD, 1);
    }
    let all: Vec<i64> = (1..=20).collect();
    assert_eq!(ana.seqs_until(20).await, all);
    assert_eq!(ben.seqs_until(20).await, all);
}

#[tokio::test(start_paused = true)]
async fn rt30_an_event_that_is_lost_between_daemons_is_read_from_the_log() {
    let exchange = Exchange::default();
    let alpha = World::node(&exchange, 1, None);
    let beta = World::node(&exchange, 2, Some(&alpha));
    let mut ben = beta.on_board("ben").await;
    alpha.memory.commit(BOARD, None, vec![put("n1", json!({}))]);
    assert_eq!(ben.seqs_until(1).await, [1], "nobody told this daemon");
}

#[tokio::test(start_paused = true)]
async fn rt30_participants_of_other_daemons_come_point_and_go_with_their_daemon() {
    let exchange = Exchange::default();
    let alpha = World::node(&exchange, 1, None);
    let beta = World::node(&exchange, 2, Some(&alpha));
    let (mut ana, mut ben) = (alpha.on_board("ana").await, beta.on_board("ben").await);
    let joined = ana.next_of("peers").await;
    assert_eq!(joined["join"][&ben.peer]["name"], "ben");
    ana.send(json!({"t": "pres", "ch": BOARD.to_string(), "d": {"cur": [1, 2]}})).await;
    while ben.next_of("pres").await["u"][&ana.peer]["cur"] != json!([1.0, 2.0]) {}
    let mut late = beta.on_board("late").await;
    while late.next_of("pres").await["u"][&ana.peer]["cur"] != json!([1.0, 2.0]) {}
    alpha.shutdown.cancel();
    while ben.next_of("pres").await["gone"] != json!([ana.peer]) {}
}

#[tokio::test(start_paused = true)]
async fn rt30_streamed_text_reaches_other_daemons_also_for_who_comes_late() {
    let exchange = Exchange::default();
    let alpha = World::node(&exchange, 1, None);
    let beta = World::node(&exchange, 2, Some(&alpha));
    alpha.happen(SESSION, streaming());
    alpha.hub.stream_reset(SESSION_ID, MESSAGE, "Grüße ");
    let mut late = beta.greeted("late").await;
    late.send(json!({"t": "sub", "id": 1, "ch": SESSION.to_string()})).await;
    let first = late.next_of("st").await;
    assert_eq!((&first["o"], &first["d"]), (&json!(0), &json!("Grüße ")));
    alpha.hub.stream(SESSION_ID, MESSAGE, 6, "🌱");
    let next = late.next_of("st").await;
    assert_eq!((&next["o"], &next["d"]), (&json!(6), &json!("🌱")));
    alpha.happen(SESSION, vec![set(&MESSAGE.to_string(), "is_streaming", false)]);
    alpha.hub.stream_end(SESSION_ID, MESSAGE);
    assert_eq!(late.next_of("ev").await["evs"][0]["seq"], 2);
    late.assert_quiet().await;
}

#[tokio::test(start_paused = true)]
async fn rt30_a_person_who_is_dismissed_is_closed_at_every_daemon() {
    let exchange = Exchange::default();
    let alpha = World::node(&exchange, 1, None);
    let beta = World::node(&exchange, 2, Some(&alpha));
    let mut ana = beta.on_board("ana").await;
    alpha.hub.dismiss(alpha.user("ana"));
    assert_eq!(ana.closed().await, Some(1012));
}

//! Mutations: answered, applied once, seen in one order by all.

use super::support::{BOARD, SESSION, World, put};
use grove_core_api::limits;
use serde_json::{Value, json};

fn mutation(ch: &str, mid: &str, ops: Value) -> Value {
    json!({"t": "mut", "ch": ch, "mid": mid, "ops": ops})
}

fn move_to(x: i32) -> Value {
    json!([{"op": "set", "id": "card", "k": "pos", "v": [x, 0]}])
}

#[tokio::test]
async fn rt05_a_mutation_is_acked_and_reaches_everybody_with_its_id() {
    let world = World::loopback().await;
    world.happen(BOARD, vec![put("card", json!({"pos": [0, 0]}))]);
    let mut ana = world.on_board("Ana").await;
    let mut ben = world.on_board("Ben").await;
    let ch = BOARD.to_string();
    ana.send(mutation(&ch, "m1", move_to(5))).await;
    assert_eq!(ana.next_of("ack").await, json!({"t": "ack", "mid": "m1", "seq": 2}));
    let frame = ben.next_of("ev").await;
    assert_eq!((&frame["ch"], &frame["evs"][0]["mid"]), (&json!(ch), &json!("m1")));
    assert_eq!(frame["evs"][0]["ops"], move_to(5));
}

#[tokio::test(start_paused = true)]
async fn rt02_a_mutation_that_is_sent_again_is_applied_once() {
    let world = World::memory();
    world.happen(BOARD, vec![put("card", json!({}))]);
    let mut ana = world.on_board("Ana").await;
    for _ in 0..2 {
        ana.send(mutation(&BOARD.to_string(), "m1", move_to(5))).await;
        assert_eq!(ana.next_of("ack").await["seq"], 2);
    }
    ana.send(mutation(&BOARD.to_string(), "m2", move_to(6))).await;
    assert_eq!(ana.next_of("ack").await["seq"], 3);
}

#[tokio::test(start_paused = true)]
async fn rt06_writers_of_one_property_see_the_same_last_value() {
    let world = World::memory();
    world.happen(BOARD, vec![put("card", json!({}))]);
    let mut ana = world.on_board("Ana").await;
    let mut ben = world.on_board("Ben").await;
    let ch = BOARD.to_string();
    ana.send(mutation(&ch, "a", move_to(1))).await;
    ben.send(mutation(&ch, "b", move_to(2))).await;
    let mut last = Vec::new();
    for client in [&mut ana, &mut ben] {
        let mut newest = Value::Null;
        while newest["seq"] != 3 {
            let frame = client.next_of("ev").await;
            newest = frame["evs"].as_array().unwrap().last().unwrap().clone();
        }
        last.push(newest["ops"].clone());
    }
    assert_eq!(last[0], last[1]);
}

#[tokio::test(start_paused = true)]
async fn rt05_what_cannot_be_applied_is_nacked_with_the_reason() {
    let world = World::memory();
    let mut ana = world.on_board("Ana").await;
    let (board, session) = (BOARD.to_string(), SESSION.to_string());
    let other = format!("board:{}", uuid::Uuid::from_u128(0xff));
    let too_many = vec![json!({"op": "del", "id": "x"}); limits::MUTATION_OPS + 1];
    let cases = [
        (&board, move_to(1), "gone"),
        (&board, json!([]), "invalid"),
        (&board, Value::from(too_many), "invalid"),
        (&session, move_to(1), "invalid"),
        (&other, move_to(1), "forbidden"),
    ];
    for (ch, ops, code) in cases {
        ana.send(mutation(ch, "m", ops)).await;
        let nack = ana.next().await;
        assert_eq!(
            (&nack["t"], &nack["mid"], &nack["code"]),
            (&json!("nack"), &json!("m"), &json!(code))
        );
    }
    ana.send(mutation(&board, &"m".repeat(limits::MUTATION_ID_BYTES + 1), move_to(1))).await;
    assert_eq!(ana.next().await["code"], "invalid_request");
}

#[tokio::test(start_paused = true)]
async fn rt18_mutations_over_the_rate_are_nacked_and_pass_later() {
    let world = World::memory();
    world.happen(BOARD, vec![put("card", json!({}))]);
    let mut ana = world.on_board("Ana").await;
    let ch = BOARD.to_string();
    let burst = usize::try_from(limits::MUTATIONS_BURST).unwrap();
    for number in 0..burst {
        ana.send(mutation(&ch, &format!("m{number}"), move_to(1))).await;
        ana.next_of("ack").await;
    }
    ana.send(mutation(&ch, "over", move_to(2))).await;
    assert_eq!(ana.next_of("nack").await["code"], "rate");
    tokio::time::advance(std::time::Duration::from_secs(1)).await;
    ana.send(mutation(&ch, "over", move_to(2))).await;
    assert_eq!(ana.next_of("ack").await["mid"], "over");
}

//! Greeting, unusable frames, sizes, pings, the daemon's end.

use super::support::{BOARD, World, put, set};
use futures_util::SinkExt;
use grove_core_api::limits;
use serde_json::{Value, json};
use std::time::Duration;
use tokio::time::Instant;
use tokio_tungstenite::tungstenite::protocol::Message;

#[tokio::test(start_paused = true)]
async fn rt09_a_connection_that_says_nothing_is_closed() {
    let world = World::memory();
    let mut client = world.connect("Ana").await;
    let started = Instant::now();
    assert_eq!(client.closed().await, Some(4400));
    assert_eq!(started.elapsed().as_millis(), u128::from(limits::WS_HELLO_MS));
}

#[tokio::test(start_paused = true)]
async fn rt09_the_first_frame_is_hello_in_the_spoken_version() {
    let world = World::memory();
    let cases = [
        (json!({"t": "ping", "ts": 1}).to_string(), 4400),
        ("nonsense".to_owned(), 4400),
        (json!({"t": "hello", "v": 2}).to_string(), 4409),
    ];
    for (text, code) in cases {
        let mut client = world.connect("Ana").await;
        client.send_text(text.clone()).await;
        assert_eq!(client.closed().await, Some(code), "{text}");
    }
    let mut client = world.connect("Ana").await;
    client.send(json!({"t": "hello", "v": 1, "app": "0.1.0", "tab": "t"})).await;
    let welcome = client.next().await;
    assert_eq!((&welcome["v"], &welcome["boot"]), (&json!(1), &json!("boot")));
}

#[tokio::test(start_paused = true)]
async fn rt16_unusable_frames_are_answered_and_too_many_end_the_connection() {
    let world = World::memory();
    let mut client = world.greeted("Ana").await;
    let deep = format!(r#"{{"t":"mut","ch":"x","mid":"m","ops":{}"#, "[".repeat(100_000));
    let cases = [
        ("{", "invalid_json"),
        (deep.as_str(), "invalid_json"),
        ("[]", "invalid_request"),
        (r#"{"t":"fly"}"#, "invalid_request"),
        (r#"{"t":"ping"}"#, "invalid_request"),
        (r#"{"t":"ping","ts":1,"x":1}"#, "invalid_request"),
        (r#"{"t":"hello","v":1}"#, "invalid_request"),
        (r#"{"t":"sub","id":1,"ch":"nobody:me"}"#, "invalid_request"),
        (r#"{"t":"unsub","ch":"board:../.."}"#, "invalid_request"),
        (r#"{"t":"pres","ch":"x","d":{}}"#, "invalid_request"),
    ];
    for (text, code) in cases {
        client.send_text(text.to_owned()).await;
        let error = client.next().await;
        assert_eq!((&error["t"], &error["code"]), (&json!("error"), &json!(code)), "{text:.40}");
    }
    client.ws.send(Message::binary(vec![9, 2, 3])).await.unwrap();
    assert_eq!(client.next().await["code"], "invalid_request");
    client.assert_quiet().await;
    let used = u32::try_from(cases.len()).unwrap() + 1;
    for _ in used..limits::WS_BAD_FRAMES {
        client.send_text("{".to_owned()).await;
        assert_eq!(client.next().await["t"], "error");
    }
    client.send_text("{".to_owned()).await;
    assert_eq!(client.closed().await, Some(4400));
}

#[tokio::test(start_paused = true)]
async fn rt16_an_answer_quotes_little_of_an_unusable_frame() {
    let world = World::memory();
    let mut client = world.greeted("Ana").await;
    client.send(json!({"t": "x".repeat(500_000)})).await;
    let error = client.next().await;
    assert!(error["msg"].as_str().unwrap().len() < 1_000);
}

fn ping_of(bytes: usize) -> String {
    let ping = json!({"t": "ping", "ts": 1}).to_string();
    format!("{ping}{}", " ".repeat(bytes - ping.len()))
}

#[tokio::test]
async fn rt17_a_frame_of_one_mebibyte_is_read() {
    let world = World::loopback().await;
    let mut client = world.greeted("Ana").await;
    client.send_text(ping_of(limits::WS_INBOUND_BYTES)).await;
    assert_eq!(client.next().await["t"], "pong");
}

#[tokio::test(start_paused = true)]
async fn rt17_a_larger_frame_ends_the_connection_and_no_other() {
    let world = World::memory();
    let mut client = world.greeted("Ana").await;
    let mut ben = world.greeted("Ben").await;
    // The server closes before it has read it all, so that the write may fail; the close frame counts.
    let text = ping_of(limits::WS_INBOUND_BYTES + 1);
    client.ws.send(Message::text(text)).await.err();
    assert_eq!(client.closed().await, Some(1009));
    ben.assert_quiet().await;
}

#[tokio::test]
async fn rt17_messages_of_every_form_of_length_arrive_whole() {
    let world = World::loopback().await;
    // Longer than the kernel takes at once.
    let text = "ü🌱x".repeat(1024 * 1024);
    world.happen(BOARD, vec![put("long", json!({"text": text}))]);
    let mut client = world.greeted("Ana").await;
    client.send(json!({"t": "sub", "id": 1, "ch": BOARD.to_string()})).await;
    let snap = client.next().await;
    assert_eq!(snap["state"]["long"]["v"]["text"], text);
    // A header has 7, 16 or 64 bits for the length (RFC 6455 section 5.2).
    for bytes in [65_535, 65_536] {
        let event = |text: String| vec![set("long", "text", text)];
        let empty = world.happen(BOARD, event(String::new()));
        let frame = client.next_of("ev").await;
        assert_eq!(frame["evs"][0]["seq"], empty);
        let short = frame.to_string().len();
        world.happen(BOARD, event("y".repeat(bytes - short)));
        let frame = client.next_of("ev").await;
        assert_eq!(frame.to_string().len(), bytes);
    }
}

#[tokio::test(start_paused = true)]
async fn rt19_a_silent_peer_is_dropped_and_one_that_answers_pings_is_not() {
    let world = World::memory();
    let mut ben = world.on_board("Ben").await;
    // Nobody polls this one, so that nothing answers the server's pings.
    let mut silent = world.on_board("Silent").await;
    let started = Instant::now();
    assert_eq!(ben.next_of("pres").await["gone"], json!([silent.peer]));
    assert_eq!(started.elapsed().as_millis(), u128::from(limits::WS_DEAD_MS));
    assert_eq!(silent.closed().await, None);
    let long = Duration::from_millis(limits::WS_DEAD_MS * 3);
    tokio::time::timeout(long, ben.next()).await.expect_err("nothing is said, nothing ends");
    ben.assert_quiet().await;
}

#[tokio::test(start_paused = true)]
async fn rt20_the_daemons_end_closes_everybody_and_leaves_no_task() {
    let world = World::memory();
    let mut greeted = world.on_board("Ana").await;
    let mut mute = world.connect("Ben").await;
    assert_eq!(world.hub.connections(), 2);
    world.shutdown.cancel();
    assert_eq!(greeted.closed().await, Some(1012));
    assert_eq!(mute.closed().await, Some(1012));
    drop((greeted, mute));
    // What is left is the server that accepts connections; it is the test's own.
    while world.tracker.len() > 1 || world.hub.connections() > 0 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn rt12_frames_of_a_topic_name_it() {
    let world = World::loopback().await;
    let mut client = world.on_board("Ana").await;
    world.notes(BOARD, 1);
    let frame: Value = client.next().await;
    assert_eq!(frame["ch"], BOARD.to_string());
}

#[tokio::test(start_paused = true)]
async fn rt29_a_storm_of_joins_is_served_in_turn_and_a_resume_always() {
    let world = World::memory();
    world.notes(BOARD, 1);
    let mut late = world.on_board("late").await;
    let mut storm = world.greeted("storm").await;
    let mut retry_ms = None;
    for id in 1..=limits::SNAPSHOTS_BURST {
        storm.send(json!({"t": "sub", "id": id, "ch": BOARD.to_string()})).await;
        let answer = storm.next_of_either("snap", "error").await;
        if answer["t"] == "error" {
            assert_eq!((&answer["code"], &answer["ref"]), (&json!("unavailable"), &json!(id)));
            retry_ms = answer["retry_ms"].as_u64();
            break;
        }
    }
    let retry_ms = retry_ms.expect("there is a bound");
    // One that has something already is no burden.
    let resumed = json!({"t": "sub", "id": 9, "ch": BOARD.to_string(), "epoch": "e1", "seq": 1});
    late.send(resumed).await;
    assert_eq!(late.next_of_either("subok", "error").await["t"], "subok");
    tokio::time::sleep(Duration::from_millis(retry_ms)).await;
    storm.send(json!({"t": "sub", "id": 0, "ch": BOARD.to_string()})).await;
    assert_eq!(storm.next_of_either("snap", "error").await["t"], "snap");
}

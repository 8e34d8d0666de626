//! Presence: slots, versions, one frame per tick, never to the sender.

use super::support::{BOARD, Client, World};
use crate::bus::InProcess;
use crate::realtime::bell::Wake;
use crate::realtime::live::{Clock, LiveRoom};
use crate::realtime::presence::{Changes, Participants, PeerId};
use crate::realtime::socket::Frame;
use grove_core_api::limits;
use grove_core_api::realtime::presence::{Identity, PresenceUpdate};
use proptest::prelude::*;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

fn identity(user: &str, slot: u8) -> Identity {
    Identity { user: user.into(), name: user.into(), emoji: "🌱".into(), slot, is_agent: false }
}

fn at(x: f64) -> PresenceUpdate {
    PresenceUpdate { cur: Some(Some([x, 0.0])), ..PresenceUpdate::default() }
}

fn pull(board: &mut Participants, me: u64, known: &mut u64) -> Vec<Frame> {
    let mut frames = Vec::new();
    assert_eq!(board.pull(PeerId(me), known, &mut frames), Changes::Sent);
    frames
}

fn values(frames: &[Frame]) -> Vec<Value> {
    frames.iter().map(|frame| serde_json::from_str(frame.as_str()).unwrap()).collect()
}

fn slot(board: &Participants, peer: u64) -> u64 {
    let (frames, _) = board.all(PeerId(peer));
    values(&frames)[0]["join"][format!("p{peer}")]["slot"].as_u64().unwrap()
}

#[test]
fn rt15_people_differ_in_slot_and_windows_of_one_person_do_not() {
    let mut board = Participants::new("board:x".into());
    for peer in 0..u64::from(limits::PRESENCE_SLOTS) {
        board.join(PeerId(peer), identity(&format!("u{peer}"), 3));
    }
    let mut slots: Vec<_> =
        (0..u64::from(limits::PRESENCE_SLOTS)).map(|peer| slot(&board, peer)).collect();
    assert_eq!(slots[0], 3, "the first one gets what it likes");
    slots.sort_unstable();
    assert_eq!(slots, (0..u64::from(limits::PRESENCE_SLOTS)).collect::<Vec<_>>());
    board.join(PeerId(50), identity("u5", 0));
    assert_eq!(slot(&board, 50), slot(&board, 5));
    board.join(PeerId(51), identity("late", 200));
    assert!(slot(&board, 51) < u64::from(limits::PRESENCE_SLOTS));
}

#[test]
fn rt14_readers_at_one_version_share_one_frame() {
    let mut board = Participants::new("board:x".into());
    for peer in 1..=4 {
        board.join(PeerId(peer), identity("u", 0));
    }
    board.show();
    let (_, known) = board.all(PeerId(1));
    board.update(PeerId(1), at(1.0));
    board.update(PeerId(2), at(2.0));
    board.show();
    let frames = |board: &mut Participants, me| pull(board, me, &mut known.clone());
    let (three, four) = (frames(&mut board, 3), frames(&mut board, 4));
    assert_eq!(three[0].as_str().as_ptr(), four[0].as_str().as_ptr());
    let both = json!({"p1": {"cur": [1.0, 0.0]}, "p2": {"cur": [2.0, 0.0]}});
    assert_eq!(values(&three)[0]["u"], both);
    assert_eq!(values(&frames(&mut board, 1))[0]["u"], json!({"p2": {"cur": [2.0, 0.0]}}));
}

#[test]
fn rt14_who_moves_alone_gets_nothing_back() {
    let mut board = Participants::new("board:x".into());
    board.join(PeerId(1), identity("u", 0));
    board.show();
    let (_, mut known) = board.all(PeerId(1));
    board.update(PeerId(1), at(1.0));
    board.show();
    assert_eq!(pull(&mut board, 1, &mut known), Vec::<Frame>::new());
    assert!(!board.update(PeerId(1), at(1.0)), "the same value is no change");
}

#[test]
fn rt14_only_changed_fields_are_sent_and_null_clears() {
    let mut board = Participants::new("board:x".into());
    board.join(PeerId(1), identity("u", 0));
    board.join(PeerId(2), identity("v", 0));
    board.update(PeerId(1), at(1.0));
    board.show();
    let (_, mut known) = board.all(PeerId(2));
    let typing = Some(Some("session:1".to_owned()));
    board.update(PeerId(1), PresenceUpdate { typing, ..PresenceUpdate::default() });
    board.show();
    let frames = values(&pull(&mut board, 2, &mut known));
    assert_eq!(frames[0]["u"], json!({"p1": {"typing": "session:1"}}));
    board.update(PeerId(1), PresenceUpdate { cur: Some(None), ..PresenceUpdate::default() });
    board.show();
    assert_eq!(values(&pull(&mut board, 2, &mut known))[0]["u"], json!({"p1": {"cur": null}}));
}

#[test]
fn rt14_following_spotlight_and_absence_are_values_like_the_others() {
    let mut board = Participants::new("board:x".into());
    board.join(PeerId(1), identity("u", 0));
    board.join(PeerId(2), identity("v", 0));
    board.show();
    let (_, mut known) = board.all(PeerId(2));
    let said = json!({"tab": "diff", "follow": "p2", "spot": 7, "seen": "away"});
    board.update(PeerId(1), serde_json::from_value(said.clone()).unwrap());
    board.show();
    assert_eq!(values(&pull(&mut board, 2, &mut known))[0]["u"], json!({ "p1": said }));
    assert_eq!(values(&board.all(PeerId(2)).0)[1]["u"], json!({ "p1": said }));
    let ended = json!({"follow": null, "spot": null, "seen": null});
    board.update(PeerId(1), serde_json::from_value(ended.clone()).unwrap());
    board.show();
    assert_eq!(values(&pull(&mut board, 2, &mut known))[0]["u"], json!({ "p1": ended }));
}

#[test]
fn rt14_who_leaves_comes_back_and_leaves_unseen_is_gone() {
    let mut board = Participants::new("board:x".into());
    board.join(PeerId(3), identity("u", 0));
    board.join(PeerId(1), identity("v", 0));
    let (_, mut known) = board.all(PeerId(1));
    board.leave(PeerId(3));
    board.join(PeerId(3), identity("u", 0));
    board.leave(PeerId(3));
    board.show();
    assert_eq!(values(&pull(&mut board, 1, &mut known))[0]["gone"], json!(["p3"]));
}

#[test]
fn rt14_a_reader_that_missed_too_many_departures_is_told_so() {
    let mut board = Participants::new("board:x".into());
    board.join(PeerId(0), identity("u", 0));
    board.show();
    let (_, mut known) = board.all(PeerId(0));
    for peer in 1..=u64::try_from(limits::PRESENCE_GONE).unwrap() + 1 {
        board.join(PeerId(peer), identity("v", 0));
        board.leave(PeerId(peer));
    }
    board.show();
    assert_eq!(board.pull(PeerId(0), &mut known, &mut Vec::new()), Changes::TooFar);
}

/// What a client knows, kept as the rules say.
#[derive(Default)]
struct Mirror {
    known: u64,
    people: BTreeMap<String, Value>,
    values: BTreeMap<String, BTreeMap<String, Value>>,
}

impl Mirror {
    fn apply(&mut self, frames: &[Frame], me: u64) {
        for frame in values(frames) {
            for (peer, identity) in frame["join"].as_object().into_iter().flatten() {
                self.people.insert(peer.clone(), identity.clone());
            }
            for (peer, update) in frame["u"].as_object().into_iter().flatten() {
                assert_ne!(peer, &format!("p{me}"), "echo");
                let fields = self.values.entry(peer.clone()).or_default();
                for (name, value) in update.as_object().unwrap() {
                    fields.insert(name.clone(), value.clone());
                }
            }
            for peer in frame["gone"].as_array().into_iter().flatten() {
                self.people.remove(peer.as_str().unwrap());
                self.values.remove(peer.as_str().unwrap());
            }
        }
        self.values.values_mut().for_each(|fields| fields.retain(|_, value| !value.is_null()));
        self.values.retain(|_, fields| !fields.is_empty());
    }
}

#[derive(Clone, Debug)]
enum Act {
    Come(u64),
    Go(u64),
    Move(u64, u8),
    Hide(u64),
    Show,
    Read(u64),
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let peer = 1..=5_u64;
    let act = prop_oneof![
        peer.clone().prop_map(Act::Come),
        peer.clone().prop_map(Act::Go),
        (peer.clone(), any::<u8>()).prop_map(|(peer, x)| Act::Move(peer, x)),
        peer.clone().prop_map(Act::Hide),
        Just(Act::Show),
        peer.prop_map(Act::Read),
    ];
    proptest::collection::vec(act, 1..120)
}

proptest! {
    #[test]
    fn rt14_however_one_reads_all_end_with_the_same_picture(acts in acts()) {
        let mut board = Participants::new("board:x".into());
        let mut mirrors: BTreeMap<u64, Mirror> = BTreeMap::new();
        let come = |board: &mut Participants, mirrors: &mut BTreeMap<u64, Mirror>, peer| {
            if board.join(PeerId(peer), identity(&format!("u{peer}"), 0)) {
                let (frames, known) = board.all(PeerId(peer));
                let mut mirror = Mirror { known, ..Mirror::default() };
                mirror.apply(&frames, peer);
                mirrors.insert(peer, mirror);
            }
        };
        for act in acts.into_iter().chain([Act::Show, Act::Come(1), Act::Come(2), Act::Show]) {
            match act {
                Act::Come(peer) => come(&mut board, &mut mirrors, peer),
                Act::Go(peer) => {
                    board.leave(PeerId(peer));
                    mirrors.remove(&peer);
                }
                Act::Move(peer, x) => {
                    board.update(PeerId(peer), at(f64::from(x)));
                }
                Act::Hide(peer) => {
                    let hidden = PresenceUpdate { cur: Some(None), ..PresenceUpdate::default() };
                    board.update(PeerId(peer), hidden);
                }
                Act::Show => board.show(),
                Act::Read(peer) => {
                    if let Some(mirror) = mirrors.get_mut(&peer) {
                        let frames = pull(&mut board, peer, &mut mirror.known);
                        mirror.apply(&frames, peer);
                    }
                }
            }
        }
        for (peer, mirror) in &mut mirrors {
            let frames = pull(&mut board, *peer, &mut mirror.known);
            mirror.apply(&frames, *peer);
            let mut fresh = Mirror::default();
            fresh.apply(&board.all(PeerId(*peer)).0, *peer);
            prop_assert_eq!(&mirror.people, &fresh.people);
            prop_assert_eq!(&mirror.values, &fresh.values);
        }
    }
}

async fn point(client: &mut Client, x: usize) {
    client.send(json!({"t": "pres", "ch": BOARD.to_string(), "d": {"cur": [x, 0]}})).await;
}

#[tokio::test]
async fn rt14_presence_is_not_echoed() {
    let world = World::loopback().await;
    let mut ana = world.on_board("Ana").await;
    let mut ben = world.on_board("Ben").await;
    assert!(ana.next_of("peers").await["join"].get(&ben.peer).is_some());
    point(&mut ana, 7).await;
    let frame = ben.next_of("pres").await;
    assert_eq!(frame["u"], json!({ana.peer.clone(): {"cur": [7.0, 0.0]}}));
    ana.assert_quiet().await;
}

#[tokio::test(start_paused = true)]
async fn rt13_who_is_alone_wakes_nobody_and_is_seen_by_the_next() {
    let room = LiveRoom::new(BOARD, Clock::start(), Arc::new(InProcess::alone()), Arc::default());
    let come = |peer: u64| {
        let wake = Arc::new(Wake::new(Arc::default()));
        room.join(PeerId(peer), Arc::clone(&wake));
        let (frames, _) = room.join_presence(PeerId(peer), identity(&format!("u{peer}"), 0));
        (wake, values(&frames))
    };
    let (ana, _) = come(1);
    ana.lower();
    for x in 1..100 {
        room.update_presence(PeerId(1), at(f64::from(x)));
        tokio::time::advance(Duration::from_millis(limits::ROOM_TICK_MS)).await;
    }
    assert!(!ana.lower(), "there is nobody to tell");
    let (ben, seen) = come(2);
    assert_eq!(seen[1]["u"], json!({"p1": {"cur": [99.0, 0.0]}}));
    tokio::time::advance(Duration::from_millis(limits::ROOM_TICK_MS)).await;
    ben.lower();
    room.update_presence(PeerId(1), at(100.0));
    assert!(ben.lower(), "now there is");
}

#[tokio::test(start_paused = true)]
async fn rt14_many_moves_are_one_frame_per_tick_and_the_last_position_arrives() {
    let world = World::memory();
    let mut ana = world.on_board("Ana").await;
    let mut ben = world.on_board("Ben").await;
    let started = Instant::now();
    let moves = 200_usize;
    for x in 1..=moves {
        point(&mut ana, x).await;
    }
    let (mut frames, mut last) = (0, 0.0);
    while last < 200.0 {
        let frame = ben.next_of("pres").await;
        last = frame["u"][&ana.peer]["cur"][0].as_f64().unwrap();
        frames += 1;
    }
    let ticks = started.elapsed().as_millis() / u128::from(limits::ROOM_TICK_MIN_MS);
    assert!(frames <= ticks + 2, "{frames} frames in {ticks} ticks");
    assert!(frames < 15, "{frames} frames for {moves} moves");
    ana.next_of("peers").await;
    ana.assert_quiet().await;
}

#[tokio::test(start_paused = true)]
async fn rt14_who_comes_late_sees_everybody_and_who_goes_is_gone() {
    let world = World::memory();
    let mut ana = world.on_board("Ana").await;
    point(&mut ana, 5).await;
    ana.assert_quiet().await;
    let mut ben = world.greeted("Ben").await;
    ben.send(json!({"t": "sub", "id": 1, "ch": BOARD.to_string()})).await;
    assert_eq!(ben.next().await["t"], "snap");
    let people = ben.next().await;
    let names: Vec<_> =
        people["join"].as_object().unwrap().values().map(|it| it["name"].clone()).collect();
    assert_eq!(names, ["Ana", "Ben"]);
    assert_ne!(people["join"][&ana.peer]["slot"], people["join"][&ben.peer]["slot"]);
    assert_eq!(ben.next().await["u"], json!({ana.peer.clone(): {"cur": [5.0, 0.0]}}));
    let gone = ana.peer.clone();
    drop(ana);
    assert_eq!(ben.next_of("pres").await["gone"], json!([gone]));
}

#[tokio::test(start_paused = true)]
async fn rt18_presence_over_the_limits_is_dropped() {
    let world = World::memory();
    let mut ana = world.on_board("Ana").await;
    let mut ben = world.on_board("Ben").await;
    let ids = vec!["a"; limits::PRESENCE_OBJECTS + 1];
    let board = BOARD.to_string();
    ana.send(json!({"t": "pres", "ch": board, "d": {"sel": ids}})).await;
    let long = "x".repeat(limits::PRESENCE_BYTES);
    ana.send(json!({"t": "pres", "ch": board, "d": {"typing": long}})).await;
    point(&mut ana, 1).await;
    let frame = ben.next_of("pres").await;
    assert_eq!(frame["u"], json!({ana.peer.clone(): {"cur": [1.0, 0.0]}}));
}

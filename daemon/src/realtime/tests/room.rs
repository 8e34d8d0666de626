//! The pure room: order, gaps, the ring, shared frames.

use super::support::event;
use crate::realtime::room::{Effect, Room, Tail};
use grove_core_api::limits;
use proptest::prelude::*;
use serde_json::Value;

fn live(seq: i64) -> Room {
    let mut room = Room::new("board:x".into());
    room.begin_loading();
    room.start("e1".into(), seq, 0, |_| {});
    room
}

fn seqs(room: &mut Room, from: i64) -> Vec<i64> {
    let (mut at, mut seqs) = (from, Vec::new());
    while let Tail::Frame(frame, to) = room.since(at) {
        let value: Value = serde_json::from_str(frame.as_str()).unwrap();
        seqs.extend(value["evs"].as_array().unwrap().iter().map(|it| it["seq"].as_i64().unwrap()));
        at = to;
    }
    seqs
}

#[test]
fn rt04_events_out_of_order_are_read_in_order() {
    let mut room = live(10);
    assert_eq!(room.accept(event(13, ""), 0, |_| {}), Effect::Wait);
    assert_eq!(room.accept(event(12, ""), 0, |_| {}), Effect::Wait);
    assert!(room.has_gap());
    assert_eq!(room.since(10), Tail::Current);
    assert_eq!(room.accept(event(11, ""), 1, |_| {}), Effect::Wake);
    assert_eq!(seqs(&mut room, 10), [11, 12, 13]);
    assert_eq!(room.accept(event(12, ""), 2, |_| {}), Effect::None, "a repeated event is nothing");
    assert_eq!(room.deadline(), None);
}

#[test]
fn rt04_a_gap_that_stays_asks_for_the_log() {
    let mut room = live(0);
    room.accept(event(3, ""), 100, |_| {});
    let at = room.deadline().unwrap();
    assert_eq!(at, 100 + limits::ROOM_GAP_MS);
    assert_eq!(room.elapsed(at - 1), Effect::Wait);
    assert_eq!(room.elapsed(at), Effect::Reload);
    assert!(room.reloaded(&[event(1, ""), event(2, "")], true, at, |_| {}));
    assert_eq!(seqs(&mut room, 0), [1, 2, 3]);
    assert!(!room.reloaded(&[event(5, "")], true, at, |_| {}), "4 is missing in the log itself");
}

#[test]
fn rt04_too_many_waiting_events_ask_for_the_log_and_none_is_lost() {
    let mut room = live(0);
    let last = i64::try_from(limits::ROOM_HELD_EVENTS).unwrap() + 3;
    for seq in 2..=last {
        room.accept(event(seq, ""), 5, |_| {});
    }
    assert_eq!(room.elapsed(5), Effect::Reload, "at once, without waiting");
    // The missing one comes after all; what did not fit must still be read from the log.
    room.accept(event(1, ""), 6, |_| {});
    assert!(room.newest() < last && room.has_gap());
    assert_eq!(room.elapsed(6), Effect::Reload);
    let rest: Vec<_> = (room.newest() + 1..=last).map(|seq| event(seq, "")).collect();
    assert!(room.reloaded(&rest, true, 7, |_| {}));
    assert_eq!(room.newest(), last);
    assert!(!room.has_gap());
    assert_eq!(room.deadline(), None);
}

#[test]
fn rt04_a_log_that_never_has_the_event_is_given_up() {
    let mut room = live(0);
    room.accept(event(2, ""), 0, |_| {});
    let mut waits = Vec::new();
    let mut now_ms = 0;
    while room.reload_failed(now_ms) {
        let next = room.deadline().unwrap();
        waits.push(next - now_ms);
        now_ms = next;
    }
    assert_eq!(waits.len(), usize::try_from(limits::ROOM_RELOADS).unwrap());
    assert!(waits.is_sorted() && waits[0] < waits[1], "it waits longer each time: {waits:?}");
}

#[test]
fn rt03_events_that_come_while_the_head_is_read_are_neither_lost_nor_doubled() {
    let mut room = Room::new("board:x".into());
    assert_eq!(room.accept(event(1, ""), 0, |_| {}), Effect::None, "cold: the log has it");
    room.begin_loading();
    for seq in [4, 3, 5] {
        room.accept(event(seq, ""), 0, |_| {});
    }
    room.start("e1".into(), 3, 0, |_| {});
    assert_eq!(room.newest(), 5);
    assert_eq!(seqs(&mut room, 3), [4, 5]);
}

#[test]
fn rt03_more_events_than_fit_while_the_head_is_read_send_the_room_to_the_log() {
    let mut room = Room::new("board:x".into());
    room.begin_loading();
    let last = i64::try_from(limits::ROOM_HELD_EVENTS).unwrap() + 1;
    for seq in 1..=last {
        room.accept(event(seq, ""), 0, |_| {});
    }
    room.start("e1".into(), 0, 9, |_| {});
    assert_eq!(room.newest(), last - 1);
    assert_eq!(room.elapsed(9), Effect::Reload);
}

#[test]
fn rt07_the_ring_is_bounded_in_events_and_in_bytes() {
    let mut room = live(0);
    let many = i64::try_from(limits::ROOM_RING_EVENTS).unwrap();
    for seq in 1..=many + 1 {
        room.accept(event(seq, ""), 0, |_| {});
    }
    assert_eq!(room.since(0), Tail::Behind);
    assert_eq!(room.oldest_position(), 1);
    assert_eq!(seqs(&mut room, 1).len(), limits::ROOM_RING_EVENTS);

    let mut room = live(0);
    let text = "x".repeat(limits::ROOM_RING_BYTES / 4);
    for seq in 1..=6 {
        room.accept(event(seq, &text), 0, |_| {});
    }
    assert_eq!(room.oldest_position(), 3);
    room.accept(event(7, &"x".repeat(limits::ROOM_RING_BYTES * 2)), 0, |_| {});
    assert_eq!(seqs(&mut room, 6), [7], "the newest event always stays");
    assert_eq!(room.since(5), Tail::Behind);
}

#[test]
fn rt01_readers_at_one_position_share_one_frame_of_bounded_size() {
    let mut room = live(0);
    for seq in 1..=600 {
        room.accept(event(seq, &"x".repeat(2_000)), 0, |_| {});
    }
    let pointer = |tail: Tail| match tail {
        Tail::Frame(frame, to) => (frame.as_str().as_ptr(), frame.as_str().len(), to),
        other @ (Tail::Current | Tail::Behind) => panic!("expected a frame, got {other:?}"),
    };
    assert_eq!(pointer(room.since(0)), pointer(room.since(0)));
    assert_eq!(pointer(room.since(599)), pointer(room.since(599)));
    let (_, bytes, to) = pointer(room.since(0));
    assert!(bytes <= limits::EV_FRAME_BYTES + 1_000, "{bytes} bytes up to {to}");
    assert_eq!(seqs(&mut room, 0), (1..=600).collect::<Vec<_>>());
}

#[test]
fn rt03_a_reader_ahead_of_the_room_waits_for_it() {
    let mut room = live(4);
    assert_eq!(room.since(6), Tail::Current);
    for seq in 5..=7 {
        room.accept(event(seq, ""), 0, |_| {});
    }
    assert_eq!(seqs(&mut room, 6), [7]);
}

proptest! {
    #[test]
    fn rt04_any_order_with_losses_and_repeats_ends_in_the_same_contiguous_log(
        order in Just((1..=120_i64).collect::<Vec<_>>()).prop_shuffle(),
        lost in proptest::collection::btree_set(1..=120_i64, 0..20),
        repeated in proptest::collection::vec(1..=120_i64, 0..20),
        head in 0..=120_i64,
        primed_after in 0..140_usize,
    ) {
        let mut room = Room::new("board:x".into());
        room.begin_loading();
        let offered = order.iter().filter(|seq| !lost.contains(seq)).chain(&repeated);
        let mut told = Vec::new();
        for (at, seq) in offered.enumerate() {
            if at == primed_after {
                room.start("e1".into(), head, 0, |_| {});
            }
            room.accept(event(*seq, ""), 0, |ops| told.push(ops[0].id().to_owned()));
        }
        if !room.is_live() {
            room.start("e1".into(), head, 0, |_| {});
        }
        let log: Vec<_> = (room.newest() + 1..=120).map(|seq| event(seq, "")).collect();
        let continues = room.reloaded(&log, true, 1, |_| {});
        prop_assert!(continues);
        prop_assert_eq!(room.newest(), 120);
        prop_assert!(!room.has_gap());
        let expected: Vec<i64> = (head + 1..=120).collect();
        prop_assert_eq!(seqs(&mut room, head), expected);
    }
}

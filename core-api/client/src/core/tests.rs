//! The core against scripted servers: resuming, sending again, gaps, pace.

use super::*;
use grove_core_api::event::Object;
use proptest::prelude::*;
use serde_json::Map;
use std::collections::BTreeSet;

const BOARD: &str = "board:1";

fn event(seq: i64, mid: Option<&str>) -> Event {
    Event {
        seq,
        at: 0,
        by: None,
        via: "web".to_owned(),
        kind: "board.changed".to_owned(),
        mid: mid.map(str::to_owned),
        ops: vec![Op::Put { id: format!("o{seq}"), kind: "note".to_owned(), v: Map::new() }],
    }
}

fn welcome() -> ServerFrame {
    let (peer, user, boot) = ("p1".to_owned(), "u".to_owned(), "b".to_owned());
    ServerFrame::Welcome { v: 1, peer, user, boot, app: String::new() }
}

fn ev(events: Vec<Event>) -> ServerFrame {
    ServerFrame::Ev { ch: BOARD.to_owned(), evs: events }
}

fn snap(id: Option<i64>, seq: i64) -> ServerFrame {
    let object = Object { kind: "note".to_owned(), v: Map::new() };
    let state = (1..=seq).map(|number| (format!("o{number}"), object.clone())).collect();
    ServerFrame::Snap { id, ch: BOARD.to_owned(), epoch: "e".to_owned(), seq, state }
}

fn subok(id: i64, seq: i64) -> ServerFrame {
    ServerFrame::Subok { id, ch: BOARD.to_owned(), epoch: "e".to_owned(), seq, n: None }
}

fn sent(effects: &[Effect]) -> Vec<&ClientFrame> {
    let frames = effects.iter().filter_map(|it| match it {
        Effect::Send(frame) => Some(frame),
        Effect::Tell(_) | Effect::Reconnect => None,
    });
    frames.collect()
}

fn mids(effects: &[Effect]) -> Vec<&str> {
    let mids = sent(effects).into_iter().filter_map(|it| match it {
        ClientFrame::Mut { mid, .. } => Some(mid.as_str()),
        ClientFrame::Hello { .. }
        | ClientFrame::Sub { .. }
        | ClientFrame::Unsub { .. }
        | ClientFrame::Pres { .. }
        | ClientFrame::Ping { .. } => None,
    });
    mids.collect()
}

fn subs(effects: &[Effect]) -> Vec<(i64, Option<i64>)> {
    let subs = sent(effects).into_iter().filter_map(|it| match it {
        ClientFrame::Sub { id, seq, .. } => Some((*id, *seq)),
        ClientFrame::Hello { .. }
        | ClientFrame::Mut { .. }
        | ClientFrame::Unsub { .. }
        | ClientFrame::Pres { .. }
        | ClientFrame::Ping { .. } => None,
    });
    subs.collect()
}

/// A core that follows the board up to the event 2.
fn following() -> Core {
    let mut core = Core::new("tab");
    core.subscribe(BOARD);
    core.connected(0);
    assert_eq!(subs(&core.take(welcome(), 0)), [(1, None)]);
    core.take(snap(Some(1), 2), 0);
    assert!(core.is_live(BOARD));
    core
}

fn refusal(code: ErrorCode, reference: i64, retry_ms: Option<u64>) -> ServerFrame {
    let (msg, reference) = (String::new(), Some(reference));
    ServerFrame::Error { code, msg, reference, ch: None, retry_ms }
}

fn op() -> Vec<Op> {
    vec![Op::del("x")]
}

#[test]
fn rt03_a_topic_is_resumed_from_the_last_event() {
    let mut core = following();
    core.take(ev(vec![event(3, None), event(4, None)]), 0);
    core.disconnected();
    core.connected(0);
    assert_eq!(subs(&core.take(welcome(), 0)), [(2, Some(4))]);
    let told = core.take(subok(2, 6), 0);
    assert_eq!(told, [Effect::Tell(Notice::Resumed { topic: BOARD.to_owned(), seq: 6 })]);
    core.take(ev(vec![event(4, None), event(5, None), event(6, None)]), 0);
    let view = core.view(BOARD).unwrap();
    assert_eq!((view.seq, view.objects.len()), (6, 6));
}

#[test]
fn rt04_a_gap_asks_once_and_the_answer_mends_it() {
    let mut core = following();
    assert_eq!(subs(&core.take(ev(vec![event(5, None)]), 0)), [(2, Some(2))]);
    assert!(core.take(ev(vec![event(6, None)]), 0).is_empty(), "it has asked already");
    core.take(subok(2, 6), 0);
    core.take(ev((3..=6).map(|seq| event(seq, None)).collect()), 0);
    assert_eq!((core.view(BOARD).unwrap().seq, core.gaps()), (6, 1));
}

#[test]
fn rt02_unanswered_mutations_are_sent_again_in_order_and_told_once() {
    let mut core = following();
    for mid in ["a", "b", "c"] {
        assert_eq!(mids(&core.mutate(BOARD, mid, op(), 0).unwrap()), [mid]);
    }
    core.take(ServerFrame::Ack { mid: "a".to_owned(), seq: 3 }, 0);
    core.disconnected();
    assert_eq!(mids(&core.mutate(BOARD, "d", op(), 0).unwrap()), [""; 0], "nobody to send it to");
    core.connected(0);
    core.take(welcome(), 0);
    assert_eq!(mids(&core.take(subok(2, 4), 0)), ["b", "c", "d"]);
    let told = core.take(ev(vec![event(3, Some("a")), event(4, Some("b"))]), 0);
    let stored = Effect::Tell(Notice::Stored { mid: "b".to_owned(), seq: 4 });
    assert_eq!(told.iter().filter(|it| **it == stored).count(), 1);
    assert!(core.take(ServerFrame::Ack { mid: "b".to_owned(), seq: 4 }, 0).is_empty());
    assert_eq!(core.unanswered().collect::<Vec<_>>(), ["c", "d"]);
    assert!(subs(&core.take(ev(vec![event(9, None)]), 0)).len() == 1);
    assert!(mids(&core.take(subok(3, 9), 0)).is_empty(), "they went over this connection");
}

#[test]
fn rt18_no_more_is_sent_than_the_server_takes() {
    let mut core = following();
    let mut at_once = 0;
    for number in 0..200 {
        at_once += mids(&core.mutate(BOARD, &number.to_string(), op(), 0).unwrap()).len();
    }
    assert_eq!(at_once, 54);
    let mut sent: Vec<String> = Vec::new();
    while let Some(at) = core.deadline() {
        assert!(at < 20_000, "the pace stands still");
        sent.extend(mids(&core.advance(at)).iter().map(ToString::to_string));
    }
    let rest: Vec<String> = (54..200).map(|number| number.to_string()).collect();
    assert_eq!(sent, rest, "all of them, in order");
}

#[test]
fn what_would_never_pass_is_not_kept() {
    let mut core = following();
    let text = "x".repeat(limits::WS_INBOUND_BYTES);
    let large = vec![Op::Set { id: "a".into(), k: "text".into(), v: text.into(), if_seq: None }];
    assert_eq!(core.mutate(BOARD, "m", large, 0), Err(Rejected::TooLarge));
    core.mutate(BOARD, "m", op(), 0).unwrap();
    assert_eq!(core.mutate(BOARD, "m", op(), 0), Err(Rejected::Double));
    for number in 1..limits::CLIENT_UNANSWERED {
        core.mutate(BOARD, &number.to_string(), op(), 0).unwrap();
    }
    assert_eq!(core.mutate(BOARD, "more", op(), 0), Err(Rejected::Full));
}

#[test]
fn a_topic_that_is_denied_takes_its_mutations_with_it() {
    let mut core = following();
    core.disconnected();
    core.mutate(BOARD, "m", op(), 0).unwrap();
    core.connected(0);
    core.take(welcome(), 0);
    let frame = |code| refusal(code, 2, None);
    assert_eq!(core.take(frame(ErrorCode::Unavailable), 0), [Effect::Reconnect]);
    let told = core.take(frame(ErrorCode::NotFound), 0);
    assert!(matches!(told[0], Effect::Tell(Notice::Refused { .. })));
    assert!(matches!(told[1], Effect::Tell(Notice::Denied { .. })));
    assert_eq!((core.view(BOARD), core.unanswered().count()), (None, 0));
}

#[test]
fn rt29_who_is_sent_away_comes_back_when_it_was_told_and_not_with_all_the_others() {
    let mut times = BTreeSet::new();
    for number in 0..200 {
        let mut core = Core::new(format!("tab{number}"));
        core.subscribe(BOARD);
        core.connected(0);
        core.take(welcome(), 0);
        core.mutate(BOARD, "m", op(), 0).unwrap();
        assert!(core.take(refusal(ErrorCode::Unavailable, 1, Some(1_000)), 50).is_empty());
        let at = core.deadline().unwrap();
        assert!((1_050..2_050).contains(&at), "{at}");
        assert!(core.advance(at - 1).is_empty());
        assert_eq!(subs(&core.advance(at)), [(2, None)]);
        assert_eq!(mids(&core.take(snap(Some(2), 2), at)), ["m"], "nothing is lost meanwhile");
        times.insert(at);
    }
    assert!(times.len() > 100, "they are spread: {times:?}");
}

#[test]
fn rt12_a_frame_of_a_topic_that_was_never_asked_for_is_told() {
    let mut core = following();
    let frame = ServerFrame::Ev { ch: "board:2".to_owned(), evs: vec![event(1, None)] };
    assert_eq!(core.take(frame, 0), [Effect::Tell(Notice::Stray("board:2".to_owned()))]);
    core.unsubscribe(BOARD);
    assert!(core.take(ev(vec![event(3, None)]), 0).is_empty(), "it was on its way");
    core.subscribe(BOARD);
    assert!(core.take(ev(vec![event(4, None)]), 0).is_empty(), "so was this");
    assert!(core.take(snap(None, 4), 0).is_empty(), "and this");
}

#[test]
fn rt03_an_older_answer_is_passed_over() {
    let mut core = following();
    core.take(ev(vec![event(5, None)]), 0);
    core.take(snap(Some(1), 9), 0);
    assert_eq!(core.view(BOARD).unwrap().seq, 2);
    core.take(snap(None, 9), 0);
    assert_eq!(core.view(BOARD).unwrap().seq, 9, "what comes unasked counts");
}

proptest! {
    /// Whatever order, repeats and losses: with an honest server the client ends at the log's end.
    #[test]
    fn rt04_any_order_with_losses_ends_where_the_log_ends(
        offers in proptest::collection::vec((1_i64..40, 1_i64..6), 0..60),
    ) {
        const NEWEST: i64 = 44;
        let mut core = following();
        let mut awaited = None;
        for (from, count) in offers {
            let events = (from..from + count).map(|seq| event(seq, None)).collect();
            for (id, seq) in subs(&core.take(ev(events), 0)) {
                awaited = Some((id, seq.unwrap_or(0)));
            }
        }
        let all = |from: i64| ev((from + 1..=NEWEST).map(|seq| event(seq, None)).collect());
        let seq = core.view(BOARD).unwrap().seq;
        if let Some((id, seq)) = awaited {
            core.take(subok(id, NEWEST), 0);
            core.take(all(seq), 0);
        } else {
            core.take(all(seq), 0);
        }
        let view = core.view(BOARD).unwrap();
        prop_assert_eq!(view.seq, NEWEST);
        prop_assert_eq!(view.objects.len(), 44);
    }
}

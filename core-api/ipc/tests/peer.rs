//! The rules of `docs/ipc.md` that concern moving lines, each test named after its rule.
#![expect(
    clippy::expect_used,
    clippy::panic,
    reason = "a failing test helper should stop the test"
)]
#![expect(clippy::disallowed_methods, reason = "tests drive connections on tasks of their own")]

use grove_core_api::ipc::method::{
    Answered, Cancel, CancelRequest, Cancelled, EventAck, Ping, Pong, SessionEvent,
};
use grove_core_api::ipc::{Frame, Notification, RpcError, frame};
use grove_ipc::{
    CallError, End, Handler, Options, Peer, Raw, Unobserved, call, method_not_found, params,
};
use proptest::prelude::*;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader, DuplexStream, duplex};
use tokio::sync::{Notify, Semaphore, mpsc};
use tokio::task::JoinHandle;
use tokio::time::timeout;

const SOON: Duration = Duration::from_secs(10);

/// Answers `ping` with a count, holds `session.cancel` until told, records notifications.
struct Probe {
    pings: AtomicU64,
    release: Notify,
    started: Notify,
    dropped: Arc<AtomicUsize>,
    seen: mpsc::Sender<u64>,
    note_permits: Semaphore,
}

impl Probe {
    fn new() -> (Arc<Self>, mpsc::Receiver<u64>) {
        let (seen, notes) = mpsc::channel(10_000);
        let probe = Self {
            pings: AtomicU64::new(0),
            release: Notify::new(),
            started: Notify::new(),
            dropped: Arc::default(),
            seen,
            note_permits: Semaphore::new(Semaphore::MAX_PERMITS),
        };
        (Arc::new(probe), notes)
    }
}

struct CountDrop(Arc<AtomicUsize>);

impl Drop for CountDrop {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

impl Handler for Probe {
    async fn request(&self, method: &str, raw: Option<Raw>) -> Result<Raw, RpcError> {
        match method {
            "ping" => {
                call::<Ping, _, _>(raw, async |_| {
                    Ok(Pong { newest_seq: self.pings.fetch_add(1, Ordering::SeqCst) + 1 })
                })
                .await
            }
            "session.cancel" => {
                call::<Cancel, _, _>(raw, async |_| {
                    let _counted = CountDrop(Arc::clone(&self.dropped));
                    self.started.notify_one();
                    self.release.notified().await;
                    Ok(Cancelled { was_running: true })
                })
                .await
            }
            "shutdown" => panic!("a defect on purpose"),
            other => Err(method_not_found(other)),
        }
    }

    async fn notification(&self, method: &str, raw: Option<Raw>) {
        if method == EventAck::NAME {
            self.note_permits.acquire().await.expect("open").forget();
            let ack: EventAck = params(raw).expect("an ack");
            self.seen.send(ack.seq).await.expect("the test listens");
        }
    }
}

struct Side {
    peer: Peer,
    driver: JoinHandle<End>,
    probe: Arc<Probe>,
    notes: mpsc::Receiver<u64>,
}

fn side(stream: DuplexStream, options: Options) -> Side {
    let (probe, notes) = Probe::new();
    let (peer, driver) =
        Peer::start_with(stream, Arc::clone(&probe), Arc::new(Unobserved), options);
    Side { peer, driver: tokio::spawn(driver), probe, notes }
}

fn pair(options: Options) -> (Side, Side) {
    let (left, right) = duplex(4096);
    (side(left, options), side(right, options))
}

fn cancel_params() -> Cancel {
    Cancel { task_id: "00000000-0000-7000-8000-000000000007".parse().expect("a UUID") }
}

#[tokio::test]
async fn ipc01_both_sides_ask_at_the_same_time() {
    let (left, right) = pair(Options::default());
    let calls = (0..200).map(|number| {
        let peer = if number % 2 == 0 { left.peer.clone() } else { right.peer.clone() };
        tokio::spawn(async move { peer.request(Ping {}).await.expect("a pong").newest_seq })
    });
    let mut left_answers = Vec::new();
    let mut right_answers = Vec::new();
    for (number, call) in calls.collect::<Vec<_>>().into_iter().enumerate() {
        let answer = timeout(SOON, call).await.expect("in time").expect("no panic");
        if number % 2 == 0 { &mut right_answers } else { &mut left_answers }.push(answer);
    }
    for answers in [&mut left_answers, &mut right_answers] {
        answers.sort_unstable();
        assert_eq!(*answers, (1..=100).collect::<Vec<u64>>());
    }
}

#[tokio::test]
async fn ipc02_unknown_methods_bad_params_and_defects_are_answered_with_errors() {
    let (left, right) = duplex(4096);
    let far = side(right, Options::default());
    let (reading, mut writing) = tokio::io::split(left);
    let mut lines = BufReader::new(reading).lines();
    for (line, code) in [
        (r#"{"jsonrpc":"2.0","id":1,"method":"nobody"}"#, frame::METHOD_NOT_FOUND),
        (r#"{"jsonrpc":"2.0","id":2,"method":"ping","params":{"extra":1}}"#, frame::INVALID_PARAMS),
        (r#"{"jsonrpc":"2.0","id":3,"method":"shutdown","params":{}}"#, frame::FAILED),
    ] {
        writing.write_all(format!("{line}\n").as_bytes()).await.expect("writes");
        let answer = timeout(SOON, lines.next_line()).await.expect("in time").expect("reads");
        let answer = Frame::parse(&answer.expect("a line")).expect("a frame");
        let Frame::Response { outcome: Err(error), .. } = answer else {
            panic!("{line} was answered with {answer:?}")
        };
        assert_eq!(error.code, code, "{line}");
    }
    assert!(!far.peer.is_closed());
}

#[tokio::test]
async fn ipc03_bad_lines_are_counted_and_too_many_close_the_connection() {
    let (mut left, right) = duplex(4096);
    let far = side(right, Options::default());
    for _ in 0..grove_core_api::limits::IPC_BAD_LINES {
        left.write_all(b"not json\n").await.expect("writes");
    }
    left.write_all(b"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"}\n").await.expect("writes");
    let mut byte = [0_u8; 1];
    timeout(SOON, left.read_exact(&mut byte)).await.expect("in time").expect("still answers");
    assert_eq!(far.peer.counters().bad_lines, grove_core_api::limits::IPC_BAD_LINES);
    left.write_all(b"[]\n").await.expect("writes");
    let end = timeout(SOON, far.driver).await.expect("in time").expect("no panic");
    assert_eq!(end, End::BadLines);
}

#[tokio::test]
async fn ipc04_a_line_over_the_limit_closes_and_one_at_the_limit_does_not() {
    let options = Options { line_bytes: 128, ..Options::default() };
    let (mut left, right) = duplex(4096);
    let far = side(right, options);
    let ping = r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#;
    left.write_all(format!("{ping:128}\n").as_bytes()).await.expect("writes");
    let mut byte = [0_u8; 1];
    timeout(SOON, left.read_exact(&mut byte)).await.expect("in time").expect("answered");
    left.write_all(&[b'x'; 200]).await.expect("writes");
    let end = timeout(SOON, far.driver).await.expect("in time").expect("no panic");
    assert_eq!(end, End::LineTooLong);
    assert!(far.peer.is_closed());
}

#[tokio::test]
async fn ipc04_an_own_line_over_the_limit_is_refused_here() {
    let options = Options { line_bytes: 40, ..Options::default() };
    let (left, _right) = pair(options);
    let refused = left.peer.request(cancel_params()).await;
    assert!(matches!(refused, Err(CallError::TooLarge(_))), "{refused:?}");
}

#[tokio::test]
async fn ipc06_notifications_wait_for_a_slow_handler_and_keep_their_order() {
    let options = Options { queue_lines: 4, ..Options::default() };
    let (left, mut right) = pair(options);
    right.probe.note_permits.forget_permits(Semaphore::MAX_PERMITS);
    let sender = left.peer.clone();
    let sent = Arc::new(AtomicU64::new(0));
    let counted = Arc::clone(&sent);
    let sending = tokio::spawn(async move {
        for seq in 1..=2_000 {
            sender.notify(EventAck { seq }).await.expect("open");
            counted.store(seq, Ordering::SeqCst);
        }
    });
    // The other side answers only what it reads: once nothing moves any more, the sender is held.
    let mut before = u64::MAX;
    while before != sent.load(Ordering::SeqCst) {
        before = sent.load(Ordering::SeqCst);
        for _ in 0..200 {
            tokio::task::yield_now().await;
        }
    }
    assert!(before < 1_000, "{before} notifications were swallowed without a reader");
    right.probe.note_permits.add_permits(2_000);
    for expected in 1..=2_000 {
        let seen = timeout(SOON, right.notes.recv()).await.expect("in time");
        assert_eq!(seen, Some(expected));
    }
    sending.await.expect("all sent");
}

#[tokio::test]
async fn ipc07_a_dropped_request_is_cancelled_on_the_other_side() {
    let (left, right) = pair(Options::default());
    let peer = left.peer.clone();
    let asking = tokio::spawn(async move { peer.request(cancel_params()).await });
    timeout(SOON, right.probe.started.notified()).await.expect("started");
    asking.abort();
    timeout(SOON, async {
        while right.probe.dropped.load(Ordering::SeqCst) == 0 {
            tokio::task::yield_now().await;
        }
    })
    .await
    .expect("the handler was dropped");
    // The connection is as good as before.
    assert_eq!(left.peer.request(Ping {}).await.expect("a pong").newest_seq, 1);
}

#[tokio::test]
async fn ipc07_a_timeout_cancels_too() {
    let (left, right) = pair(Options::default());
    let outcome = left.peer.request_within(cancel_params(), Duration::from_millis(20)).await;
    assert!(matches!(outcome, Err(CallError::Timeout(20))), "{outcome:?}");
    timeout(SOON, async {
        while right.probe.dropped.load(Ordering::SeqCst) == 0 {
            tokio::task::yield_now().await;
        }
    })
    .await
    .expect("the handler was dropped");
}

#[tokio::test]
async fn ipc08_pending_and_running_requests_are_bounded() {
    let options = Options { pending_requests: 3, running_requests: 2, ..Options::default() };
    let (left, right) = pair(options);
    let mut asking = Vec::new();
    for _ in 0..2 {
        let peer = left.peer.clone();
        asking.push(tokio::spawn(async move { peer.request(cancel_params()).await }));
        timeout(SOON, right.probe.started.notified()).await.expect("started");
    }
    let refused = left.peer.request(Ping {}).await;
    let Err(CallError::Remote(error)) = refused else { panic!("{refused:?}") };
    assert_eq!(error.code, frame::BUSY);
    let third = left.peer.request(cancel_params());
    assert!(matches!(third.await, Err(CallError::Remote(_))));
    let narrow = Options { pending_requests: 0, ..Options::default() };
    let (none, _far) = pair(narrow);
    assert_eq!(none.peer.request(Ping {}).await.err(), Some(CallError::Busy));
    right.probe.release.notify_waiters();
    for call in asking {
        assert!(call.await.expect("no panic").expect("answered").was_running);
    }
}

#[tokio::test]
async fn ipc09_when_the_connection_ends_every_request_fails() {
    let (left, right) = pair(Options::default());
    let peer = left.peer.clone();
    let asking = tokio::spawn(async move { peer.request(cancel_params()).await });
    timeout(SOON, right.probe.started.notified()).await.expect("started");
    right.driver.abort();
    let outcome = timeout(SOON, asking).await.expect("in time").expect("no panic");
    assert_eq!(outcome.err(), Some(CallError::Closed));
    timeout(SOON, left.peer.closed()).await.expect("closed");
    assert_eq!(left.peer.request(Ping {}).await.err(), Some(CallError::Closed));
    assert_eq!(left.peer.notify(EventAck { seq: 1 }).await.err(), Some(CallError::Closed));
}

#[tokio::test]
async fn ipc09_what_was_received_before_the_end_is_still_handled() {
    let (left, mut right) = pair(Options::default());
    for seq in 1..=300 {
        left.peer.notify(EventAck { seq }).await.expect("open");
    }
    left.peer.close();
    timeout(SOON, left.peer.closed()).await.expect("closed");
    for expected in 1..=300 {
        let seen = timeout(SOON, right.notes.recv()).await.expect("in time");
        assert_eq!(seen, Some(expected));
    }
    assert_eq!(timeout(SOON, right.driver).await.expect("in time").expect("no panic"), End::Eof);
}

#[tokio::test]
async fn ipc10_answers_to_no_question_are_counted_and_ignored() {
    let (mut left, right) = duplex(4096);
    let far = side(right, Options::default());
    left.write_all(b"{\"jsonrpc\":\"2.0\",\"id\":9,\"result\":{}}\n").await.expect("writes");
    left.write_all(b"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"}\n").await.expect("writes");
    let mut byte = [0_u8; 1];
    timeout(SOON, left.read_exact(&mut byte)).await.expect("in time").expect("answered");
    assert_eq!(far.peer.counters().unknown_answers, 1);
}

#[test]
fn the_names_on_the_wire_are_those_of_the_document() {
    let document = include_str!("../../../docs/ipc.md");
    for name in [CancelRequest::NAME, EventAck::NAME, SessionEvent::NAME] {
        assert!(document.contains(&format!("`{name}`")), "{name}");
    }
    assert!(serde_json::to_string(&Answered { was_pending: true }).is_ok());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// IPC-01: lines may arrive in pieces of any size and interleaved kinds.
    #[test]
    fn ipc01_frames_survive_any_cut(kinds in prop::collection::vec(0_u8..3, 1..40),
                                    cuts in prop::collection::vec(1_usize..50, 1..60)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(async {
            let (left, right) = duplex(64);
            let mut far = side(right, Options::default());
            let mut bytes = Vec::new();
            let (mut pings, mut acks) = (0, Vec::new());
            for (number, kind) in kinds.iter().enumerate() {
                let number = number as u64 + 1;
                bytes.extend_from_slice(match kind {
                    0 => { pings += 1; format!("{{\"jsonrpc\":\"2.0\",\"id\":{number},\"method\":\"ping\"}}\n") }
                    1 => { acks.push(number); format!("{{\"jsonrpc\":\"2.0\",\"method\":\"event.ack\",\"params\":{{\"seq\":{number}}}}}\n") }
                    _ => format!("{{\"jsonrpc\":\"2.0\",\"id\":{number},\"result\":\"é✓\"}}\n"),
                }.as_bytes());
            }
            let (reading, mut writing) = tokio::io::split(left);
            let writer = async {
                let mut rest = &bytes[..];
                for cut in cuts.iter().cycle() {
                    if rest.is_empty() { break }
                    let (piece, after) = rest.split_at((*cut).min(rest.len()));
                    writing.write_all(piece).await.expect("writes");
                    rest = after;
                }
            };
            let reader = async {
                let mut lines = BufReader::new(reading).lines();
                for _ in 0..pings {
                    let line = lines.next_line().await.expect("reads").expect("a line");
                    assert!(Frame::parse(&line).is_ok());
                }
            };
            timeout(SOON, async { tokio::join!(writer, reader) }).await.expect("in time");
            for expected in acks {
                assert_eq!(timeout(SOON, far.notes.recv()).await.expect("in time"), Some(expected));
            }
            assert_eq!(far.peer.counters().bad_lines, 0);
        });
    }
}

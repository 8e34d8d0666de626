//! Hostile lines: what an executor that was taken over (or a daemon, from the executor's side) may
//! send. The peer must not panic, must not grow, and must answer or close by the rules.
//!
//! The lines come from a seed, which a failure prints; `GROVE_SEED=<number>` repeats a run.
#![expect(clippy::expect_used, reason = "a failing test helper should stop the test")]
#![expect(clippy::print_stdout, reason = "the seed of a run that fails must be known")]
#![expect(clippy::disallowed_methods, reason = "tests drive connections on tasks of their own")]

use grove_core_api::ipc::method::{self, Cancel, EventAck, Ping, Pong, SessionEvent};
use grove_core_api::ipc::{Frame, FrameError, Notification, RpcError};
use grove_core_api::limits;
use grove_ipc::{CallError, Counters, End, Handler, Options, Peer, Raw, Unobserved, call, params};
use proptest::prelude::*;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader, DuplexStream, duplex};
use tokio::task::JoinHandle;
use tokio::time::timeout;

/// Hostile lines of one run.
const LINES: usize = 10_000;
/// Longest line that the peers under test take.
const LINE_BYTES: usize = 64 * 1024;
const SOON: Duration = Duration::from_secs(60);
/// The number of the valid call that is put between the hostile ones.
const PROBE: u64 = 4_000_000_000;

/// Numbers that are the same for the same seed (`SplitMix64`).
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.next() % bound.max(1) as u64).expect("fits")
    }

    fn byte(&mut self) -> u8 {
        u8::try_from(self.next() & 0xff).expect("masked")
    }

    fn pick<'a, T: ?Sized>(&mut self, of: &[&'a T]) -> &'a T {
        of[self.below(of.len())]
    }
}

fn seed() -> u64 {
    let named = std::env::var("GROVE_SEED").ok().and_then(|text| text.parse().ok());
    let seed = named.unwrap_or_else(|| {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970");
        u64::try_from(now.as_nanos() & u128::from(u64::MAX)).expect("masked")
    });
    println!("GROVE_SEED={seed}");
    seed
}

/// Valid lines, which the mutations start from.
fn valid(dice: &mut Dice) -> String {
    let id = dice.next() % 1_000;
    let task = "00000000-0000-7000-8000-000000000007";
    match dice.below(6) {
        0 => format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"ping","params":{{}}}}"#),
        1 => format!(
            r#"{{"jsonrpc":"2.0","id":{id},"method":"session.cancel","params":{{"task_id":"{task}"}}}}"#
        ),
        2 => format!(r#"{{"jsonrpc":"2.0","method":"event.ack","params":{{"seq":{id}}}}}"#),
        3 => format!(r#"{{"jsonrpc":"2.0","method":"$/cancel","params":{{"id":{id}}}}}"#),
        4 => format!(
            r#"{{"jsonrpc":"2.0","method":"session.event","params":{{"seq":{id},"task_id":"{task}","event":{{"type":"task_started"}}}}}}"#
        ),
        _ => format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{{"newest_seq":{id}}}}}"#),
    }
}

/// One hostile line, without its newline.
fn hostile(dice: &mut Dice) -> Vec<u8> {
    let mut line = valid(dice).into_bytes();
    match dice.below(14) {
        0 => {
            for _ in 0..=dice.below(8) {
                let at = dice.below(line.len());
                line[at] = dice.byte();
            }
        }
        1 => line.truncate(dice.below(line.len())),
        2 => {
            let at = dice.below(line.len());
            let middle = line[at..].to_vec();
            line.extend(middle);
        }
        3 => {
            let depth = 100 + dice.below(5_000);
            line = format!("{}1{}", "[".repeat(depth), "]".repeat(depth)).into_bytes();
        }
        4 => {
            let depth = 100 + dice.below(5_000);
            let deep = format!("{}1{}", "{\"a\":".repeat(depth), "}".repeat(depth));
            line = format!(r#"{{"jsonrpc":"2.0","id":1,"method":"ping","params":{deep}}}"#)
                .into_bytes();
        }
        5 => {
            line = br#"{"jsonrpc":"2.0","jsonrpc":"2.0","id":1,"id":2,"method":"ping"}"#.to_vec();
        }
        6 => {
            let wrong = dice.pick(&["null", "true", "[]", "{}", "\"x\"", "-1", "1.5", "1e999"]);
            line = format!(r#"{{"jsonrpc":"2.0","id":{wrong},"method":"ping"}}"#).into_bytes();
        }
        7 => {
            let wrong = dice.pick(&["null", "7", "[]", "{}", "\"\\u0000\"", "\"\\ud800\""]);
            line = format!(r#"{{"jsonrpc":"2.0","id":3,"method":{wrong}}}"#).into_bytes();
        }
        8 => {
            let giant = "9".repeat(1 + dice.below(400));
            line = format!(r#"{{"jsonrpc":"2.0","id":{giant},"method":"ping"}}"#).into_bytes();
        }
        9 => {
            let id = dice.next();
            let error = dice.pick(&[
                r#""error":{"code":-32601,"message":"no"}"#,
                r#""error":{"code":99999999999,"message":"no"}"#,
                r#""error":{"code":1,"message":"no","data":"nonsense"}"#,
                r#""result":null"#,
                r#""result":{"newest_seq":1},"error":null"#,
            ]);
            line = format!(r#"{{"jsonrpc":"2.0","id":{id},{error}}}"#).into_bytes();
        }
        10 => {
            let name = "m".repeat(dice.below(20_000));
            line = format!(r#"{{"jsonrpc":"2.0","id":5,"method":"{name}"}}"#).into_bytes();
        }
        11 => {
            let at = dice.below(line.len());
            let bytes: &[u8] = dice.pick(&[&b"\xff\xfe"[..], &b"\xc3\x28"[..], &b"\x00"[..]]);
            line.splice(at..at, bytes.iter().copied());
        }
        12 => {
            let bad = dice.pick(&[
                r#"{"seq":-1}"#,
                r#"{"seq":18446744073709551616}"#,
                r#"{"seq":1,"x":1}"#,
                "[1]",
                "null",
            ]);
            let name = dice.pick(&["event.ack", "session.event", "$/cancel", "git.progress"]);
            line = format!(r#"{{"jsonrpc":"2.0","method":"{name}","params":{bad}}}"#).into_bytes();
        }
        _ => {
            line = (0..dice.below(300)).map(|_| dice.byte()).collect();
        }
    }
    // A newline inside would make two lines of it; both are hostile, but would not be counted.
    line.retain(|byte| *byte != b'\n' && *byte != b'\r');
    line
}

/// What a line is, by the rules of `docs/ipc.md`.
#[derive(Debug, PartialEq, Eq)]
enum Kind {
    /// The connection ends: no UTF-8.
    Ends,
    /// Counted as a bad line.
    Bad,
    /// An answer to nothing.
    Answer,
    /// Something to be answered.
    Request,
    /// Everything else.
    Note,
}

fn kind(line: &[u8]) -> Kind {
    let Ok(text) = std::str::from_utf8(line) else { return Kind::Ends };
    match Frame::parse(text) {
        Err(FrameError::Parse | FrameError::Invalid(_)) => Kind::Bad,
        Ok(Frame::Response { .. }) => Kind::Answer,
        Ok(Frame::Request { .. }) => Kind::Request,
        Ok(Frame::Notification { method, params }) if method == "$/cancel" => {
            match grove_ipc::params::<method::CancelRequest>(params) {
                Ok(_) => Kind::Note,
                Err(_) => Kind::Bad,
            }
        }
        Ok(Frame::Notification { .. }) => Kind::Note,
    }
}

/// The executor's side: answers `ping`, reads acknowledgements.
struct ExecutorSide;

impl Handler for ExecutorSide {
    async fn request(&self, name: &str, raw: Option<Raw>) -> Result<Raw, RpcError> {
        match name {
            "ping" => call::<Ping, _, _>(raw, async |_| Ok(Pong { newest_seq: 7 })).await,
            "session.cancel" => {
                let cancel = async |_: Cancel| Ok(method::Cancelled { was_running: false });
                call::<Cancel, _, _>(raw, cancel).await
            }
            other => Err(grove_ipc::method_not_found(other)),
        }
    }

    async fn notification(&self, name: &str, raw: Option<Raw>) {
        if name == EventAck::NAME {
            // A malformed one is of no interest.
            drop(params::<EventAck>(raw));
        }
    }
}

/// The daemon's side: takes events, answers nothing.
struct DaemonSide(AtomicUsize);

impl Handler for DaemonSide {
    async fn request(&self, name: &str, _raw: Option<Raw>) -> Result<Raw, RpcError> {
        Err(grove_ipc::method_not_found(name))
    }

    async fn notification(&self, name: &str, raw: Option<Raw>) {
        if name == SessionEvent::NAME && params::<SessionEvent>(raw).is_ok() {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }
}

fn options() -> Options {
    Options { line_bytes: LINE_BYTES, queue_lines: 16, request_ms: 200, ..Options::default() }
}

fn start<H: Handler>(handler: Arc<H>) -> (Peer, JoinHandle<End>, DuplexStream) {
    let (theirs, ours) = duplex(16 * 1024);
    let (peer, driver) = Peer::start_with(ours, handler, Arc::new(Unobserved), options());
    (peer, tokio::spawn(driver), theirs)
}

/// Reads answers until the one to the probe; an error when the connection ends before.
async fn probe(lines: &mut (impl AsyncBufReadExt + Unpin)) -> bool {
    let mut line = Vec::new();
    loop {
        line.clear();
        let read = timeout(SOON, lines.read_until(b'\n', &mut line)).await.expect("in time");
        if !read.is_ok_and(|bytes| bytes > 0) {
            return false;
        }
        let text = std::str::from_utf8(&line).expect("the peer writes UTF-8");
        let frame = Frame::parse(text.trim_end()).expect("the peer writes frames");
        if matches!(frame, Frame::Response { id: PROBE, .. }) {
            return true;
        }
    }
}

/// Sends lines to fresh peers, one connection after another; each connection is either answered to
/// the end or closed by a rule, with the right counters. Returns the number of connections.
async fn storm<H: Handler>(
    dice: &mut Dice,
    handler: impl Fn() -> Arc<H>,
    mut is_long: impl FnMut(&mut Dice) -> bool,
) -> usize {
    let (mut sent, mut connections) = (0, 0);
    while sent < LINES {
        connections += 1;
        let (peer, driver, theirs) = start(handler());
        let (reading, mut writing) = tokio::io::split(theirs);
        let mut reading = BufReader::new(reading);
        let mut expected = Counters::default();
        let mut end = None;
        let mut shown = Vec::new();
        for _ in 0..200 {
            let mut line = hostile(dice);
            if is_long(dice) {
                line = vec![b'x'; LINE_BYTES + 1 + dice.below(LINE_BYTES)];
                end = Some(End::LineTooLong);
            } else {
                // An answer to the probe would be taken for its own.
                match kind(&line) {
                    Kind::Ends => end = Some(End::Io(String::new())),
                    Kind::Bad => expected.bad_lines += 1,
                    Kind::Answer => expected.unknown_answers += 1,
                    Kind::Request | Kind::Note => {}
                }
            }
            if expected.bad_lines > limits::IPC_BAD_LINES {
                end = end.or(Some(End::BadLines));
            }
            sent += 1;
            line.push(b'\n');
            shown.push(String::from_utf8_lossy(&line[..line.len().min(200)]).into_owned());
            let probe_line = format!(r#"{{"jsonrpc":"2.0","id":{PROBE},"method":"ping"}}"#);
            line.extend(format!("{probe_line}\n").into_bytes());
            // The peer may close while it is written to.
            let is_written = {
                let writes = writing.write_all(&line);
                let reads = probe(&mut reading);
                let (written, answered) = tokio::join!(writes, reads);
                written.is_ok() && answered
            };
            if end.is_some() {
                break;
            }
            assert!(is_written, "not answered and not closed by a rule: {shown:?}");
        }
        drop(writing);
        drop(reading);
        let ended = timeout(SOON, driver).await.expect("in time").expect("no panic");
        match &end {
            None => assert_eq!(ended, End::Eof, "{shown:?}"),
            Some(End::Io(_)) => assert!(matches!(ended, End::Io(_)), "{ended:?} {shown:?}"),
            Some(wanted) => assert_eq!(ended, *wanted, "{shown:?}"),
        }
        let counters = peer.counters();
        assert_eq!(counters, expected, "{shown:?}");
        assert_eq!(peer.request(Ping {}).await.err(), Some(CallError::Closed));
    }
    connections
}

#[tokio::test]
async fn ten_thousand_hostile_lines_to_an_executor() {
    let mut dice = Dice(seed());
    let connections =
        storm(&mut dice, || Arc::new(ExecutorSide), |dice| dice.below(400) == 0).await;
    assert!(connections > 50, "{connections}");
}

#[tokio::test]
async fn ten_thousand_hostile_lines_to_the_daemon() {
    let mut dice = Dice(seed());
    let handler = || Arc::new(DaemonSide(AtomicUsize::new(0)));
    let connections = storm(&mut dice, handler, |dice| dice.below(400) == 0).await;
    assert!(connections > 50, "{connections}");
}

#[tokio::test]
async fn half_a_line_and_the_end_is_an_end_and_not_a_defect() {
    let mut dice = Dice(seed());
    for _ in 0..300 {
        let (_peer, driver, mut theirs) = start(Arc::new(ExecutorSide));
        let line = valid(&mut dice);
        let cut = dice.below(line.len());
        theirs.write_all(&line.as_bytes()[..cut]).await.expect("writes");
        drop(theirs);
        let end = timeout(SOON, driver).await.expect("in time").expect("no panic");
        assert!(matches!(end, End::Eof | End::Io(_)), "{end:?}");
    }
}

/// Resident memory of this process in KiB.
fn resident_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("a status");
    let line = status.lines().find(|line| line.starts_with("VmRSS")).expect("a size");
    line.split_whitespace().nth(1).and_then(|it| it.parse().ok()).expect("a number")
}

#[tokio::test]
async fn a_flood_of_requests_whose_answers_nobody_reads_stops_and_takes_no_memory() {
    let (peer, _driver, mut theirs) = start(Arc::new(ExecutorSide));
    let before = resident_kib();
    // What an honest side may have open, and what fits between the two.
    let most = options().pending_requests + options().running_requests + 1_000;
    let mut written = 0_usize;
    // The peer has stopped reading when a line is not taken for so long.
    let patience = Duration::from_secs(2);
    loop {
        let line = format!("{{\"jsonrpc\":\"2.0\",\"id\":{written},\"method\":\"ping\"}}\n");
        match timeout(patience, theirs.write_all(line.as_bytes())).await {
            Err(_elapsed) => break,
            Ok(is_written) => is_written.expect("writes"),
        }
        written += 1;
        assert!(written <= most, "{written} requests were taken, and no answer was read");
    }
    let grown = resident_kib().saturating_sub(before);
    assert!(grown < 32 * 1024, "{grown} KiB for {written} requests that nobody wants answered");
    assert!(!peer.is_closed());
    // Once the answers are read, it goes on.
    let mut read = vec![0_u8; 64 * 1024];
    let mut total = 0;
    while total < 512 * 1024 {
        let reads = timeout(Duration::from_millis(200), theirs.read(&mut read)).await;
        match reads {
            Ok(Ok(bytes)) if bytes > 0 => total += bytes,
            _ => break,
        }
    }
    assert!(total > 1_000, "{total} bytes of answers");
}

#[tokio::test]
async fn answers_to_nothing_are_counted_and_the_right_one_is_taken() {
    let (peer, _driver, mut theirs) = start(Arc::new(ExecutorSide));
    let asking = tokio::spawn({
        let peer = peer.clone();
        async move { peer.request_within(Ping {}, SOON).await }
    });
    let mut line = String::new();
    let mut reading = BufReader::new(&mut theirs);
    timeout(SOON, reading.read_line(&mut line)).await.expect("in time").expect("a line");
    drop(reading);
    for id in 2..502_u64 {
        let forged =
            format!("{{\"jsonrpc\":\"2.0\",\"id\":{id},\"result\":{{\"newest_seq\":9}}}}\n");
        theirs.write_all(forged.as_bytes()).await.expect("writes");
    }
    let right = b"{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"newest_seq\":5}}\n";
    theirs.write_all(right).await.expect("writes");
    let pong = timeout(SOON, asking).await.expect("in time").expect("no panic");
    assert_eq!(pong.expect("a pong").newest_seq, 5);
    assert_eq!(peer.counters(), Counters { bad_lines: 0, unknown_answers: 500 });
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    /// Whatever comes, the decoder says what it is, and what it prints it reads again.
    #[test]
    fn decoding_never_panics_and_what_is_read_is_written_the_same(text in ".{0,400}") {
        if let Ok(frame) = Frame::parse(&text) {
            let printed = frame.print().expect("prints");
            let again = Frame::parse(&printed).expect("reads what it printed");
            prop_assert_eq!(again.print().expect("prints"), printed);
        }
    }

    /// The same for lines that are nearly right.
    #[test]
    fn decoding_what_is_nearly_right(
        id in proptest::option::of("[0-9]{1,25}|null|\"x\"|-1"),
        method in proptest::option::of("\"[a-z$/.]{0,12}\"|null|7"),
        params in proptest::option::of("\\{\\}|\\[1,2\\]|null|\\{\"seq\":[0-9]{1,30}\\}"),
        result in proptest::option::of("null|\\{\\}|7"),
        version in "2\\.0|1\\.0|",
    ) {
        let mut members = vec![format!("\"jsonrpc\":\"{version}\"")];
        let named = [("id", &id), ("method", &method), ("params", &params), ("result", &result)];
        for (name, value) in named {
            members.extend(value.as_ref().map(|value| format!("\"{name}\":{value}")));
        }
        let line = format!("{{{}}}", members.join(","));
        match Frame::parse(&line) {
            Ok(frame) => {
                prop_assert_eq!(&version, "2.0");
                let printed = frame.print().expect("prints");
                prop_assert!(Frame::parse(&printed).is_ok(), "{}", printed);
            }
            Err(error) => prop_assert!(!error.to_string().is_empty()),
        }
    }

    /// Parameters of any method, known or not: they fit or they do not.
    #[test]
    fn reading_parameters_never_panics(index in 0_usize..64, params in "\\{.{0,200}\\}|.{0,50}") {
        let name = method::METHODS[index % method::METHODS.len()];
        if let Some(written) = method::redacted_params(name, &params) {
            prop_assert!(method::redacted_params(name, &written).is_some(), "{}", written);
        }
    }
}

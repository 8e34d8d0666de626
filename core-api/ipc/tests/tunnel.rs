//! Rules IPC-21 to IPC-25 of `docs/ipc.md`: byte streams over a real socket pair.
#![expect(
    clippy::expect_used,
    clippy::panic,
    reason = "a failing test helper should stop the test"
)]
#![expect(clippy::disallowed_methods, reason = "tests drive connections on tasks of their own")]

use grove_core_api::ipc::method::{Done, EventAck, Ping, Pong};
use grove_core_api::ipc::tunnel::{CloseTunnel, OpenTunnel, TunnelData, TunnelEnd, TunnelTarget};
use grove_core_api::ipc::{Method, Notification, RpcError, frame};
use grove_core_api::limits::{TUNNEL_PIECE_BYTES, TUNNEL_WINDOW_BYTES, TUNNELS};
use grove_ipc::{
    CallError, Handler, OpenError, Peer, Raw, Received, RelayEnd, Traffic, Tunnel, Tunnels,
    Unobserved, answer, call, method_not_found, params, relay,
};
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UnixStream};
use tokio::sync::mpsc;

const SOON: Duration = Duration::from_secs(30);
const LONG: Duration = Duration::from_secs(600);

async fn soon<T>(what: &str, future: impl Future<Output = T>) -> T {
    tokio::time::timeout(SOON, future).await.unwrap_or_else(|_| panic!("{what} did not happen"))
}

/// Hands tunnels that were asked for to the test, and counts what else comes.
struct Side {
    tunnels: Tunnels,
    asked: mpsc::Sender<Tunnel>,
    notes: mpsc::Sender<u64>,
}

impl Handler for Side {
    async fn request(&self, method: &str, raw: Option<Raw>) -> Result<Raw, RpcError> {
        match method {
            Ping::NAME => answer(&Pong { newest_seq: 7 }),
            OpenTunnel::NAME => {
                let open = async |open: OpenTunnel| {
                    if open.target == TunnelTarget::Grove {
                        return Err(RpcError::new(frame::DENIED, "not this one"));
                    }
                    let busy = |it: OpenError| RpcError::new(frame::BUSY, it.to_string());
                    let tunnel = self.tunnels.add(open.tunnel).map_err(busy)?;
                    self.asked.send(tunnel).await.expect("the test listens");
                    Ok(Done {})
                };
                call::<OpenTunnel, _, _>(raw, open).await
            }
            other => Err(method_not_found(other)),
        }
    }

    async fn notification(&self, method: &str, raw: Option<Raw>) {
        if Tunnels::is_theirs(method) {
            return self.tunnels.take(method, raw);
        }
        let ack: EventAck = params(raw).expect("a note");
        self.notes.send(ack.seq).await.ok();
    }
}

struct End {
    peer: Peer,
    tunnels: Tunnels,
    asked: mpsc::Receiver<Tunnel>,
    notes: mpsc::Receiver<u64>,
}

impl End {
    fn new(stream: UnixStream, most: usize) -> Self {
        let tunnels = Tunnels::new(most);
        let (asked_sender, asked) = mpsc::channel(1_000);
        let (notes_sender, notes) = mpsc::channel(10_000);
        let side = Side { tunnels: tunnels.clone(), asked: asked_sender, notes: notes_sender };
        let (peer, driver) = Peer::start(stream, Arc::new(side), Arc::new(Unobserved));
        tunnels.bind(peer.clone());
        tokio::spawn(driver);
        Self { peer, tunnels, asked, notes }
    }

    async fn open(&self) -> Result<Tunnel, OpenError> {
        let target = TunnelTarget::Host { host: "h".into(), port: 1 };
        soon("an answer", self.tunnels.open(target, SOON)).await
    }

    async fn accept(&mut self) -> Tunnel {
        soon("a tunnel", self.asked.recv()).await.expect("the connection lives")
    }
}

fn pair() -> (End, End) {
    let (left, right) = UnixStream::pair().expect("a pair");
    (End::new(left, TUNNELS), End::new(right, TUNNELS))
}

async fn both(executor: &End, daemon: &mut End) -> (Tunnel, Tunnel) {
    let ours = executor.open().await.expect("open");
    (ours, daemon.accept().await)
}

/// A server that sends everything back, half-closes when the client does, and counts its clients.
async fn echo() -> std::net::SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("listens");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let (mut reading, mut writing) = stream.split();
                tokio::io::copy(&mut reading, &mut writing).await.ok();
                writing.shutdown().await.ok();
            });
        }
    });
    address
}

/// Two connected TCP sockets.
async fn sockets() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("listens");
    let address = listener.local_addr().expect("an address");
    let (near, far) = tokio::join!(TcpStream::connect(address), listener.accept());
    (near.expect("connects"), far.expect("accepts").0)
}

fn pattern(size: usize, seed: usize) -> Vec<u8> {
    (0..size).map(|it| u8::try_from((it * 31 + it / 251 + seed) % 256).unwrap_or(0)).collect()
}

/// Serves tunnels that are asked for by connecting them to the address.
fn serve(mut daemon: End, address: std::net::SocketAddr) -> mpsc::Receiver<Traffic> {
    let (sender, traffic) = mpsc::channel(1_000);
    tokio::spawn(async move {
        while let Some(tunnel) = daemon.asked.recv().await {
            let sender = sender.clone();
            tokio::spawn(async move {
                let stream = TcpStream::connect(address).await.expect("connects");
                sender.send(relay(tunnel, stream, LONG).await).await.ok();
            });
        }
    });
    traffic
}

/// Sends bytes through a tunnel of its own and returns what comes back.
async fn round_trip(tunnel: Tunnel, sent: Vec<u8>) -> (Vec<u8>, Traffic) {
    let (client, near) = sockets().await;
    let relayed = tokio::spawn(relay(tunnel, near, LONG));
    let (mut reading, mut writing) = client.into_split();
    let write = tokio::spawn(async move {
        writing.write_all(&sent).await.expect("written");
        writing.shutdown().await.expect("shut down");
    });
    let mut back = Vec::new();
    soon("the end of the echo", reading.read_to_end(&mut back)).await.expect("reads");
    write.await.expect("wrote");
    (back, soon("the end of the relay", relayed).await.expect("relayed"))
}

#[tokio::test]
async fn ipc21_ten_megabytes_go_there_and_back_intact() {
    let (executor, daemon) = pair();
    let mut traffic = serve(daemon, echo().await);
    let sent = pattern(10 * 1024 * 1024, 3);
    let tunnel = executor.open().await.expect("open");
    let (back, ours) = round_trip(tunnel, sent.clone()).await;
    assert!(back == sent, "{} of {} bytes, or others", back.len(), sent.len());
    let size = sent.len() as u64;
    assert_eq!(ours, Traffic { sent: size, received: size, end: RelayEnd::Finished });
    let theirs = soon("their end", traffic.recv()).await.expect("ended");
    assert_eq!(theirs, Traffic { sent: size, received: size, end: RelayEnd::Finished });
    assert!(executor.tunnels.is_empty());
}

#[tokio::test]
async fn ipc24_many_tunnels_at_once_do_not_mix_and_one_more_is_refused() {
    let (executor, daemon) = pair();
    let theirs = daemon.tunnels.clone();
    let _traffic = serve(daemon, echo().await);
    let mut tunnels = Vec::new();
    for _ in 0..TUNNELS {
        tunnels.push(executor.open().await.expect("open"));
    }
    assert_eq!(executor.open().await.expect_err("too many"), OpenError::Full);
    let trips = tunnels.into_iter().enumerate().map(|(seed, tunnel)| {
        tokio::spawn(async move {
            let sent = pattern(200_000 + seed, seed);
            round_trip(tunnel, sent.clone()).await.0 == sent
        })
    });
    for trip in trips.collect::<Vec<_>>() {
        assert!(trip.await.expect("a trip"), "bytes of another tunnel");
    }
    soon("room", async {
        while !theirs.is_empty() {
            tokio::task::yield_now().await;
        }
    })
    .await;
    executor.open().await.expect("there is room again");
}

#[tokio::test]
async fn ipc24_the_side_that_is_asked_has_its_own_bound() {
    let (left, right) = UnixStream::pair().expect("a pair");
    let (executor, mut daemon) = (End::new(left, 10), End::new(right, 2));
    let (_first, _there) = both(&executor, &mut daemon).await;
    let (_second, _too) = both(&executor, &mut daemon).await;
    let refused = executor.open().await.expect_err("too many");
    assert!(matches!(&refused, OpenError::Call(CallError::Remote(it)) if it.code == frame::BUSY));
    let again = OpenTunnel { tunnel: 1, target: TunnelTarget::Host { host: "h".into(), port: 1 } };
    assert!(executor.peer.request(again).await.is_err(), "a number that is in use");
    assert_eq!(executor.tunnels.len(), 2);
}

#[tokio::test]
async fn ipc22_a_tunnel_that_nobody_reads_stalls_alone_and_holds_one_window() {
    let (executor, mut daemon) = pair();
    let (ours, _unread) = both(&executor, &mut daemon).await;
    let (client, near) = sockets().await;
    let relayed = tokio::spawn(relay(ours, near, LONG));
    // Far more than windows and socket buffers hold; it is never all taken.
    let flood = tokio::spawn(async move {
        let mut client = client;
        let piece = vec![1_u8; 1024 * 1024];
        let mut written = 0_u64;
        while written < 256 {
            client.write_all(&piece).await.expect("the other end is open");
            written += 1;
        }
    });
    // Everything else goes on: questions, events, other tunnels.
    let address = echo().await;
    for seq in 0..2_000 {
        soon("room for a note", executor.peer.notify(EventAck { seq })).await.expect("sent");
    }
    for seq in 0..2_000 {
        assert_eq!(soon("a note", daemon.notes.recv()).await, Some(seq));
    }
    soon("a pong", executor.peer.request(Ping {})).await.expect("answered");
    let theirs = daemon.tunnels.clone();
    let peer = daemon.peer.clone();
    let _traffic = serve(daemon, address);
    let tunnel = executor.open().await.expect("open");
    let sent = pattern(300_000, 1);
    assert!(round_trip(tunnel, sent.clone()).await.0 == sent);
    assert!(!flood.is_finished() && !relayed.is_finished(), "the flood is held back");
    assert_eq!(theirs.len(), 1);
    assert!(!peer.is_closed());
    flood.abort();
}

#[tokio::test]
async fn ipc22_credit_comes_only_for_what_was_passed_on() {
    let (executor, mut daemon) = pair();
    let (ours, theirs) = both(&executor, &mut daemon).await;
    let mut left = TUNNEL_WINDOW_BYTES;
    while left > 0 {
        let room = soon("room", ours.room()).await.expect("open");
        ours.send(&vec![5; room]).await.expect("sent");
        left -= room;
    }
    let mut taken = 0;
    while taken < TUNNEL_WINDOW_BYTES {
        let Received::Bytes(bytes) = soon("bytes", theirs.receive()).await else { panic!("bytes") };
        assert!(bytes.len() <= TUNNEL_PIECE_BYTES);
        taken += bytes.len();
    }
    // An answer that comes after would bring the credit along, were there any.
    executor.peer.request(Ping {}).await.expect("a pong");
    let none = tokio::time::timeout(Duration::from_millis(1), ours.room()).await;
    assert!(none.is_err(), "{none:?}");
    assert_eq!(ours.send(&[1]).await, Err(CallError::TooLarge(1)));
    theirs.passed(taken);
    assert_eq!(soon("room", ours.room()).await, Some(TUNNEL_PIECE_BYTES));
}

#[tokio::test]
async fn ipc22_whoever_sends_more_than_the_window_loses_the_tunnel_only() {
    let (executor, mut daemon) = pair();
    let (ours, theirs) = both(&executor, &mut daemon).await;
    let (other, other_there) = both(&executor, &mut daemon).await;
    let data = "AAAA".repeat(TUNNEL_WINDOW_BYTES / 3 + 1);
    executor.peer.notify(TunnelData { tunnel: 1, data }).await.expect("sent");
    assert_eq!(soon("their end", theirs.receive()).await, Received::Broken);
    assert_eq!(soon("our end", ours.receive()).await, Received::Broken);
    other.send(b"still here").await.expect("sent");
    let there = soon("bytes", other_there.receive()).await;
    assert_eq!(there, Received::Bytes("still here".into()));
    let nonsense = TunnelData { tunnel: 2, data: "no base64!".into() };
    executor.peer.notify(nonsense).await.expect("sent");
    assert_eq!(soon("their end", other_there.receive()).await, Received::Broken);
    executor.peer.request(Ping {}).await.expect("the connection lives");
}

#[tokio::test]
async fn ipc23_each_side_can_finish_and_the_other_goes_on() {
    let (executor, mut daemon) = pair();
    let (ours, theirs) = both(&executor, &mut daemon).await;
    ours.send(b"question").await.expect("sent");
    ours.finish().await.expect("said");
    assert_eq!(soon("bytes", theirs.receive()).await, Received::Bytes("question".into()));
    assert_eq!(soon("the end", theirs.receive()).await, Received::Finished);
    theirs.send(b"answer").await.expect("sent");
    theirs.finish().await.expect("said");
    assert_eq!(soon("bytes", ours.receive()).await, Received::Bytes("answer".into()));
    assert_eq!(soon("the end", ours.receive()).await, Received::Finished);
    assert_eq!(ours.send(b"more").await, Err(CallError::Closed));
    drop((ours, theirs));
    assert!(executor.tunnels.is_empty() && daemon.tunnels.is_empty());
}

#[tokio::test]
async fn ipc23_a_dropped_end_resets_the_other_one() {
    let (executor, mut daemon) = pair();
    let (ours, theirs) = both(&executor, &mut daemon).await;
    drop(ours);
    assert_eq!(soon("the reset", theirs.receive()).await, Received::Broken);
    let (ours, theirs) = both(&executor, &mut daemon).await;
    let (client, near) = sockets().await;
    let relayed = tokio::spawn(relay(ours, near, LONG));
    drop(theirs);
    let traffic = soon("the end", relayed).await.expect("ended");
    assert_eq!(traffic.end, RelayEnd::Reset);
    let mut client = client;
    let mut rest = Vec::new();
    client.read_to_end(&mut rest).await.ok();
    assert!(rest.is_empty());
    assert!(executor.tunnels.is_empty() && daemon.tunnels.is_empty());
    // What still comes for a tunnel that is gone disturbs nobody.
    let late = CloseTunnel { tunnel: 1, end: TunnelEnd::Finished };
    executor.peer.notify(late).await.expect("sent");
    executor.peer.request(Ping {}).await.expect("a pong");
    assert_eq!(executor.peer.counters().bad_lines, 0);
}

#[tokio::test]
async fn ipc23_a_reset_reaches_a_side_that_only_sends() {
    let (executor, mut daemon) = pair();
    let (ours, theirs) = both(&executor, &mut daemon).await;
    let (_client, near) = sockets().await;
    let relayed = tokio::spawn(relay(ours, near, LONG));
    theirs.finish().await.expect("said");
    drop(theirs);
    let traffic = soon("the end", relayed).await.expect("ended");
    assert_eq!(traffic.end, RelayEnd::Reset);
}

#[tokio::test]
async fn ipc25_silence_ends_a_tunnel() {
    let (executor, mut daemon) = pair();
    let (ours, theirs) = both(&executor, &mut daemon).await;
    let (_client, near) = sockets().await;
    let traffic = soon("the end", relay(ours, near, Duration::from_millis(20))).await;
    assert_eq!(traffic.end, RelayEnd::Idle);
    assert_eq!(soon("the reset", theirs.receive()).await, Received::Broken);
}

#[tokio::test]
async fn ipc25_the_end_of_the_connection_is_the_end_of_all_tunnels() {
    let (executor, mut daemon) = pair();
    let mut ends = Vec::new();
    for _ in 0..5 {
        let (ours, theirs) = both(&executor, &mut daemon).await;
        let ((client, near), (server, far)) = (sockets().await, sockets().await);
        ends.push(tokio::spawn(relay(ours, near, LONG)));
        ends.push(tokio::spawn(relay(theirs, far, LONG)));
        std::mem::forget((client, server));
    }
    executor.peer.close();
    for end in ends {
        assert_eq!(soon("the end", end).await.expect("ended").end, RelayEnd::Reset);
    }
    assert!(executor.tunnels.is_closed() && executor.tunnels.is_empty());
    assert!(daemon.tunnels.is_empty());
    assert!(matches!(executor.open().await, Err(OpenError::Call(CallError::Closed))));
}

#[tokio::test]
async fn a_refused_tunnel_leaves_nothing_behind() {
    let (executor, daemon) = pair();
    let refused = executor.tunnels.open(TunnelTarget::Grove, SOON).await.expect_err("refused");
    assert!(matches!(&refused, OpenError::Call(CallError::Remote(it)) if it.code == frame::DENIED));
    assert!(executor.tunnels.is_empty() && daemon.tunnels.is_empty());
}

#[tokio::test]
async fn the_names_on_the_wire_are_the_documented_ones() {
    let names = [TunnelData::NAME, CloseTunnel::NAME, "tunnel.credit"];
    assert!(names.iter().all(|name| Tunnels::is_theirs(name)));
    let target = TunnelTarget::Host { host: "e.x".into(), port: 443 };
    let open = serde_json::to_value(OpenTunnel { tunnel: 1, target }).expect("prints");
    let wanted = serde_json::json!({
        "tunnel": 1, "target": { "to": "host", "host": "e.x", "port": 443 }
    });
    assert_eq!(open, wanted);
    let close = CloseTunnel { tunnel: 2, end: TunnelEnd::Reset };
    let close = serde_json::to_value(close).expect("prints");
    assert_eq!(close, serde_json::json!({ "tunnel": 2, "end": "reset" }));
}

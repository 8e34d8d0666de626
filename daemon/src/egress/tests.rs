//! The way out, over a real socket pair and with real TCP servers.

use super::resolve::Resolver;
use super::{AllowList, Door, Egress, Who};
use async_trait::async_trait;
use grove_core_api::ipc::tunnel::TunnelTarget;
use grove_core_api::ipc::{RpcError, frame};
use grove_core_api::isolation::NetworkProfile;
use grove_core_api::{ErrorCode, ExecutorId, SessionId};
use grove_ipc::{
    CallError, Handler, OpenError, Peer, Raw, Received, RelayEnd, Tunnel, Tunnels, Unobserved,
    method_not_found, relay,
};
use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};
use tokio::net::{TcpListener, UnixStream};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use uuid::Uuid;

const SOON: Duration = Duration::from_secs(30);

/// Answers as told, and counts the questions. Each name has a list of answers; the last one stays.
#[derive(Clone, Default)]
struct Book {
    answers: Arc<Mutex<HashMap<String, Vec<Vec<IpAddr>>>>>,
    asked: Arc<AtomicUsize>,
}

#[async_trait]
impl Resolver for Book {
    async fn addresses(&self, name: &str) -> io::Result<Vec<IpAddr>> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        let mut answers = self.answers.lock().unwrap();
        let Some(list) = answers.get_mut(name) else {
            return Err(io::Error::other("no such name"));
        };
        Ok(if list.len() > 1 { list.remove(0) } else { list[0].clone() })
    }
}

impl Book {
    fn of(entries: &[(&str, &[&[&str]])]) -> Self {
        let read = |texts: &&[&str]| texts.iter().map(|it| it.parse().unwrap()).collect();
        let answers = entries
            .iter()
            .map(|(name, lists)| ((*name).to_owned(), lists.iter().map(read).collect()));
        Self { answers: Arc::new(Mutex::new(answers.collect())), asked: Arc::default() }
    }
}

struct DaemonSide(Door);

impl Handler for DaemonSide {
    async fn request(&self, method: &str, raw: Option<Raw>) -> Result<Raw, RpcError> {
        if Door::is_for(method) {
            return self.0.request(raw).await;
        }
        Err(method_not_found(method))
    }

    async fn notification(&self, method: &str, mut raw: Option<Raw>) {
        assert!(self.0.takes(method, &mut raw), "{method}");
    }
}

struct ExecutorSide(Tunnels);

impl Handler for ExecutorSide {
    async fn request(&self, method: &str, _raw: Option<Raw>) -> Result<Raw, RpcError> {
        Err(method_not_found(method))
    }

    async fn notification(&self, method: &str, raw: Option<Raw>) {
        self.0.take(method, raw);
    }
}

/// An executor and the daemon's door for it.
struct World {
    egress: Arc<Egress>,
    tunnels: Tunnels,
    executor: Peer,
    book: Book,
    tasks: TaskTracker,
    shutdown: CancellationToken,
}

fn world(profile: NetworkProfile, allow: &[&str], book: Book) -> World {
    let allow: Vec<_> = allow.iter().map(|it| (*it).to_owned()).collect();
    let allow = AllowList::try_from(allow).unwrap();
    let (tasks, shutdown) = (TaskTracker::new(), CancellationToken::new());
    let resolver = Box::new(book.clone());
    let egress = Egress::with_resolver(allow, resolver, tasks.clone(), shutdown.clone());
    let session = SessionId(Uuid::from_u128(1));
    let who = Who { session, executor: ExecutorId(Uuid::from_u128(2)), profile };
    let (ours, theirs) = UnixStream::pair().unwrap();
    let daemon = Arc::new(DaemonSide(Door::new(Arc::clone(&egress), who)));
    let (peer, driver) = Peer::start(ours, Arc::clone(&daemon), Arc::new(Unobserved));
    daemon.0.bind(peer);
    tasks.spawn(driver);
    let tunnels = Tunnels::new(1_000);
    let (executor, driver) =
        Peer::start(theirs, Arc::new(ExecutorSide(tunnels.clone())), Arc::new(Unobserved));
    tunnels.bind(executor.clone());
    tasks.spawn(driver);
    World { egress, tunnels, executor, book, tasks, shutdown }
}

impl World {
    async fn open(&self, host: &str, port: u16) -> Result<Tunnel, OpenError> {
        let target = TunnelTarget::Host { host: host.to_owned(), port };
        self.tunnels.open(target, SOON).await
    }

    async fn refusal(&self, host: &str, port: u16) -> RpcError {
        match self.open(host, port).await {
            Err(OpenError::Call(CallError::Remote(error))) => error,
            other => panic!("{host}:{port}: {other:?}"),
        }
    }
}

/// Sends everything back; half-closes when the client does.
async fn echo(tasks: &TaskTracker) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let spawner = tasks.clone();
    tasks.spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            spawner.spawn(async move {
                let (mut reading, mut writing) = stream.split();
                tokio::io::copy(&mut reading, &mut writing).await.ok();
                writing.shutdown().await.ok();
            });
        }
    });
    address
}

async fn said(tunnel: Tunnel, text: &[u8]) -> Vec<u8> {
    let (near, client) = duplex(1_024);
    let relayed = relay(tunnel, near, SOON);
    let (mut reading, mut writing) = tokio::io::split(client);
    let talk = async {
        writing.write_all(text).await.unwrap();
        writing.shutdown().await.unwrap();
        let mut back = Vec::new();
        reading.read_to_end(&mut back).await.unwrap();
        back
    };
    let (traffic, back) = tokio::join!(relayed, talk);
    assert_eq!(traffic.end, RelayEnd::Finished);
    back
}

#[tokio::test]
async fn a_listed_name_whose_address_is_listed_is_reached() {
    let tasks = TaskTracker::new();
    let address = echo(&tasks).await;
    let port = address.port();
    let allow = [format!("good.test:{port}"), format!("127.0.0.1:{port}")];
    let allow: Vec<&str> = allow.iter().map(String::as_str).collect();
    let book = Book::of(&[("good.test", &[&["127.0.0.1"]])]);
    let world = world(NetworkProfile::Proxy, &allow, book);
    for name in ["good.test", "GOOD.test."] {
        let tunnel = world.open(name, port).await.unwrap();
        assert_eq!(said(tunnel, b"hello").await, b"hello");
    }
    let tunnel = world.open("127.0.0.1", port).await.unwrap();
    assert_eq!(said(tunnel, b"by address").await, b"by address");
    assert_eq!(world.book.asked.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn a_host_that_is_not_listed_is_refused_before_anybody_is_asked_for_it() {
    let book = Book::of(&[("evil.test", &[&["8.8.8.8"]])]);
    let world = world(NetworkProfile::Proxy, &["good.test"], book);
    for (host, port) in [("evil.test", 443), ("good.test", 22), ("8.8.8.8", 443), ("localhost", 80)]
    {
        let error = world.refusal(host, port).await;
        assert_eq!(error.code, frame::DENIED, "{host}");
        assert!(error.message.contains("`[egress]` in grove.toml"), "{}", error.message);
    }
    let nonsense = world.refusal("good.test\r\nx: y", 443).await;
    assert_eq!((nonsense.code, nonsense.message.contains('\n')), (frame::DENIED, false));
    assert_eq!(world.book.asked.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn a_listed_name_that_leads_inside_is_refused() {
    let tasks = TaskTracker::new();
    let port = echo(&tasks).await.port();
    let entry = format!("rebound.test:{port}");
    for inside in [
        "127.0.0.1",
        "10.0.0.1",
        "169.254.169.254",
        "::1",
        "::ffff:127.0.0.1",
        "0.0.0.0",
        "fe80::1",
    ] {
        let book = Book::of(&[("rebound.test", &[&[inside]])]);
        let world = world(NetworkProfile::Proxy, &[&entry], book);
        let error = world.refusal("rebound.test", port).await;
        assert_eq!(error.code, frame::DENIED, "{inside}");
        assert!(error.message.contains("not an address of the public internet"), "{error}");
    }
}

#[tokio::test]
async fn the_address_that_was_checked_is_the_one_that_is_used() {
    let tasks = TaskTracker::new();
    let port = echo(&tasks).await.port();
    // The second answer would lead to the server; nobody asks a second time.
    let book = Book::of(&[("twice.test", &[&["192.0.2.1"], &["127.0.0.1"]])]);
    let allow = [format!("twice.test:{port}")];
    let world = world(NetworkProfile::Proxy, &[allow[0].as_str()], book);
    assert_eq!(world.refusal("twice.test", port).await.code, frame::DENIED);
    assert_eq!(world.book.asked.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn the_profile_decides_and_not_the_executor() {
    for (profile, name) in [(NetworkProfile::None, "none"), (NetworkProfile::Shared, "shared")] {
        let book = Book::of(&[("good.test", &[&["8.8.8.8"]])]);
        let world = world(profile, &["good.test"], book);
        let error = world.refusal("good.test", 443).await;
        assert_eq!(error.code, frame::DENIED);
        assert!(error.message.contains(&format!("`{name}`")), "{error}");
        assert_eq!(world.book.asked.load(Ordering::SeqCst), 0);
    }
}

#[tokio::test]
async fn a_host_that_cannot_be_reached_is_a_failure_and_no_refusal() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let entry = format!("127.0.0.1:{port}");
    let world = world(NetworkProfile::Proxy, &[&entry, "unknown.test"], Book::default());
    for (host, port) in [("127.0.0.1", port), ("unknown.test", 443)] {
        let error = world.refusal(host, port).await;
        assert_eq!((error.code, error.data), (frame::FAILED, Some(ErrorCode::Unavailable)));
    }
    assert!(world.tunnels.is_empty());
}

#[tokio::test]
async fn grove_itself_is_reached_with_every_profile() {
    for profile in [NetworkProfile::None, NetworkProfile::Proxy, NetworkProfile::Shared] {
        let world = world(profile, &[], Book::default());
        let mut streams = world.egress.streams_to_grove().unwrap();
        assert!(world.egress.streams_to_grove().is_none());
        world.tasks.spawn(async move {
            let mut stream = streams.recv().await.unwrap();
            let mut buffer = [0; 4];
            stream.read_exact(&mut buffer).await.unwrap();
            stream.write_all(&buffer).await.unwrap();
        });
        let tunnel = world.tunnels.open(TunnelTarget::Grove, SOON).await.unwrap();
        assert_eq!(said(tunnel, b"ping").await, b"ping");
    }
}

#[tokio::test]
async fn the_daemon_bounds_the_tunnels_whatever_the_executor_does() {
    let tasks = TaskTracker::new();
    let port = echo(&tasks).await.port();
    let entry = format!("127.0.0.1:{port}");
    let world = world(NetworkProfile::Proxy, &[&entry], Book::default());
    let mut open = Vec::new();
    for _ in 0..grove_core_api::limits::TUNNELS {
        open.push(world.open("127.0.0.1", port).await.unwrap());
    }
    assert_eq!(world.refusal("127.0.0.1", port).await.code, frame::BUSY);
    open.clear();
    loop {
        if let Ok(tunnel) = world.open("127.0.0.1", port).await {
            assert_eq!(said(tunnel, b"again").await, b"again");
            break;
        }
    }
}

#[tokio::test]
async fn the_end_of_the_connection_or_of_the_daemon_closes_what_was_open() {
    for by_shutdown in [true, false] {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let entry = format!("127.0.0.1:{port}");
        let world = world(NetworkProfile::Proxy, &[&entry], Book::default());
        let tunnel = world.open("127.0.0.1", port).await.unwrap();
        let (mut server, _) = listener.accept().await.unwrap();
        if by_shutdown {
            world.shutdown.cancel();
        } else {
            world.executor.close();
        }
        assert_eq!(tunnel.receive().await, Received::Broken);
        let mut rest = Vec::new();
        // The end, or a reset: the server is not left waiting.
        let ended = tokio::time::timeout(SOON, server.read_to_end(&mut rest)).await;
        assert!(ended.is_ok() && rest.is_empty());
    }
}

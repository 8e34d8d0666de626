//! A server with a backend in memory, and clients that speak the real protocol to it.
//!
//! `World::memory` moves bytes through pipes, so that time can be paused and every run is the same;
//! `World::loopback` is the real thing.

use crate::bus::{Bus, Exchange, InProcess, NodeId};
use crate::realtime::{
    Backend, DocHead, DocUpdate, Head, Hub, MutationError, Snapshot, UpdateRefused, Upgrade,
    UserIdentity, upgrade,
};
use axum::Router;
use axum::extract::{OriginalUri, State};
use axum::response::Response;
use axum::routing::any;
use axum::serve::Listener;
use futures_util::{SinkExt, StreamExt};
use grove_core_api::event::{Event, Object, Op, Topic};
use grove_core_api::realtime::NackCode;
use grove_core_api::{BoardId, DocId, ErrorCode, Problem, SessionId, UserId};
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock, Weak};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, DuplexStream};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::protocol::Message;
use tokio_tungstenite::tungstenite::{ClientRequestBuilder, http::Uri};
use tokio_tungstenite::{WebSocketStream, client_async};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use uuid::Uuid;

pub(super) const BOARD: Topic = Topic::Board(BoardId(Uuid::from_u128(0xb0)));
pub(super) const SESSION_ID: SessionId = SessionId(Uuid::from_u128(0x5e));
pub(super) const SESSION: Topic = Topic::Session(SESSION_ID);
/// Longer than every interval of the protocol: a client that waits this long waits for nothing.
const PATIENCE: Duration = Duration::from_secs(120);
/// Bytes that a pipe holds before its writer waits.
const PIPE_BYTES: usize = 64 * 1024;

#[derive(Default)]
struct Log {
    events: Vec<Event>,
    state: BTreeMap<String, Object>,
    by_mid: BTreeMap<String, i64>,
    /// Events before this number are compacted away.
    kept_from: i64,
}

/// Logs in memory.
#[derive(Default)]
pub(super) struct Memory {
    logs: Mutex<BTreeMap<Topic, Log>>,
    hidden: Mutex<BTreeSet<Topic>>,
    hub: OnceLock<Weak<Hub<Memory>>>,
    updates: Mutex<Vec<Vec<u8>>>,
    pub(super) snapshots: AtomicUsize,
    pub(super) log_reads: AtomicUsize,
}

impl Memory {
    /// Commits an event and tells nobody.
    pub(super) fn commit(&self, topic: Topic, mid: Option<String>, ops: Vec<Op>) -> Event {
        let mut logs = self.logs.lock().unwrap();
        let log = logs.entry(topic).or_default();
        for op in &ops {
            match op.clone() {
                Op::Put { id, kind, v } => {
                    log.state.insert(id, Object { kind, v });
                }
                Op::Set { id, k, v, .. } => {
                    log.state.get_mut(&id).unwrap().v.insert(k, v);
                }
                Op::Del { id, .. } => {
                    log.state.remove(&id);
                }
            }
        }
        let seq = i64::try_from(log.events.len()).unwrap() + 1;
        if let Some(mid) = &mid {
            log.by_mid.insert(mid.clone(), seq);
        }
        let kind = "board.changed".to_owned();
        let event = Event { seq, at: seq, by: None, via: "web".into(), kind, mid, ops };
        log.events.push(event.clone());
        event
    }

    /// Forgets events, as a compaction does.
    pub(super) fn compact(&self, topic: Topic, kept_from: i64) {
        self.logs.lock().unwrap().get_mut(&topic).unwrap().kept_from = kept_from;
    }

    /// Hides a topic from everybody.
    pub(super) fn hide(&self, topic: Topic) {
        self.hidden.lock().unwrap().insert(topic);
    }

    fn read<T>(&self, topic: Topic, read: impl FnOnce(&Log) -> T) -> T {
        read(self.logs.lock().unwrap().entry(topic).or_default())
    }
}

fn newest(log: &Log) -> i64 {
    i64::try_from(log.events.len()).unwrap()
}

#[async_trait::async_trait]
impl Backend for Memory {
    type Caller = String;

    fn identity(&self, caller: &String) -> UserIdentity {
        let mut bytes = [0; 16];
        for (byte, letter) in bytes.iter_mut().zip(caller.bytes()) {
            *byte = letter;
        }
        let user = UserId(Uuid::from_bytes(bytes));
        UserIdentity { user, name: caller.clone(), emoji: "🌱".into(), slot: 3 }
    }

    async fn authorize(&self, _: &String, topic: Topic) -> Result<(), Problem> {
        let is_hidden = self.hidden.lock().unwrap().contains(&topic);
        if is_hidden { Err(Problem::new(ErrorCode::NotFound, "no such topic")) } else { Ok(()) }
    }

    async fn head(&self, topic: Topic) -> Result<Head, Problem> {
        Ok(self.read(topic, |log| Head { epoch: "e1".into(), seq: newest(log) }))
    }

    async fn snapshot(&self, topic: Topic) -> Result<Snapshot, Problem> {
        self.snapshots.fetch_add(1, Ordering::Relaxed);
        Ok(self.read(topic, |log| Snapshot {
            epoch: "e1".into(),
            seq: newest(log),
            state: log.state.clone(),
        }))
    }

    async fn events_after(
        &self,
        topic: Topic,
        seq: i64,
        limit: u64,
    ) -> Result<Vec<Event>, Problem> {
        self.log_reads.fetch_add(1, Ordering::Relaxed);
        let from = |log: &Log| seq.max(log.kept_from - 1);
        Ok(self.read(topic, |log| {
            let events = log.events.iter().filter(|event| event.seq > from(log));
            events.take(usize::try_from(limit).unwrap()).cloned().collect()
        }))
    }

    async fn mutate(
        &self,
        _: &String,
        board: BoardId,
        mid: String,
        ops: Vec<Op>,
    ) -> Result<i64, MutationError> {
        let topic = Topic::Board(board);
        if let Some(seq) = self.read(topic, |log| log.by_mid.get(&mid).copied()) {
            return Ok(seq);
        }
        let is_gone = self.read(topic, |log| {
            ops.iter().any(|op| matches!(op, Op::Set { id, .. } if !log.state.contains_key(id)))
        });
        if is_gone {
            return Err(MutationError { code: NackCode::Gone, message: "it was removed".into() });
        }
        let event = self.commit(topic, Some(mid), ops);
        let seq = event.seq;
        self.hub.get().unwrap().upgrade().unwrap().publish(topic, event);
        Ok(seq)
    }

    async fn open_doc(&self, _: &String, _: DocId) -> Result<DocHead, Problem> {
        Ok(DocHead { epoch: "e1".into(), seq: 0, state_vector: vec![0] })
    }

    async fn doc_diff(&self, _: &String, _: DocId, _: &str, _: &[u8]) -> Result<Vec<u8>, Problem> {
        Ok(self.updates.lock().unwrap().concat())
    }

    /// Keeps any bytes; those that begin with 255 build on something that never came.
    async fn update_doc(
        &self,
        _: &String,
        doc: DocId,
        update: DocUpdate<'_>,
    ) -> Result<(), UpdateRefused> {
        if update.bytes.first() == Some(&255) {
            return Err(UpdateRefused::Lacks(vec![0]));
        }
        self.updates.lock().unwrap().push(update.bytes.to_vec());
        let hub = self.hub.get().unwrap().upgrade().unwrap();
        hub.publish_update(doc, update.origin, update.bytes);
        Ok(())
    }
}

struct Pipes(mpsc::Receiver<DuplexStream>);

impl Listener for Pipes {
    type Io = DuplexStream;
    type Addr = ();

    async fn accept(&mut self) -> (DuplexStream, ()) {
        match self.0.recv().await {
            Some(pipe) => (pipe, ()),
            None => std::future::pending().await,
        }
    }

    fn local_addr(&self) -> io::Result<()> {
        Ok(())
    }
}

enum Door {
    Memory(mpsc::Sender<DuplexStream>),
    Loopback(std::net::SocketAddr),
}

/// A server.
pub(super) struct World {
    pub(super) memory: Arc<Memory>,
    pub(super) hub: Arc<Hub<Memory>>,
    pub(super) shutdown: CancellationToken,
    pub(super) tracker: TaskTracker,
    door: Door,
}

async fn answer(
    asked: Upgrade,
    OriginalUri(uri): OriginalUri,
    State(hub): State<Arc<Hub<Memory>>>,
) -> Response {
    upgrade(asked, hub, uri.query().unwrap_or_default().to_owned())
}

impl World {
    /// Starts a server behind pipes.
    pub(super) fn memory() -> Self {
        let (sender, receiver) = mpsc::channel(16);
        let (world, router) = Self::new(Door::Memory(sender));
        world.tracker.spawn(async move { axum::serve(Pipes(receiver), router).await });
        world
    }

    /// Starts a server on loopback.
    pub(super) async fn loopback() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (world, router) = Self::new(Door::Loopback(listener.local_addr().unwrap()));
        world.tracker.spawn(async move { axum::serve(listener, router).await });
        world
    }

    fn new(door: Door) -> (Self, Router) {
        let memory = Arc::new(Memory::default());
        let (world, router) = Self::over(door, memory, Arc::new(InProcess::alone()));
        assert!(world.memory.hub.set(Arc::downgrade(&world.hub)).is_ok());
        (world, router)
    }

    fn over(door: Door, memory: Arc<Memory>, bus: Arc<dyn Bus>) -> (Self, Router) {
        let (tracker, shutdown) = (TaskTracker::new(), CancellationToken::new());
        let life = (tracker.clone(), shutdown.clone());
        let hub = Hub::joined(Arc::clone(&memory), "boot".into(), life, bus);
        let router = Router::new().route("/ws", any(answer)).with_state(Arc::clone(&hub));
        (Self { memory, hub, shutdown, tracker, door }, router)
    }

    /// Starts one of several daemons, on the database of `other` if there is one; its clients change
    /// nothing by themselves.
    pub(super) fn node(exchange: &Exchange, number: u32, other: Option<&Self>) -> Self {
        let (bus, inbox) = InProcess::join(exchange, NodeId(number), &format!("node{number}"));
        let memory = other.map_or_else(Arc::default, |it| Arc::clone(&it.memory));
        let (sender, receiver) = mpsc::channel(16);
        let (world, router) = Self::over(Door::Memory(sender), memory, Arc::new(bus));
        world.tracker.spawn(async move { axum::serve(Pipes(receiver), router).await });
        world.hub.listen(inbox);
        world
    }

    /// The user of that name.
    pub(super) fn user(&self, name: &str) -> UserId {
        self.memory.identity(&name.to_owned()).user
    }

    /// Connects without a word.
    pub(super) async fn connect(&self, name: &str) -> Client {
        let io: Box<dyn Io> = match &self.door {
            Door::Memory(sender) => {
                let (ours, theirs) = tokio::io::duplex(PIPE_BYTES);
                sender.send(theirs).await.unwrap();
                Box::new(ours)
            }
            Door::Loopback(address) => Box::new(TcpStream::connect(address).await.unwrap()),
        };
        let uri: Uri = format!("ws://localhost/ws?{name}").parse().unwrap();
        let request = ClientRequestBuilder::new(uri).with_sub_protocol("grove.v1");
        let (ws, response) = client_async(request, io).await.unwrap();
        assert_eq!(response.headers()["sec-websocket-protocol"], "grove.v1");
        Client { ws, peer: String::new() }
    }

    /// Connects and says hello.
    pub(super) async fn greeted(&self, name: &str) -> Client {
        let mut client = self.connect(name).await;
        client.send(json!({"t": "hello", "v": 1})).await;
        let welcome = client.next().await;
        assert_eq!(welcome["t"], "welcome");
        welcome["peer"].as_str().unwrap().clone_into(&mut client.peer);
        client
    }

    /// Connects, says hello and joins the board; the snapshot and the people are taken.
    pub(super) async fn on_board(&self, name: &str) -> Client {
        let mut client = self.greeted(name).await;
        client.send(json!({"t": "sub", "id": 1, "ch": BOARD.to_string()})).await;
        assert_eq!(client.next().await["t"], "snap");
        assert_eq!(client.next().await["t"], "peers");
        client
    }

    /// Commits an event and publishes it.
    pub(super) fn happen(&self, topic: Topic, ops: Vec<Op>) -> i64 {
        let event = self.memory.commit(topic, None, ops);
        let seq = event.seq;
        self.hub.publish(topic, event);
        seq
    }

    /// Commits and publishes a number of notes.
    pub(super) fn notes(&self, topic: Topic, count: usize) {
        for _ in 0..count {
            let seq = self.memory.read(topic, newest) + 1;
            self.happen(topic, vec![put(&format!("n{seq}"), json!({"text": "x"}))]);
        }
    }
}

pub(super) trait Io: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Io for T {}

/// A client.
pub(super) struct Client {
    pub(super) ws: WebSocketStream<Box<dyn Io>>,
    pub(super) peer: String,
}

impl Client {
    pub(super) async fn send(&mut self, frame: Value) {
        self.send_text(frame.to_string()).await;
    }

    pub(super) async fn send_text(&mut self, text: String) {
        self.ws.send(Message::text(text)).await.unwrap();
    }

    /// Returns the next frame.
    pub(super) async fn next(&mut self) -> Value {
        loop {
            match timeout(PATIENCE, self.ws.next()).await.expect("a frame in time") {
                Some(Ok(Message::Text(text))) => return serde_json::from_str(&text).unwrap(),
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                other => panic!("expected a frame, got {other:?}"),
            }
        }
    }

    /// Returns the next frame of a kind; other kinds are skipped.
    pub(super) async fn next_of(&mut self, kind: &str) -> Value {
        loop {
            let frame = self.next().await;
            if frame["t"] == kind {
                return frame;
            }
        }
    }

    /// Returns the next frame of one of two kinds; others are skipped.
    pub(super) async fn next_of_either(&mut self, kind: &str, other: &str) -> Value {
        loop {
            let frame = self.next().await;
            if frame["t"] == kind || frame["t"] == other {
                return frame;
            }
        }
    }

    /// Returns the numbers of the events up to `last`, in the order in which they come.
    pub(super) async fn seqs_until(&mut self, last: i64) -> Vec<i64> {
        let mut seqs = Vec::new();
        while seqs.last() != Some(&last) {
            let frame = self.next_of("ev").await;
            let evs = frame["evs"].as_array().unwrap();
            seqs.extend(evs.iter().map(|event| event["seq"].as_i64().unwrap()));
        }
        seqs
    }

    /// Asserts that the server has sent nothing so far but the answer to a ping.
    pub(super) async fn assert_quiet(&mut self) {
        self.send(json!({"t": "ping", "ts": 7})).await;
        assert_eq!(self.next().await, json!({"t": "pong", "ts": 7}));
    }

    /// Reads to the end and returns the close code; frames before it are skipped.
    pub(super) async fn closed(&mut self) -> Option<u16> {
        loop {
            match timeout(PATIENCE, self.ws.next()).await.expect("an end in time") {
                Some(Ok(Message::Close(frame))) => return frame.map(|frame| frame.code.into()),
                Some(Ok(_)) => {}
                Some(Err(_)) | None => return None,
            }
        }
    }
}

/// Makes an object of properties.
pub(super) fn put(id: &str, v: Value) -> Op {
    Op::Put { id: id.into(), kind: "note".into(), v: v.as_object().unwrap().clone() }
}

/// Sets one property.
pub(super) fn set(id: &str, k: &str, v: impl Into<Value>) -> Op {
    Op::Set { id: id.into(), k: k.into(), v: v.into(), if_seq: None }
}

/// Makes an event that holds nothing but its number and a text.
pub(super) fn event(seq: i64, text: &str) -> Event {
    let v = Map::from_iter([("text".to_owned(), Value::from(text))]);
    let ops = vec![Op::Put { id: format!("n{seq}"), kind: "note".into(), v }];
    Event { seq, at: 0, by: None, via: "web".into(), kind: "k".into(), mid: None, ops }
}

//! The rooms in use and the doors to them: what the daemon publishes, and who connects.
//!
//! Deliberately not here: what a connection does (`connection`) and what a room holds (`live`).

use super::admission::Admission;
use super::afar::Others;
use super::backend::{AgentAt, Backend};
use super::bell::Wake;
use super::connection::Connection;
use super::docs::{ChangedDocs, DocRoom};
use super::driver;
use super::live::{Clock, LiveRoom, locked};
use super::presence::PeerId;
use super::revoked::Revoked;
use super::socket::WebSocket;
use super::stream::Outcome;
use crate::bus::{Bus, InProcess, Message};
use grove_core_api::event::{Event, Topic};
use grove_core_api::{BoardId, DocId, MessageId, SessionId, UserId};
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, Weak};
use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// All rooms of this daemon.
#[derive(Debug)]
pub struct Hub<B: Backend> {
    backend: Arc<B>,
    boot: String,
    spawner: TaskTracker,
    shutdown: CancellationToken,
    runtime: Handle,
    clock: Clock,
    rooms: Mutex<HashMap<Topic, Arc<LiveRoom>>>,
    docs: Mutex<HashMap<DocId, Arc<DocRoom>>>,
    /// Number of the newest document's room; binary frames name documents by it.
    newest_doc: AtomicU32,
    connections: AtomicUsize,
    newest_peer: Arc<AtomicU32>,
    bus: Arc<dyn Bus>,
    pub(super) others: Others,
    /// The door for those who join.
    pub(super) admission: Admission,
    /// Documents that other daemons changed.
    pub(super) changed_docs: ChangedDocs,
    /// Who is behind each connection, and what ends it.
    people: Mutex<HashMap<PeerId, Person>>,
    me: Weak<Self>,
}

impl<B: Backend> Hub<B> {
    /// Makes a hub without rooms; its own tasks run on `spawner` and end with `shutdown`.
    ///
    /// `boot` changes with each start of the daemon.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    #[must_use]
    pub fn new(
        backend: Arc<B>,
        boot: String,
        spawner: TaskTracker,
        shutdown: CancellationToken,
    ) -> Arc<Self> {
        Self::joined(backend, boot, (spawner, shutdown), Arc::new(InProcess::alone()))
    }

    /// Makes a hub that tells others, and is told what [`Hub::listen`] hears.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    #[must_use]
    pub fn joined(
        backend: Arc<B>,
        boot: String,
        (spawner, shutdown): (TaskTracker, CancellationToken),
        bus: Arc<dyn Bus>,
    ) -> Arc<Self> {
        let clock = Clock::start();
        Arc::new_cyclic(|me| Self {
            backend,
            boot,
            spawner,
            shutdown,
            runtime: Handle::current(),
            clock,
            rooms: Mutex::default(),
            docs: Mutex::default(),
            newest_doc: AtomicU32::new(0),
            connections: AtomicUsize::new(0),
            newest_peer: Arc::default(),
            bus,
            others: Others::default(),
            admission: Admission::new(clock.now_ms()),
            changed_docs: ChangedDocs::default(),
            people: Mutex::default(),
            me: Weak::clone(me),
        })
    }

    /// Hands a committed event to those who read the topic.
    ///
    /// Call it after the commit, once per event; the order may differ from the log's (rule RT-04).
    pub fn publish(&self, topic: Topic, event: Event) {
        if self.bus.is_shared() {
            self.bus.publish(Message::Event { topic: topic.to_string(), event: event.clone() });
        }
        if let Some(room) = self.room(topic) {
            room.publish(event);
        }
    }

    /// Appends live text of a streaming message at an offset in UTF-16 code units.
    ///
    /// Call it after the event that put the message is published. Text that is known already is
    /// skipped; text that leaves a hole is left out until [`Hub::stream_reset`] or the final event.
    pub fn stream(&self, session: SessionId, message: MessageId, offset: u64, text: &str) {
        self.change_text(session, |room| room.append(message, offset, text));
        self.tell_text(session, message, Some(offset), text);
    }

    /// Puts all text of a streaming message so far in place (the daemon came back in mid-stream).
    pub fn stream_reset(&self, session: SessionId, message: MessageId, text: &str) {
        self.change_text(session, |room| room.reset(message, text));
        self.tell_text(session, message, None, text);
    }

    /// Forgets the live text of a message; call it after its final event is published.
    pub fn stream_end(&self, session: SessionId, message: MessageId) {
        if let Some(room) = self.room(Topic::Session(session)) {
            room.end(message);
        }
    }

    /// Shows an agent at an object of a board, to whoever looks at the board.
    pub fn show_agent(&self, board: BoardId, agent: AgentAt) {
        let topic = Topic::Board(board);
        if !self.bus.is_shared() {
            // A room that is made later asks for the agents itself.
            if let Some(room) = self.room(topic) {
                room.show_agent(agent);
            }
            return;
        }
        // Under the lock, so that the room is not dropped before the agent is in it.
        let mut rooms = locked(&self.rooms);
        self.room_in(&mut rooms, topic).show_agent(agent);
    }

    /// Takes an agent off a board.
    pub fn hide_agent(&self, board: BoardId, session: SessionId) {
        if let Some(room) = self.room(Topic::Board(board)) {
            room.hide_agent(session);
        }
    }

    /// Whether an agent has to be shown at an object: somebody may look, and it is not there yet.
    pub fn misses_agent(&self, board: BoardId, session: SessionId, object: &str) -> bool {
        match self.room(Topic::Board(board)) {
            Some(room) => !room.has_agent_at(session, object),
            None => self.bus.is_shared(),
        }
    }

    /// Hands a stored update of a document to those who have it open, but not to `origin` itself.
    pub fn publish_update(&self, doc: DocId, origin: u64, update: &[u8]) {
        let room = locked(&self.docs).get(&doc).map(Arc::clone);
        if let Some(room) = room {
            room.publish(origin, update);
        }
    }

    /// Tells those who have a document open that it is gone, or began anew.
    pub fn end_doc(&self, doc: DocId) {
        if let Some(room) = locked(&self.docs).remove(&doc) {
            room.end();
        }
    }

    /// Whether somebody has a document open.
    pub fn is_doc_open(&self, doc: DocId) -> bool {
        locked(&self.docs).contains_key(&doc)
    }

    /// Serves one connection until it ends.
    ///
    /// # Cancel safety
    /// Not cancel safe: a mutation in flight would be applied without its answer. The shutdown token
    /// ends it.
    pub(super) async fn serve(self: Arc<Self>, socket: WebSocket, caller: B::Caller) {
        let counted = Counted::new(&self.connections);
        let number = self.newest_peer.fetch_add(1, Ordering::Relaxed).wrapping_add(1);
        let peer = PeerId::of(self.bus.node(), number);
        let ended = self.shutdown.child_token();
        let user = self.backend.identity(&caller).user;
        let revoked = Arc::new(Revoked::default());
        let person = Person { user, ended: ended.clone(), revoked: Arc::clone(&revoked) };
        locked(&self.people).insert(peer, person);
        let ends = (peer, ended, revoked);
        let connection = Connection::new(Arc::clone(&self), socket, caller, ends);
        Box::new(connection).run().await;
        locked(&self.people).remove(&peer);
        drop(counted);
    }

    /// Runs a connection's task, for which the daemon waits when it ends.
    pub(super) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        self.spawner.spawn_on(task, &self.runtime);
    }

    /// Closes all connections of a person; clients come back and have to say again who they are.
    pub fn dismiss(&self, user: UserId) {
        if self.bus.is_shared() {
            self.bus.publish(Message::Dismiss { user });
        }
        self.dismiss_here(user);
    }

    pub(super) fn dismiss_here(&self, user: UserId) {
        for person in locked(&self.people).values().filter(|it| it.user == user) {
            person.ended.cancel();
        }
    }

    /// Takes a topic from a person who may not read it any more: each of their connections leaves it,
    /// is told so, and gets nothing more of it (rule RT-12).
    pub fn revoke(&self, user: UserId, topic: Topic) {
        if self.bus.is_shared() {
            self.bus.publish(Message::Revoke { user, topic: topic.to_string() });
        }
        self.revoke_here(user, topic);
    }

    pub(super) fn revoke_here(&self, user: UserId, topic: Topic) {
        for person in locked(&self.people).values().filter(|it| it.user == user) {
            person.revoked.note(topic);
        }
    }

    /// Rights were changed, of one person or of many: their connections leave the topics that they may
    /// not read any more (rule RT-12).
    pub fn recheck(&self, user: Option<UserId>) {
        if self.bus.is_shared() {
            self.bus.publish(Message::Rights { user });
        }
        self.recheck_here(user);
    }

    pub(crate) fn recheck_here(&self, user: Option<UserId>) {
        let people = locked(&self.people);
        for person in people.values().filter(|it| user.is_none_or(|user| it.user == user)) {
            person.revoked.recheck();
        }
    }

    /// Returns how many connections are open.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.connections.load(Ordering::Relaxed)
    }

    /// Returns the backend.
    pub(super) fn backend(&self) -> &B {
        &self.backend
    }

    /// Returns the id of this start of the daemon.
    pub(super) fn boot(&self) -> &str {
        &self.boot
    }

    /// Returns the token that ends everything.
    pub(super) fn shutdown(&self) -> &CancellationToken {
        &self.shutdown
    }

    /// Returns the way to the other daemons.
    pub(crate) fn bus(&self) -> &dyn Bus {
        &*self.bus
    }

    /// Runs a task that the daemon waits for when it ends.
    pub(super) fn run(&self, task: impl Future<Output = ()> + Send + 'static) {
        self.spawner.spawn_on(task, &self.runtime);
    }

    /// Returns the hub's clock.
    pub(super) fn clock(&self) -> Clock {
        self.clock
    }

    /// Joins a topic's room, which is made when there is none.
    pub(super) fn join(&self, topic: Topic, peer: PeerId, wake: Arc<Wake>) -> Arc<LiveRoom> {
        // The driver drops a room under the same lock, so that nobody joins one that is dropped.
        let mut rooms = locked(&self.rooms);
        let room = self.room_in(&mut rooms, topic);
        room.join(peer, wake);
        room
    }

    /// Joins a document's room, which is made when there is none; `None` when `join` says so.
    pub(super) fn join_doc<T>(
        &self,
        doc: DocId,
        join: impl FnOnce(&DocRoom) -> Option<T>,
    ) -> Option<(Arc<DocRoom>, T)> {
        let mut docs = locked(&self.docs);
        let room = docs.entry(doc).or_insert_with(|| {
            let number = self.newest_doc.fetch_add(1, Ordering::Relaxed).wrapping_add(1);
            Arc::new(DocRoom::new(doc, number, Arc::clone(&self.bus)))
        });
        let joined = join(room)?;
        Some((Arc::clone(room), joined))
    }

    /// Returns the room of a document that somebody has open.
    pub(super) fn doc_room(&self, doc: DocId) -> Option<Arc<DocRoom>> {
        locked(&self.docs).get(&doc).map(Arc::clone)
    }

    /// Returns the rooms of all documents that somebody has open.
    pub(super) fn doc_rooms(&self) -> Vec<Arc<DocRoom>> {
        locked(&self.docs).values().map(Arc::clone).collect()
    }

    /// Drops a document's room when its last reader has left.
    pub(super) fn leave_doc(&self, room: &Arc<DocRoom>) {
        let mut docs = locked(&self.docs);
        let is_current = docs.get(&room.doc()).is_some_and(|it| Arc::ptr_eq(it, room));
        if is_current && room.is_unused() {
            docs.remove(&room.doc());
        }
    }

    /// Drops a room unless somebody has begun to use it again; returns whether it is gone.
    pub(super) fn drop_room(&self, room: &LiveRoom) -> bool {
        let mut rooms = locked(&self.rooms);
        let is_unused = room.is_unused();
        if is_unused {
            rooms.remove(&room.topic());
        }
        is_unused
    }

    /// Returns how many rooms are in memory.
    #[cfg(test)]
    pub(super) fn rooms(&self) -> usize {
        locked(&self.rooms).len()
    }

    /// Returns all rooms in memory.
    pub(super) fn all_rooms(&self) -> Vec<Arc<LiveRoom>> {
        locked(&self.rooms).values().map(Arc::clone).collect()
    }

    pub(super) fn room(&self, topic: Topic) -> Option<Arc<LiveRoom>> {
        locked(&self.rooms).get(&topic).map(Arc::clone)
    }

    fn room_in(&self, rooms: &mut HashMap<Topic, Arc<LiveRoom>>, topic: Topic) -> Arc<LiveRoom> {
        match rooms.entry(topic) {
            Entry::Occupied(entry) => Arc::clone(entry.get()),
            Entry::Vacant(entry) => {
                let (bus, newest_peer) = (Arc::clone(&self.bus), Arc::clone(&self.newest_peer));
                let room = LiveRoom::new(topic, self.clock, bus, newest_peer);
                let room = Arc::clone(entry.insert(Arc::new(room)));
                if self.bus.is_shared() {
                    self.bus.publish(Message::Ask { topic: topic.to_string() });
                }
                if let Some(hub) = self.me.upgrade() {
                    let driver = driver::drive(hub, Arc::clone(&room));
                    self.spawner.spawn_on(driver, &self.runtime);
                }
                room
            }
        }
    }

    fn change_text(&self, session: SessionId, change: impl FnOnce(&LiveRoom) -> Outcome) {
        let topic = Topic::Session(session);
        let (room, outcome) = {
            // Under the lock, so that the room is not dropped before the text is in it.
            let mut rooms = locked(&self.rooms);
            let room = self.room_in(&mut rooms, topic);
            let outcome = change(&room);
            (room, outcome)
        };
        match outcome {
            Outcome::Grew => room.announce(),
            Outcome::Known => {}
            Outcome::Refused => {
                tracing::debug!(%topic, "streamed text of {topic} does not join on; left out");
            }
        }
    }
}

/// Who is behind a connection, and how it is reached.
#[derive(Debug)]
struct Person {
    user: UserId,
    ended: CancellationToken,
    revoked: Arc<Revoked>,
}

/// Counts a connection while it lives, however it ends.
struct Counted<'a>(&'a AtomicUsize);

impl<'a> Counted<'a> {
    fn new(count: &'a AtomicUsize) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        Self(count)
    }
}

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

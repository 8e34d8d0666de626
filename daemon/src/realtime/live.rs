//! A room that is in use: the pure parts behind one lock, and the connections to wake.
//!
//! Locks are held for a few microseconds and never over an await. Order: state, then readers.
//! Deliberately not here: frames to one connection (`subscription`) and what happens later (`driver`).

mod afar;
mod agents;

use super::agents::Agents;
use super::backend::{Backend, Head};
use super::bell::Wake;
use super::presence::{Changes, Participants, PeerId};
use super::room::{Effect, Room, Tail};
use super::socket::Frame;
use super::stream::{Finals, Marks, Outcome, Streams};
use super::tick::{Due, Gate, board_interval_ms};
use crate::bus::Bus;
use afar::Afar;
use grove_core_api::event::{Event, Topic};
use grove_core_api::realtime::Identity;
use grove_core_api::realtime::presence::PresenceUpdate;
use grove_core_api::{MessageId, Problem, limits};
use std::collections::BTreeMap;
use std::sync::atomic::AtomicU32;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::Instant;

/// The hub's own clock: milliseconds since it started.
#[derive(Clone, Copy, Debug)]
pub(super) struct Clock(Instant);

impl Clock {
    /// Starts a clock.
    pub(super) fn start() -> Self {
        Self(Instant::now())
    }

    /// Returns the milliseconds since the start.
    pub(super) fn now_ms(self) -> u64 {
        u64::try_from(self.0.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    /// Returns the instant of a number of milliseconds after the start.
    pub(super) fn instant(self, at_ms: u64) -> Instant {
        self.0 + Duration::from_millis(at_ms)
    }
}

/// Locks a mutex; a panic elsewhere leaves the state usable, since each change is one step.
pub(super) fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// How far one connection has read a room.
#[derive(Debug, Default)]
pub(super) struct Seen {
    /// [`Room::generation`] that the other positions belong to.
    pub(super) generation: u64,
    /// Newest event.
    pub(super) seq: i64,
    /// Version of the presence; absent where the connection is no participant.
    pub(super) presence: Option<u64>,
    /// Streamed text.
    pub(super) marks: Marks,
    /// Whether streamed text is not wanted (rule RT-10).
    pub(super) is_textless: bool,
}

/// What one reading of a room gave.
#[derive(Debug)]
pub(super) enum Pull {
    /// These frames; `has_more` says whether to read again after them.
    Frames {
        /// The frames in order.
        frames: Vec<Frame>,
        /// Whether more waits.
        has_more: bool,
    },
    /// The room no longer has what the reader lacks: read the log or a snapshot.
    Behind,
    /// The reader is too slow for the presence of this board.
    TooFar,
}

/// Where a room stands.
#[derive(Clone, Debug)]
pub(super) struct Position {
    /// Identity of the log.
    pub(super) epoch: String,
    /// Changes whenever the room starts anew.
    pub(super) generation: u64,
    /// Newest event.
    pub(super) newest: i64,
    /// Oldest position from which the room can be read.
    pub(super) oldest: i64,
    /// [`Streams::generation`].
    pub(super) streams: u64,
}

/// What the driver has to do now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Wait for the next deadline.
    Wait,
    /// Read the log.
    Reload,
    /// Nobody has used the room for long: drop it.
    Idle,
}

#[derive(Debug)]
struct State {
    room: Room,
    participants: Participants,
    streams: Streams,
    gate: Gate,
    readers: usize,
    used_at_ms: u64,
    afar: Afar,
    agents: Agents,
}

/// One topic's room.
#[derive(Debug)]
pub(super) struct LiveRoom {
    topic: Topic,
    clock: Clock,
    bus: Arc<dyn Bus>,
    /// Number of this daemon's newest participant.
    newest_peer: Arc<AtomicU32>,
    state: Mutex<State>,
    readers: Mutex<BTreeMap<PeerId, Arc<Wake>>>,
    driver: Notify,
    priming: tokio::sync::Mutex<()>,
}

impl LiveRoom {
    /// Makes the room of a topic; it is cold until [`LiveRoom::prime`].
    pub(super) fn new(
        topic: Topic,
        clock: Clock,
        bus: Arc<dyn Bus>,
        newest_peer: Arc<AtomicU32>,
    ) -> Self {
        let ch = topic.channel();
        let interval_ms = match topic {
            Topic::Board(_) => board_interval_ms(0),
            Topic::Session(_) | Topic::User(_) | Topic::Doc(_) => limits::STREAM_TICK_MS,
        };
        let state = State {
            room: Room::new(ch.clone()),
            participants: Participants::new(ch.clone()),
            streams: Streams::new(ch),
            gate: Gate::new(interval_ms),
            readers: 0,
            used_at_ms: clock.now_ms(),
            afar: Afar::new(bus.is_shared()),
            agents: Agents::default(),
        };
        Self {
            topic,
            clock,
            bus,
            newest_peer,
            state: Mutex::new(state),
            readers: Mutex::default(),
            driver: Notify::new(),
            priming: tokio::sync::Mutex::default(),
        }
    }

    /// Returns the topic.
    pub(super) fn topic(&self) -> Topic {
        self.topic
    }

    /// Wakes `wake` from now on whenever there is something new.
    pub(super) fn join(&self, peer: PeerId, wake: Arc<Wake>) {
        let mut state = locked(&self.state);
        let mut readers = locked(&self.readers);
        readers.insert(peer, wake);
        state.count_readers(self.topic, readers.len());
    }

    /// Undoes [`LiveRoom::join`] and takes the participant off the board.
    pub(super) fn leave(&self, peer: PeerId) {
        let was_present = {
            let mut state = locked(&self.state);
            let mut readers = locked(&self.readers);
            readers.remove(&peer);
            state.count_readers(self.topic, readers.len());
            state.used_at_ms = self.clock.now_ms();
            let was_present = state.participants.leave(peer);
            if was_present {
                state.afar.leaves(peer);
            }
            was_present
        };
        if was_present {
            self.announce();
        }
        self.driver.notify_one();
    }

    /// Reads the head of the log, unless the room knows it (rule RT-03: join first, then read).
    ///
    /// # Errors
    /// What the backend says.
    ///
    /// # Cancel safety
    /// Cancel safe: a room left half way keeps a bounded number of events until the next call.
    pub(super) async fn prime<B: Backend>(&self, backend: &B) -> Result<(), Problem> {
        let _turn = self.priming.lock().await;
        {
            let mut state = locked(&self.state);
            if state.room.is_live() {
                return Ok(());
            }
            state.room.begin_loading();
        }
        match backend.head(self.topic).await {
            Ok(head) => self.start(head),
            Err(problem) => {
                locked(&self.state).room.abandon_loading();
                return Err(problem);
            }
        }
        if let Topic::Board(board) = self.topic {
            for agent in backend.agents(board).await {
                self.show_agent(agent);
            }
        }
        Ok(())
    }

    /// Starts anew from the head of the log: it does not continue where the room stands.
    ///
    /// # Errors
    /// What the backend says; the room is as before and looks at the log again later.
    ///
    /// # Cancel safety
    /// Cancel safe: nothing is changed before the answer.
    pub(super) async fn start_anew<B: Backend>(&self, backend: &B) -> Result<(), Problem> {
        match backend.head(self.topic).await {
            Ok(head) => {
                locked(&self.state).room.forget_held();
                self.start(head);
                Ok(())
            }
            Err(problem) => {
                self.reload_failed();
                Err(problem)
            }
        }
    }

    fn start(&self, head: Head) {
        let now_ms = self.clock.now_ms();
        let (_, is_moved) = locked(&self.state)
            .in_order(|room, in_order| room.start(head.epoch, head.seq, now_ms, in_order));
        self.wake_all();
        self.driver.notify_one();
        if is_moved {
            self.announce();
        }
    }

    /// Takes a committed event, in whatever order it comes (rule RT-04).
    pub(super) fn publish(&self, event: Event) {
        let now_ms = self.clock.now_ms();
        let (effect, is_moved) =
            locked(&self.state).in_order(|room, in_order| room.accept(event, now_ms, in_order));
        if is_moved {
            self.announce();
        }
        match effect {
            Effect::None => {}
            Effect::Wake => {
                self.wake_all();
                // It may have filled one gap and shown the next.
                self.driver.notify_one();
            }
            Effect::Wait | Effect::Reload => self.driver.notify_one(),
        }
    }

    /// Notes that the log has `seq`: if its events do not come by themselves, they are read.
    pub(super) fn expect(&self, seq: i64) {
        let is_news = locked(&self.state).room.expect(seq, self.clock.now_ms());
        if is_news {
            self.driver.notify_one();
        }
    }

    /// Takes events of the log; returns what to do next.
    pub(super) fn reloaded(&self, events: &[Event], is_whole: bool) -> Reloaded {
        let now_ms = self.clock.now_ms();
        let (result, is_moved) = locked(&self.state).in_order(|room, in_order| {
            if !room.reloaded(events, is_whole, now_ms, in_order) {
                Reloaded::Broken
            } else if !is_whole {
                Reloaded::Partly
            } else if room.has_gap() && !room.reload_failed(now_ms) {
                Reloaded::Broken
            } else {
                Reloaded::Done
            }
        });
        self.wake_all();
        if is_moved {
            self.announce();
        }
        result
    }

    /// Notes that the log could not be read; `false` when it is time to start anew.
    pub(super) fn reload_failed(&self) -> bool {
        locked(&self.state).room.reload_failed(self.clock.now_ms())
    }

    /// Returns where the room stands.
    pub(super) fn position(&self) -> Position {
        let state = locked(&self.state);
        Position {
            epoch: state.room.epoch().to_owned(),
            generation: state.room.generation(),
            newest: state.room.newest(),
            oldest: state.room.oldest_position(),
            streams: state.streams.generation(),
        }
    }

    /// Puts a participant on the board; returns everybody, and the version that it now knows.
    pub(super) fn join_presence(&self, peer: PeerId, identity: Identity) -> (Vec<Frame>, u64) {
        let (is_new, all) = {
            let mut state = locked(&self.state);
            let is_new = state.participants.join(peer, identity);
            if is_new {
                state.afar.changes(peer);
            }
            (is_new, state.participants.all(peer))
        };
        if is_new {
            self.announce();
        }
        all
    }

    /// Changes a participant's presence; when nobody else is here, nobody is woken.
    pub(super) fn update_presence(&self, peer: PeerId, update: PresenceUpdate) {
        let is_seen = {
            let mut state = locked(&self.state);
            let is_changed = state.participants.update(peer, update);
            if is_changed {
                state.afar.changes(peer);
            }
            is_changed && (state.readers > 1 || state.afar.is_shared())
        };
        if is_seen {
            self.announce();
        }
    }

    /// Appends streamed text; whoever calls it announces it when it grew.
    pub(super) fn append(&self, message: MessageId, offset: u64, text: &str) -> Outcome {
        let mut state = locked(&self.state);
        state.used_at_ms = self.clock.now_ms();
        state.streams.append(message, offset, text)
    }

    /// Replaces streamed text; whoever calls it announces it when it grew.
    pub(super) fn reset(&self, message: MessageId, text: &str) -> Outcome {
        let mut state = locked(&self.state);
        state.used_at_ms = self.clock.now_ms();
        state.streams.reset(message, text)
    }

    /// Forgets a message's streamed text.
    pub(super) fn end(&self, message: MessageId) {
        {
            let mut state = locked(&self.state);
            state.used_at_ms = self.clock.now_ms();
            state.streams.end(message);
        }
        self.driver.notify_one();
    }

    /// Forgets the text of messages that the stored state says are final.
    pub(super) fn end_final(&self, finals: &Finals, generation: u64) {
        locked(&self.state).streams.end_final(finals, generation);
    }

    /// Shows presence and streamed text to the readers: at once, or with the next tick.
    pub(super) fn announce(&self) {
        let now_ms = self.clock.now_ms();
        let due = {
            let mut state = locked(&self.state);
            let was_waiting = state.gate.deadline().is_some();
            match state.gate.changed(now_ms) {
                Due::Now => {
                    state.show();
                    Some(Due::Now)
                }
                Due::Later => (!was_waiting).then_some(Due::Later),
            }
        };
        match due {
            Some(Due::Now) => {
                self.wake_shown();
                self.tell_presence();
            }
            Some(Due::Later) => self.driver.notify_one(),
            None => {}
        }
    }

    /// Returns what `peer` lacks and moves `seen` on.
    pub(super) fn pull(&self, peer: PeerId, seen: &mut Seen) -> Pull {
        let state = &mut *locked(&self.state);
        if state.room.generation() != seen.generation {
            return Pull::Behind;
        }
        let mut frames = Vec::new();
        match state.room.since(seen.seq) {
            Tail::Current => {}
            Tail::Behind => return Pull::Behind,
            Tail::Frame(frame, to) => {
                frames.push(frame);
                seen.seq = to;
            }
        }
        if let Some(known) = &mut seen.presence {
            match state.participants.pull(peer, known, &mut frames) {
                Changes::Sent => {}
                Changes::TooFar => return Pull::TooFar,
            }
        }
        // Text goes out only to who knows exactly the room's events: neither before the event that
        // begins a message nor after the one that ends it (rule RT-11).
        let is_exact = seen.seq == state.room.newest() && !state.room.has_gap();
        if is_exact && !seen.is_textless {
            state.streams.pull(&mut seen.marks, &mut frames);
        }
        Pull::Frames { frames, has_more: seen.seq < state.room.newest() }
    }

    /// Waits until the driver should look again.
    ///
    /// # Cancel safety
    /// Cancel safe.
    pub(super) async fn changed(&self) {
        let deadline_ms = locked(&self.state).deadline();
        match deadline_ms {
            Some(at_ms) => tokio::select! {
                () = self.driver.notified() => {}
                () = tokio::time::sleep_until(self.clock.instant(at_ms)) => {}
            },
            None => self.driver.notified().await,
        }
    }

    /// Does what is due now and says what is left to do.
    pub(super) fn advance(&self) -> Step {
        let now_ms = self.clock.now_ms();
        let (is_shown, step) = {
            let mut state = locked(&self.state);
            let is_shown = state.gate.fire(now_ms);
            if is_shown {
                state.show();
            }
            let step = match state.room.elapsed(now_ms) {
                Effect::Reload => Step::Reload,
                _ if state.idle_at_ms().is_some_and(|at| at <= now_ms) => Step::Idle,
                Effect::None | Effect::Wake | Effect::Wait => Step::Wait,
            };
            (is_shown, step)
        };
        if is_shown {
            self.wake_shown();
            self.tell_presence();
        }
        step
    }

    /// Returns whether nobody reads and nothing streams.
    pub(super) fn is_unused(&self) -> bool {
        locked(&self.state).idle_at_ms().is_some()
    }

    /// Wakes those who read what [`State::show`] shows: presence on a board, text in a session.
    fn wake_shown(&self) {
        let is_text = matches!(self.topic, Topic::Session(_));
        for wake in locked(&self.readers).values() {
            if is_text { wake.raise_for_text() } else { wake.raise() }
        }
    }

    fn wake_all(&self) {
        for wake in locked(&self.readers).values() {
            wake.raise();
        }
    }
}

/// What the room says to events of the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reloaded {
    /// All are there, or the next look has its time.
    Done,
    /// There is more to read.
    Partly,
    /// The log does not continue where the room stands.
    Broken,
}

impl State {
    fn count_readers(&mut self, topic: Topic, readers: usize) {
        self.readers = readers;
        if matches!(topic, Topic::Board(_)) {
            self.gate.set_interval(board_interval_ms(readers));
        }
    }

    fn show(&mut self) {
        self.participants.show();
        self.streams.show();
    }

    fn idle_at_ms(&self) -> Option<u64> {
        // Other daemons show the agents that work at this one.
        let is_told = self.afar.is_shared() && !self.agents.is_empty();
        let is_unused = self.readers == 0 && self.streams.is_empty() && !is_told;
        is_unused.then_some(self.used_at_ms + limits::ROOM_IDLE_MS)
    }

    fn deadline(&self) -> Option<u64> {
        [self.gate.deadline(), self.room.deadline(), self.idle_at_ms()].into_iter().flatten().min()
    }
}

//! The newest events of one topic, in order and without holes.
//!
//! Pure: values and the time in, values out; no async, lock, clock or I/O. A room is cold (nobody
//! reads, nothing is kept), loading (its head is being read, events wait) or live. Events may be
//! offered out of order, because group commit publishes them so; the room restores the order, and asks
//! for the log when one stays away. Deliberately not here: presence and streamed text.

use super::encode;
use super::socket::Frame;
use grove_core_api::event::{Event, Op};
use grove_core_api::limits;
use std::collections::{BTreeMap, VecDeque};

/// What the owner of the room has to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Effect {
    /// Nothing.
    None,
    /// There is something new to read.
    Wake,
    /// An event is missing: wait until [`Room::deadline`].
    Wait,
    /// An event is missing for too long, or too many wait behind it: read the log.
    Reload,
}

/// What comes after a reader's position.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Tail {
    /// Nothing.
    Current,
    /// An `ev` frame up to this event; there may be more after it.
    Frame(Frame, i64),
    /// The ring no longer has the next event.
    Behind,
}

#[derive(Debug)]
struct Entry {
    json: String,
    alone: Option<Frame>,
}

#[derive(Debug, PartialEq, Eq)]
enum Phase {
    Cold,
    Loading,
    Live,
}

/// The events of one topic that are kept in memory.
#[derive(Debug)]
pub(super) struct Room {
    ch: String,
    phase: Phase,
    epoch: String,
    generation: u64,
    newest: i64,
    ring: VecDeque<Entry>,
    ring_bytes: usize,
    held: BTreeMap<i64, Event>,
    look_at_ms: Option<u64>,
    reloads: u32,
    has_missed: bool,
    expected: i64,
    shared: Option<(i64, i64, Frame)>,
}

impl Room {
    /// Makes a cold room of the topic `ch`.
    pub(super) fn new(ch: String) -> Self {
        Self {
            ch,
            phase: Phase::Cold,
            epoch: String::new(),
            generation: 0,
            newest: 0,
            ring: VecDeque::new(),
            ring_bytes: 0,
            held: BTreeMap::new(),
            look_at_ms: None,
            reloads: 0,
            has_missed: false,
            expected: 0,
            shared: None,
        }
    }

    /// Returns whether the room knows where its log stands.
    pub(super) fn is_live(&self) -> bool {
        self.phase == Phase::Live
    }

    /// Returns the identity of the log.
    pub(super) fn epoch(&self) -> &str {
        &self.epoch
    }

    /// Returns a number that changes whenever the room starts anew, so that readers do too.
    pub(super) fn generation(&self) -> u64 {
        self.generation
    }

    /// Returns the newest event that the room has in order.
    pub(super) fn newest(&self) -> i64 {
        self.newest
    }

    /// Returns the oldest position from which the ring can be read.
    pub(super) fn oldest_position(&self) -> i64 {
        self.newest - i64::try_from(self.ring.len()).unwrap_or(i64::MAX)
    }

    /// Returns whether the room waits for an event.
    pub(super) fn has_gap(&self) -> bool {
        self.has_missed || !self.held.is_empty()
    }

    /// Returns when to look again for a missing event ([`Room::elapsed`]).
    pub(super) fn deadline(&self) -> Option<u64> {
        self.look_at_ms
    }

    /// Keeps events from now on, while the head is read (rule RT-03: join first, then read).
    pub(super) fn begin_loading(&mut self) {
        if self.phase == Phase::Cold {
            self.phase = Phase::Loading;
        }
    }

    /// Gives the loading up; the room is cold again.
    pub(super) fn abandon_loading(&mut self) {
        if self.phase == Phase::Loading {
            self.phase = Phase::Cold;
            self.held.clear();
            self.has_missed = false;
        }
    }

    /// Starts (or starts anew) at a head that was read from the log.
    ///
    /// `in_order` is told the operations of each event that was waiting and whose turn has come.
    pub(super) fn start(
        &mut self,
        epoch: String,
        seq: i64,
        now_ms: u64,
        mut in_order: impl FnMut(&[Op]),
    ) -> Effect {
        self.phase = Phase::Live;
        self.epoch = epoch;
        self.generation += 1;
        self.newest = seq;
        self.ring.clear();
        self.ring_bytes = 0;
        self.shared = None;
        self.reloads = 0;
        self.expected = 0;
        self.look_at_ms = None;
        self.settle(now_ms, &mut in_order);
        Effect::Wake
    }

    /// Takes a published event; `in_order` is told the operations of each event whose turn it is.
    pub(super) fn accept(
        &mut self,
        event: Event,
        now_ms: u64,
        mut in_order: impl FnMut(&[Op]),
    ) -> Effect {
        match self.phase {
            Phase::Cold => {
                in_order(&event.ops);
                Effect::None
            }
            Phase::Loading => {
                // What does not fit is in the log, which is read right after the start.
                if self.held.len() < limits::ROOM_HELD_EVENTS {
                    self.held.insert(event.seq, event);
                } else {
                    self.has_missed = true;
                }
                Effect::None
            }
            Phase::Live if event.seq <= self.newest => {
                // The room learned of it from the log; a message that it ended is over by now.
                in_order(&event.ops);
                Effect::None
            }
            Phase::Live if event.seq == self.newest + 1 => {
                in_order(&event.ops);
                self.push(&event);
                self.settle(now_ms, in_order);
                Effect::Wake
            }
            Phase::Live => self.hold(event, now_ms),
        }
    }

    /// Takes what the log has after [`Room::newest`]; `false` when it does not continue there.
    ///
    /// `is_whole` says that the log had no more.
    pub(super) fn reloaded(
        &mut self,
        events: &[Event],
        is_whole: bool,
        now_ms: u64,
        mut in_order: impl FnMut(&[Op]),
    ) -> bool {
        for event in events {
            if event.seq <= self.newest {
                continue;
            }
            if event.seq != self.newest + 1 {
                return false;
            }
            in_order(&event.ops);
            self.push(event);
        }
        if is_whole {
            self.has_missed = false;
            self.expected = self.newest;
        }
        self.settle(now_ms, in_order);
        true
    }

    /// Notes that the log has `seq`, as a snapshot told; returns whether the room waits for it now.
    pub(super) fn expect(&mut self, seq: i64, now_ms: u64) -> bool {
        let is_news = self.is_live() && seq > self.newest.max(self.expected);
        if is_news {
            self.expected = seq;
            self.look_at_ms.get_or_insert(now_ms + limits::ROOM_GAP_MS);
        }
        is_news
    }

    /// Notes that the log could not be read or had nothing; `false` when it is time to start anew.
    pub(super) fn reload_failed(&mut self, now_ms: u64) -> bool {
        self.reloads += 1;
        let wait_ms = limits::ROOM_GAP_MS << self.reloads.min(8);
        self.look_at_ms = Some(now_ms + wait_ms);
        self.reloads <= limits::ROOM_RELOADS
    }

    /// Forgets what waits for a missing event: the log does not have it either.
    pub(super) fn forget_held(&mut self) {
        self.held.clear();
        self.has_missed = false;
        self.look_at_ms = None;
        self.reloads = 0;
    }

    /// Tells what to do when the time has come to look for a missing event.
    pub(super) fn elapsed(&mut self, now_ms: u64) -> Effect {
        match self.look_at_ms {
            Some(at) if at <= now_ms => {
                self.look_at_ms = None;
                Effect::Reload
            }
            Some(_) => Effect::Wait,
            None => Effect::None,
        }
    }

    /// Returns what follows `seq`, as one bounded frame that all readers at `seq` share.
    ///
    /// A reader ahead of the room (its snapshot was newer) is current.
    pub(super) fn since(&mut self, seq: i64) -> Tail {
        let Ok(missing) = usize::try_from(self.newest - seq) else { return Tail::Current };
        if missing == 0 {
            return Tail::Current;
        }
        if missing > self.ring.len() {
            return Tail::Behind;
        }
        let first = self.ring.len() - missing;
        if missing == 1 {
            let Some(entry) = self.ring.get_mut(first) else { return Tail::Behind };
            let ch = &self.ch;
            let json = &entry.json;
            let frame =
                entry.alone.get_or_insert_with(|| encode::events(ch, [json.as_str()].into_iter()));
            return Tail::Frame(frame.clone(), self.newest);
        }
        if let Some((from, to, frame)) = &self.shared
            && *from == seq
        {
            return Tail::Frame(frame.clone(), *to);
        }
        let count = frame_len(self.ring.range(first..).map(|entry| entry.json.len()));
        let to = seq + i64::try_from(count).unwrap_or(i64::MAX);
        let parts = self.ring.range(first..first + count).map(|entry| entry.json.as_str());
        let frame = encode::events(&self.ch, parts);
        self.shared = Some((seq, to, frame.clone()));
        Tail::Frame(frame, to)
    }

    fn hold(&mut self, event: Event, now_ms: u64) -> Effect {
        if self.held.len() >= limits::ROOM_HELD_EVENTS {
            self.has_missed = true;
            // While a failed read of the log backs off, its own time holds.
            if self.reloads == 0 {
                self.look_at_ms = Some(now_ms);
            }
            return Effect::Wait;
        }
        self.held.insert(event.seq, event);
        self.look_at_ms.get_or_insert(now_ms + limits::ROOM_GAP_MS);
        Effect::Wait
    }

    /// Takes the held events whose turn has come and sets or clears the time to look for the next.
    fn settle(&mut self, now_ms: u64, mut in_order: impl FnMut(&[Op])) {
        let before = self.newest;
        while let Some(entry) = self.held.first_entry() {
            if *entry.key() > self.newest + 1 {
                break;
            }
            let event = entry.remove();
            in_order(&event.ops);
            if event.seq == self.newest + 1 {
                self.push(&event);
            }
        }
        if self.has_missed {
            self.look_at_ms.get_or_insert(now_ms);
        } else if self.held.is_empty() && self.newest >= self.expected {
            self.look_at_ms = None;
            self.reloads = 0;
        } else if self.newest > before || self.look_at_ms.is_none() {
            self.look_at_ms = Some(now_ms + limits::ROOM_GAP_MS);
        }
    }

    fn push(&mut self, event: &Event) {
        let json = encode::json(event);
        self.newest = event.seq;
        self.ring_bytes += json.len();
        self.ring.push_back(Entry { json, alone: None });
        self.shared = None;
        let is_full = |room: &Self| {
            room.ring.len() > limits::ROOM_RING_EVENTS
                || (room.ring.len() > 1 && room.ring_bytes > limits::ROOM_RING_BYTES)
        };
        while is_full(self) {
            let Some(oldest) = self.ring.pop_front() else { break };
            self.ring_bytes -= oldest.json.len();
        }
        // Only the newest event is read alone by many; an older one's frame would hold it twice.
        if let Some(previous) = self.ring.len().checked_sub(2).and_then(|at| self.ring.get_mut(at))
        {
            previous.alone = None;
        }
    }
}

/// Returns how many of the events of these sizes go into one `ev` frame: at least one.
pub(super) fn frame_len(sizes: impl Iterator<Item = usize>) -> usize {
    let mut bytes = 0;
    let fits = sizes.take(limits::EV_FRAME_EVENTS).take_while(|size| {
        let is_first = bytes == 0;
        bytes += size;
        is_first || bytes <= limits::EV_FRAME_BYTES
    });
    fits.count().max(1)
}

//! The room of a document that somebody has open: updates and carets behind one lock.
//!
//! Locks are held for microseconds and never over an await.

use super::awareness::{Awareness, Refused};
use super::ring::{Ring, Tail};
use crate::bus::{Bus, Message};
use crate::realtime::backend::UserIdentity;
use crate::realtime::bell::Wake;
use crate::realtime::live::locked;
use crate::realtime::presence::PeerId;
use bytes::Bytes;
use grove_core_api::realtime::binary::{BinaryFrame, FrameKind, SyncMessage};
use grove_core_api::{DocId, UserId, limits};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

/// How far one connection has read a document's room.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Seen {
    position: u64,
    awareness: u64,
}

/// What one reading of a room gave.
pub(super) enum Pull {
    /// These frames.
    Frames(Vec<Bytes>),
    /// Updates are missing: send the whole state, then read on.
    Behind,
    /// The document is gone, or began anew.
    Ended,
}

#[derive(Debug, Default)]
struct State {
    ring: Ring,
    awareness: Awareness,
    readers: BTreeMap<PeerId, Arc<Wake>>,
    is_ended: bool,
}

/// One document's room.
#[derive(Debug)]
pub(in crate::realtime) struct DocRoom {
    doc: DocId,
    number: u32,
    bus: Arc<dyn Bus>,
    state: Mutex<State>,
}

impl DocRoom {
    /// Makes the room of a document, which binary frames name by `number`.
    pub(in crate::realtime) fn new(doc: DocId, number: u32, bus: Arc<dyn Bus>) -> Self {
        Self { doc, number, bus, state: Mutex::default() }
    }

    /// Returns the document.
    pub(in crate::realtime) fn doc(&self) -> DocId {
        self.doc
    }

    /// Returns the number of the document in binary frames.
    pub(super) fn number(&self) -> u32 {
        self.number
    }

    /// Wakes `wake` from now on whenever there is something new; `None` when the room is full or over.
    pub(super) fn join(&self, peer: PeerId, wake: &Arc<Wake>) -> Option<Seen> {
        let mut state = locked(&self.state);
        if state.is_ended || state.readers.len() >= limits::DOC_SUBSCRIBERS {
            return None;
        }
        state.readers.insert(peer, Arc::clone(wake));
        Some(Seen { position: state.ring.end(), awareness: 0 })
    }

    /// Undoes [`DocRoom::join`] and takes the connection's caret away.
    pub(super) fn leave(&self, peer: PeerId) {
        let mut state = locked(&self.state);
        state.readers.remove(&peer);
        let Some((user, client)) = state.awareness.client_of(peer.0) else { return };
        if state.awareness.leave(peer.0) {
            wake_all(&state);
        }
        drop(state);
        self.tell(peer, user, client, None);
    }

    /// Changes what clients tell of themselves; the readers hear of it when `change` says so.
    pub(super) fn change_awareness(&self, change: impl FnOnce(&mut Awareness) -> bool) {
        let mut state = locked(&self.state);
        if change(&mut state.awareness) {
            wake_all(&state);
        }
    }

    /// Tells other daemons what a client of this one tells of itself.
    fn tell(&self, peer: PeerId, user: UserId, client: u64, state: Option<String>) {
        if self.bus.is_shared() {
            let (doc, origin) = (self.doc, peer.0);
            self.bus.publish(Message::Caret { doc, origin, user, client, state });
        }
    }

    /// Whether nobody reads the document.
    pub(in crate::realtime) fn is_unused(&self) -> bool {
        locked(&self.state).readers.is_empty()
    }

    /// Tells the readers of a stored update; `origin` is the connection that it came from.
    pub(in crate::realtime) fn publish(&self, origin: u64, update: &[u8]) {
        let frame = Bytes::from(SyncMessage::Update(update).frame(self.number));
        let mut state = locked(&self.state);
        state.ring.push(origin, frame);
        wake_all(&state);
    }

    /// Tells the readers that the document is gone or began anew.
    pub(in crate::realtime) fn end(&self) {
        let mut state = locked(&self.state);
        state.is_ended = true;
        wake_all(&state);
    }

    /// Notes what a client tells of itself.
    ///
    /// # Errors
    /// Why it is not passed on.
    pub(super) fn announce(
        &self,
        peer: PeerId,
        who: &UserIdentity,
        (client, value): (u64, &str),
    ) -> Result<(), Refused> {
        let told = {
            let mut state = locked(&self.state);
            state.awareness.set(peer.0, who, client, value)?;
            wake_all(&state);
            state.awareness.told(client).map(str::to_owned)
        };
        self.tell(peer, who.user, client, told);
        Ok(())
    }

    /// Reads what is new for one connection.
    pub(super) fn pull(&self, peer: PeerId, seen: &mut Seen) -> Pull {
        let state = locked(&self.state);
        if state.is_ended {
            return Pull::Ended;
        }
        let tail = state.ring.since(seen.position, peer.0);
        seen.position = state.ring.end();
        let Tail::Frames(mut frames) = tail else { return Pull::Behind };
        let (payload, version) = state.awareness.since(seen.awareness, peer.0);
        seen.awareness = version;
        if let Some(payload) = payload {
            let kind = FrameKind::Awareness;
            let frame = BinaryFrame { kind, channel: self.number, payload: &payload };
            frames.push(Bytes::from(frame.encode()));
        }
        Pull::Frames(frames)
    }
}

fn wake_all(state: &State) {
    state.readers.values().for_each(|wake| wake.raise());
}

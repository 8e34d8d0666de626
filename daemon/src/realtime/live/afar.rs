//! What a room tells the rooms of the same topic at other daemons, and what it hears from them.
//!
//! Presence goes with the room's tick, everything of a participant at once, so that a message that is
//! lost is made good by the next. Deliberately not here: who the others are (`realtime::afar`).

use super::{Head, LiveRoom, Outcome, PeerId, State, locked};
use crate::bus::{Message, NodeId, Peer};
use grove_core_api::event::Topic;
use grove_core_api::{BoardId, MessageId, SessionId, limits};
use std::collections::BTreeSet;

/// What a room has yet to tell, and when it asked last.
#[derive(Debug, Default)]
pub(super) struct Afar {
    is_shared: bool,
    changed: BTreeSet<PeerId>,
    gone: BTreeSet<PeerId>,
    /// Whether text streams in here from an executor of this daemon.
    is_source: bool,
    asked_at_ms: Option<u64>,
}

impl Afar {
    /// Begins with nothing to tell; where there are no others it stays so.
    pub(super) fn new(is_shared: bool) -> Self {
        Self { is_shared, ..Self::default() }
    }

    /// Whether there may be other daemons.
    pub(super) fn is_shared(&self) -> bool {
        self.is_shared
    }

    /// Notes that a participant of this daemon came or changed.
    pub(super) fn changes(&mut self, peer: PeerId) {
        if self.is_shared {
            self.gone.remove(&peer);
            self.changed.insert(peer);
        }
    }

    /// Notes that a participant of this daemon left.
    pub(super) fn leaves(&mut self, peer: PeerId) {
        if self.is_shared {
            self.changed.remove(&peer);
            self.gone.insert(peer);
        }
    }
}

impl State {
    fn told(&self, peers: impl IntoIterator<Item = PeerId>) -> Vec<Peer> {
        peers.into_iter().filter_map(|peer| self.participants.told(peer)).collect()
    }
}

impl LiveRoom {
    /// Tells what changed in the presence of this daemon's participants.
    pub(super) fn tell_presence(&self) {
        let Topic::Board(board) = self.topic else { return };
        let (peers, gone) = {
            let mut state = locked(&self.state);
            if state.afar.changed.is_empty() && state.afar.gone.is_empty() {
                return;
            }
            let changed = std::mem::take(&mut state.afar.changed);
            let gone = std::mem::take(&mut state.afar.gone);
            (state.told(changed), gone.into_iter().map(|peer| peer.0).collect())
        };
        self.tell_peers(board, peers, gone, None);
    }

    /// Tells everything that this daemon has to tell: for whoever comes, or may have missed something.
    pub(in crate::realtime) fn tell_all(&self) {
        match self.topic {
            Topic::Board(board) => {
                let (peers, all) = {
                    let state = locked(&self.state);
                    let own = state.participants.of_node(self.bus.node());
                    (state.told(own.iter().copied()), own.iter().map(|peer| peer.0).collect())
                };
                self.tell_peers(board, peers, Vec::new(), Some(all));
            }
            Topic::Session(session) => self.tell_texts(session),
            Topic::User(_) | Topic::Doc(_) => {}
        }
    }

    fn tell_peers(
        &self,
        board: BoardId,
        mut peers: Vec<Peer>,
        mut gone: Vec<u64>,
        mut all: Option<Vec<u64>>,
    ) {
        loop {
            let rest = peers.split_off(peers.len().min(limits::BUS_PEERS));
            let (gone, all) = (std::mem::take(&mut gone), all.take());
            self.bus.publish(Message::Presence { board, peers, gone, all });
            if rest.is_empty() {
                return;
            }
            peers = rest;
        }
    }

    fn tell_texts(&self, session: SessionId) {
        let texts: Vec<(MessageId, String)> = {
            let state = locked(&self.state);
            if !state.afar.is_source {
                return;
            }
            state.streams.texts().map(|(message, text)| (message, text.to_owned())).collect()
        };
        for (message, text) in texts {
            self.tell_text(session, message, None, &text);
        }
    }

    /// Tells text that an executor of this daemon streamed.
    pub(in crate::realtime) fn tell_text(
        &self,
        session: SessionId,
        message: MessageId,
        mut at: Option<u64>,
        text: &str,
    ) {
        let seq = {
            let mut state = locked(&self.state);
            state.afar.is_source = true;
            state.room.is_live().then(|| state.room.newest())
        };
        for piece in pieces(text, limits::BUS_TEXT_BYTES) {
            let units = u64::try_from(piece.encode_utf16().count()).unwrap_or(u64::MAX);
            let next = at.unwrap_or(0).saturating_add(units);
            self.bus.publish(Message::Text { session, message, at, seq, text: piece.to_owned() });
            at = Some(next);
        }
    }

    /// Takes what another daemon tells of its participants.
    pub(in crate::realtime) fn hear_presence(
        &self,
        from: NodeId,
        peers: Vec<Peer>,
        gone: Vec<u64>,
        all: Option<&[u64]>,
    ) {
        let is_changed = {
            let participants = &mut locked(&self.state).participants;
            let mut gone: Vec<PeerId> = gone.into_iter().map(PeerId).collect();
            if let Some(all) = all {
                let known = participants.of_node(from);
                gone.extend(known.into_iter().filter(|peer| !all.contains(&peer.0)));
            }
            let is_changed = participants.hear(from, peers);
            participants.hear_gone(from, &gone) || is_changed
        };
        if is_changed {
            self.announce();
        }
    }

    /// Takes the participants of another daemon off the board.
    pub(in crate::realtime) fn forget_node(&self, node: NodeId) {
        self.hear_presence(node, Vec::new(), Vec::new(), Some(&[]));
    }

    /// Takes text that streams at another daemon; `true` when some is missing that it has to send.
    pub(in crate::realtime) fn hear_text(
        &self,
        message: MessageId,
        at: Option<u64>,
        seq: Option<i64>,
        text: &str,
    ) -> bool {
        let now_ms = self.clock.now_ms();
        let outcome = {
            let state = &mut *locked(&self.state);
            state.used_at_ms = now_ms;
            state.hear_text(message, at, seq, text, now_ms)
        };
        match outcome {
            Outcome::Grew => self.announce(),
            Outcome::Known => {}
            Outcome::Refused => {
                self.driver.notify_one();
                return self.may_ask(now_ms);
            }
        }
        false
    }

    fn may_ask(&self, now_ms: u64) -> bool {
        let asked_at_ms = &mut locked(&self.state).afar.asked_at_ms;
        let may = asked_at_ms.is_none_or(|at| now_ms >= at + limits::BUS_ASK_MS);
        if may {
            *asked_at_ms = Some(now_ms);
        }
        may
    }

    /// Compares the room with the log's head: what is missing is read in a while (rule RT-04). `true`
    /// when the log is another one, so that the room has to start anew.
    pub(in crate::realtime) fn compare(&self, head: &Head) -> bool {
        let is_other = {
            let state = locked(&self.state);
            state.room.is_live() && state.room.epoch() != head.epoch
        };
        if !is_other {
            self.expect(head.seq);
        }
        is_other
    }
}

impl State {
    fn hear_text(
        &mut self,
        message: MessageId,
        at: Option<u64>,
        seq: Option<i64>,
        text: &str,
        now_ms: u64,
    ) -> Outcome {
        if let Some(seq) = seq.filter(|_| self.room.is_live()) {
            if self.room.newest() < seq {
                // The event that begins the message may be among those that are missing (RT-11).
                self.room.expect(seq, now_ms);
                return Outcome::Refused;
            }
            if self.room.newest() > seq && !self.streams.has(message) {
                // It may have ended since; if it has not, its sender tells it anew.
                return if at.is_none() { Outcome::Known } else { Outcome::Refused };
            }
        }
        match at {
            Some(offset) => self.streams.append(message, offset, text),
            None => self.streams.reset(message, text),
        }
    }
}

/// Cuts text into pieces of at most so many bytes, between letters; the empty text is one piece.
fn pieces(text: &str, most: usize) -> impl Iterator<Item = &str> {
    let mut rest = Some(text);
    std::iter::from_fn(move || {
        let text = rest?;
        let end = text.floor_char_boundary(most);
        let (piece, later) = text.split_at(end);
        rest = (!later.is_empty()).then_some(later);
        Some(piece)
    })
}

#[cfg(test)]
mod tests {
    use super::pieces;

    #[test]
    fn text_is_cut_between_letters() {
        assert_eq!(pieces("", 4).collect::<Vec<_>>(), [""]);
        assert_eq!(pieces("abcdef", 4).collect::<Vec<_>>(), ["abcd", "ef"]);
        assert_eq!(pieces("üüü🌱x", 5).collect::<Vec<_>>(), ["üü", "ü", "🌱x"]);
    }
}

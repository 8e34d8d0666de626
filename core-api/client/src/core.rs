//! Everything that one client knows, whichever connection it has: values in, effects out.
//!
//! Pure: no async, clock or I/O; the time is a parameter. Topics are names, as on the wire, so that
//! every kind of topic is followed in the same way. Deliberately not here: connections and retries
//! (`client`), and presence that was sent before a connection broke, which is not sent again.

use crate::view::{Taken, View};
use grove_core_api::event::{Event, Op};
use grove_core_api::realtime::presence::PresenceUpdate;
use grove_core_api::realtime::{ClientFrame, Identity, NackCode, ServerFrame};
use grove_core_api::{ErrorCode, limits, version};
use std::collections::{BTreeMap, VecDeque};
use std::hash::{DefaultHasher, Hash, Hasher};

/// What is to be done.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// Send this frame.
    Send(ClientFrame),
    /// Tell whoever uses the client.
    Tell(Notice),
    /// Give the connection up and come back later.
    Reconnect,
}

/// What a client learns.
#[derive(Clone, Debug, PartialEq)]
pub enum Notice {
    /// The server greeted.
    Greeted {
        /// This connection's participant.
        peer: String,
        /// Changes with each start of the daemon.
        boot: String,
    },
    /// The connection is gone, with the server's close code if it gave one; another is made.
    Lost(Option<u16>),
    /// The whole state of a topic has come; [`Core::view`] has it.
    Snapshot {
        /// The topic.
        topic: String,
        /// Newest event in it.
        seq: i64,
    },
    /// A topic goes on where the client was.
    Resumed {
        /// The topic.
        topic: String,
        /// Newest event of the log; what is missed up to it follows.
        seq: i64,
    },
    /// A topic cannot be read any more.
    Denied {
        /// The topic.
        topic: String,
        /// Why, for programs.
        code: ErrorCode,
        /// Why, for people.
        message: String,
    },
    /// An event was applied.
    Event {
        /// The topic.
        topic: String,
        /// The event.
        event: Event,
    },
    /// Streamed text was joined on.
    Text {
        /// The topic.
        topic: String,
        /// The message.
        message: String,
        /// Where it goes, in UTF-16 code units.
        offset: u64,
        /// The text.
        text: String,
    },
    /// A mutation is stored; told once.
    Stored {
        /// The mutation.
        mid: String,
        /// Its event.
        seq: i64,
    },
    /// A mutation was refused; told once.
    Refused {
        /// The mutation.
        mid: String,
        /// Why, for programs.
        code: NackCode,
        /// Why, for people.
        message: String,
    },
    /// Participants that joined a board, or all of them after a subscription.
    Joined {
        /// The board's topic.
        topic: String,
        /// Who.
        peers: BTreeMap<String, Identity>,
    },
    /// Presence on a board.
    Presence {
        /// The board's topic.
        topic: String,
        /// Changed values by participant.
        changes: BTreeMap<String, PresenceUpdate>,
        /// Who left.
        gone: Vec<String>,
    },
    /// The server could not use a frame.
    Error {
        /// For programs.
        code: ErrorCode,
        /// For people.
        message: String,
    },
    /// A frame of a topic that this client never asked for; rule RT-12 forbids it.
    Stray(String),
}

/// Why a mutation was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Rejected {
    /// Too many are unanswered.
    #[error("too many changes wait for an answer")]
    Full,
    /// It does not fit into one frame.
    #[error("the change is too large for one frame")]
    TooLarge,
    /// A mutation of that id is unanswered.
    #[error("a change of that id waits already")]
    Double,
}

#[derive(Debug, Default)]
struct Topic {
    view: View,
    /// Number of the `sub` whose answer is awaited.
    awaited: Option<i64>,
    /// Whether this connection has answered a `sub` of it.
    is_live: bool,
    /// When to ask again, since the server had too much to do (rule RT-29).
    ask_at_ms: Option<u64>,
}

#[derive(Debug)]
struct Mutation {
    topic: String,
    mid: String,
    ops: Vec<Op>,
    /// The connection that it was sent over.
    sent_over: Option<u64>,
}

/// How many mutations may be sent now, somewhat below what the server takes (rule RT-18).
#[derive(Debug)]
struct Pace {
    /// Thousandths of a mutation.
    tokens: u64,
    filled_at_ms: u64,
}

/// Share of the server's rate that a client uses, in percent: its clock runs a little differently.
const PACE_PERCENT: u64 = 90;

impl Pace {
    const FULL: u64 = limits::MUTATIONS_BURST as u64 * 1_000 * PACE_PERCENT / 100;
    /// Thousandths of a mutation in a millisecond.
    const RATE: u64 = limits::MUTATIONS_PER_SEC as u64 * PACE_PERCENT / 100;

    fn take(&mut self, now_ms: u64) -> bool {
        let since = now_ms.saturating_sub(self.filled_at_ms);
        self.tokens = self.tokens.saturating_add(since.saturating_mul(Self::RATE)).min(Self::FULL);
        self.filled_at_ms = now_ms;
        let is_there = self.tokens >= 1_000;
        if is_there {
            self.tokens -= 1_000;
        }
        is_there
    }

    fn next_at_ms(&self) -> u64 {
        self.filled_at_ms + 1_000_u64.saturating_sub(self.tokens).div_ceil(Self::RATE)
    }
}

/// One client of one instance.
#[derive(Debug)]
pub struct Core {
    tab: String,
    /// Counts connections; mutations remember over which one they went.
    connection: u64,
    is_greeted: bool,
    peer: String,
    topics: BTreeMap<String, Topic>,
    /// Topics that were left on this connection; their last frames may still come.
    left: Vec<String>,
    unanswered: VecDeque<Mutation>,
    pace: Pace,
    next_at_ms: Option<u64>,
    newest_sub: i64,
    gaps: u64,
}

impl Core {
    /// Makes a client without topics; `tab` tells windows of one person apart.
    #[must_use]
    pub fn new(tab: impl Into<String>) -> Self {
        Self {
            tab: tab.into(),
            connection: 0,
            is_greeted: false,
            peer: String::new(),
            topics: BTreeMap::new(),
            left: Vec::new(),
            unanswered: VecDeque::new(),
            pace: Pace { tokens: Pace::FULL, filled_at_ms: 0 },
            next_at_ms: None,
            newest_sub: 0,
            gaps: 0,
        }
    }

    /// Returns what is known of a topic.
    #[must_use]
    pub fn view(&self, topic: &str) -> Option<&View> {
        self.topics.get(topic).map(|it| &it.view)
    }

    /// Returns whether the present connection follows a topic.
    #[must_use]
    pub fn is_live(&self, topic: &str) -> bool {
        self.topics.get(topic).is_some_and(|it| it.is_live)
    }

    /// Returns the participant that this connection is, or the last one was.
    #[must_use]
    pub fn peer(&self) -> &str {
        &self.peer
    }

    /// Returns the ids of mutations without an answer, in order.
    pub fn unanswered(&self) -> impl Iterator<Item = &str> {
        self.unanswered.iter().map(|it| it.mid.as_str())
    }

    /// Returns how often something was missing, so that a topic had to be asked for anew (RT-04).
    #[must_use]
    pub fn gaps(&self) -> u64 {
        self.gaps
    }

    /// Returns when [`Core::advance`] has something to do.
    #[must_use]
    pub fn deadline(&self) -> Option<u64> {
        let asks = self.topics.values().filter_map(|it| it.ask_at_ms);
        asks.chain(self.next_at_ms).min()
    }

    /// Begins a connection: the greeting.
    pub fn connected(&mut self, now_ms: u64) -> Vec<Effect> {
        self.disconnected();
        self.connection += 1;
        self.pace = Pace { tokens: Pace::FULL, filled_at_ms: now_ms };
        let (app, tab) = (version::GROVE.to_owned(), self.tab.clone());
        // Whole states come as frames: there is no HTTP client here.
        let caps = Vec::new();
        vec![Effect::Send(ClientFrame::Hello { v: version::REALTIME, app, tab, caps })]
    }

    /// Ends a connection: topics wait to be resumed, unanswered mutations to be sent again.
    pub fn disconnected(&mut self) {
        self.is_greeted = false;
        self.next_at_ms = None;
        self.left.clear();
        for topic in self.topics.values_mut() {
            (topic.is_live, topic.awaited, topic.ask_at_ms) = (false, None, None);
            // Streamed text comes anew with the next subscription (rule RT-10).
            topic.view.texts.clear();
        }
    }

    /// Follows a topic from now on; of one that is followed already it changes nothing.
    pub fn subscribe(&mut self, topic: &str) -> Vec<Effect> {
        if self.topics.contains_key(topic) {
            return Vec::new();
        }
        self.topics.insert(topic.to_owned(), Topic::default());
        self.left.retain(|it| it != topic);
        let mut effects = Vec::new();
        if self.is_greeted {
            self.ask(topic, &mut effects);
        }
        effects
    }

    /// Leaves a topic and forgets it, with its unanswered mutations.
    pub fn unsubscribe(&mut self, topic: &str) -> Vec<Effect> {
        if self.topics.remove(topic).is_none() {
            return Vec::new();
        }
        self.unanswered.retain(|it| it.topic != topic);
        if !self.is_greeted {
            return Vec::new();
        }
        self.left.push(topic.to_owned());
        vec![Effect::Send(ClientFrame::Unsub { ch: topic.to_owned() })]
    }

    /// Changes a board: sent now, or when the topic is live; sent again after a reconnect (RT-02).
    ///
    /// # Errors
    /// See [`Rejected`]; nothing is kept then.
    pub fn mutate(
        &mut self,
        topic: &str,
        mid: &str,
        ops: Vec<Op>,
        now_ms: u64,
    ) -> Result<Vec<Effect>, Rejected> {
        if self.unanswered.len() >= limits::CLIENT_UNANSWERED {
            return Err(Rejected::Full);
        }
        if self.unanswered.iter().any(|it| it.mid == mid) {
            return Err(Rejected::Double);
        }
        let (topic, mid) = (topic.to_owned(), mid.to_owned());
        let frame = ClientFrame::Mut { ch: topic.clone(), mid: mid.clone(), ops: ops.clone() };
        // Sent again and again it would end every connection.
        let bytes = serde_json::to_string(&frame).map_or(usize::MAX, |text| text.len());
        if bytes > limits::WS_INBOUND_BYTES {
            return Err(Rejected::TooLarge);
        }
        self.unanswered.push_back(Mutation { topic, mid, ops, sent_over: None });
        Ok(self.advance(now_ms))
    }

    /// Tells where one points; without effect while the board is not live.
    #[must_use]
    pub fn present(&self, topic: &str, update: PresenceUpdate) -> Vec<Effect> {
        if !self.is_live(topic) {
            return Vec::new();
        }
        vec![Effect::Send(ClientFrame::Pres { ch: topic.to_owned(), d: update })]
    }

    /// Sends the mutations whose turn has come, and asks again for topics whose time has come.
    pub fn advance(&mut self, now_ms: u64) -> Vec<Effect> {
        let mut effects = Vec::new();
        let is_due = |it: &Topic| it.ask_at_ms.is_some_and(|at| at <= now_ms);
        let due: Vec<String> =
            self.topics.iter().filter(|(_, it)| is_due(it)).map(|(name, _)| name.clone()).collect();
        for topic in due {
            self.ask(&topic, &mut effects);
        }
        self.next_at_ms = None;
        for mutation in &mut self.unanswered {
            let is_sent = mutation.sent_over == Some(self.connection);
            let is_live = self.topics.get(&mutation.topic).is_some_and(|it| it.is_live);
            if is_sent || !is_live {
                continue;
            }
            if !self.pace.take(now_ms) {
                self.next_at_ms = Some(self.pace.next_at_ms());
                break;
            }
            mutation.sent_over = Some(self.connection);
            effects.push(Effect::Send(ClientFrame::Mut {
                ch: mutation.topic.clone(),
                mid: mutation.mid.clone(),
                ops: mutation.ops.clone(),
            }));
        }
        effects
    }

    /// Takes a frame.
    pub fn take(&mut self, frame: ServerFrame, now_ms: u64) -> Vec<Effect> {
        let mut effects = Vec::new();
        match frame {
            ServerFrame::Welcome { peer, boot, .. } => {
                self.is_greeted = true;
                self.peer.clone_from(&peer);
                effects.push(Effect::Tell(Notice::Greeted { peer, boot }));
                let topics: Vec<String> = self.topics.keys().cloned().collect();
                for topic in topics {
                    self.ask(&topic, &mut effects);
                }
            }
            ServerFrame::Snap { id, ch, epoch, seq, state } => {
                if let Some(topic) = self.followed(&ch, &mut effects)
                    && topic.is_answer(id)
                {
                    topic.view = View { epoch, seq, objects: state, ..View::default() };
                    effects.push(Effect::Tell(Notice::Snapshot { topic: ch, seq }));
                    effects.extend(self.advance(now_ms));
                }
            }
            ServerFrame::Subok { id, ch, seq, .. } => {
                if let Some(topic) = self.followed(&ch, &mut effects)
                    && topic.is_answer(Some(id))
                {
                    topic.view.texts.clear();
                    effects.push(Effect::Tell(Notice::Resumed { topic: ch, seq }));
                    effects.extend(self.advance(now_ms));
                }
            }
            ServerFrame::Ev { ch, evs } => self.on_events(&ch, evs, &mut effects),
            ServerFrame::Ack { mid, seq } => self.settle(&mid, seq, &mut effects),
            ServerFrame::Nack { mid, code, msg } => {
                if self.forget(&mid) {
                    effects.push(Effect::Tell(Notice::Refused { mid, code, message: msg }));
                }
            }
            ServerFrame::Peers { ch, join } => {
                if self.continued(&ch, &mut effects).is_some() {
                    effects.push(Effect::Tell(Notice::Joined { topic: ch, peers: join }));
                }
            }
            ServerFrame::Pres { ch, u, gone } => {
                if self.continued(&ch, &mut effects).is_some() {
                    effects.push(Effect::Tell(Notice::Presence { topic: ch, changes: u, gone }));
                }
            }
            ServerFrame::St { ch, m, o, d } => self.on_text((ch, m, o, d), &mut effects),
            // `refetch` is only for those who said that they can; documents are not followed here.
            ServerFrame::Pong { .. } | ServerFrame::Refetch { .. } | ServerFrame::Saved { .. } => {}
            ServerFrame::Error { reference, retry_ms: Some(ms), .. } => {
                self.postpone(reference, now_ms, ms);
            }
            ServerFrame::Error { code, msg, reference, ch, retry_ms: None } => {
                self.on_error((code, msg), reference, ch, &mut effects);
            }
        }
        effects
    }

    fn on_events(&mut self, ch: &str, events: Vec<Event>, effects: &mut Vec<Effect>) {
        for event in events {
            let Some(topic) = self.continued(ch, effects) else { return };
            let taken = topic.view.apply(&event);
            if taken == Taken::Gap {
                self.ask_again(ch, effects);
                return;
            }
            // The event may come before the `ack`, or instead of it after a reconnect.
            if let Some(mid) = &event.mid {
                self.settle(mid, event.seq, effects);
            }
            if taken == Taken::Applied {
                effects.push(Effect::Tell(Notice::Event { topic: ch.to_owned(), event }));
            }
        }
    }

    fn on_text(
        &mut self,
        (ch, message, offset, text): (String, String, u64, String),
        effects: &mut Vec<Effect>,
    ) {
        let Some(topic) = self.continued(&ch, effects) else { return };
        if topic.view.stream(&message, offset, &text) {
            effects.push(Effect::Tell(Notice::Text { topic: ch, message, offset, text }));
        } else {
            self.ask_again(&ch, effects);
        }
    }

    fn on_error(
        &mut self,
        (code, message): (ErrorCode, String),
        reference: Option<i64>,
        ended: Option<String>,
        effects: &mut Vec<Effect>,
    ) {
        let asked =
            self.topics.iter().find(|(_, it)| reference.is_some() && it.awaited == reference);
        // A right that has ended names its topic (rule RT-12).
        let ended = ended.filter(|it| self.topics.contains_key(it));
        let Some(topic) = asked.map(|(name, _)| name.clone()).or(ended) else {
            effects.push(Effect::Tell(Notice::Error { code, message }));
            return;
        };
        if matches!(code, ErrorCode::Unavailable | ErrorCode::Timeout) {
            // It may be read later; coming back is paced, asking again at once is not.
            effects.push(Effect::Reconnect);
            return;
        }
        self.topics.remove(&topic);
        let (gone, rest): (VecDeque<_>, VecDeque<_>) =
            self.unanswered.drain(..).partition(|it| it.topic == topic);
        self.unanswered = rest;
        for Mutation { mid, .. } in gone {
            let message = "the board cannot be read any more".to_owned();
            let code = NackCode::Forbidden;
            effects.push(Effect::Tell(Notice::Refused { mid, code, message }));
        }
        effects.push(Effect::Tell(Notice::Denied { topic, code, message }));
    }

    /// Asks again later: not before the server's time, and clients differ by up to as much again.
    fn postpone(&mut self, reference: Option<i64>, now_ms: u64, ms: u64) {
        let mut hasher = DefaultHasher::new();
        (&self.tab, &self.peer, self.newest_sub).hash(&mut hasher);
        let later_ms = hasher.finish() % ms.max(1);
        let is_asked = |it: &&mut Topic| reference.is_some() && it.awaited == reference;
        if let Some(topic) = self.topics.values_mut().find(is_asked) {
            (topic.awaited, topic.is_live) = (None, false);
            topic.ask_at_ms = Some(now_ms + ms + later_ms);
        }
    }

    /// The topic of a frame that continues what is known; before the answer to `sub` it is one that
    /// was on its way when the topic was left and followed again.
    fn continued(&mut self, ch: &str, effects: &mut Vec<Effect>) -> Option<&mut Topic> {
        self.followed(ch, effects).filter(|topic| topic.is_live)
    }

    /// The topic of a frame; one that was never asked for is told, one that was left is not.
    fn followed(&mut self, ch: &str, effects: &mut Vec<Effect>) -> Option<&mut Topic> {
        let topic = self.topics.get_mut(ch);
        if topic.is_none() && !self.left.iter().any(|it| it == ch) {
            effects.push(Effect::Tell(Notice::Stray(ch.to_owned())));
        }
        topic
    }

    fn ask_again(&mut self, ch: &str, effects: &mut Vec<Effect>) {
        if self.topics.get(ch).is_some_and(|it| it.awaited.is_none()) {
            self.gaps += 1;
            self.ask(ch, effects);
        }
    }

    fn ask(&mut self, ch: &str, effects: &mut Vec<Effect>) {
        let Some(topic) = self.topics.get_mut(ch) else { return };
        self.newest_sub += 1;
        let id = self.newest_sub;
        (topic.awaited, topic.ask_at_ms) = (Some(id), None);
        let (epoch, seq) = topic.view.position().unzip();
        effects.push(Effect::Send(ClientFrame::Sub {
            id,
            ch: ch.to_owned(),
            epoch,
            seq,
            text: None,
        }));
    }

    fn settle(&mut self, mid: &str, seq: i64, effects: &mut Vec<Effect>) {
        if self.forget(mid) {
            effects.push(Effect::Tell(Notice::Stored { mid: mid.to_owned(), seq }));
        }
    }

    fn forget(&mut self, mid: &str) -> bool {
        let at = self.unanswered.iter().position(|it| it.mid == mid);
        at.and_then(|at| self.unanswered.remove(at)).is_some()
    }
}

impl Topic {
    /// Takes an answer to `sub` (or what the server sends unasked, without a number); `false` when
    /// it belongs to an older `sub`, whose successor's answer will come.
    fn is_answer(&mut self, id: Option<i64>) -> bool {
        if id.is_none() {
            return self.is_live;
        }
        let is_it = self.awaited == id;
        if is_it {
            (self.awaited, self.is_live) = (None, true);
        }
        is_it
    }
}

#[cfg(test)]
mod tests;

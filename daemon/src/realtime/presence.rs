//! Who is on one board, and where they point and look. Memory only.
//!
//! Pure. Each change has a version; a reader says which version it knows and gets one frame with all
//! changes since, encoded once for everybody who knows the same version. A participant never gets its
//! own values back: for it alone they are cut out of the encoded frame. Deliberately not here: the pace
//! (`tick`) and hiding a still pointer (the client's affair).

mod afar;

use super::encode::{self, Entries};
use super::socket::Frame;
use grove_core_api::limits;
use grove_core_api::realtime::presence::{Identity, Presence, PresenceUpdate};
use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::sync::Arc;

/// A participant's id: its connection's number, `p17` on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct PeerId(pub(super) u64);

impl fmt::Display for PeerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "p{}", self.0)
    }
}

/// The version at which each field was last changed.
#[derive(Debug, Default)]
struct FieldVersions {
    cur: u64,
    vp: u64,
    sel: u64,
    drag: u64,
    typing: u64,
    panel: u64,
    tab: u64,
    follow: u64,
    spot: u64,
    seen: u64,
}

impl FieldVersions {
    /// All fields as of one version.
    fn all_at(version: u64) -> Self {
        let at = version;
        Self {
            cur: at,
            vp: at,
            sel: at,
            drag: at,
            typing: at,
            panel: at,
            tab: at,
            follow: at,
            spot: at,
            seen: at,
        }
    }
}

#[derive(Debug)]
struct Participant {
    identity: Identity,
    /// The identity as others get it: written once, read by everybody who ever comes.
    encoded: String,
    joined: u64,
    /// When it was first here, if a reader may still remember that time.
    first_joined: u64,
    values: Presence,
    versions: FieldVersions,
}

#[derive(Debug)]
struct Gone {
    peer: PeerId,
    joined: u64,
    left: u64,
}

/// What changed between two versions.
#[derive(Debug)]
struct Delta {
    joined: Option<Entries>,
    changed: Option<Entries>,
}

/// What came of a reading.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Changes {
    /// The frames that the reader lacked are appended, in order; none when it lacked nothing.
    Sent,
    /// More people left than the board remembers.
    TooFar,
}

/// The participants of one board.
#[derive(Debug)]
pub(super) struct Participants {
    ch: String,
    version: u64,
    visible: u64,
    forgotten: u64,
    by_peer: BTreeMap<PeerId, Participant>,
    gone: VecDeque<Gone>,
    deltas: Vec<(u64, Arc<Delta>)>,
}

/// Deltas kept for readers that lag by different ticks; more are encoded again.
const SHARED_DELTAS: usize = 8;

impl Participants {
    /// Makes the empty board with the topic `ch`.
    pub(super) fn new(ch: String) -> Self {
        Self {
            ch,
            version: 0,
            visible: 0,
            forgotten: 0,
            by_peer: BTreeMap::new(),
            gone: VecDeque::new(),
            deltas: Vec::new(),
        }
    }

    /// Adds a participant and gives it a slot; a second joining changes nothing.
    ///
    /// Returns whether it was not there before.
    pub(super) fn join(&mut self, peer: PeerId, mut identity: Identity) -> bool {
        if self.by_peer.contains_key(&peer) {
            return false;
        }
        identity.slot = self.slot_for(&identity);
        self.seat(peer, identity)
    }

    /// Adds a participant with the slot that it has already.
    fn seat(&mut self, peer: PeerId, identity: Identity) -> bool {
        if self.by_peer.contains_key(&peer) {
            return false;
        }
        self.version += 1;
        let joined = self.version;
        // Who saw it leave and come back would keep its old values: all fields are sent anew.
        let before = self.gone.iter().find(|gone| gone.peer == peer).map(|gone| gone.joined);
        let first_joined = before.unwrap_or(joined);
        let at = if before.is_some() { joined } else { 0 };
        self.gone.retain(|gone| gone.peer != peer);
        let versions = FieldVersions::all_at(at);
        let values = Presence::default();
        let encoded = encode::entry(peer, &identity);
        let participant = Participant { identity, encoded, joined, first_joined, values, versions };
        self.by_peer.insert(peer, participant);
        true
    }

    /// Removes a participant; returns whether it was there.
    pub(super) fn leave(&mut self, peer: PeerId) -> bool {
        let Some(participant) = self.by_peer.remove(&peer) else { return false };
        self.version += 1;
        self.gone.push_back(Gone { peer, joined: participant.first_joined, left: self.version });
        while self.gone.len() > limits::PRESENCE_GONE {
            let Some(gone) = self.gone.pop_front() else { break };
            self.forgotten = gone.left;
        }
        true
    }

    /// Sets the fields that an update names; returns whether anything is different now.
    pub(super) fn update(&mut self, peer: PeerId, update: PresenceUpdate) -> bool {
        let Some(participant) = self.by_peer.get_mut(&peer) else { return false };
        let next = self.version + 1;
        let (values, versions) = (&mut participant.values, &mut participant.versions);
        let changed = [
            set(&mut values.cur, update.cur, &mut versions.cur, next),
            set(&mut values.vp, update.vp, &mut versions.vp, next),
            set(&mut values.sel, update.sel, &mut versions.sel, next),
            set(&mut values.drag, update.drag, &mut versions.drag, next),
            set(&mut values.typing, update.typing, &mut versions.typing, next),
            set(&mut values.panel, update.panel, &mut versions.panel, next),
            set(&mut values.tab, update.tab, &mut versions.tab, next),
            set(&mut values.follow, update.follow, &mut versions.follow, next),
            set(&mut values.spot, update.spot, &mut versions.spot, next),
            set(&mut values.seen, update.seen, &mut versions.seen, next),
        ];
        let is_changed = changed.contains(&true);
        if is_changed {
            self.version = next;
        }
        is_changed
    }

    /// Lets readers see all changes so far (rule RT-13: at most once per tick).
    pub(super) fn show(&mut self) {
        self.visible = self.version;
        self.deltas.clear();
    }

    /// Returns everybody with all values, for one who comes, and the version that it then knows.
    ///
    /// Its own identity is among them, because it tells the slot; its own values are not.
    pub(super) fn all(&self, me: PeerId) -> (Vec<Frame>, u64) {
        let peers = self.by_peer.iter().map(|(peer, it)| (*peer, &it.encoded));
        let mut frames = vec![Entries::peers(&self.ch, peers).whole()];
        let others = self.by_peer.iter().filter(|(peer, _)| **peer != me);
        let mut values = others
            .filter_map(|(peer, it)| {
                let update = all_values(&it.values);
                let is_any = update != PresenceUpdate::default();
                is_any.then(|| (*peer, encode::entry(*peer, &update)))
            })
            .peekable();
        if values.peek().is_some() {
            frames.push(Entries::presence(&self.ch, values, &[]).whole());
        }
        (frames, self.version)
    }

    /// Appends what `me` lacks after the version `known`, and moves it on.
    pub(super) fn pull(&mut self, me: PeerId, known: &mut u64, frames: &mut Vec<Frame>) -> Changes {
        if *known >= self.visible {
            return Changes::Sent;
        }
        if *known < self.forgotten {
            return Changes::TooFar;
        }
        let delta = self.delta(*known);
        *known = self.visible;
        let parts = [&delta.joined, &delta.changed];
        frames.extend(parts.into_iter().flatten().filter_map(|entries| entries.without(me)));
        Changes::Sent
    }

    fn delta(&mut self, known: u64) -> Arc<Delta> {
        if let Some((_, delta)) = self.deltas.iter().find(|(from, _)| *from == known) {
            return Arc::clone(delta);
        }
        let delta = Arc::new(self.encode_delta(known));
        if self.deltas.len() < SHARED_DELTAS {
            self.deltas.push((known, Arc::clone(&delta)));
        }
        delta
    }

    fn encode_delta(&self, known: u64) -> Delta {
        let mut joined = Vec::new();
        let mut changed = Vec::new();
        // What is not shown yet stays out: one who came and went unseen is never announced.
        let shown = self.by_peer.iter().filter(|(_, it)| it.joined <= self.visible);
        for (peer, participant) in shown {
            if participant.joined > known {
                joined.push((*peer, &participant.encoded));
            }
            let update = participant.changes_after(known);
            if update != PresenceUpdate::default() {
                changed.push((*peer, encode::entry(*peer, &update)));
            }
        }
        let news = self
            .gone
            .iter()
            .filter(|gone| gone.left > known && gone.left <= self.visible && gone.joined <= known);
        let gone: Vec<PeerId> = news.map(|gone| gone.peer).collect();
        let is_any = !changed.is_empty() || !gone.is_empty();
        Delta {
            joined: (!joined.is_empty()).then(|| Entries::peers(&self.ch, joined.into_iter())),
            changed: is_any.then(|| Entries::presence(&self.ch, changed.into_iter(), &gone)),
        }
    }

    /// Returns the user's slot on this board: the one it has here, the one it likes, or a free one.
    fn slot_for(&self, identity: &Identity) -> u8 {
        let here = || self.by_peer.values().map(|it| &it.identity);
        if let Some(same) = here().find(|it| it.user == identity.user) {
            return same.slot;
        }
        let people_in = |slot: u8| {
            let mut users: Vec<&str> =
                here().filter(|it| it.slot == slot).map(|it| it.user.as_str()).collect();
            users.sort_unstable();
            users.dedup();
            users.len()
        };
        let liked = identity.slot % limits::PRESENCE_SLOTS;
        let in_order =
            (0..limits::PRESENCE_SLOTS).map(|step| (liked + step) % limits::PRESENCE_SLOTS);
        in_order.min_by_key(|slot| people_in(*slot)).unwrap_or(liked)
    }
}

impl Participant {
    fn changes_after(&self, known: u64) -> PresenceUpdate {
        let (values, at) = (&self.values, &self.versions);
        PresenceUpdate {
            cur: (at.cur > known).then_some(values.cur),
            vp: (at.vp > known).then_some(values.vp),
            sel: (at.sel > known).then(|| values.sel.clone()),
            drag: (at.drag > known).then(|| values.drag.clone()),
            typing: (at.typing > known).then(|| values.typing.clone()),
            panel: (at.panel > known).then(|| values.panel.clone()),
            tab: (at.tab > known).then(|| values.tab.clone()),
            follow: (at.follow > known).then(|| values.follow.clone()),
            spot: (at.spot > known).then_some(values.spot),
            seen: (at.seen > known).then_some(values.seen),
        }
    }
}

/// Puts the newer values of an update over an older one's; the older is not sent yet.
pub(super) fn merge(older: &mut PresenceUpdate, newer: PresenceUpdate) {
    replace(&mut older.cur, newer.cur);
    replace(&mut older.vp, newer.vp);
    replace(&mut older.sel, newer.sel);
    replace(&mut older.drag, newer.drag);
    replace(&mut older.typing, newer.typing);
    replace(&mut older.panel, newer.panel);
    replace(&mut older.tab, newer.tab);
    replace(&mut older.follow, newer.follow);
    replace(&mut older.spot, newer.spot);
    replace(&mut older.seen, newer.seen);
}

/// Returns whether an update keeps to the limits.
pub(super) fn fits(update: &PresenceUpdate) -> bool {
    let selected = update.sel.iter().flatten().map(Vec::len);
    let dragged = update.drag.iter().flatten().map(|drag| drag.ids.len());
    selected.chain(dragged).all(|count| count <= limits::PRESENCE_OBJECTS)
}

fn all_values(values: &Presence) -> PresenceUpdate {
    let values = values.clone();
    PresenceUpdate {
        cur: values.cur.map(Some),
        vp: values.vp.map(Some),
        sel: values.sel.map(Some),
        drag: values.drag.map(Some),
        typing: values.typing.map(Some),
        panel: values.panel.map(Some),
        tab: values.tab.map(Some),
        follow: values.follow.map(Some),
        spot: values.spot.map(Some),
        seen: values.seen.map(Some),
    }
}

/// The update that leaves exactly these values, whatever was there.
fn replacing(values: &Presence) -> PresenceUpdate {
    let values = values.clone();
    PresenceUpdate {
        cur: Some(values.cur),
        vp: Some(values.vp),
        sel: Some(values.sel),
        drag: Some(values.drag),
        typing: Some(values.typing),
        panel: Some(values.panel),
        follow: Some(values.follow),
        spot: Some(values.spot),
        seen: Some(values.seen),
        tab: Some(values.tab),
    }
}

fn set<T: PartialEq>(
    value: &mut Option<T>,
    update: Option<Option<T>>,
    version: &mut u64,
    next: u64,
) -> bool {
    match update {
        Some(new) if new != *value => {
            *value = new;
            *version = next;
            true
        }
        Some(_) | None => false,
    }
}

fn replace<T>(older: &mut Option<T>, newer: Option<T>) {
    if newer.is_some() {
        *older = newer;
    }
}

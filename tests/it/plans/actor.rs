//! One client of a plan: it reads by itself, takes orders, and checks every notice.
//!
//! Deliberately not here: what is true in the end, for all clients together (`run`).

use anyhow::{Result, bail, ensure};
use grove_client::{Client, Notice, Place, View};
use grove_core_api::event::Op;
use grove_core_api::realtime::NackCode;
use grove_core_api::realtime::presence::PresenceUpdate;
use grove_tests::Outcome;
use std::collections::{BTreeMap, BTreeSet};
use tokio::sync::{mpsc, oneshot};

/// What a client is told to do.
pub(super) enum Order {
    Join(String),
    Leave(String),
    Mutate { topic: String, mid: String, ops: Vec<Op> },
    Point(String, [f64; 2]),
    Break,
    Stall,
    Wake,
    Report(oneshot::Sender<Report>),
}

/// What a client knows of one board.
#[derive(Clone, Debug, Default)]
pub(super) struct Seen {
    pub(super) view: View,
    pub(super) is_live: bool,
    /// Participants, this client among them.
    pub(super) peers: BTreeSet<String>,
    /// Where others point.
    pub(super) cursors: BTreeMap<String, [f64; 2]>,
    /// Where it pointed last on this connection.
    pub(super) pointed: Option<[f64; 2]>,
}

/// What a client knows.
#[derive(Clone, Debug, Default)]
pub(super) struct Report {
    pub(super) peer: String,
    pub(super) is_stalled: bool,
    pub(super) unanswered: usize,
    /// Mutations that were stored, with their events.
    pub(super) stored: BTreeMap<String, i64>,
    /// Mutations that were refused.
    pub(super) refused: BTreeMap<String, NackCode>,
    /// Boards that are followed.
    pub(super) boards: BTreeMap<String, Seen>,
}

/// A client at work.
pub(super) struct Actor {
    client: Client,
    orders: mpsc::Receiver<Order>,
    is_stalled: bool,
    report: Report,
    /// Newest event that was told of each board.
    told: BTreeMap<String, i64>,
    snapshots: BTreeSet<String>,
}

impl Actor {
    pub(super) fn new(places: Vec<Place>, name: &str, orders: mpsc::Receiver<Order>) -> Self {
        Self {
            client: Client::new(places, name),
            orders,
            is_stalled: false,
            report: Report::default(),
            told: BTreeMap::new(),
            snapshots: BTreeSet::new(),
        }
    }

    /// Works until nobody gives orders any more.
    ///
    /// # Errors
    /// Which promise the server broke.
    pub(super) async fn run(mut self) -> Outcome {
        loop {
            tokio::select! {
                order = self.orders.recv() => match order {
                    Some(order) => self.obey(order)?,
                    None => return Ok(()),
                },
                notice = self.client.next(), if !self.is_stalled => self.hear(notice?)?,
            }
        }
    }

    fn obey(&mut self, order: Order) -> Outcome {
        match order {
            Order::Join(topic) => {
                self.report.boards.entry(topic.clone()).or_default();
                self.client.subscribe(&topic);
            }
            Order::Leave(topic) => {
                self.report.boards.remove(&topic);
                self.told.remove(&topic);
                self.snapshots.remove(&topic);
                self.client.unsubscribe(&topic);
            }
            Order::Mutate { topic, mid, ops } => self.client.mutate(&topic, &mid, ops)?,
            Order::Point(topic, cursor) => {
                if let Some(seen) = self.report.boards.get_mut(&topic)
                    && self.client.core().is_live(&topic)
                {
                    seen.pointed = Some(cursor);
                    let d = PresenceUpdate { cur: Some(Some(cursor)), ..PresenceUpdate::default() };
                    self.client.present(&topic, d);
                }
            }
            Order::Break => self.client.break_off(),
            Order::Stall => self.is_stalled = true,
            Order::Wake => self.is_stalled = false,
            Order::Report(answer) => {
                // Whoever asked may have given up.
                drop(answer.send(self.tell()));
            }
        }
        Ok(())
    }

    fn tell(&self) -> Report {
        let mut report = self.report.clone();
        let core = self.client.core();
        core.peer().clone_into(&mut report.peer);
        report.is_stalled = self.is_stalled;
        report.unanswered = core.unanswered().count();
        for (topic, seen) in &mut report.boards {
            seen.view = core.view(topic).cloned().unwrap_or_default();
            seen.is_live = core.is_live(topic);
        }
        report
    }

    fn hear(&mut self, notice: Notice) -> Outcome {
        ensure!(self.client.core().gaps() == 0, "RT-01: an event or text did not join on");
        match notice {
            Notice::Greeted { .. } => {}
            Notice::Lost(_) => {
                for seen in self.report.boards.values_mut() {
                    seen.peers.clear();
                    seen.cursors.clear();
                    seen.pointed = None;
                }
            }
            Notice::Snapshot { topic, seq } => {
                let is_first = self.snapshots.insert(topic.clone());
                ensure!(is_first, "RT-03: {topic} was not resumed but read anew");
                self.told.insert(topic, seq);
            }
            Notice::Resumed { topic, seq } => {
                let told = self.told.get(&topic).copied().unwrap_or(-1);
                ensure!(told >= 0 && seq >= told, "RT-03: {topic} goes on at {seq} after {told}");
            }
            Notice::Event { topic, event } => {
                let told = self.told.entry(topic.clone()).or_default();
                ensure!(event.seq == *told + 1, "RT-01: {topic}: {} after {told}", event.seq);
                *told = event.seq;
            }
            Notice::Stored { mid, seq } => {
                let is_new = !self.report.refused.contains_key(&mid)
                    && self.report.stored.insert(mid.clone(), seq).is_none();
                ensure!(is_new, "RT-05: {mid} was answered twice");
            }
            Notice::Refused { mid, code, message } => {
                ensure!(code != NackCode::Rate, "RT-18: {mid} came too fast: {message}");
                let is_new = !self.report.stored.contains_key(&mid)
                    && self.report.refused.insert(mid.clone(), code).is_none();
                ensure!(is_new, "RT-05: {mid} was answered twice");
            }
            Notice::Denied { topic, .. } => {
                let was_there = self.snapshots.contains(&topic);
                ensure!(!was_there, "RT-12: {topic} was taken away");
                self.report.boards.remove(&topic);
            }
            Notice::Joined { topic, peers } => self.meet(&topic, peers.into_keys())?,
            Notice::Presence { topic, changes, gone } => self.watch(&topic, changes, &gone)?,
            Notice::Text { .. } => bail!("RT-10: text on a board"),
            Notice::Error { code, message } => bail!("refused with {}: {message}", code.as_str()),
            Notice::Stray(topic) => bail!("RT-12: a frame of {topic}, which was never asked for"),
        }
        Ok(())
    }

    fn board(&mut self, topic: &str) -> Option<&mut Seen> {
        // What was left may still have frames on their way.
        self.report.boards.get_mut(topic)
    }

    fn meet(&mut self, topic: &str, peers: impl Iterator<Item = String>) -> Outcome {
        let is_live = self.client.core().is_live(topic);
        if let Some(seen) = self.board(topic) {
            ensure!(is_live, "RT-14: people of {topic} before its answer");
            seen.peers.extend(peers);
        }
        Ok(())
    }

    fn watch(
        &mut self,
        topic: &str,
        changes: BTreeMap<String, PresenceUpdate>,
        gone: &[String],
    ) -> Result<()> {
        let me = self.client.core().peer().to_owned();
        let Some(seen) = self.board(topic) else { return Ok(()) };
        ensure!(!changes.contains_key(&me), "RT-14: one's own presence came back");
        for (peer, update) in changes {
            ensure!(seen.peers.contains(&peer), "RT-14: {peer} points but was never named");
            match update.cur {
                Some(Some(cursor)) => drop(seen.cursors.insert(peer, cursor)),
                Some(None) => drop(seen.cursors.remove(&peer)),
                None => {}
            }
        }
        for peer in gone {
            seen.peers.remove(peer);
            seen.cursors.remove(peer);
        }
        Ok(())
    }
}

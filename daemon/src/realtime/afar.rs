//! The other daemons on the same database: who they are, what they say, and looking for what got lost.
//!
//! A daemon says every second that it lives; one that falls silent takes its participants with it.
//! Rooms are compared with the database from time to time, so that a message that is lost costs
//! seconds and never an event (rule RT-04). Deliberately not here: what a room does (`live::afar`) and
//! how messages travel (`bus`).

use super::backend::Backend;
use super::docs;
use super::hub::Hub;
use super::live::{LiveRoom, locked};
use super::presence::PeerId;
use crate::bus::{Inbox, Message, NodeId, Standing};
use grove_core_api::event::Topic;
use grove_core_api::{MessageId, SessionId, limits};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::time::{MissedTickBehavior, interval};

/// The other daemons that were heard of late.
#[derive(Debug, Default)]
pub(super) struct Others {
    nodes: Mutex<BTreeMap<NodeId, Node>>,
}

#[derive(Debug)]
struct Node {
    /// Empty until it has said it.
    name: String,
    heard_at_ms: u64,
}

impl<B: Backend> Hub<B> {
    /// Takes what other daemons say, from now until this one ends.
    pub fn listen(self: &Arc<Self>, inbox: Inbox) {
        self.run(attend(Arc::clone(self), inbox));
        self.run(look_again(Arc::clone(self)));
        self.run(docs::read_changed(Arc::clone(self)));
    }

    /// Returns the names of the other daemons that live.
    #[must_use]
    pub fn others(&self) -> Vec<String> {
        locked(&self.others.nodes).values().map(|node| node.name.clone()).collect()
    }

    /// Tells other daemons of text that streams here.
    pub(super) fn tell_text(
        &self,
        session: SessionId,
        message: MessageId,
        at: Option<u64>,
        text: &str,
    ) {
        if self.bus().is_shared()
            && let Some(room) = self.room(Topic::Session(session))
        {
            room.tell_text(session, message, at, text);
        }
    }

    fn hear(&self, from: NodeId, message: Message) {
        if message == Message::Left {
            self.forget(from);
            return;
        }
        let is_new = self.note(from);
        match message {
            Message::Event { topic, event } => {
                if let Some(room) = self.named(&topic) {
                    room.publish(event);
                }
            }
            Message::Newest { topic, seq } => {
                if let Some(room) = self.named(&topic) {
                    room.expect(seq);
                }
            }
            Message::Text { session, message, at, seq, text } => {
                let topic = Topic::Session(session);
                if let Some(room) = self.room(topic)
                    && room.hear_text(message, at, seq, &text)
                {
                    self.bus().publish(Message::Ask { topic: topic.to_string() });
                }
            }
            Message::Presence { board, peers, gone, all } => {
                if let Some(room) = self.room(Topic::Board(board)) {
                    room.hear_presence(from, peers, gone, all.as_deref());
                }
            }
            Message::Ask { topic } => {
                if let Some(room) = self.named(&topic) {
                    room.tell_all();
                }
            }
            Message::Doc { doc } => {
                if self.backend().held_docs().contains(&doc) {
                    self.changed_docs.note([doc]);
                }
            }
            Message::Caret { doc, origin, user, client, state } => {
                if let Some(room) = self.doc_room(doc)
                    && PeerId(origin).node() == from
                {
                    room.hear(PeerId(origin), user, client, state);
                }
            }
            Message::Dismiss { user } => self.dismiss_here(user),
            Message::Rights { user } => {
                self.backend().rights_changed();
                self.recheck_here(user);
            }
            Message::Revoke { user, topic } => {
                if let Ok(topic) = topic.parse() {
                    self.revoke_here(user, topic);
                }
            }
            Message::Alive { name } => self.name(from, name),
            Message::Left => {}
        }
        if is_new {
            // It knows nobody here yet.
            self.tell_everything();
        }
    }

    fn named(&self, topic: &str) -> Option<Arc<LiveRoom>> {
        self.room(topic.parse().ok()?)
    }

    /// Notes that a daemon was heard; returns whether it is new.
    fn note(&self, from: NodeId) -> bool {
        let heard_at_ms = self.clock().now_ms();
        let mut nodes = locked(&self.others.nodes);
        if let Some(node) = nodes.get_mut(&from) {
            node.heard_at_ms = heard_at_ms;
            return false;
        }
        nodes.insert(from, Node { name: String::new(), heard_at_ms });
        true
    }

    /// Notes a daemon's name; an earlier run of the same daemon is over.
    fn name(&self, from: NodeId, name: String) {
        if name == self.bus().name() {
            tracing::error!(node.name = %name, "another daemon has this one's name, {name}");
        }
        let earlier: Vec<NodeId> = {
            let mut nodes = locked(&self.others.nodes);
            let is_earlier =
                |(node, it): (&NodeId, &Node)| (*node != from && it.name == name).then_some(*node);
            let earlier = nodes.iter().filter_map(is_earlier).collect();
            if let Some(node) = nodes.get_mut(&from)
                && node.name.is_empty()
            {
                tracing::info!(node.name = %name, "another daemon is there: {name}");
                node.name = name;
            }
            earlier
        };
        for node in earlier {
            self.forget(node);
        }
    }

    /// Takes everybody who is connected to a daemon off the boards.
    fn forget(&self, node: NodeId) {
        let Some(gone) = locked(&self.others.nodes).remove(&node) else { return };
        tracing::info!(node.name = %gone.name, "another daemon is gone: {}", gone.name);
        for room in self.all_rooms() {
            room.forget_node(node);
        }
        for room in self.doc_rooms() {
            room.forget_node(node);
        }
    }

    fn tell_everything(&self) {
        for room in self.all_rooms() {
            room.tell_all();
        }
    }

    fn beat(&self) {
        self.bus().publish(Message::Alive { name: self.bus().name().to_owned() });
        let now_ms = self.clock().now_ms();
        let silent: Vec<NodeId> = {
            let nodes = locked(&self.others.nodes);
            let is_silent = |it: &Node| now_ms >= it.heard_at_ms + limits::BUS_DEAD_MS;
            nodes.iter().filter(|(_, it)| is_silent(it)).map(|(node, _)| *node).collect()
        };
        for node in silent {
            self.forget(node);
        }
    }

    /// Compares the rooms with the database.
    async fn look(&self) {
        // Of documents too a word may have been lost.
        self.changed_docs.note(self.backend().held_docs());
        let topics: Vec<Topic> = self.all_rooms().iter().map(|room| room.topic()).collect();
        for topics in topics.chunks(limits::BUS_LOOK_TOPICS) {
            let heads = match self.backend().heads(topics).await {
                Ok(heads) => heads,
                Err(problem) => {
                    tracing::debug!(code = problem.code.as_str(), "heads of rooms not readable");
                    return;
                }
            };
            for (topic, head) in heads {
                if let Some(room) = self.room(topic)
                    && room.compare(&head)
                    && let Err(problem) = room.start_anew(self.backend()).await
                {
                    let code = problem.code.as_str();
                    tracing::warn!(%topic, code, "head of {topic} not readable");
                }
            }
        }
    }
}

/// Listens, and says that this daemon lives.
async fn attend<B: Backend>(hub: Arc<Hub<B>>, mut inbox: Inbox) {
    let mut beats = interval(Duration::from_millis(limits::BUS_BEAT_MS));
    beats.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut count: u64 = 0;
    let mut was_open = false;
    loop {
        tokio::select! {
            received = inbox.recv() => match received {
                Some((from, message)) => hub.hear(from, message),
                None => return,
            },
            _ = beats.tick() => {
                hub.beat();
                let is_open = hub.bus().standing() == Standing::Open;
                count += 1;
                if is_open && (!was_open || count.is_multiple_of(limits::BUS_LOOK_BEATS)) {
                    hub.tell_everything();
                }
                was_open = is_open;
            }
            () = hub.shutdown().cancelled() => {
                hub.bus().publish(Message::Left);
                return;
            }
        }
    }
}

/// Looks for what got lost: seldom while others can be heard, each second while they cannot.
async fn look_again<B: Backend>(hub: Arc<Hub<B>>) {
    let mut beats = interval(Duration::from_millis(limits::BUS_BEAT_MS));
    beats.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut count: u64 = 0;
    loop {
        tokio::select! {
            _ = beats.tick() => {}
            () = hub.shutdown().cancelled() => return,
        }
        count += 1;
        let is_due = count.is_multiple_of(limits::BUS_LOOK_BEATS);
        if is_due || hub.bus().standing() == Standing::Interrupted {
            hub.look().await;
        }
    }
}

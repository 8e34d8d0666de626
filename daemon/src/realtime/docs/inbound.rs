//! One connection and its documents: joining, updates and carets that come in, what goes out.
//!
//! An update is taken when the backend has stored it, and before the connection reads its next frame;
//! so nothing piles up. Deliberately not here: rights and texts, which are the backend's.

use super::awareness::Refused as NotTold;
use super::room::{DocRoom, Pull, Seen};
use crate::realtime::backend::{Backend, DocUpdate, UpdateRefused};
use crate::realtime::bell::{Bell, Wake};
use crate::realtime::connection::Connection;
use crate::realtime::hub::Hub;
use crate::realtime::inbound::Refusal;
use crate::realtime::presence::PeerId;
use crate::realtime::socket::End;
use bytes::Bytes;
use grove_core_api::event::Topic;
use grove_core_api::realtime::ServerFrame;
use grove_core_api::realtime::binary::{
    self, BinaryFrame, FrameKind, Malformed, SyncMessage, decode_awareness,
};
use grove_core_api::{DocId, ErrorCode, Problem, limits};
use std::sync::Arc;
use tokio::time::sleep_until;

/// One connection's place in one document; dropping it leaves the room.
pub(in crate::realtime) struct DocSubscription<B: Backend> {
    hub: Arc<Hub<B>>,
    room: Arc<DocRoom>,
    peer: PeerId,
    wake: Arc<Wake>,
    seen: Seen,
    epoch: String,
    /// Updates that came from this connection since it joined.
    updates: u64,
    /// What its client last told of itself, while the rate holds it back.
    waiting: Option<(u64, String)>,
}

impl<B: Backend> Drop for DocSubscription<B> {
    fn drop(&mut self) {
        self.room.leave(self.peer);
        self.hub.leave_doc(&self.room);
    }
}

impl<B: Backend> DocSubscription<B> {
    fn join(hub: &Arc<Hub<B>>, doc: DocId, peer: PeerId, bell: &Arc<Bell>) -> Option<Self> {
        let wake = Arc::new(Wake::new(Arc::clone(bell)));
        let (room, seen) = hub.join_doc(doc, |room| room.join(peer, &wake))?;
        let (hub, epoch) = (Arc::clone(hub), String::new());
        Some(Self { hub, room, peer, wake, seen, epoch, updates: 0, waiting: None })
    }
}

impl<B: Backend> Connection<B> {
    /// Joins a document (rule RT-40): its number, then what the server has and asks for.
    pub(in crate::realtime) async fn on_doc_sub(&mut self, id: i64, doc: DocId) -> Result<(), End> {
        match self.join_doc(id, doc).await {
            Ok(()) => Ok(()),
            Err(Stop::End(end)) => Err(end),
            Err(Stop::Problem(problem)) => {
                self.docs.remove(&doc);
                let (code, msg) = (problem.code, problem.detail);
                let reference = Some(id);
                self.tell(Refusal { code, msg, reference, ch: None, retry_ms: None }).await
            }
        }
    }

    async fn join_doc(&mut self, id: i64, doc: DocId) -> Result<(), Stop> {
        let has_room = self.topics.len() + self.docs.len() < limits::WS_TOPICS;
        if !self.docs.contains_key(&doc) && !has_room {
            let text = format!("at most {} topics on one connection", limits::WS_TOPICS);
            return Err(Problem::new(ErrorCode::TooLarge, text).into());
        }
        // Joined before it is read, so that nothing falls between.
        self.docs.remove(&doc);
        let joined = DocSubscription::join(&self.hub, doc, self.peer, &self.bell);
        let Some(mut joined) = joined else {
            let text = format!("at most {} windows on one document", limits::DOC_SUBSCRIBERS);
            return Err(Problem::new(ErrorCode::TooLarge, text).into());
        };
        let head = self.hub.backend().open_doc(&self.caller, doc).await?;
        let number = joined.room.number();
        joined.epoch.clone_from(&head.epoch);
        joined.wake.raise();
        self.docs.insert(doc, Box::new(joined));
        let ch = Topic::Doc(doc).to_string();
        let (epoch, seq) = (head.epoch, head.seq);
        self.send(&ServerFrame::Subok { id, ch, epoch, seq, n: Some(number) }).await?;
        let asked = SyncMessage::Step1(&head.state_vector).frame(number);
        Ok(self.socket.send_binary(Bytes::from(asked)).await?)
    }

    /// Takes a binary frame (rules RT-41 to RT-44).
    pub(in crate::realtime) async fn on_binary(&mut self, bytes: &Bytes) -> Result<(), End> {
        let frame = match BinaryFrame::decode(bytes) {
            Ok(frame) => frame,
            Err(why) => return self.refuse(Refusal::invalid(why.to_string())).await,
        };
        let found = self.docs.iter().find(|(_, it)| it.room.number() == frame.channel);
        // A frame for a document that was just left is nobody's fault.
        let Some((&doc, _)) = found else { return Ok(()) };
        match frame.kind {
            FrameKind::Sync => match SyncMessage::decode(frame.payload) {
                Ok(SyncMessage::Step1(vector)) => self.on_step1(doc, vector).await,
                Ok(SyncMessage::Step2(update) | SyncMessage::Update(update)) => {
                    self.on_update(doc, update).await
                }
                Err(why) => self.refuse(unusable(doc, why)).await,
            },
            FrameKind::Awareness => self.on_awareness(doc, frame.payload).await,
        }
    }

    async fn on_step1(&mut self, doc: DocId, vector: &[u8]) -> Result<(), End> {
        if let Err(why) = binary::decode_state_vector(vector) {
            return self.refuse(unusable(doc, why)).await;
        }
        match self.send_state(doc, vector).await {
            Ok(()) => Ok(()),
            Err(Stop::End(end)) => Err(end),
            Err(Stop::Problem(problem)) => self.tell(about(doc, problem)).await,
        }
    }

    /// Sends what somebody with a state vector lacks.
    async fn send_state(&mut self, doc: DocId, vector: &[u8]) -> Result<(), Stop> {
        let Some(joined) = self.docs.get(&doc) else { return Ok(()) };
        let (number, epoch) = (joined.room.number(), joined.epoch.clone());
        let update = self.hub.backend().doc_diff(&self.caller, doc, &epoch, vector).await?;
        let frame = SyncMessage::Step2(&update).frame(number);
        Ok(self.socket.send_binary(Bytes::from(frame)).await?)
    }

    async fn on_update(&mut self, doc: DocId, update: &[u8]) -> Result<(), End> {
        self.pace_updates().await;
        let Some(joined) = self.docs.get_mut(&doc) else { return Ok(()) };
        joined.updates += 1;
        let (n, number) = (joined.updates, joined.room.number());
        let epoch = joined.epoch.clone();
        let update = DocUpdate { epoch: &epoch, origin: self.peer.0, bytes: update };
        let refused = match self.hub.backend().update_doc(&self.caller, doc, update).await {
            Ok(()) => None,
            Err(UpdateRefused::Lacks(vector)) => {
                let asked = SyncMessage::Step1(&vector).frame(number);
                self.socket.send_binary(Bytes::from(asked)).await?;
                let text = "the update builds on changes that are not here: send what is missing";
                Some(Problem::new(ErrorCode::Conflict, text))
            }
            Err(UpdateRefused::Problem(problem)) => Some(problem),
        };
        if let Some(problem) = refused {
            self.tell(about(doc, problem)).await?;
        }
        self.send(&ServerFrame::Saved { ch: Topic::Doc(doc).to_string(), n }).await
    }

    /// Waits until the rate permits another update; nothing is read meanwhile.
    async fn pace_updates(&mut self) {
        let clock = self.hub.clock();
        while !self.doc_updates.take(clock.now_ms()) {
            sleep_until(clock.instant(self.doc_updates.next_at_ms())).await;
        }
    }

    async fn on_awareness(&mut self, doc: DocId, payload: &[u8]) -> Result<(), End> {
        let entries = match decode_awareness(payload) {
            Ok(entries) => entries,
            Err(why) => return self.refuse(unusable(doc, why)).await,
        };
        let fits = payload.len() <= limits::DOC_AWARENESS_BYTES;
        let [entry] = &entries[..] else {
            let text = "a connection speaks for one client: itself";
            return self.refuse(about(doc, Problem::new(ErrorCode::Forbidden, text))).await;
        };
        if !fits {
            let text = format!("awareness has at most {} bytes", limits::DOC_AWARENESS_BYTES);
            return self.refuse(about(doc, Problem::new(ErrorCode::TooLarge, text))).await;
        }
        if let Some(joined) = self.docs.get_mut(&doc) {
            joined.waiting = Some((entry.client, entry.state.clone()));
        }
        self.flush_awareness(self.hub.clock().now_ms()).await
    }

    /// Hands carets that wait to their rooms, as far as the rate allows.
    pub(in crate::realtime) async fn flush_awareness(&mut self, now_ms: u64) -> Result<(), End> {
        let mut refused = Vec::new();
        let who = self.hub.backend().identity(&self.caller);
        for (doc, joined) in &mut self.docs {
            if joined.waiting.is_none() || !self.awareness.take(now_ms) {
                continue;
            }
            let Some((client, state)) = joined.waiting.take() else { continue };
            match joined.room.announce(self.peer, &who, (client, &state)) {
                Ok(()) => {}
                Err(NotTold::NotJson) => refused.push((*doc, "awareness is a JSON object")),
                Err(NotTold::Taken) => refused.push((*doc, "somebody else is that client")),
            }
        }
        for (doc, why) in refused {
            self.refuse(about(doc, Problem::new(ErrorCode::Forbidden, why))).await?;
        }
        Ok(())
    }

    /// Whether a caret waits for the rate.
    pub(in crate::realtime) fn has_waiting_awareness(&self) -> bool {
        self.docs.values().any(|it| it.waiting.is_some())
    }

    /// Sends what is new in each document that rang.
    pub(in crate::realtime) async fn pump_docs(&mut self) -> Result<(), End> {
        let dirty: Vec<DocId> =
            self.docs.iter().filter(|(_, it)| it.wake.lower()).map(|(doc, _)| *doc).collect();
        for doc in dirty {
            let Some(joined) = self.docs.get_mut(&doc) else { continue };
            match joined.room.pull(self.peer, &mut joined.seen) {
                Pull::Frames(frames) => {
                    for frame in frames {
                        self.socket.send_binary(frame).await?;
                    }
                }
                Pull::Behind => {
                    joined.wake.raise();
                    // An empty state vector: whatever it has, merging all of it again is harmless.
                    self.on_step1(doc, &[0]).await?;
                }
                Pull::Ended => {
                    self.docs.remove(&doc);
                    let problem = Problem::new(ErrorCode::Gone, "the document is gone");
                    self.tell(about(doc, problem)).await?;
                }
            }
        }
        Ok(())
    }
}

/// Why a document could not be joined or read.
enum Stop {
    End(End),
    Problem(Problem),
}

impl From<End> for Stop {
    fn from(end: End) -> Self {
        Self::End(end)
    }
}

impl From<Problem> for Stop {
    fn from(problem: Problem) -> Self {
        Self::Problem(problem)
    }
}

fn about(doc: DocId, problem: Problem) -> Refusal {
    let ch = Some(Topic::Doc(doc).to_string());
    let (code, msg) = (problem.code, problem.detail);
    Refusal { code, msg, reference: None, ch, retry_ms: None }
}

fn unusable(doc: DocId, why: Malformed) -> Refusal {
    about(doc, Problem::new(ErrorCode::InvalidRequest, why.to_string()))
}

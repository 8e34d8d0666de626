//! What a client asks for: topics, mutations, presence.
//!
//! Deliberately not here: rights and the meaning of operations, which are the backend's.

use super::backend::Backend;
use super::connection::Connection;
use super::presence::{self, PeerId};
use super::socket::End;
use super::subscription::{Answered, Failure, Known, Subscription};
use grove_core_api::event::{Op, Topic, UnknownTopic};
use grove_core_api::realtime::presence::PresenceUpdate;
use grove_core_api::realtime::{ClientFrame, Identity, NackCode, ServerFrame};
use grove_core_api::{ErrorCode, limits};
use serde_json::error::Category;

/// Longest text about an unusable frame, which may quote it.
const ERROR_CHARS: usize = 200;

/// Why a frame could not be used.
#[derive(Debug)]
pub(super) struct Refusal {
    /// For programs.
    pub(super) code: ErrorCode,
    /// For people.
    pub(super) msg: String,
    /// The `sub` that it answers.
    pub(super) reference: Option<i64>,
    /// The topic, when it is about a binary frame.
    pub(super) ch: Option<String>,
    /// When to ask again, if that helps.
    pub(super) retry_ms: Option<u64>,
}

/// Reads a client's frame.
///
/// # Errors
/// Says whether it is no JSON at all or no frame of this protocol.
pub(super) fn read(text: &str) -> Result<ClientFrame, Refusal> {
    serde_json::from_str(text).map_err(|error| {
        let code = match error.classify() {
            Category::Syntax | Category::Eof => ErrorCode::InvalidJson,
            Category::Data | Category::Io => ErrorCode::InvalidRequest,
        };
        let msg = error.to_string().chars().take(ERROR_CHARS).collect();
        Refusal { code, msg, reference: None, ch: None, retry_ms: None }
    })
}

impl<B: Backend> Connection<B> {
    /// Joins a topic, or reads it anew (rules RT-03 and RT-12).
    pub(super) async fn on_sub(
        &mut self,
        id: i64,
        ch: &str,
        known: Option<Known>,
        wants_text: bool,
    ) -> Result<(), End> {
        let topic = match self.topic_of(ch) {
            Ok(topic) => topic,
            Err(error) => {
                let refusal = Refusal { reference: Some(id), ..unknown_topic(error) };
                return self.refuse(refusal).await;
            }
        };
        if let Topic::Doc(doc) = topic {
            return Box::pin(self.on_doc_sub(id, doc)).await;
        }
        match self.subscribe(id, topic, known, wants_text).await {
            Ok(Answered::Live) => Ok(()),
            Ok(Answered::Elsewhere) => {
                self.leave(topic);
                Ok(())
            }
            Err(Failure::End(end)) => Err(end),
            Err(Failure::Problem(problem)) => {
                // A topic that cannot be read is left, also when it was read before.
                self.leave(topic);
                let reference = Some(id);
                let (code, msg) = (problem.code, problem.detail);
                self.tell(Refusal { code, msg, reference, ch: None, retry_ms: None }).await
            }
            Err(Failure::Later(ms)) => {
                self.leave(topic);
                let (code, reference) = (ErrorCode::Unavailable, Some(id));
                let msg = "many come at once; ask again a little later".to_owned();
                self.tell(Refusal { code, msg, reference, ch: None, retry_ms: Some(ms) }).await
            }
        }
    }

    fn topic_of(&self, ch: &str) -> Result<Topic, UnknownTopic> {
        Topic::of_frame(ch, self.hub.backend().identity(&self.caller).user)
    }

    /// Leaves a topic, whatever waits for it.
    pub(super) fn leave(&mut self, topic: Topic) -> bool {
        if let Topic::Doc(doc) = topic {
            return self.docs.remove(&doc).is_some();
        }
        self.waiting_presence.remove(&topic);
        self.topics.remove(&topic).is_some()
    }

    async fn subscribe(
        &mut self,
        id: i64,
        topic: Topic,
        known: Option<Known>,
        wants_text: bool,
    ) -> Result<Answered, Failure> {
        let is_new = !self.topics.contains_key(&topic);
        if is_new && self.topics.len() + self.docs.len() >= limits::WS_TOPICS {
            let text = format!("at most {} topics on one connection", limits::WS_TOPICS);
            return Err(grove_core_api::Problem::new(ErrorCode::TooLarge, text).into());
        }
        let backend = self.hub.backend();
        backend.authorize(&self.caller, topic).await?;
        let user = backend.identity(&self.caller);
        let identity = Identity {
            user: user.user.to_string(),
            name: user.name,
            emoji: user.emoji,
            slot: user.slot,
            is_agent: false,
        };
        let takes_refetch = self.takes_refetch;
        let (hub, peer, bell): (_, PeerId, _) = (&self.hub, self.peer, &self.bell);
        let join = || Box::new(Subscription::join(hub, topic, peer, (bell, takes_refetch)));
        let subscription = self.topics.entry(topic).or_insert_with(join);
        subscription.want_text(wants_text);
        subscription.answer(hub, &mut self.socket, id, known, identity).await
    }

    /// Leaves a topic; leaving one that was not joined is nothing.
    pub(super) async fn on_unsub(&mut self, ch: &str) -> Result<(), End> {
        match self.topic_of(ch) {
            Ok(topic) => {
                self.leave(topic);
                Ok(())
            }
            Err(error) => self.refuse(unknown_topic(error)).await,
        }
    }

    /// Hands a mutation to the backend and answers `ack` or `nack` (rule RT-05).
    pub(super) async fn on_mut(&mut self, ch: &str, mid: String, ops: Vec<Op>) -> Result<(), End> {
        if mid.is_empty() || mid.len() > limits::MUTATION_ID_BYTES {
            let text = format!("`mid` has 1 to {} bytes", limits::MUTATION_ID_BYTES);
            return self.refuse(Refusal::invalid(text)).await;
        }
        let answer = match self.mutate(ch, mid.clone(), ops).await {
            Ok(seq) => ServerFrame::Ack { mid, seq },
            Err((code, msg)) => ServerFrame::Nack { mid, code, msg },
        };
        self.send(&answer).await
    }

    async fn mutate(
        &mut self,
        ch: &str,
        mid: String,
        ops: Vec<Op>,
    ) -> Result<i64, (NackCode, String)> {
        if !self.mutations.take(self.hub.clock().now_ms()) {
            return Err((NackCode::Rate, "too many changes at once; try again".to_owned()));
        }
        let topic = self.topic_of(ch).ok();
        let Some(Topic::Board(board)) = topic else {
            return Err((NackCode::Invalid, "only a board's objects can be changed here".into()));
        };
        if !self.topics.contains_key(&Topic::Board(board)) {
            return Err((NackCode::Forbidden, "subscribe to the board first".to_owned()));
        }
        if ops.is_empty() || ops.len() > limits::MUTATION_OPS {
            let text = format!("a mutation has 1 to {} operations", limits::MUTATION_OPS);
            return Err((NackCode::Invalid, text));
        }
        let backend = self.hub.backend();
        let result = backend.mutate(&self.caller, board, mid, ops).await;
        result.map_err(|error| (error.code, error.message))
    }

    /// Takes one's own presence; what is over the limits is dropped without a word (rule RT-14).
    pub(super) async fn on_pres(
        &mut self,
        ch: &str,
        update: PresenceUpdate,
        bytes: usize,
    ) -> Result<(), End> {
        let topic = match self.topic_of(ch) {
            Ok(topic) => topic,
            Err(error) => return self.refuse(unknown_topic(error)).await,
        };
        let is_board = matches!(topic, Topic::Board(_));
        let fits = bytes <= limits::PRESENCE_BYTES && presence::fits(&update);
        let Some(subscription) = self.topics.get(&topic).filter(|_| is_board && fits) else {
            return Ok(());
        };
        let now_ms = self.hub.clock().now_ms();
        if self.waiting_presence.is_empty() && self.presence.take(now_ms) {
            subscription.room().update_presence(self.peer, update);
        } else {
            presence::merge(self.waiting_presence.entry(topic).or_default(), update);
            self.flush_presence(now_ms);
        }
        Ok(())
    }

    /// Hands presence that waits to its rooms, as far as the rate allows; the rest waits on, and
    /// later values replace earlier ones, so that the last one always arrives.
    pub(super) fn flush_presence(&mut self, now_ms: u64) {
        while !self.waiting_presence.is_empty() && self.presence.take(now_ms) {
            let Some((topic, update)) = self.waiting_presence.pop_first() else { break };
            if let Some(subscription) = self.topics.get(&topic) {
                subscription.room().update_presence(self.peer, *update);
            }
        }
    }
}

fn unknown_topic(error: impl std::fmt::Display) -> Refusal {
    Refusal::invalid(error.to_string())
}

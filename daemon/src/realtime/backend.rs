//! What the rooms need from the rest of the daemon, as one trait.
//!
//! Deliberately not here: any knowledge of tables, transactions or rights.

use async_trait::async_trait;
use grove_core_api::event::{Event, Object, Op, Topic};
use grove_core_api::realtime::NackCode;
use grove_core_api::{BoardId, DocId, Problem, SessionId, UserId};
use std::collections::BTreeMap;

/// Who is connected, as others on a board see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserIdentity {
    /// The user.
    pub user: UserId,
    /// Name that others see.
    pub name: String,
    /// One emoji.
    pub emoji: String,
    /// Colour slot 0 to 11 that the user would like; a board gives it when nobody else has it.
    pub slot: u8,
}

/// An agent that works, and the object that it is at.
#[derive(Clone, Debug, PartialEq)]
pub struct AgentAt {
    /// Its session.
    pub session: SessionId,
    /// Its person, under the agent's own name.
    pub who: UserIdentity,
    /// The object.
    pub object: String,
    /// Where the object lies.
    pub pos: [f64; 2],
}

/// Where a topic's log stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    /// Identity of the log; another one means that numbers started anew.
    pub epoch: String,
    /// Newest event; 0 when there is none yet.
    pub seq: i64,
}

/// A topic's whole state, read in one transaction.
#[derive(Clone, Debug, PartialEq)]
pub struct Snapshot {
    /// Identity of the log.
    pub epoch: String,
    /// Newest event that the state holds.
    pub seq: i64,
    /// The objects by id.
    pub state: BTreeMap<String, Object>,
}

/// Why a mutation was not applied; nothing of it was stored.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("mutation refused: {message}")]
pub struct MutationError {
    /// Why, for programs.
    pub code: NackCode,
    /// Why, for people.
    pub message: String,
}

/// Where a document stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DocHead {
    /// Identity of its history.
    pub epoch: String,
    /// How many updates it has seen.
    pub seq: i64,
    /// What it has of each client's writing, in Yjs' encoding.
    pub state_vector: Vec<u8>,
}

/// An update of a document, from a client.
#[derive(Clone, Copy, Debug)]
pub struct DocUpdate<'a> {
    /// The history that the client has.
    pub epoch: &'a str,
    /// The connection; it does not get its own update back.
    pub origin: u64,
    /// The update, in Yjs' encoding.
    pub bytes: &'a [u8],
}

/// Why an update was not applied; nothing of it was stored.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UpdateRefused {
    /// It builds on something that never came; this is the document's state vector.
    #[error("the update builds on changes that are not here")]
    Lacks(Vec<u8>),
    /// Anything else.
    #[error("update refused: {}", .0.detail)]
    Problem(Problem),
}

/// What the rooms read and write; the daemon implements it over its services, which check rights.
///
/// Each method bounds its own time: a connection waits for the answer and reads nothing meanwhile.
#[async_trait]
pub trait Backend: Send + Sync + 'static {
    /// Who is connected.
    type Caller: Clone + Send + Sync + 'static;

    /// Another daemon changed rights: what was kept of them is worth nothing.
    fn rights_changed(&self) {}

    /// Returns the caller as others on a board see it.
    fn identity(&self, caller: &Self::Caller) -> UserIdentity;

    /// Checks that the caller may read the topic.
    ///
    /// # Errors
    /// `NotFound` when there is none that the caller may see, `Forbidden` where existence is public.
    async fn authorize(&self, caller: &Self::Caller, topic: Topic) -> Result<(), Problem>;

    /// Returns where the topic's log stands.
    ///
    /// # Errors
    /// `NotFound` when the topic is gone, `Unavailable` when the log cannot be read.
    async fn head(&self, topic: Topic) -> Result<Head, Problem>;

    /// Returns where the logs of several topics stand; a topic that is gone is left out.
    ///
    /// # Errors
    /// `Unavailable` when the logs cannot be read.
    async fn heads(&self, topics: &[Topic]) -> Result<Vec<(Topic, Head)>, Problem> {
        let mut heads = Vec::with_capacity(topics.len());
        for topic in topics {
            heads.push((*topic, self.head(*topic).await?));
        }
        Ok(heads)
    }

    /// Returns the topic's whole state.
    ///
    /// # Errors
    /// `NotFound` when the topic is gone, `Unavailable` when it cannot be read.
    async fn snapshot(&self, topic: Topic) -> Result<Snapshot, Problem>;

    /// Returns at most `limit` events after `seq`, in order and without holes.
    ///
    /// # Errors
    /// `NotFound` when the topic is gone, `Unavailable` when the log cannot be read.
    async fn events_after(&self, topic: Topic, seq: i64, limit: u64)
    -> Result<Vec<Event>, Problem>;

    /// Applies a mutation, all or nothing, and returns the number of its event.
    ///
    /// The same `mid` again returns the number of the first time (rule RT-02). The event is
    /// published to the hub after the commit.
    ///
    /// # Errors
    /// Says why nothing was applied.
    async fn mutate(
        &self,
        caller: &Self::Caller,
        board: BoardId,
        mid: String,
        ops: Vec<Op>,
    ) -> Result<i64, MutationError>;

    /// The agents of this daemon that work on a board now, each at its card; a bounded number.
    async fn agents(&self, _board: BoardId) -> Vec<AgentAt> {
        Vec::new()
    }

    /// The documents that are in memory, which another daemon's word of a change concerns.
    fn held_docs(&self) -> Vec<DocId> {
        Vec::new()
    }

    /// Reads on in a document that another daemon changed, if it is in memory, and publishes what is new.
    async fn doc_changed(&self, _doc: DocId) {}

    /// Checks that the caller may read a document, makes it if need be, and says where it stands.
    ///
    /// # Errors
    /// As [`Backend::authorize`].
    async fn open_doc(&self, caller: &Self::Caller, doc: DocId) -> Result<DocHead, Problem>;

    /// Returns what somebody with a state vector lacks of a document, as an update.
    ///
    /// # Errors
    /// `Gone` when the document is not of that epoch any more.
    async fn doc_diff(
        &self,
        caller: &Self::Caller,
        doc: DocId,
        epoch: &str,
        state_vector: &[u8],
    ) -> Result<Vec<u8>, Problem>;

    /// Applies an update, stores it, then publishes it with [`super::Hub::publish_update`].
    ///
    /// # Errors
    /// Says why nothing was applied.
    async fn update_doc(
        &self,
        caller: &Self::Caller,
        doc: DocId,
        update: DocUpdate<'_>,
    ) -> Result<(), UpdateRefused>;
}

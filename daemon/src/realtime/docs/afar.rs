//! Documents and the other daemons: what they changed is read from the database, carets are told.
//!
//! A word of a change carries nothing: an update is stored before anybody hears of it, and who reads
//! on gets everything in order, however many words were lost. Deliberately not here: the reading,
//! which is the backend's.

use super::room::DocRoom;
use crate::bus::{Message, NodeId};
use crate::realtime::backend::Backend;
use crate::realtime::hub::Hub;
use crate::realtime::live::locked;
use crate::realtime::presence::PeerId;
use grove_core_api::{DocId, UserId};
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use tokio::sync::Notify;

/// Documents in memory that other daemons changed, each once however often it was changed.
#[derive(Debug, Default)]
pub(in crate::realtime) struct ChangedDocs {
    docs: Mutex<BTreeSet<DocId>>,
    bell: Notify,
}

impl ChangedDocs {
    /// Notes documents that have to be read on.
    pub(in crate::realtime) fn note(&self, docs: impl IntoIterator<Item = DocId>) {
        locked(&self.docs).extend(docs);
        self.bell.notify_one();
    }
}

/// Reads on in documents that other daemons changed, until this one ends.
pub(in crate::realtime) async fn read_changed<B: Backend>(hub: Arc<Hub<B>>) {
    loop {
        tokio::select! {
            () = hub.changed_docs.bell.notified() => {}
            () = hub.shutdown().cancelled() => return,
        }
        let docs = std::mem::take(&mut *locked(&hub.changed_docs.docs));
        for doc in docs {
            hub.backend().doc_changed(doc).await;
        }
    }
}

impl<B: Backend> Hub<B> {
    /// Tells other daemons that a document was changed or is gone; call it after the commit.
    pub fn tell_doc(&self, doc: DocId) {
        if self.bus().is_shared() {
            self.bus().publish(Message::Doc { doc });
        }
    }
}

impl DocRoom {
    /// Takes what a client that is connected to another daemon tells of itself.
    pub(in crate::realtime) fn hear(
        &self,
        origin: PeerId,
        user: UserId,
        client: u64,
        state: Option<String>,
    ) {
        self.change_awareness(|awareness| match state {
            Some(state) => awareness.hear((origin.0, user), client, state),
            None => awareness.leave(origin.0),
        });
    }

    /// Takes the carets of another daemon's clients away.
    pub(in crate::realtime) fn forget_node(&self, node: NodeId) {
        self.change_awareness(|awareness| {
            awareness.leave_where(|origin| PeerId(origin).node() == node)
        });
    }
}

//! Rights that end while a connection is open: a note to it that it leaves a topic.

use super::bell::Bell;
use super::live::locked;
use grove_core_api::event::Topic;
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

/// Topics that one connection has to leave, and its bell. Bounded by the topics that there are to
/// leave: those of the connection, at most `WS_TOPICS`, and those that it asked for in vain.
#[derive(Debug, Default)]
pub(super) struct Revoked {
    topics: Mutex<BTreeSet<Topic>>,
    /// Whether the rights on all topics of the connection have to be asked for again.
    recheck: AtomicBool,
    bell: Arc<Bell>,
}

impl Revoked {
    /// Returns the connection's bell.
    pub(super) fn bell(&self) -> Arc<Bell> {
        Arc::clone(&self.bell)
    }

    /// Notes that a topic has to be left, and wakes the connection.
    pub(super) fn note(&self, topic: Topic) {
        locked(&self.topics).insert(topic);
        self.bell.ring();
    }

    /// Notes that rights were changed, and wakes the connection.
    pub(super) fn recheck(&self) {
        self.recheck.store(true, Ordering::Release);
        self.bell.ring();
    }

    /// Returns whether rights were changed, once per change.
    pub(super) fn take_recheck(&self) -> bool {
        self.recheck.swap(false, Ordering::AcqRel)
    }

    /// Takes what was noted.
    pub(super) fn take(&self) -> BTreeSet<Topic> {
        std::mem::take(&mut locked(&self.topics))
    }
}

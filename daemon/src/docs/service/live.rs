//! Documents in memory: which are open, and whose notes have to follow.
//!
//! A document is loaded when it is first used and let go when nobody has it open and nobody has used
//! it for a while; with too many of them the next one waits for that. Deliberately not here: what is
//! done with them (`service`).

use crate::context::Actor;
use crate::docs::store::Stored;
use crate::error::Error;
use grove_core_api::rest::docs::DocKind;
use grove_core_api::{BoardId, DocId, ErrorCode, limits};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::Instant;

/// A document in memory, with what it belongs to.
pub(crate) struct Open {
    pub(crate) kind: DocKind,
    /// The board whose rights hold for it.
    pub(crate) board: BoardId,
    /// Bytes that the text may have.
    pub(crate) most_bytes: usize,
    pub(crate) stored: Stored,
}

/// Place of one document; empty until it is loaded, and again when its copy cannot be trusted.
pub(crate) type Place = Arc<tokio::sync::Mutex<Option<Open>>>;

struct Held {
    place: Place,
    used_at: Instant,
}

/// A note whose text has to follow its document.
#[derive(Clone, Copy, Debug)]
struct Behind {
    first_at: Instant,
    last_at: Instant,
    actor: Actor,
}

impl Behind {
    fn due_at(&self) -> Instant {
        let settled = self.last_at + Duration::from_millis(limits::DOC_FOLLOW_MS);
        settled.min(self.first_at + Duration::from_millis(limits::DOC_FOLLOW_MAX_MS))
    }
}

/// All documents in memory.
#[derive(Default)]
pub(crate) struct Docs {
    open: Mutex<HashMap<DocId, Held>>,
    behind: Mutex<HashMap<DocId, Behind>>,
    bell: Notify,
}

impl Docs {
    /// The place of a document, for use right now; `is_watched` says which are open in a window.
    ///
    /// # Errors
    /// `Unavailable` when too many are in use.
    pub(crate) fn hold(
        &self,
        id: DocId,
        is_watched: impl Fn(DocId) -> bool,
    ) -> Result<Place, Error> {
        let now = Instant::now();
        let mut open = locked(&self.open);
        if let Some(held) = open.get_mut(&id) {
            held.used_at = now;
            return Ok(Arc::clone(&held.place));
        }
        if open.len() >= limits::DOCS_OPEN {
            open.retain(|it, held| Arc::strong_count(&held.place) > 1 || is_watched(*it));
        }
        if open.len() >= limits::DOCS_OPEN {
            let detail = format!("{} documents are open already", limits::DOCS_OPEN);
            return Err(Error::new(ErrorCode::Unavailable, detail).hint("close some, or wait"));
        }
        let place = Place::default();
        open.insert(id, Held { place: Arc::clone(&place), used_at: now });
        Ok(place)
    }

    /// The place of a document that is in memory.
    pub(crate) fn held(&self, id: DocId) -> Option<Place> {
        locked(&self.open).get(&id).map(|held| Arc::clone(&held.place))
    }

    /// The documents that are in memory, at most `DOCS_OPEN`.
    pub(crate) fn held_ids(&self) -> Vec<DocId> {
        locked(&self.open).keys().copied().collect()
    }

    /// Lets go what nobody has used for a while.
    pub(crate) fn drop_idle(&self, is_watched: impl Fn(DocId) -> bool) {
        let idle = Duration::from_millis(limits::DOC_IDLE_MS);
        locked(&self.open).retain(|id, held| {
            let is_used = Arc::strong_count(&held.place) > 1 || is_watched(*id);
            is_used || held.used_at.elapsed() < idle
        });
    }

    /// Notes that a note's text has to follow; `actor` is who wrote.
    pub(crate) fn note_behind(&self, id: DocId, actor: Actor) {
        let now = Instant::now();
        let mut behind = locked(&self.behind);
        let first_at = behind.get(&id).map_or(now, |it| it.first_at);
        behind.insert(id, Behind { first_at, last_at: now, actor });
        drop(behind);
        self.bell.notify_one();
    }

    /// Waits until something has changed or becomes due.
    pub(crate) async fn until_due(&self) {
        let next = locked(&self.behind).values().map(Behind::due_at).min();
        let due = async {
            match next {
                Some(at) => tokio::time::sleep_until(at).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = due => {}
            () = self.bell.notified() => {}
        }
    }

    /// Takes the documents whose notes have to follow now; all of them when Grove ends.
    pub(crate) fn take_due(&self, is_ending: bool) -> Vec<(DocId, Actor)> {
        let now = Instant::now();
        let mut behind = locked(&self.behind);
        let due = |it: &Behind| is_ending || it.due_at() <= now;
        let taken: Vec<_> =
            behind.iter().filter(|(_, it)| due(it)).map(|(id, it)| (*id, it.actor)).collect();
        behind.retain(|_, it| !due(it));
        taken
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Each change under these locks is one step, so a panic elsewhere leaves nothing half done.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

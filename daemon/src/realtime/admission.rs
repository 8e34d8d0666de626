//! How many joins are served at once and in a second, so that a storm of them is an orderly queue.
//!
//! A client that resumes from the ring costs nothing and is always let in. Who needs a whole state, or
//! the log, is one of a bounded number that read at once; whole states are also bounded per second, and
//! who comes too early is told when to come back: the later, the more were told so before it. What is
//! sent to a slow peer holds no place. Deliberately not here: who may read what.

use super::live::locked;
use super::rate::Bucket;
use grove_core_api::limits;
use std::sync::Mutex;
use tokio::sync::{Semaphore, SemaphorePermit};

/// Who was sent away lately.
#[derive(Debug)]
struct Queue {
    bucket: Bucket,
    /// Clients that were told to come back and for whom there was no room since.
    waiting: u64,
}

impl Queue {
    fn new(now_ms: u64) -> Self {
        let (per_sec, burst) = (limits::SNAPSHOTS_PER_SEC, limits::SNAPSHOTS_BURST);
        Self { bucket: Bucket::new(per_sec, burst, now_ms), waiting: 0 }
    }

    /// Lets one in.
    ///
    /// # Errors
    /// After how many milliseconds to ask again.
    fn admit(&mut self, now_ms: u64) -> Result<(), u64> {
        if self.bucket.take(now_ms) {
            self.waiting = self.waiting.saturating_sub(1);
            return Ok(());
        }
        self.waiting += 1;
        let turn_ms = self.waiting * 1_000 / u64::from(limits::SNAPSHOTS_PER_SEC);
        Err((limits::RETRY_MIN_MS + turn_ms).min(limits::RETRY_MAX_MS))
    }
}

/// The door to what a join reads.
#[derive(Debug)]
pub(super) struct Admission {
    queue: Mutex<Queue>,
    places: Semaphore,
}

impl Admission {
    /// Makes a door that is open.
    pub(super) fn new(now_ms: u64) -> Self {
        let places = Semaphore::new(limits::JOINS_AT_ONCE);
        Self { queue: Mutex::new(Queue::new(now_ms)), places }
    }

    /// Lets a whole state be read that somebody asked for.
    ///
    /// # Errors
    /// After how many milliseconds to ask again.
    pub(super) fn admit(&self, now_ms: u64) -> Result<(), u64> {
        locked(&self.queue).admit(now_ms)
    }

    /// Waits for a place to read in; at most one connection waits for each client. `None` never comes
    /// while the daemon lives.
    ///
    /// # Cancel safety
    /// Cancel safe.
    pub(super) async fn place(&self) -> Option<SemaphorePermit<'_>> {
        self.places.acquire().await.ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rt29_who_comes_too_early_is_told_when_and_the_later_the_more_are_waiting() {
        let mut queue = Queue::new(0);
        let burst = limits::SNAPSHOTS_BURST;
        assert!((0..burst).all(|_| queue.admit(0).is_ok()));
        let hints: Vec<u64> = (0..10_000).filter_map(|_| queue.admit(0).err()).collect();
        assert_eq!(hints.len(), 10_000);
        assert!(hints.is_sorted(), "nobody overtakes");
        assert!(hints[0] >= limits::RETRY_MIN_MS);
        assert_eq!(hints.last(), Some(&limits::RETRY_MAX_MS), "and nobody waits without a bound");
        let second = limits::SNAPSHOTS_PER_SEC as usize;
        assert_eq!(hints[second] - hints[0], 1_000, "as many are called back as can be served");
    }

    #[test]
    fn rt29_when_the_storm_is_over_there_is_room_at_once() {
        let mut queue = Queue::new(0);
        let storm = limits::SNAPSHOTS_BURST + 50;
        assert_eq!((0..storm).filter(|_| queue.admit(0).is_err()).count(), 50);
        assert!((0..50).all(|_| queue.admit(60_000).is_ok()));
        assert_eq!(queue.waiting, 0);
    }
}

//! The bounded queues in front of the socket: requests and answers first; then notifications and the
//! bytes of tunnels, in turns.
//!
//! Some lines take no slot, because whoever sends them cannot wait: cancellations (at most one for
//! each request that was sent), and of each tunnel its credits (at most as many as there are windows
//! on their way) and its last word.

use grove_core_api::limits;
use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use tokio::sync::{Notify, Semaphore};

/// Bytes that are handed to the socket with one write, unless a single line is longer.
const BATCH_BYTES: usize = 64 * 1024;

/// Which queue a line waits in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lane {
    /// Requests and answers.
    Urgent,
    /// Notifications.
    Bulk,
    /// Bytes of tunnels.
    Stream,
}

struct Entry {
    line: String,
    holds_slot: bool,
}

#[derive(Default)]
struct Queues {
    urgent: VecDeque<Entry>,
    bulk: VecDeque<Entry>,
    stream: VecDeque<Entry>,
    /// Whose turn it is when both wait.
    is_streams_turn: bool,
    is_closing: bool,
}

impl Queues {
    fn next(&mut self) -> Option<(Entry, Lane)> {
        if let Some(entry) = self.urgent.pop_front() {
            return Some((entry, Lane::Urgent));
        }
        self.is_streams_turn = !self.is_streams_turn;
        let bulk = |it: &mut Self| it.bulk.pop_front().map(|entry| (entry, Lane::Bulk));
        let stream = |it: &mut Self| it.stream.pop_front().map(|entry| (entry, Lane::Stream));
        if self.is_streams_turn {
            return stream(self).or_else(|| bulk(self));
        }
        bulk(self).or_else(|| stream(self))
    }
}

/// Lines on their way out.
pub(crate) struct Outbox {
    queues: Mutex<Queues>,
    urgent_slots: Semaphore,
    bulk_slots: Semaphore,
    stream_slots: Semaphore,
    wake: Notify,
}

/// The outbox takes no more lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Shut;

impl Outbox {
    pub(crate) fn new(lines: usize) -> Self {
        Self {
            queues: Mutex::default(),
            urgent_slots: Semaphore::new(lines),
            bulk_slots: Semaphore::new(lines),
            stream_slots: Semaphore::new(lines.min(limits::TUNNEL_LINES)),
            wake: Notify::new(),
        }
    }

    fn queues(&self) -> MutexGuard<'_, Queues> {
        // A poisoned lock still guards whole entries: no code panics between two changes.
        self.queues.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn slots(&self, lane: Lane) -> &Semaphore {
        match lane {
            Lane::Urgent => &self.urgent_slots,
            Lane::Bulk => &self.bulk_slots,
            Lane::Stream => &self.stream_slots,
        }
    }

    /// Waits for a slot and queues the line (without newline).
    ///
    /// # Cancel safety
    /// Either the line is queued or it is not.
    pub(crate) async fn push(&self, lane: Lane, line: String) -> Result<(), Shut> {
        let Ok(slot) = self.slots(lane).acquire().await else { return Err(Shut) };
        slot.forget();
        self.enqueue(lane, Entry { line, holds_slot: true })
    }

    /// Queues a line that takes no slot, after all urgent lines that wait already.
    pub(crate) fn push_without_slot(&self, line: String) -> Result<(), Shut> {
        self.enqueue(Lane::Urgent, Entry { line, holds_slot: false })
    }

    fn enqueue(&self, lane: Lane, entry: Entry) -> Result<(), Shut> {
        let mut queues = self.queues();
        if queues.is_closing {
            return Err(Shut);
        }
        match lane {
            Lane::Urgent => queues.urgent.push_back(entry),
            Lane::Bulk => queues.bulk.push_back(entry),
            Lane::Stream => queues.stream.push_back(entry),
        }
        drop(queues);
        self.wake.notify_one();
        Ok(())
    }

    /// Takes no more lines; what waits can still be taken out.
    pub(crate) fn close(&self) {
        self.queues().is_closing = true;
        self.urgent_slots.close();
        self.bulk_slots.close();
        self.stream_slots.close();
        self.wake.notify_one();
    }

    /// Waits for lines and moves a batch into `buffer`; `false` when closed and empty.
    ///
    /// # Cancel safety
    /// Cancel safe: lines leave the queue only when the call returns.
    pub(crate) async fn take(&self, buffer: &mut Vec<u8>) -> bool {
        loop {
            let woken = self.wake.notified();
            let is_closing = self.drain(buffer);
            if !buffer.is_empty() {
                return true;
            }
            if is_closing {
                return false;
            }
            woken.await;
        }
    }

    fn drain(&self, buffer: &mut Vec<u8>) -> bool {
        let mut queues = self.queues();
        while buffer.len() < BATCH_BYTES {
            let Some((entry, lane)) = queues.next() else { break };
            buffer.extend_from_slice(entry.line.as_bytes());
            buffer.push(b'\n');
            if entry.holds_slot {
                self.slots(lane).add_permits(1);
            }
        }
        queues.is_closing
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::Future;
    use std::pin::pin;
    use std::task::{Context, Poll, Waker};

    #[tokio::test]
    async fn ipc05_requests_and_answers_overtake_notifications() {
        let outbox = Outbox::new(4);
        outbox.push(Lane::Bulk, "event".into()).await.expect("open");
        outbox.push(Lane::Urgent, "answer".into()).await.expect("open");
        let mut buffer = Vec::new();
        assert!(outbox.take(&mut buffer).await);
        assert_eq!(buffer, b"answer\nevent\n");
    }

    #[tokio::test]
    async fn ipc05_notifications_and_tunnels_take_turns() {
        let outbox = Outbox::new(4);
        for line in ["event 1", "event 2", "event 3"] {
            outbox.push(Lane::Bulk, line.into()).await.expect("open");
        }
        for line in ["bytes 1", "bytes 2"] {
            outbox.push(Lane::Stream, line.into()).await.expect("open");
        }
        let mut buffer = Vec::new();
        assert!(outbox.take(&mut buffer).await);
        assert_eq!(buffer, b"bytes 1\nevent 1\nbytes 2\nevent 2\nevent 3\n");
    }

    #[tokio::test]
    async fn ipc06_a_full_queue_makes_the_sender_wait() {
        let outbox = Outbox::new(1);
        outbox.push(Lane::Bulk, "1".into()).await.expect("open");
        let mut context = Context::from_waker(Waker::noop());
        let mut second = pin!(outbox.push(Lane::Bulk, "2".into()));
        assert_eq!(second.as_mut().poll(&mut context), Poll::Pending);
        let mut buffer = Vec::new();
        assert!(outbox.take(&mut buffer).await);
        assert_eq!(second.as_mut().poll(&mut context), Poll::Ready(Ok(())));
    }

    #[tokio::test]
    async fn a_closed_outbox_gives_out_what_it_has_and_takes_nothing() {
        let outbox = Outbox::new(1);
        outbox.push(Lane::Urgent, "last".into()).await.expect("open");
        outbox.close();
        assert_eq!(outbox.push(Lane::Urgent, "late".into()).await, Err(Shut));
        let mut buffer = Vec::new();
        assert!(outbox.take(&mut buffer).await);
        assert_eq!(buffer, b"last\n");
        buffer.clear();
        assert!(!outbox.take(&mut buffer).await);
    }
}

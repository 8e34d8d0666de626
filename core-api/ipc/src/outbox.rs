//! The two bounded queues in front of the socket: requests and answers first, notifications after.
//!
//! Cancellations take no slot: there is at most one for each request that was sent, and a caller that
//! is being dropped cannot wait.

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
}

struct Entry {
    line: String,
    holds_slot: bool,
}

#[derive(Default)]
struct Queues {
    urgent: VecDeque<Entry>,
    bulk: VecDeque<Entry>,
    is_closing: bool,
}

/// Lines on their way out.
pub(crate) struct Outbox {
    queues: Mutex<Queues>,
    urgent_slots: Semaphore,
    bulk_slots: Semaphore,
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
            let (entry, lane) = match queues.urgent.pop_front() {
                Some(entry) => (Some(entry), Lane::Urgent),
                None => (queues.bulk.pop_front(), Lane::Bulk),
            };
            let Some(entry) = entry else { break };
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

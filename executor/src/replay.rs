//! The events that the daemon has not acknowledged yet (rules IPC-16 to IPC-18).

use grove_core_api::agent::AgentEvent;
use grove_core_api::ipc::method::SessionEvent;
use grove_core_api::{TaskId, limits};
use grove_ipc::{CallError, Peer};
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::Notify;

struct Kept {
    seq: u64,
    line: Arc<str>,
}

#[derive(Default)]
struct State {
    kept: VecDeque<Kept>,
    bytes: usize,
    newest_seq: u64,
}

/// Events in order, bounded in bytes.
pub(crate) struct Replay {
    state: Mutex<State>,
    limit_bytes: usize,
    added: Notify,
    freed: Notify,
}

impl Replay {
    /// Makes a buffer of `limits::REPLAY_BYTES`.
    pub(crate) fn new() -> Self {
        Self::of(limits::REPLAY_BYTES)
    }

    fn of(limit_bytes: usize) -> Self {
        let state = Mutex::default();
        Self { state, limit_bytes, added: Notify::new(), freed: Notify::new() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // The state is whole after each statement, so a poisoned lock can be used.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Newest event that was made.
    pub(crate) fn newest_seq(&self) -> u64 {
        self.state().newest_seq
    }

    /// Whether everything has been acknowledged.
    pub(crate) fn is_empty(&self) -> bool {
        self.state().kept.is_empty()
    }

    /// Waits until something has been acknowledged.
    ///
    /// # Cancel safety
    /// Cancel safe.
    pub(crate) async fn freed(&self) {
        self.freed.notified().await;
    }

    /// Adds an event; waits while the buffer is full.
    ///
    /// # Cancel safety
    /// Either the event is added or it is not.
    pub(crate) async fn push(&self, task_id: TaskId, event: AgentEvent) -> Result<(), CallError> {
        let mut event = SessionEvent { seq: 0, task_id, event };
        // The number is not known before there is room, but its digits hardly change the size.
        let size = Peer::notification_line(&event)?.len();
        loop {
            let freed = self.freed.notified();
            tokio::pin!(freed);
            freed.as_mut().enable();
            if let Some(added) = self.add(&mut event, size) {
                return added;
            }
            freed.await;
        }
    }

    fn add(&self, event: &mut SessionEvent, size: usize) -> Option<Result<(), CallError>> {
        let mut state = self.state();
        if !state.kept.is_empty() && state.bytes + size > self.limit_bytes {
            return None;
        }
        event.seq = state.newest_seq + 1;
        let line = match Peer::notification_line(event) {
            Ok(line) => line,
            Err(error) => return Some(Err(error)),
        };
        state.newest_seq = event.seq;
        state.bytes += line.len();
        state.kept.push_back(Kept { seq: event.seq, line: line.into() });
        drop(state);
        self.added.notify_waiters();
        Some(Ok(()))
    }

    /// Forgets everything up to `seq`.
    pub(crate) fn acknowledge(&self, seq: u64) {
        let mut state = self.state();
        while state.kept.front().is_some_and(|kept| kept.seq <= seq) {
            let length = state.kept.pop_front().map_or(0, |kept| kept.line.len());
            state.bytes -= length;
        }
        drop(state);
        self.freed.notify_waiters();
    }

    fn after(&self, seq: u64) -> Option<(u64, Arc<str>)> {
        let state = self.state();
        let first = state.kept.front()?.seq;
        // Numbers have no gaps, so the place follows from the number.
        let place = usize::try_from((seq + 1).saturating_sub(first)).ok()?;
        state.kept.get(place).map(|kept| (kept.seq, Arc::clone(&kept.line)))
    }

    /// Sends everything after `seq`, and then whatever is added, until the connection ends.
    pub(crate) async fn send_after(&self, mut seq: u64, peer: &Peer) {
        loop {
            let added = self.added.notified();
            tokio::pin!(added);
            added.as_mut().enable();
            while let Some((next, line)) = self.after(seq) {
                if let Err(error) = peer.notify_line::<SessionEvent>(line.as_ref().to_owned()).await
                {
                    tracing::debug!(%error, "events wait for the next connection");
                    return;
                }
                seq = next;
            }
            tokio::select! {
                () = added => {}
                () = peer.closed() => return,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::Future;
    use std::pin::pin;
    use std::task::{Context, Poll, Waker};

    fn task() -> TaskId {
        TaskId(uuid::Uuid::nil())
    }

    fn delta(text: &str) -> AgentEvent {
        AgentEvent::TextDelta { block: 0, offset: 0, text: text.to_owned() }
    }

    #[tokio::test]
    async fn ipc17_what_is_not_acknowledged_can_be_sent_again() {
        let replay = Replay::new();
        for text in ["a", "b", "c"] {
            replay.push(task(), delta(text)).await.expect("added");
        }
        replay.acknowledge(1);
        assert_eq!(replay.after(0).map(|it| it.0), Some(2));
        assert_eq!(replay.after(2).map(|it| it.0), Some(3));
        assert_eq!(replay.after(3).map(|it| it.0), None);
        assert_eq!(replay.newest_seq(), 3);
        replay.acknowledge(9);
        assert!(replay.is_empty());
    }

    #[tokio::test]
    async fn ipc18_a_full_buffer_makes_the_agent_wait_and_loses_nothing() {
        let replay = Replay::of(400);
        let mut context = Context::from_waker(Waker::noop());
        replay.push(task(), delta(&"x".repeat(300))).await.expect("added");
        let mut second = pin!(replay.push(task(), delta("y")));
        assert!(second.as_mut().poll(&mut context).is_pending());
        replay.acknowledge(1);
        assert_eq!(second.as_mut().poll(&mut context), Poll::Ready(Ok(())));
        assert_eq!(replay.after(1).map(|it| it.0), Some(2));
    }
}

//! How rooms wake a connection: a flag of each topic, and one bell for all of them.
//!
//! A bell has one listener, and a room of hundreds rings as many bells with each tick; that is why it
//! is this and no general channel. Deliberately not here: what there is to read (`live`).

use futures_util::task::AtomicWaker;
use std::future::poll_fn;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Poll;

/// A bell that one task listens to.
#[derive(Debug, Default)]
pub(super) struct Bell {
    is_rung: AtomicBool,
    listener: AtomicWaker,
}

impl Bell {
    /// Rings, unless it was rung since the listener last heard it.
    pub(super) fn ring(&self) {
        if !self.is_rung.swap(true, Ordering::AcqRel) {
            self.listener.wake();
        }
    }

    /// Waits until it was rung since the last time.
    ///
    /// # Cancel safety
    /// Cancel safe: a ring that nobody heard stays.
    pub(super) async fn rung(&self) {
        poll_fn(|context| {
            if self.is_rung.swap(false, Ordering::AcqRel) {
                return Poll::Ready(());
            }
            self.listener.register(context.waker());
            // It may have been rung before the listener was known.
            if self.is_rung.swap(false, Ordering::AcqRel) { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
    }
}

/// How a room wakes one connection: a flag of the topic, and the connection's own bell.
#[derive(Debug)]
pub(super) struct Wake {
    is_dirty: AtomicBool,
    is_textless: AtomicBool,
    bell: Arc<Bell>,
}

impl Wake {
    /// Makes a flag that rings `bell`.
    pub(super) fn new(bell: Arc<Bell>) -> Self {
        Self { is_dirty: AtomicBool::new(false), is_textless: AtomicBool::new(false), bell }
    }

    /// Notes that there is something new.
    pub(super) fn raise(&self) {
        if !self.is_dirty.swap(true, Ordering::AcqRel) {
            self.bell.ring();
        }
    }

    /// Notes that there is new streamed text, unless the reader wants none (rule RT-10).
    pub(super) fn raise_for_text(&self) {
        if !self.is_textless.load(Ordering::Relaxed) {
            self.raise();
        }
    }

    /// Says whether the reader wants streamed text.
    pub(super) fn want_text(&self, is_wanted: bool) {
        self.is_textless.store(!is_wanted, Ordering::Relaxed);
    }

    /// Returns whether there may be something new, once per change.
    pub(super) fn lower(&self) -> bool {
        self.is_dirty.swap(false, Ordering::AcqRel)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt;

    #[test]
    fn a_ring_is_heard_once_also_when_nobody_listened_yet() {
        let bell = Bell::default();
        assert_eq!(bell.rung().now_or_never(), None);
        bell.ring();
        bell.ring();
        assert_eq!(bell.rung().now_or_never(), Some(()));
        assert_eq!(bell.rung().now_or_never(), None);
    }

    #[tokio::test]
    async fn whoever_listens_is_woken() {
        let bell = Arc::new(Bell::default());
        let wake = Wake::new(Arc::clone(&bell));
        tokio::join!(bell.rung(), async { wake.raise() });
        assert!(wake.lower());
        assert!(!wake.lower());
        wake.raise();
        bell.rung().await;
    }
}

//! So many of something in a minute, and no more until the next one begins.

use std::time::Duration;
use tokio::time::Instant;

const MINUTE: Duration = Duration::from_secs(60);

/// What is left of this minute.
#[derive(Debug)]
pub(super) struct Budget {
    most: u32,
    left: u32,
    since: Instant,
}

impl Budget {
    pub(super) fn new(most: u32) -> Self {
        Self { most, left: most, since: Instant::now() }
    }

    /// Takes one; false when none is left until [`Self::renewed_at`].
    pub(super) fn take(&mut self) -> bool {
        if Instant::now() >= self.renewed_at() {
            *self = Self::new(self.most);
        }
        let has_one = self.left > 0;
        self.left = self.left.saturating_sub(1);
        has_one
    }

    /// When all are there again.
    pub(super) fn renewed_at(&self) -> Instant {
        self.since + MINUTE
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn what_is_used_up_is_there_again_after_a_minute() {
        let mut budget = Budget::new(2);
        assert_eq!([budget.take(), budget.take(), budget.take()], [true, true, false]);
        tokio::time::advance(MINUTE - Duration::from_millis(1)).await;
        assert!(!budget.take());
        tokio::time::advance(Duration::from_millis(1)).await;
        assert_eq!([budget.take(), budget.take(), budget.take()], [true, true, false]);
    }
}

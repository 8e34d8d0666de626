//! When a room's changes go out: the first at once, the rest together once per tick.
//!
//! Pure; the time is a parameter, in milliseconds of the hub's own clock.

/// What to do after a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Due {
    /// Send now.
    Now,
    /// Send when the tick comes; it is scheduled, see [`Gate::deadline`].
    Later,
}

/// Lets one sending through per interval, the first of a quiet time at once (rule RT-13).
#[derive(Debug)]
pub(super) struct Gate {
    interval_ms: u64,
    open_from_ms: u64,
    is_waiting: bool,
}

impl Gate {
    /// Makes a gate that was quiet until now.
    pub(super) fn new(interval_ms: u64) -> Self {
        Self { interval_ms, open_from_ms: 0, is_waiting: false }
    }

    /// Notes a change at `now_ms`.
    pub(super) fn changed(&mut self, now_ms: u64) -> Due {
        if now_ms >= self.open_from_ms {
            self.pass(now_ms);
            return Due::Now;
        }
        self.is_waiting = true;
        Due::Later
    }

    /// Returns when the waiting changes go out; `None` when nothing waits.
    pub(super) fn deadline(&self) -> Option<u64> {
        self.is_waiting.then_some(self.open_from_ms)
    }

    /// Returns whether the waiting changes go out now.
    pub(super) fn fire(&mut self, now_ms: u64) -> bool {
        let is_due = self.deadline().is_some_and(|at| at <= now_ms);
        if is_due {
            self.pass(now_ms);
        }
        is_due
    }

    fn pass(&mut self, now_ms: u64) {
        self.open_from_ms = now_ms + self.interval_ms;
        self.is_waiting = false;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rt13_first_change_goes_at_once_and_the_rest_once_per_tick() {
        let mut gate = Gate::new(33);
        assert_eq!(gate.changed(1_000), Due::Now);
        assert_eq!(gate.changed(1_001), Due::Later);
        assert_eq!(gate.changed(1_020), Due::Later);
        assert_eq!(gate.deadline(), Some(1_033));
        assert!(!gate.fire(1_032));
        assert!(gate.fire(1_033));
        assert_eq!(gate.deadline(), None);
        assert_eq!(gate.changed(1_040), Due::Later, "a tick was sent at 1,033");
        assert!(gate.fire(1_070));
        assert_eq!(gate.changed(1_200), Due::Now, "quiet since 1,070");
    }
}

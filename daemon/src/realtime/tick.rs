//! When a room's changes go out: the first at once, the rest together once per tick.
//!
//! A tick is as long as the room is crowded: among few, smooth pointers cost next to nothing; among many,
//! each tick is a write to each of them. Pure; the time is a parameter, in milliseconds of the hub's own
//! clock.

use grove_core_api::limits;

/// What to do after a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Due {
    /// Send now.
    Now,
    /// Send when the tick comes; it is scheduled, see [`Gate::deadline`].
    Later,
}

/// Returns the interval of a board with so many readers (rule RT-13).
pub(super) fn board_interval_ms(readers: usize) -> u64 {
    let (few, many) = (limits::ROOM_FEW, limits::ROOM_MANY);
    let (shortest, longest) = (limits::ROOM_TICK_MIN_MS, limits::ROOM_TICK_MS);
    let above = u64::try_from(readers.clamp(few, many) - few).unwrap_or(u64::MAX);
    let range = u64::try_from(many - few).unwrap_or(u64::MAX);
    shortest + (longest - shortest) * above / range
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

    /// Changes the interval, from the next sending on.
    pub(super) fn set_interval(&mut self, interval_ms: u64) {
        self.interval_ms = interval_ms;
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
    fn rt13_the_tick_is_as_long_as_the_board_is_crowded() {
        let intervals: Vec<u64> = (0..1_000).map(board_interval_ms).collect();
        assert!(intervals.is_sorted(), "more readers never make it shorter");
        assert_eq!(intervals[0], limits::ROOM_TICK_MIN_MS);
        assert_eq!(intervals[limits::ROOM_FEW], limits::ROOM_TICK_MIN_MS);
        assert!(intervals[limits::ROOM_FEW + 10] > limits::ROOM_TICK_MIN_MS);
        assert_eq!(intervals[limits::ROOM_MANY], limits::ROOM_TICK_MS);
        assert_eq!(intervals[999], limits::ROOM_TICK_MS);
    }

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

//! Pure rules of supervision: when a crashed executor starts again, and when no more.

pub(crate) mod allowance;

use grove_core_api::rest::executors::ExecutorState;
use grove_core_api::{UnixMillis, limits};
use serde::{Deserialize, Serialize};

/// How the executors of one session fare.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Health {
    /// Starts that followed a crash, since the last time that was stable.
    restarts: u32,
    /// When the one that lives was started.
    started_at_ms: Option<UnixMillis>,
    /// When the next one may be started, after a crash.
    retry_at_ms: Option<UnixMillis>,
    /// Whether it crashed too often.
    has_failed: bool,
}

/// Whether an executor may be started.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Permit {
    /// At once.
    Now,
    /// Not before this time.
    At(UnixMillis),
    /// Not until somebody restarts it.
    Never,
}

impl Health {
    /// Whether an executor may be started.
    pub(crate) fn permit(&self, now: UnixMillis) -> Permit {
        if self.has_failed {
            return Permit::Never;
        }
        match self.retry_at_ms {
            // A clock that was set back must not make the pause longer than it ever is.
            Some(at) if at > now && at - now <= limits::EXECUTOR_RESTART_MAX_MS => Permit::At(at),
            Some(_) | None => Permit::Now,
        }
    }

    /// One was started.
    pub(crate) fn started(self, now: UnixMillis) -> Self {
        let after_crash = u32::from(self.retry_at_ms.is_some());
        Self {
            restarts: self.restarts.saturating_add(after_crash),
            started_at_ms: Some(now),
            retry_at_ms: None,
            has_failed: false,
        }
    }

    /// It ended by itself.
    pub(crate) fn crashed(self, now: UnixMillis) -> Self {
        let restarts = if self.is_stable(now) { 0 } else { self.restarts };
        let has_failed = restarts >= limits::EXECUTOR_RESTARTS;
        let retry_at_ms = (!has_failed).then(|| now + pause(restarts));
        Self { restarts, started_at_ms: None, retry_at_ms, has_failed }
    }

    /// A keeper ended by itself. It needs no pause and is never given up: the next one is started
    /// when somebody wants something of git, and not before.
    pub(crate) fn keeper_crashed(self, now: UnixMillis) -> Self {
        let restarts = if self.is_stable(now) { 0 } else { self.restarts };
        Self { restarts, started_at_ms: None, retry_at_ms: Some(now), has_failed: false }
    }

    /// It was ended.
    pub(crate) fn ended(self, now: UnixMillis) -> Self {
        let restarts = if self.is_stable(now) { 0 } else { self.restarts };
        Self { restarts, started_at_ms: None, ..self }
    }

    /// How it is.
    pub(crate) fn state(&self, now: UnixMillis) -> ExecutorState {
        if self.has_failed {
            return ExecutorState::Failed;
        }
        if self.retry_at_ms.is_some() {
            return ExecutorState::Degraded;
        }
        match self.started_at_ms {
            None => ExecutorState::Ended,
            Some(_) if self.restarts > 0 && !self.is_stable(now) => ExecutorState::Degraded,
            Some(_) => ExecutorState::Healthy,
        }
    }

    pub(crate) const fn restarts(&self) -> u32 {
        self.restarts
    }

    pub(crate) const fn retry_at_ms(&self) -> Option<UnixMillis> {
        self.retry_at_ms
    }

    pub(crate) const fn has_failed(&self) -> bool {
        self.has_failed
    }

    fn is_stable(&self, now: UnixMillis) -> bool {
        self.started_at_ms.is_some_and(|start| now - start >= limits::EXECUTOR_STABLE_MS)
    }
}

/// The pause after a crash: it doubles with each restart before.
fn pause(restarts: u32) -> i64 {
    let doubled = limits::EXECUTOR_RESTART_MS.saturating_mul(1_i64 << restarts.min(32));
    doubled.min(limits::EXECUTOR_RESTART_MAX_MS)
}

/// Why a task has to stop, when its worktree has grown too large.
///
/// A worktree that was too large before the task began may stay as it is, so that a task can clean
/// it up; it must not grow.
pub(crate) fn disk_excess(used: u64, before: u64, limit: u64) -> Option<String> {
    if used <= limit || used <= before {
        return None;
    }
    Some(format!(
        "the worktree uses {}, the limit is {}; nothing was deleted",
        bytes(used),
        bytes(limit)
    ))
}

/// Bytes for people: the largest unit that leaves at least one, with one digit behind the point
/// unless that is zero.
pub(crate) fn bytes(count: u64) -> String {
    let units = [("GiB", 30), ("MiB", 20), ("KiB", 10)];
    for (unit, shift) in units {
        if count >> shift > 0 {
            let tenths = (u128::from(count) * 10) >> shift;
            let (whole, tenth) = (tenths / 10, tenths % 10);
            return if tenth == 0 {
                format!("{whole} {unit}")
            } else {
                format!("{whole}.{tenth} {unit}")
            };
        }
    }
    format!("{count} bytes")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const SECOND: i64 = 1_000;
    const STABLE: i64 = limits::EXECUTOR_STABLE_MS;

    #[test]
    fn pauses_double_and_after_five_restarts_nothing_starts() {
        let mut now = 1_000_000;
        let mut health = Health::default().started(now);
        assert_eq!(health.state(now), ExecutorState::Healthy);
        for wanted in [1, 2, 4, 8, 16] {
            health = health.crashed(now);
            assert_eq!(health.permit(now), Permit::At(now + wanted * SECOND));
            assert_eq!(health.state(now), ExecutorState::Degraded);
            now += wanted * SECOND;
            assert_eq!(health.permit(now), Permit::Now);
            health = health.started(now);
            assert_eq!(health.state(now), ExecutorState::Degraded);
        }
        assert_eq!(health.restarts(), 5);
        health = health.crashed(now);
        assert_eq!(health.state(now), ExecutorState::Failed);
        assert_eq!(health.permit(now + 1_000 * STABLE), Permit::Never);
        // Somebody restarts it: everything is forgotten.
        assert_eq!(Health::default().started(now).state(now), ExecutorState::Healthy);
    }

    #[test]
    fn five_calm_minutes_make_it_healthy_again() {
        let health = Health::default().started(0).crashed(0).started(SECOND);
        let almost = SECOND + STABLE - 1;
        assert_eq!(health.state(almost), ExecutorState::Degraded);
        assert_eq!(health.crashed(almost).permit(almost), Permit::At(almost + 2 * SECOND));
        let calm = SECOND + STABLE;
        assert_eq!(health.state(calm), ExecutorState::Healthy);
        assert_eq!(health.crashed(calm).permit(calm), Permit::At(calm + SECOND));
        assert_eq!(health.ended(calm).restarts(), 0);
        assert_eq!(health.ended(almost).restarts(), 1);
        assert_eq!(health.ended(calm).state(calm), ExecutorState::Ended);
    }

    #[test]
    fn a_keeper_may_be_started_at_once_however_often_it_crashed() {
        let mut health = Health::default().started(0);
        for restarts in 1..100 {
            health = health.keeper_crashed(SECOND);
            assert_eq!(
                (health.permit(SECOND), health.state(SECOND)),
                (Permit::Now, ExecutorState::Degraded)
            );
            health = health.started(SECOND);
            assert_eq!(
                (health.restarts(), health.state(SECOND)),
                (restarts, ExecutorState::Degraded)
            );
        }
        let calm = SECOND + STABLE;
        assert_eq!(health.state(calm), ExecutorState::Healthy);
        assert_eq!(health.keeper_crashed(calm).started(calm).restarts(), 1);
    }

    #[test]
    fn a_clock_that_was_set_back_does_not_hold_it_up() {
        let health = Health::default().started(10 * STABLE).crashed(10 * STABLE);
        assert_eq!(health.permit(0), Permit::Now);
    }

    #[test]
    fn only_growth_above_the_limit_stops_a_task() {
        const GIB: u64 = 1 << 30;
        for (used, before, is_stopped) in [
            (GIB, 0, false),
            (GIB + 1, 0, true),
            (3 * GIB, 3 * GIB, false),
            (3 * GIB + 1, 3 * GIB, true),
        ] {
            assert_eq!(disk_excess(used, before, GIB).is_some(), is_stopped, "{used} {before}");
        }
        let words = disk_excess(GIB * 103 / 10, 0, 10 * GIB).unwrap();
        assert_eq!(words, "the worktree uses 10.2 GiB, the limit is 10 GiB; nothing was deleted");
        let told = [0, 1_023, 1_024, 1_536, 1 << 20, u64::MAX].map(bytes);
        assert_eq!(
            told,
            ["0 bytes", "1023 bytes", "1 KiB", "1.5 KiB", "1 MiB", "17179869183.9 GiB"]
        );
    }

    #[derive(Clone, Copy, Debug)]
    enum Act {
        Start,
        Crash,
        End,
        Wait(i64),
    }

    fn act() -> impl Strategy<Value = Act> {
        prop_oneof![
            Just(Act::Start),
            Just(Act::Crash),
            Just(Act::End),
            (0..2 * STABLE).prop_map(Act::Wait),
        ]
    }

    proptest! {
        #[test]
        fn whatever_happens_pauses_and_restarts_keep_their_bounds(
            acts in prop::collection::vec(act(), 0..60),
        ) {
            let (mut now, mut health, mut lives) = (0_i64, Health::default(), false);
            for act in acts {
                match act {
                    Act::Wait(time) => now += time,
                    Act::Start if !lives && health.permit(now) == Permit::Now => {
                        health = health.started(now);
                        lives = true;
                    }
                    Act::Crash if lives => {
                        health = health.crashed(now);
                        lives = false;
                    }
                    Act::End if lives => {
                        health = health.ended(now);
                        lives = false;
                    }
                    Act::Start | Act::Crash | Act::End => {}
                }
                prop_assert!(health.restarts() <= limits::EXECUTOR_RESTARTS);
                if let Permit::At(at) = health.permit(now) {
                    prop_assert!(at - now <= limits::EXECUTOR_RESTART_MAX_MS);
                    prop_assert!(!lives);
                }
                let is_up = matches!(health.state(now), ExecutorState::Healthy);
                prop_assert!(!is_up || lives);
                prop_assert_eq!(health.permit(now) == Permit::Never, health.has_failed());
            }
        }
    }
}

//! Pure rules of logs: playing events onto a state, and what is compacted when.

use grove_core_api::event::{Object, Op};
use grove_core_api::{UnixMillis, limits};
use std::collections::BTreeMap;

/// Objects of a topic by id.
pub(crate) type State = BTreeMap<String, Object>;

/// Milliseconds of a day.
const DAY_MS: i64 = 86_400_000;

/// Plays operations onto a state; what concerns an object that is not there changes nothing.
pub(crate) fn play(state: &mut State, ops: Vec<Op>) {
    for op in ops {
        match op {
            Op::Put { id, kind, v } => {
                state.insert(id, Object { kind, v });
            }
            Op::Set { id, k, v, .. } => {
                if let Some(object) = state.get_mut(&id) {
                    object.v.insert(k, v);
                }
            }
            Op::Del { id, .. } => {
                state.remove(&id);
            }
        }
    }
}

/// How much of a log is kept; 0 means without a limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Retention {
    pub(crate) keep_events: u32,
    pub(crate) keep_days: u32,
}

impl Retention {
    /// Before this time events are too old; `None` when they never are.
    pub(crate) fn cutoff(self, now: UnixMillis) -> Option<UnixMillis> {
        (self.keep_days > 0).then(|| now - i64::from(self.keep_days) * DAY_MS)
    }

    /// Whether the oldest event is so old that compacting is worth a snapshot. A day more than what
    /// is kept, so that a busy log is not compacted again with every event.
    pub(crate) fn is_overdue(self, oldest_at_ms: UnixMillis, now: UnixMillis) -> bool {
        self.cutoff(now).is_some_and(|cutoff| oldest_at_ms < cutoff - DAY_MS)
    }

    /// The newest event that there are too many of; `None` when the number is right, or not yet a
    /// tenth too high.
    pub(crate) fn surplus(self, oldest: i64, head: i64) -> Option<i64> {
        let keep = i64::from(self.keep_events);
        let count = head - oldest + 1;
        (keep > 0 && count > keep + keep / 10).then_some(head - keep)
    }
}

/// Where the next snapshot of a log belongs, if one is due.
///
/// `newest` is the last snapshot (0 before the first), `boundary` the newest event to compact.
pub(crate) fn next_snapshot(newest: i64, head: i64, boundary: Option<i64>) -> Option<i64> {
    let step = limits::SNAPSHOT_EVENTS;
    match boundary {
        Some(boundary) if boundary > newest => Some(boundary.min(newest + step)),
        Some(_) | None => (head - newest >= step).then_some(newest + step),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Map, json};

    fn put(id: &str) -> Op {
        Op::Put { id: id.into(), kind: "note".into(), v: Map::new() }
    }

    #[test]
    fn events_played_onto_a_state_are_the_state_after_them() {
        let mut state = State::new();
        let set = |id: &str, v| Op::Set { id: id.into(), k: "text".into(), v, if_seq: None };
        play(&mut state, vec![put("a"), set("a", json!("x")), put("b"), set("ghost", json!(1))]);
        play(&mut state, vec![Op::del("b"), set("a", json!("y")), set("b", json!("late"))]);
        assert_eq!(state.len(), 1);
        assert_eq!(state["a"].v["text"], "y");
    }

    #[test]
    fn a_log_is_compacted_when_it_is_a_tenth_or_a_day_over() {
        let keep = Retention { keep_events: 100, keep_days: 30 };
        assert_eq!(keep.surplus(1, 110), None);
        assert_eq!(keep.surplus(1, 111), Some(11));
        assert_eq!(keep.surplus(12, 121), None);
        let now = 100 * DAY_MS;
        assert_eq!(keep.cutoff(now), Some(70 * DAY_MS));
        assert!(!keep.is_overdue(69 * DAY_MS, now) && keep.is_overdue(69 * DAY_MS - 1, now));
        let all = Retention { keep_events: 0, keep_days: 0 };
        assert_eq!((all.surplus(1, i64::MAX - 1), all.cutoff(now)), (None, None));
        assert!(!all.is_overdue(0, now));
    }

    #[test]
    fn snapshots_come_at_even_distances_and_where_the_log_is_cut() {
        let step = limits::SNAPSHOT_EVENTS;
        assert_eq!(next_snapshot(0, step - 1, None), None);
        assert_eq!(next_snapshot(0, step, None), Some(step));
        assert_eq!(next_snapshot(step, 3 * step, None), Some(2 * step));
        assert_eq!(next_snapshot(0, 100, Some(40)), Some(40));
        assert_eq!(next_snapshot(0, 5 * step, Some(3 * step)), Some(step), "bounded work");
        assert_eq!(next_snapshot(40, 100, Some(40)), None);
    }
}

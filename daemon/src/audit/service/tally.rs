//! What is counted instead of noted one by one: notifications, heartbeats, calls of no method.

use crate::audit::model::{Draft, Subject};
use crate::clock;
use grove_core_api::limits;
use grove_core_api::rest::audit::{AuditDirection, AuditKind};
use grove_ipc::Direction;
use serde_json::json;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

#[derive(Clone, Copy, Debug, Default)]
struct Count {
    calls: u64,
    bytes: u64,
}

#[derive(Debug)]
struct Counts {
    /// The names are of the table, so there are few.
    by_method: BTreeMap<(Direction, &'static str), Count>,
    since: Instant,
    since_ms: i64,
}

impl Counts {
    fn new() -> Self {
        Self { by_method: BTreeMap::new(), since: Instant::now(), since_ms: clock::now() }
    }
}

/// The counts of one connection.
#[derive(Debug)]
pub(super) struct Tally {
    pub(super) kind: AuditKind,
    pub(super) subject: Subject,
    counts: Mutex<Counts>,
    is_ended: AtomicBool,
}

impl Tally {
    pub(super) fn new(kind: AuditKind, subject: Subject) -> Self {
        let counts = Mutex::new(Counts::new());
        Self { kind, subject, counts, is_ended: AtomicBool::new(false) }
    }

    pub(super) fn add(&self, direction: Direction, method: &'static str, bytes: usize) {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let count = counts.by_method.entry((direction, method)).or_default();
        count.calls = count.calls.saturating_add(1);
        count.bytes = count.bytes.saturating_add(u64::try_from(bytes).unwrap_or(u64::MAX));
    }

    /// The connection has ended: nothing more is counted.
    pub(super) fn end(&self) {
        self.is_ended.store(true, Ordering::Release);
    }

    pub(super) fn is_ended(&self) -> bool {
        self.is_ended.load(Ordering::Acquire)
    }

    /// Whether it has been long since the counts became entries.
    pub(super) fn is_due(&self) -> bool {
        let counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        counts.since.elapsed() >= Duration::from_millis(limits::AUDIT_TALLY_MS)
    }

    /// Turns the counts into entries and begins anew.
    pub(super) fn take(&self) -> Vec<Draft> {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let counts = std::mem::replace(&mut *counts, Counts::new());
        let duration = i64::try_from(counts.since.elapsed().as_micros()).unwrap_or(i64::MAX);
        let draft = |((direction, method), count): ((Direction, &'static str), Count)| Draft {
            at_ms: counts.since_ms,
            kind: self.kind,
            subject: self.subject.clone(),
            direction: shown(direction),
            method: Cow::Borrowed(method),
            bytes: i64::try_from(count.bytes).unwrap_or(i64::MAX),
            duration_us: duration,
            outcome: "counted",
            params_sha256: None,
            detail: json!({ "count": count.calls }).to_string(),
        };
        counts.by_method.into_iter().map(draft).collect()
    }
}

pub(super) fn shown(direction: Direction) -> AuditDirection {
    match direction {
        Direction::Outgoing => AuditDirection::Out,
        Direction::Incoming => AuditDirection::In,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_of_one_kind_become_one_entry_and_are_counted_anew() {
        let tally = Tally::new(AuditKind::Ipc, Subject::default());
        for _ in 0..3 {
            tally.add(Direction::Incoming, "session.event", 10);
        }
        tally.add(Direction::Outgoing, "event.ack", 5);
        let drafts = tally.take();
        assert_eq!(drafts.len(), 2);
        let events = drafts.iter().find(|it| it.method == "session.event").unwrap();
        assert_eq!((events.bytes, events.detail.as_str()), (30, r#"{"count":3}"#));
        assert_eq!(events.direction, AuditDirection::In);
        assert!(tally.take().is_empty());
    }
}

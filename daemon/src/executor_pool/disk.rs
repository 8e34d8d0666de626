//! When a worktree is measured, and what the measurements of one task say.

use crate::executors::model::disk_excess;
use grove_core_api::ipc::method::DiskUsage;
use grove_core_api::limits;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// Measurements of the worktree of one executor.
#[derive(Debug, Default)]
pub(super) struct DiskWatch {
    /// When the next one is due while a task runs.
    next_at: Option<Instant>,
    /// What was measured last.
    last: Option<u64>,
    /// What was measured before the task that runs.
    before: Option<u64>,
    newest: Answer,
}

/// Where an answer is put, from whichever task it comes.
#[derive(Clone, Debug, Default)]
pub(super) struct Answer(Arc<Mutex<Option<DiskUsage>>>);

impl Answer {
    pub(super) fn put(&self, usage: DiskUsage) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(usage);
    }

    fn take(&self) -> Option<DiskUsage> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

impl DiskWatch {
    /// Whether nothing was measured yet.
    pub(super) fn is_new(&self) -> bool {
        self.last.is_none()
    }

    /// A task begins; what is there now is not its doing.
    pub(super) fn begin_task(&mut self, measured: Option<DiskUsage>) {
        let measured = measured.or_else(|| self.newest.take());
        self.last = measured.map(|it| it.bytes).or(self.last);
        self.before = self.last;
        self.next_at = Some(Instant::now() + Duration::from_millis(limits::DISK_SAMPLE_MS));
    }

    /// Whether to measure now; true once for each interval.
    pub(super) fn is_due(&mut self) -> bool {
        let now = Instant::now();
        let is_due = self.next_at.is_none_or(|at| now >= at);
        if is_due {
            self.next_at = Some(now + Duration::from_millis(limits::DISK_SAMPLE_MS));
        }
        is_due
    }

    /// Where to put the answer.
    pub(super) fn answer(&self) -> Answer {
        self.newest.clone()
    }

    /// Looks at the newest answer: why the task has to stop, when it has to. Of a task that was
    /// taken up in its middle, the first answer counts as what was there before.
    pub(super) fn excess(&mut self, limit: u64) -> Option<String> {
        let bytes = self.newest.take()?.bytes;
        self.last = Some(bytes);
        let before = *self.before.get_or_insert(bytes);
        disk_excess(bytes, before, limit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn usage(bytes: u64) -> DiskUsage {
        DiskUsage { bytes, entries: 1, is_complete: true }
    }

    #[tokio::test(start_paused = true)]
    async fn it_measures_at_intervals() {
        let mut watch = DiskWatch::default();
        watch.begin_task(Some(usage(1)));
        assert!(!watch.is_due());
        tokio::time::advance(Duration::from_millis(limits::DISK_SAMPLE_MS)).await;
        assert!(watch.is_due());
        assert!(!watch.is_due());
    }

    #[tokio::test(start_paused = true)]
    async fn what_was_there_before_the_task_does_not_stop_it() {
        let mut watch = DiskWatch::default();
        assert!(watch.is_new());
        watch.begin_task(Some(usage(20)));
        let answer = watch.answer();
        assert_eq!(watch.excess(10), None);
        answer.put(usage(15));
        assert_eq!(watch.excess(10), None);
        answer.put(usage(21));
        assert!(watch.excess(10).is_some());
        assert_eq!(watch.excess(10), None, "each answer counts once");
        // It was stopped and went on writing until then; the next task finds that.
        answer.put(usage(30));
        watch.begin_task(None);
        answer.put(usage(30));
        assert_eq!(watch.excess(10), None);
    }

    #[tokio::test(start_paused = true)]
    async fn a_task_taken_up_in_its_middle_is_stopped_when_it_grows() {
        let mut watch = DiskWatch::default();
        assert!(watch.is_due());
        watch.answer().put(usage(20));
        assert_eq!(watch.excess(10), None);
        watch.answer().put(usage(21));
        assert!(watch.excess(10).is_some());
    }
}

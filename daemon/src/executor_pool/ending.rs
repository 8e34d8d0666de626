//! How an executor ended: what the monitor says, in words that fit a session's evidence.

use crate::privileged::client::{ExecutorOutcome, MonitorCallError, MonitorClient};
use grove_core_api::monitor::Refusal;
use grove_core_api::rest::executors::ExecutorEnd;
use grove_core_api::{ExecutorId, limits};
use std::time::Duration;
use tokio::time::Instant;

/// Pause between two questions whether the monitor has reaped it.
const PAUSE: Duration = Duration::from_millis(20);

/// Why an executor is gone, as far as the daemon knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Why {
    /// It went away by itself.
    Crashed,
    /// It lived but was of no use any more.
    Useless(&'static str),
    /// It was ended on purpose.
    Asked(&'static str),
    /// It ended while no daemon watched.
    Unwatched,
}

/// Asks the monitor how an executor ended. One that still lives gets some time to be reaped and is
/// killed then. `None`: nobody knows.
pub(super) async fn outcome(monitor: &MonitorClient, id: ExecutorId) -> Option<ExecutorOutcome> {
    let deadline = Instant::now() + Duration::from_millis(limits::EXECUTOR_REAP_MS);
    loop {
        match monitor.outcome(id).await {
            Ok(outcome) => return Some(outcome),
            Err(MonitorCallError::Refused { refusal: Refusal::Unknown, .. }) => {}
            Err(error) => {
                tracing::warn!(executor.id = %id, %error, "the monitor does not say how it ended");
                return None;
            }
        }
        if !monitor.list().await.ok()?.iter().any(|it| it.id == id) {
            // Reaped between the two questions, or never heard of.
            return monitor.outcome(id).await.ok();
        }
        if Instant::now() >= deadline {
            tracing::warn!(executor.id = %id, "the executor lives without a connection; killing it");
            if let Err(error) = monitor.kill(id).await {
                tracing::warn!(executor.id = %id, %error, "failed to kill an executor");
            }
            return monitor.outcome(id).await.ok();
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// Puts both together. `memory_mib` is the limit that it was started with.
pub(super) fn end(
    why: Why,
    outcome: Option<ExecutorOutcome>,
    memory_mib: Option<u32>,
) -> ExecutorEnd {
    let asked_for = matches!(why, Why::Asked(_));
    // That a tool was killed earlier is no reason for a calm end later.
    if outcome.as_ref().is_some_and(|it| it.is_out_of_memory && !asked_for && it.how != CALM) {
        let how = match memory_mib {
            Some(limit) => format!("out of memory: the limit of {limit} MiB was reached"),
            None => "out of memory: the host had none left for it".to_owned(),
        };
        return ExecutorEnd { how, is_crash: true, is_out_of_memory: true };
    }
    let known = outcome.map(|it| it.how);
    let (how, is_crash) = match (why, known) {
        (Why::Crashed, Some(how)) => (how, true),
        (Why::Crashed, None) => ("how is not known".to_owned(), true),
        (Why::Useless(reason), _) => (reason.to_owned(), true),
        (Why::Asked(reason), _) => (reason.to_owned(), false),
        (Why::Unwatched, Some(how)) => {
            let is_crash = how != CALM;
            (format!("{how}, while Grove was not running"), is_crash)
        }
        (Why::Unwatched, None) => {
            ("together with Grove or while it was not running; how is not known".to_owned(), false)
        }
    };
    ExecutorEnd { how, is_crash, is_out_of_memory: false }
}

/// What the monitor says of an executor that ended itself, such as one that nobody came back to.
const CALM: &str = "exit code 0";

#[cfg(test)]
mod tests {
    use super::*;

    fn said(how: &str, is_out_of_memory: bool) -> ExecutorOutcome {
        ExecutorOutcome { how: how.to_owned(), is_out_of_memory }
    }

    #[test]
    fn each_end_is_told_as_what_it_was() {
        let cases = [
            (Why::Crashed, Some(said("exit code 1", false)), "exit code 1", true),
            (Why::Crashed, Some(said("killed by SIGKILL", false)), "killed by SIGKILL", true),
            (Why::Crashed, None, "how is not known", true),
            (Why::Crashed, Some(said("exit code 255", false)), "exit code 255", true),
            (Why::Useless("it hung"), Some(said("killed by SIGKILL", false)), "it hung", true),
            (Why::Asked("not needed"), Some(said("exit code 0", false)), "not needed", false),
            (
                Why::Unwatched,
                Some(said("exit code 0", false)),
                "exit code 0, while Grove was not running",
                false,
            ),
            (
                Why::Unwatched,
                Some(said("killed by SIGSEGV", false)),
                "killed by SIGSEGV, while Grove was not running",
                true,
            ),
            (
                Why::Unwatched,
                None,
                "together with Grove or while it was not running; how is not known",
                false,
            ),
        ];
        for (why, outcome, how, is_crash) in cases {
            let end = end(why, outcome, Some(64));
            assert_eq!((end.how.as_str(), end.is_crash), (how, is_crash), "{why:?}");
            assert!(!end.is_out_of_memory);
        }
    }

    #[test]
    fn out_of_memory_is_the_reason_of_an_end_that_nobody_wanted() {
        for why in [Why::Crashed, Why::Useless("it hung"), Why::Unwatched] {
            let with = end(why, Some(said("killed by SIGKILL", true)), Some(4_096));
            assert_eq!(with.how, "out of memory: the limit of 4096 MiB was reached");
            assert!(with.is_out_of_memory && with.is_crash);
            assert!(
                end(why, Some(said("killed by SIGKILL", true)), None)
                    .how
                    .starts_with("out of memory")
            );
        }
        // A tool of it was killed some time before.
        let asked = end(Why::Asked("not needed"), Some(said("killed by SIGKILL", true)), Some(64));
        assert!(!asked.is_out_of_memory && !asked.is_crash && asked.how == "not needed");
        let calm = end(Why::Unwatched, Some(said(CALM, true)), Some(64));
        assert!(!calm.is_out_of_memory && !calm.is_crash);
    }
}

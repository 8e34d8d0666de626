//! What the end of the daemon means: start it again, give up, or end with it.
//!
//! Pure: times come as parameters. Starting and killing is done by the monitor.

use super::error::EXIT_CONFIG;
use grove_core_api::limits::DAEMON_RESTARTS_PER_MINUTE;
use nix::sys::signal::Signal;
use nix::sys::wait::WaitStatus;
use std::collections::VecDeque;
use std::time::{Duration, Instant};

const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
/// What `grove-executor --init` adds to the number of the signal that ended the executor.
const SIGNALLED: i32 = 128;
const MINUTE: Duration = Duration::from_secs(60);

/// What to do next.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// Start it again after a pause.
    Restart(Duration),
    /// It ended too often; say so and end.
    GiveUp,
    /// It ended on purpose, or cannot run at all; end with this code.
    End(u8),
}

/// Counts restarts within the last minute.
#[derive(Debug, Default)]
pub(super) struct Restarts {
    recent: VecDeque<Instant>,
}

impl Restarts {
    /// Decides after the daemon has ended, without having been told to.
    pub(super) fn next(&mut self, status: WaitStatus, now: Instant) -> Next {
        if let WaitStatus::Exited(_, code) = status
            && (code == 0 || code == i32::from(EXIT_CONFIG))
        {
            return Next::End(if code == 0 { 0 } else { EXIT_CONFIG });
        }
        while self.recent.front().is_some_and(|first| now.duration_since(*first) >= MINUTE) {
            self.recent.pop_front();
        }
        let count = u32::try_from(self.recent.len()).unwrap_or(u32::MAX);
        if count >= DAEMON_RESTARTS_PER_MINUTE {
            return Next::GiveUp;
        }
        self.recent.push_back(now);
        Next::Restart(FIRST_PAUSE.saturating_mul(1 << count.min(16)).min(LONGEST_PAUSE))
    }
}

/// Says how a process ended, for people.
pub(super) fn describe(status: WaitStatus) -> String {
    if let WaitStatus::Signaled(_, signal, _) = status {
        return format!("killed by {signal}");
    }
    let WaitStatus::Exited(_, code) = status else { return "unknown".to_owned() };
    // The first process of a namespace cannot end by a signal; it passes its child's on like this.
    match Signal::try_from(code - SIGNALLED) {
        Ok(signal) => format!("killed by {signal}"),
        Err(_) => format!("exit code {code}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use nix::unistd::Pid;

    const PID: Pid = Pid::from_raw(7);
    const KILLED: WaitStatus = WaitStatus::Signaled(PID, Signal::SIGKILL, false);

    #[test]
    fn an_end_on_purpose_or_by_configuration_is_no_reason_to_restart() {
        let mut restarts = Restarts::default();
        let now = Instant::now();
        assert_eq!(restarts.next(WaitStatus::Exited(PID, 0), now), Next::End(0));
        assert_eq!(restarts.next(WaitStatus::Exited(PID, 78), now), Next::End(78));
        assert!(matches!(restarts.next(WaitStatus::Exited(PID, 1), now), Next::Restart(_)));
    }

    #[test]
    fn pauses_double_up_to_five_seconds_and_the_eleventh_end_is_the_last() {
        let mut restarts = Restarts::default();
        let now = Instant::now();
        let pauses: Vec<u128> = (0..10)
            .map(|_| match restarts.next(KILLED, now) {
                Next::Restart(pause) => pause.as_millis(),
                Next::GiveUp | Next::End(_) => 0,
            })
            .collect();
        assert_eq!(pauses, [100, 200, 400, 800, 1600, 3200, 5000, 5000, 5000, 5000]);
        assert_eq!(restarts.next(KILLED, now), Next::GiveUp);
    }

    #[test]
    fn an_end_is_told_in_words() {
        assert_eq!(describe(KILLED), "killed by SIGKILL");
        assert_eq!(describe(WaitStatus::Exited(PID, 137)), "killed by SIGKILL");
        assert_eq!(describe(WaitStatus::Exited(PID, 1)), "exit code 1");
    }

    #[test]
    fn a_minute_of_peace_makes_good_for_earlier_ends() {
        let mut restarts = Restarts::default();
        let now = Instant::now();
        for _ in 0..10 {
            restarts.next(KILLED, now);
        }
        assert_eq!(restarts.next(KILLED, now + MINUTE), Next::Restart(FIRST_PAUSE));
    }
}

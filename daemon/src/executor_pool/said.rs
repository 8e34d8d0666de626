//! What executors say on standard error: lines of groved's log with the executor's id, so many and no
//! more.
//!
//! The pipe is the monitor's and outlives a daemon: what was said while none listened is read by the
//! next one. Whoever says more than it may is not read until the minute is over, and what then finds
//! no room in the pipe is lost: an executor never waits for the log, and the log never grows by more
//! than `limits::EXECUTOR_LOG_LINES` a minute for each.

use super::budget::Budget;
use grove_core_api::{ExecutorId, limits};
use std::collections::HashSet;
use std::os::fd::OwnedFd;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::io::AsyncReadExt;
use tokio::net::unix::pipe::Receiver;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Listens to executors, to each once.
pub(super) struct Ears {
    open: Mutex<HashSet<ExecutorId>>,
    spawner: TaskTracker,
    shutdown: CancellationToken,
}

impl Ears {
    pub(super) fn new(spawner: TaskTracker, shutdown: CancellationToken) -> Arc<Self> {
        Arc::new(Self { open: Mutex::default(), spawner, shutdown })
    }

    fn open(&self) -> std::sync::MutexGuard<'_, HashSet<ExecutorId>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Listens to an executor until it ends, unless that is done already: each connection comes with
    /// a descriptor of the same pipe.
    pub(super) fn listen(self: &Arc<Self>, id: ExecutorId, said: OwnedFd) {
        if !self.open().insert(id) {
            return;
        }
        let ears = Arc::clone(self);
        self.spawner.spawn(async move {
            match Receiver::from_owned_fd(said) {
                Ok(said) => tokio::select! {
                    () = hear(said, |text| tell(id, text)) => {}
                    () = ears.shutdown.cancelled() => {}
                },
                Err(error) => {
                    tracing::warn!(executor.id = %id, %error, "an executor cannot be heard");
                }
            }
            ears.open().remove(&id);
        });
    }
}

/// Reads until nobody can say anything any more.
async fn hear(mut said: Receiver, mut tell: impl FnMut(&str)) {
    let mut piece = [0; limits::EXECUTOR_LOG_LINE_BYTES];
    let mut lines = Lines::default();
    let mut budget = Budget::new(limits::EXECUTOR_LOG_LINES);
    // A pipe that fails says no more than one that ended.
    while let Ok(length @ 1..) = said.read(&mut piece).await {
        let mut rest = &piece[..length];
        while let Some(line) = lines.next(&mut rest) {
            while !budget.take() {
                tell("it says too much; the rest of this minute is left out");
                tokio::time::sleep_until(budget.renewed_at()).await;
            }
            tell(&line);
        }
    }
    if let Some(line) = lines.rest() {
        tell(&line);
    }
}

/// Makes lines of bytes; one that is longer than a line may be becomes several.
#[derive(Default)]
struct Lines {
    begun: Vec<u8>,
}

impl Lines {
    /// The next line; what belongs to one that has not ended is kept.
    fn next(&mut self, bytes: &mut &[u8]) -> Option<String> {
        let room = limits::EXECUTOR_LOG_LINE_BYTES - self.begun.len();
        let end = bytes.iter().take(room).position(|byte| *byte == b'\n');
        let taken = end.unwrap_or_else(|| bytes.len().min(room));
        self.begun.extend_from_slice(&bytes[..taken]);
        *bytes = &bytes[taken + usize::from(end.is_some())..];
        if end.is_none() && self.begun.len() < limits::EXECUTOR_LOG_LINE_BYTES {
            return None;
        }
        Some(clean(&std::mem::take(&mut self.begun)))
    }

    /// What came behind the last line.
    fn rest(&mut self) -> Option<String> {
        let rest = std::mem::take(&mut self.begun);
        (!rest.is_empty()).then(|| clean(&rest))
    }
}

/// Text without what could move a cursor, colour a terminal or look like another line.
fn clean(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    text.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).collect()
}

/// As loud as the executor says that it is.
fn tell(id: ExecutorId, text: &str) {
    let (level, rest) = text.split_once(' ').unwrap_or(("", text));
    match level {
        "ERROR" => tracing::error!(target: "executor", { executor.id = %id }, "{rest}"),
        "WARN" => tracing::warn!(target: "executor", { executor.id = %id }, "{rest}"),
        "INFO" => tracing::info!(target: "executor", { executor.id = %id }, "{rest}"),
        _ => tracing::info!(target: "executor", { executor.id = %id }, "{text}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::AsyncWriteExt;
    use tokio::net::unix::pipe;
    use tokio::time::Instant;

    fn lines_of(pieces: &[&[u8]]) -> Vec<String> {
        let mut lines = Lines::default();
        let mut all = Vec::new();
        for piece in pieces {
            let mut rest = *piece;
            while let Some(line) = lines.next(&mut rest) {
                all.push(line);
            }
        }
        all.extend(lines.rest());
        all
    }

    #[test]
    fn lines_are_put_together_and_cleaned_and_none_is_long() {
        assert_eq!(lines_of(&[b"one\ntw", b"o\n", b"th", b"ree"]), ["one", "two", "three"]);
        assert_eq!(lines_of(&[b"\x1b[31mred\r\n\n\xff"]), [" [31mred ", "", "\u{fffd}"]);
        let long = vec![b'x'; limits::EXECUTOR_LOG_LINE_BYTES * 2 + 1];
        let lengths: Vec<usize> = lines_of(&[&long, b"\nz"]).iter().map(String::len).collect();
        let most = limits::EXECUTOR_LOG_LINE_BYTES;
        assert_eq!(lengths, [most, most, 1, 1]);
        assert_eq!(lines_of(&[]), [""; 0]);
    }

    #[tokio::test(start_paused = true)]
    async fn who_says_too_much_is_heard_again_in_the_next_minute() {
        let (mut says, said) = pipe::pipe().unwrap();
        let most = limits::EXECUTOR_LOG_LINES;
        let speaking = async move {
            for number in 0..most * 2 + 1 {
                says.write_all(format!("{number}\n").as_bytes()).await.unwrap();
            }
        };
        let mut heard = Vec::new();
        let start = Instant::now();
        tokio::join!(speaking, hear(said, |line| heard.push((start.elapsed(), line.to_owned()))));
        let warnings = heard.iter().filter(|(_, line)| line.starts_with("it says")).count();
        assert_eq!(warnings, 2);
        let numbers: Vec<_> = heard.iter().filter(|(_, line)| !line.starts_with("it")).collect();
        assert_eq!(numbers.len(), usize::try_from(most).unwrap() * 2 + 1);
        let minutes: Vec<u64> = numbers.iter().map(|(at, _)| at.as_secs() / 60).collect();
        for minute in 0..2 {
            let count = minutes.iter().filter(|it| **it == minute).count();
            assert_eq!(count, usize::try_from(most).unwrap(), "minute {minute}");
        }
    }
}

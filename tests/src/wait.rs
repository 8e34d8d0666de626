//! Waiting for conditions, never for time alone.

use crate::Outcome;
use anyhow::bail;
use std::time::{Duration, Instant};

/// Longest wait for anything that a test expects.
pub const PATIENCE: Duration = Duration::from_secs(30);
/// First pause between two looks; it doubles up to `PAUSE_MAX`.
const PAUSE: Duration = Duration::from_millis(4);
/// Longest pause between two looks.
const PAUSE_MAX: Duration = Duration::from_millis(100);

/// Looks again and again until `probe` finds something.
///
/// # Errors
/// The probe's own error at once, or that `what` did not come about within [`PATIENCE`].
pub async fn eventually<T>(
    what: &str,
    mut probe: impl AsyncFnMut() -> Outcome<Option<T>>,
) -> Outcome<T> {
    let deadline = Instant::now() + PATIENCE;
    let mut pause = PAUSE;
    loop {
        if let Some(found) = probe().await? {
            return Ok(found);
        }
        if Instant::now() >= deadline {
            bail!("this did not come about within {PATIENCE:?}: {what}");
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(PAUSE_MAX);
    }
}

/// Makes sure that `probe` finds nothing for as long as `during` takes.
///
/// # Errors
/// The errors of both, or that `what` came about.
pub async fn never<T, R>(
    what: &str,
    mut probe: impl AsyncFnMut() -> Outcome<Option<T>>,
    during: impl Future<Output = Outcome<R>>,
) -> Outcome<R> {
    let value = during.await?;
    if probe().await?.is_some() {
        bail!("this must not happen: {what}");
    }
    Ok(value)
}

/// Looks again and again, without a runtime, until `probe` is true or `patience` is over.
#[must_use]
pub fn settled(patience: Duration, mut probe: impl FnMut() -> bool) -> bool {
    let deadline = Instant::now() + patience;
    loop {
        if probe() {
            return true;
        }
        if Instant::now() >= deadline {
            return false;
        }
        std::thread::sleep(PAUSE);
    }
}

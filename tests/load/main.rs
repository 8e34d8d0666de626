//! Figures of speed and memory: `cargo run --release -p grove-tests --bin load`.
//!
//! Each figure stands beside a baseline of the same run on the same machine, because only their ratio
//! means something elsewhere. Loopback only, bounded, and everything that is started is ended. What
//! was measured: `docs/performance.md`. Deliberately absent: thresholds, which machines would break.

mod figures;

use anyhow::Context;
use grove_tests::{Outcome, say};

const NAMES: &str = "start, list, session, executor, stream";

#[tokio::main]
async fn main() -> Outcome {
    let wanted: Vec<String> = std::env::args().skip(1).collect();
    let is_wanted = |name: &str| wanted.is_empty() || wanted.iter().any(|it| it == name);
    for name in &wanted {
        let is_known = NAMES.split(", ").any(|it| it == name);
        anyhow::ensure!(is_known, "no figure `{name}`; there are: {NAMES}");
    }
    if is_wanted("start") {
        figures::start().await.context("start")?;
    }
    if is_wanted("list") {
        figures::list().await.context("list")?;
    }
    if is_wanted("session") {
        figures::session().await.context("session")?;
    }
    if is_wanted("executor") {
        figures::executor().await.context("executor")?;
    }
    if is_wanted("stream") {
        figures::stream().await.context("stream")?;
    }
    say("done");
    Ok(())
}

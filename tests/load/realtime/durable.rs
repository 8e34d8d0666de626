//! A card that is dropped: from the mutation to everybody's screen, stored in between.

use crate::crowd::Crowd;
use crate::cursors::{gather, greeting};
use crate::frame::{self, Heard};
use crate::meter::{self, Times, count};
use crate::objects;
use anyhow::ensure;
use grove_tests::{Instance, Outcome, say};
use std::cell::Cell;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

/// Who listens, the one who drops among them.
const LISTENERS: usize = 50;
/// Drops that are measured, and before them those that are not.
const DROPS: usize = 200;
const WARM: usize = 20;
/// Time between two drops: fewer than the rate that one client may have.
const PAUSE: Duration = Duration::from_millis(100);
const PATIENCE: Duration = Duration::from_secs(10);

/// What came of it.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) latency: Times,
    /// Frames that each listener got for each event.
    pub(crate) frames: f64,
    /// CPU milliseconds of the server for each drop.
    pub(crate) cpu_ms: f64,
}

/// Measures groved on a board of its own.
///
/// # Errors
/// When the server is gone or breaks the protocol.
pub(crate) async fn on_grove(grove: &Instance, address: SocketAddr) -> Outcome<Run> {
    let board = objects::board(grove, "Durable", 30).await?;
    let pid = grove.daemon()?.pid;
    drops(address, pid, &board.topic, |number| {
        let place = format!("[{},{}]", number % 977, number % 613);
        objects::change(&board, number % 30, &format!("drop:{number}"), ("pos", &place))
    })
}

/// Measures a server with whatever mutation `change` makes.
///
/// # Errors
/// When the server is gone or breaks the protocol.
pub(crate) fn drops(
    address: SocketAddr,
    pid: i32,
    ch: &str,
    change: impl Fn(usize) -> String,
) -> Outcome<Run> {
    let mut crowd = Crowd::new(address, LISTENERS)?;
    for client in 0..LISTENERS {
        crowd.greet(client, &greeting(ch));
    }
    gather(&mut crowd, 0..LISTENERS)?;
    let (mut latency, mut frames) = (Times::default(), 0);
    let mut before = meter::cpu(pid)?;
    for number in 1..=WARM + DROPS {
        if number == WARM + 1 {
            (before, latency, frames) = (meter::cpu(pid)?, Times::default(), 0);
        }
        let text = change(number);
        let mid = format!("\"mid\":\"drop:{number}\"");
        let begun = Instant::now();
        crowd.send(0, &text)?;
        let (heard_by, mut events) = (Cell::new(0), 0);
        let mut ear = |_: usize, heard: Heard<'_>| {
            let Heard::Text(text) = heard else { return };
            if !text.starts_with(b"{\"t\":\"ev\"") {
                return;
            }
            events += 1;
            if frame::find(text, mid.as_bytes()).is_some() {
                heard_by.set(heard_by.get() + 1);
                latency.add(begun.elapsed());
            }
        };
        // Also what comes late or twice is heard before the next one.
        while begun.elapsed() < PAUSE || heard_by.get() < LISTENERS {
            ensure!(begun.elapsed() < PATIENCE, "a drop did not reach everybody");
            crowd.turn(Duration::from_millis(10), &mut ear)?;
        }
        frames += events;
    }
    let cpu = meter::cpu(pid)? - before;
    ensure!(latency.len() == LISTENERS * DROPS, "{} arrivals", latency.len());
    Ok(Run {
        latency,
        frames: count(frames) / count(LISTENERS * DROPS),
        cpu_ms: cpu.as_secs_f64() * 1_000.0 / count(DROPS),
    })
}

/// Prints both.
pub(crate) fn report(mut ours: Run, mut raw: Run) {
    say(&format!(
        "durable: a drop reaches each of {LISTENERS} listeners after {:.2} ms (p50), {:.2} ms (p99), \
         in {:.2} frames; without storage, raw, {:.2} ms and {:.2} ms, ratio {:.1}; CPU of a drop \
         {:.2} ms and {:.2} ms",
        ours.latency.ms(0.5),
        ours.latency.ms(0.99),
        ours.frames,
        raw.latency.ms(0.5),
        raw.latency.ms(0.99),
        ours.latency.ms(0.5) / raw.latency.ms(0.5).max(0.001),
        ours.cpu_ms,
        raw.cpu_ms,
    ));
}

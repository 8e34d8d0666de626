//! Sessions that stream to many watchers: every word once and in its place, and what it costs groved.

use crate::crowd::Crowd;
use crate::cursors::is_answer;
use crate::frame::{self, Heard};
use crate::meter;
use anyhow::{Context, ensure};
use grove_tests::{Outcome, World, say};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

const SESSIONS: usize = 20;
const WATCHERS: usize = 20;
/// What the scenario `test-flow` says: one word each 20 ms.
const PROMPT: &str = "flow words";
const PATIENCE: Duration = Duration::from_secs(90);

#[derive(Deserialize)]
struct Piece {
    m: String,
    o: usize,
    d: String,
}

#[derive(Default)]
struct Watch {
    /// Length of each message so far, in UTF-16 code units.
    lengths: BTreeMap<String, usize>,
    gaps: usize,
    ended: usize,
}

/// Whether watchers are told about text at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Interest {
    /// They read along.
    Text,
    /// They look at tiles.
    Tiles,
}

/// Streams and measures.
///
/// # Errors
/// When a word is lost, or the server is gone.
pub(crate) async fn run(world: &World, address: SocketAddr, interest: Interest) -> Outcome {
    let mut ids = Vec::new();
    for number in 0..SESSIONS {
        let title = format!("Flow {number}");
        ids.push(world.finished(&title, "say ready").await?.id);
    }
    let mut crowd = Crowd::new(address, WATCHERS)?;
    let extra = if interest == Interest::Tiles { r#","text":false"# } else { "" };
    for watcher in 0..WATCHERS {
        let mut greeting = vec![r#"{"t":"hello","v":1}"#.to_owned()];
        for (number, id) in ids.iter().enumerate() {
            greeting.push(format!(r#"{{"t":"sub","id":{number},"ch":"session:{id}"{extra}}}"#));
        }
        crowd.greet(watcher, &greeting);
        crowd.connect(watcher)?;
    }
    let mut answers = 0;
    crowd.until("all watch", PATIENCE, |crowd| {
        crowd.turn(Duration::from_millis(20), &mut |_, heard| {
            answers += usize::from(matches!(heard, Heard::Text(text) if is_answer(text)));
        })?;
        Ok(answers >= SESSIONS * WATCHERS)
    })?;
    let pid = world.grove.daemon()?.pid;
    for id in &ids {
        world.client.prompt(*id, PROMPT).await?;
    }
    let mut watches: Vec<Watch> = std::iter::repeat_with(Watch::default).take(WATCHERS).collect();
    let (mut pieces, mut units) = (0_usize, 0_usize);
    let (from, before, frames) = (Instant::now(), meter::cpu(pid)?, crowd.frames);
    crowd.until("all streams end", PATIENCE, |crowd| {
        crowd.turn(Duration::from_millis(20), &mut |watcher, heard| {
            let (Heard::Text(text), Some(watch)) = (heard, watches.get_mut(watcher)) else {
                return;
            };
            if text.starts_with(b"{\"t\":\"st\"") {
                pieces += 1;
                units += watch.take(text);
            } else if frame::find(text, br#""k":"is_streaming","v":false"#).is_some() {
                watch.ended += 1;
            }
        })?;
        Ok(watches.iter().all(|watch| watch.ended >= SESSIONS))
    })?;
    let (took, cpu) = (from.elapsed(), meter::cpu(pid)? - before);
    let gaps: usize = watches.iter().map(|watch| watch.gaps).sum();
    if interest == Interest::Text {
        let first = watches.first().context("nobody watches")?;
        let is_same = watches.iter().all(|watch| watch.lengths == first.lengths);
        ensure!(gaps == 0 && is_same, "{gaps} gaps; watchers agree: {is_same}");
        ensure!(first.lengths.len() == SESSIONS, "{} messages", first.lengths.len());
    } else {
        ensure!(pieces == 0, "{pieces} pieces of text that nobody asked for");
    }
    say(&format!(
        "streams ({interest:?}): {SESSIONS} sessions with 50 words a second each to {WATCHERS} watchers \
         each; {pieces} pieces with {units} code units, {gaps} gaps; {:.1} s, groved took {:.0} % of \
         one CPU; {} frames",
        took.as_secs_f64(),
        cpu.as_secs_f64() / took.as_secs_f64() * 100.0,
        crowd.frames - frames,
    ));
    Ok(())
}

impl Watch {
    /// Takes a piece of text; returns how long it is.
    fn take(&mut self, text: &[u8]) -> usize {
        let Ok(piece) = serde_json::from_slice::<Piece>(text) else {
            self.gaps += 1;
            return 0;
        };
        let length = self.lengths.entry(piece.m).or_default();
        if piece.o == 0 {
            *length = 0;
        }
        self.gaps += usize::from(piece.o != *length);
        let units = piece.d.encode_utf16().count();
        *length = piece.o + units;
        units
    }
}

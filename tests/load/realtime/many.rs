//! Two thousand clients: memory of each, and what those who never read do to the others.

use crate::crowd::Crowd;
use crate::cursors::{Book, gather, greeting};
use crate::frame::Heard;
use crate::meter::{Times, count};
use crate::objects::{self, Filled};
use anyhow::Context;
use grove_tests::{Instance, Outcome, Process, say};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

/// Clients of all boards together.
const CLIENTS: usize = 2_000;
/// Boards that they are spread over.
const BOARDS: usize = 20;
/// Objects of each board.
const OBJECTS: usize = 30;
/// One of so many never reads.
const ONE_OF: usize = 100;
/// Who moves on each board, and how long apart.
const MOVERS: usize = 2;
const PERIOD: Duration = Duration::from_millis(100);
/// A text is changed while somebody does not read: its bytes, and the time between two changes.
const TEXT: usize = 16 * 1024;
const CHANGE: Duration = Duration::from_millis(100);
/// How long each half of the comparison lasts.
const HALF: Duration = Duration::from_secs(15);

struct Everybody {
    crowd: Crowd,
    book: Book,
    boards: Vec<Filled>,
    begun: Instant,
    changes: u32,
    closed: usize,
    /// Most memory that was seen.
    most: u64,
}

/// Measures memory at rest, then the same movement with everybody reading and with some who do not.
///
/// # Errors
/// When the server is gone or breaks the protocol.
pub(crate) async fn run(grove: &Instance, address: SocketAddr) -> Outcome {
    let mut boards = Vec::new();
    for number in 0..BOARDS {
        boards.push(objects::board(grove, &format!("Many {number}"), OBJECTS).await?);
    }
    let daemon = grove.daemon()?;
    let mut crowd = Crowd::new(address, CLIENTS)?;
    for client in 0..CLIENTS {
        let board = boards.get(client % BOARDS).context("no board")?;
        crowd.greet(client, &greeting(&board.topic));
    }
    // Rooms, pools and caches are there before the first reading.
    gather(&mut crowd, 0..BOARDS)?;
    let before = daemon.resident_bytes();
    let took = gather(&mut crowd, BOARDS..CLIENTS)?;
    settle(&mut crowd, Duration::from_secs(2))?;
    let after = daemon.resident_bytes();
    let each = count(usize::try_from(after.saturating_sub(before))?) / count(CLIENTS - BOARDS);
    say(&format!(
        "memory: {:.1} KiB of groved for each of {CLIENTS} clients on {BOARDS} boards with {OBJECTS} \
         notes each; {} KiB before them, {} KiB with them; all joined in {:.2} s",
        each / 1_024.0,
        before / 1_024,
        after / 1_024,
        took.as_secs_f64(),
    ));
    let (book, begun) = (Book::new(CLIENTS, BOARDS * MOVERS), Instant::now());
    let mut all = Everybody { crowd, book, boards, begun, changes: 0, closed: 0, most: 0 };
    let mut reading = all.half(&daemon)?;
    let most_reading = all.most;
    for client in (0..CLIENTS).filter(|client| is_deaf(*client)) {
        all.crowd.deafen(client, true);
    }
    let mut deaf = all.half(&daemon)?;
    say(&format!(
        "slow: p99 of a position {:.1} ms while all read, {:.1} ms while 1 of {ONE_OF} does not, \
         ratio {:.2} (p50 {:.1} and {:.1} ms; {} and {} deliveries); at most {} KiB of groved and \
         then {} KiB; {} connections closed",
        reading.ms(0.99),
        deaf.ms(0.99),
        deaf.ms(0.99) / reading.ms(0.99).max(0.001),
        reading.ms(0.5),
        deaf.ms(0.5),
        reading.len(),
        deaf.len(),
        most_reading / 1_024,
        all.most / 1_024,
        all.closed,
    ));
    Ok(())
}

/// Whether a client is among those that do not read: all on the board whose text changes.
fn is_deaf(client: usize) -> bool {
    client.is_multiple_of(BOARDS) && client / BOARDS >= (CLIENTS / BOARDS) - (CLIENTS / ONE_OF)
}

fn settle(crowd: &mut Crowd, time: Duration) -> Outcome {
    let begun = Instant::now();
    while begun.elapsed() < time {
        crowd.turn(Duration::from_millis(50), &mut |_, _| {})?;
    }
    Ok(())
}

impl Everybody {
    /// Two people move on each board, and one text changes again and again on the first.
    fn half(&mut self, daemon: &Process) -> Outcome<Times> {
        self.book.count_from_now();
        let from = Instant::now();
        let mut next_change = from;
        while from.elapsed() < HALF {
            if Instant::now() >= next_change {
                next_change += CHANGE;
                self.change()?;
                self.most = self.most.max(daemon.resident_bytes());
            }
            let boards = &self.boards;
            let ch = |sender: usize| {
                boards.get(sender % BOARDS).map(|board| board.topic.clone()).unwrap_or_default()
            };
            let next = self.book.move_due(&mut self.crowd, ch, (self.begun, PERIOD))?;
            let wait = next.min(next_change).saturating_duration_since(Instant::now());
            let (book, closed) = (&mut self.book, &mut self.closed);
            self.crowd.turn(wait, &mut |client, heard| {
                if matches!(heard, Heard::Closed(_)) {
                    *closed += 1;
                }
                book.hear(client, heard);
            })?;
        }
        Ok(self.book.take_latency())
    }

    fn change(&mut self) -> Outcome {
        self.changes += 1;
        let letter = char::from(b'a' + u8::try_from(self.changes % 26)?);
        let text = format!("\"{}\"", letter.to_string().repeat(TEXT));
        let board = self.boards.first().context("no board")?;
        let mid = format!("load:{}", self.changes);
        self.crowd.send(0, &objects::change(board, 0, &mid, ("text", &text)))
    }
}

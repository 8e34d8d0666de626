//! Pointers that move on one board: what a delivery costs, how long it takes, whether the last arrives.
//!
//! A delivery is one participant's new position that reaches one other client, however it is framed.
//! Sender and number of a position are its coordinates, so that a delivery needs no clock on the wire.

use crate::crowd::Crowd;
use crate::frame::{self, Heard};
use crate::meter::{self, Times, count};
use anyhow::ensure;
use grove_tests::Outcome;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

/// Longest time for everybody to join, and for last positions to arrive.
const PATIENCE: Duration = Duration::from_secs(30);
/// Time that a run lasts before it is measured.
const WARM: Duration = Duration::from_millis(700);

/// Who moves, and how fast.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plan {
    pub(crate) clients: usize,
    pub(crate) senders: usize,
    pub(crate) hertz: u32,
    pub(crate) time: Duration,
}

/// What came of it.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) delivered: usize,
    pub(crate) expected: usize,
    /// CPU seconds of the server for 100,000 deliveries.
    pub(crate) cpu: f64,
    /// Share of one processor that the server took.
    pub(crate) share: f64,
    /// Share of one processor that the clients took: over 0.85 they are what is measured.
    pub(crate) client_share: f64,
    pub(crate) latency: Times,
    /// Last positions that did not reach somebody.
    pub(crate) lost: usize,
}

/// The clients' memory of what was sent and heard.
pub(crate) struct Book {
    clients: usize,
    sent: Vec<Vec<Instant>>,
    newest: Vec<usize>,
    delivered: usize,
    latency: Times,
    is_counting: bool,
}

impl Book {
    /// Makes the book of clients of which the first `senders` move.
    pub(crate) fn new(clients: usize, senders: usize) -> Self {
        Self {
            clients,
            sent: vec![Vec::new(); senders],
            newest: vec![0; clients * senders],
            delivered: 0,
            latency: Times::default(),
            is_counting: false,
        }
    }

    /// Begins to count anew.
    pub(crate) fn count_from_now(&mut self) {
        (self.delivered, self.latency, self.is_counting) = (0, Times::default(), true);
    }

    /// Notes what a client hears.
    pub(crate) fn hear(&mut self, client: usize, heard: Heard<'_>) {
        let Heard::Text(text) = heard else { return };
        if !text.starts_with(b"{\"t\":\"pres\"") {
            return;
        }
        let now = Instant::now();
        frame::cursors(text, |sender, number| {
            let Some(at) = self.sent.get(sender).and_then(|it| it.get(number.wrapping_sub(1)))
            else {
                return;
            };
            let Some(newest) = self.newest.get_mut(sender * self.clients + client) else { return };
            if number > *newest && sender != client {
                *newest = number;
                if self.is_counting {
                    self.delivered += 1;
                    self.latency.add(now.saturating_duration_since(*at));
                }
            }
        });
    }

    /// How many last positions have not reached somebody.
    pub(crate) fn missing(&self) -> usize {
        let mut missing = 0;
        for (sender, sent) in self.sent.iter().enumerate() {
            let row = self.newest.iter().skip(sender * self.clients).take(self.clients);
            let late = row.enumerate().filter(|(who, it)| *who != sender && **it < sent.len());
            missing += late.count();
        }
        missing
    }

    /// Times of what was heard since [`Book::count_from_now`].
    pub(crate) fn take_latency(&mut self) -> Times {
        self.is_counting = false;
        std::mem::take(&mut self.latency)
    }

    /// Moves every sender that is due and returns when the next one is.
    pub(crate) fn move_due(
        &mut self,
        crowd: &mut Crowd,
        ch: impl Fn(usize) -> String,
        (begun, period): (Instant, Duration),
    ) -> Outcome<Instant> {
        let mut next = begun + period * 1_000_000;
        for (sender, sent) in self.sent.iter_mut().enumerate() {
            // Spread over the period as unevenly as people are, the same in each run.
            let phase = period.mul_f64((count(sender + 1) * 0.618_034).fract());
            let mut due = begun + phase + period * u32::try_from(sent.len())?;
            let now = Instant::now();
            if due <= now {
                sent.push(now);
                let place = format!("\"d\":{{\"cur\":[{sender},{}]}}", sent.len());
                crowd.send(
                    sender,
                    &format!("{{\"t\":\"pres\",\"ch\":\"{}\",{place}}}", ch(sender)),
                )?;
                due += period;
            }
            next = next.min(due);
        }
        Ok(next)
    }
}

/// What a client says first.
pub(crate) fn greeting(ch: &str) -> [String; 2] {
    [
        r#"{"t":"hello","v":1,"app":"load","tab":"load"}"#.to_owned(),
        format!(r#"{{"t":"sub","id":1,"ch":"{ch}"}}"#),
    ]
}

/// Connects everybody, a few at a time, and waits until all have joined.
///
/// # Errors
/// When somebody does not get in.
pub(crate) fn gather(crowd: &mut Crowd, range: std::ops::Range<usize>) -> Outcome<Duration> {
    let (mut next, mut joined) = (range.start, range.start);
    crowd.until("everybody joined", PATIENCE, |crowd| {
        while next < range.end && next - joined < 50 {
            crowd.connect(next)?;
            next += 1;
        }
        crowd.turn(Duration::from_millis(20), &mut |_, heard| {
            if let Heard::Text(text) = heard
                && is_answer(text)
            {
                joined += 1;
            }
        })?;
        Ok(joined >= range.end)
    })
}

/// Whether a frame answers a `sub`.
pub(crate) fn is_answer(text: &[u8]) -> bool {
    text.starts_with(b"{\"t\":\"snap\"") || text.starts_with(b"{\"t\":\"subok\"")
}

/// Lets people move on a board and measures the server.
///
/// # Errors
/// When the server is gone or breaks the protocol.
pub(crate) fn run(address: SocketAddr, pid: i32, ch: &str, plan: Plan) -> Outcome<Run> {
    let mut crowd = Crowd::new(address, plan.clients)?;
    for client in 0..plan.clients {
        crowd.greet(client, &greeting(ch));
    }
    gather(&mut crowd, 0..plan.clients)?;
    let mut book = Book::new(plan.clients, plan.senders);
    let period = Duration::from_secs(1) / plan.hertz;
    let begun = Instant::now();
    let step = |crowd: &mut Crowd, book: &mut Book| -> Outcome {
        let next = book.move_due(crowd, |_| ch.to_owned(), (begun, period))?;
        let wait = next.saturating_duration_since(Instant::now()).min(Duration::from_millis(50));
        crowd.turn(wait, &mut |client, heard| book.hear(client, heard))
    };
    while begun.elapsed() < WARM {
        step(&mut crowd, &mut book)?;
    }
    book.count_from_now();
    let own = i32::try_from(std::process::id())?;
    let (from, server, client) = (Instant::now(), meter::cpu(pid)?, meter::cpu(own)?);
    while from.elapsed() < plan.time {
        step(&mut crowd, &mut book)?;
    }
    let (took, server, client) =
        (from.elapsed(), meter::cpu(pid)? - server, meter::cpu(own)? - client);
    let delivered = book.delivered;
    let latency = book.take_latency();
    ensure!(delivered > 0, "nothing was delivered");
    let arrived = crowd.until("the last positions arrive", PATIENCE, |crowd| {
        crowd.turn(Duration::from_millis(5), &mut |client, heard| book.hear(client, heard))?;
        Ok(book.missing() == 0)
    });
    // What has not come by then is lost; that is a figure, not a fault of the run.
    let lost = if arrived.is_ok() { 0 } else { book.missing() };
    let sent = took.as_secs_f64() * f64::from(plan.hertz) * count(plan.senders);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a small count")]
    let expected = (sent * count(plan.clients - 1)) as usize;
    Ok(Run {
        delivered,
        expected,
        cpu: server.as_secs_f64() * 100_000.0 / count(delivered),
        share: server.as_secs_f64() / took.as_secs_f64(),
        client_share: client.as_secs_f64() / took.as_secs_f64(),
        latency,
        lost,
    })
}

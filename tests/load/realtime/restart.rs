//! A restart with a thousand clients: when is the last one live again, and does anybody load anew?

use crate::crowd::Crowd;
use crate::cursors::{gather, greeting, is_answer};
use crate::frame::{self, Heard};
use crate::meter::{self, Times};
use crate::objects;
use anyhow::{Context, ensure};
use grove_tests::{Instance, Outcome, say};
use nix::sys::signal::Signal;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

const CLIENTS: usize = 1_000;
const OBJECTS: usize = 30;
const PATIENCE: Duration = Duration::from_secs(60);
/// First and longest time between two tries, as the web client has them.
const FIRST: Duration = Duration::from_millis(250);
const LONGEST: Duration = Duration::from_secs(8);

/// One client on its way back.
#[derive(Clone, Copy, Debug)]
struct Return {
    tries: u32,
    /// When it tries next; none while it tries or is there.
    due: Option<Instant>,
    is_live: bool,
}

struct Back {
    all: Vec<Return>,
    resumed: usize,
    snapshots: usize,
    live_after: Times,
    /// When the first connection was accepted again.
    open_at: Option<Instant>,
    seed: u64,
}

/// Kills groved and measures until everybody is back, on so many boards.
///
/// # Errors
/// When somebody does not come back.
pub(crate) async fn run(grove: &Instance, address: SocketAddr, boards: usize) -> Outcome {
    let mut filled = Vec::new();
    for number in 0..boards {
        filled.push(objects::board(grove, &format!("Restart {number}"), OBJECTS).await?);
    }
    let mut heads = Vec::new();
    let mut socket = grove.socket().await?;
    for board in &filled {
        socket.subscribe(&board.topic).await?;
        heads.push(socket.view(&board.topic)?.clone());
    }
    drop(socket);
    let mut crowd = Crowd::new(address, CLIENTS)?;
    for client in 0..CLIENTS {
        let board = filled.get(client % boards).context("no board")?;
        crowd.greet(client, &greeting(&board.topic));
    }
    gather(&mut crowd, 0..CLIENTS)?;
    for client in 0..CLIENTS {
        let place = client % boards;
        let (board, head) = filled.get(place).zip(heads.get(place)).context("no board")?;
        let [hello, _] = greeting(&board.topic);
        let (topic, epoch, seq) = (&board.topic, &head.epoch, head.seq);
        let sub = format!(r#"{{"t":"sub","id":1,"ch":"{topic}","epoch":"{epoch}","seq":{seq}}}"#);
        crowd.greet(client, &[hello, sub]);
    }
    let daemon = grove.daemon()?;
    let begun = Instant::now();
    // Killed: one that is asked to end is not started again.
    daemon.signal(Signal::SIGKILL)?;
    let mut back = Back {
        all: vec![Return { tries: 0, due: None, is_live: true }; CLIENTS],
        resumed: 0,
        snapshots: 0,
        live_after: Times::default(),
        open_at: None,
        seed: 0x5eed,
    };
    crowd.until("everybody is back", PATIENCE, |crowd| back.step(crowd, begun))?;
    let took = begun.elapsed();
    let new = grove.daemon()?;
    ensure!(new.pid != daemon.pid, "groved did not restart");
    let open = back.open_at.context("nobody came back")?;
    say(&format!(
        "restart: {CLIENTS} clients on {boards} boards all live {:.2} s after groved takes connections \
         again, {:.2} s after it was killed (p50 {:.2} s); {} resumed, {} got a snapshot; CPU of \
         the new groved {:.2} s",
        open.elapsed().as_secs_f64(),
        took.as_secs_f64(),
        back.live_after.ms(0.5) / 1_000.0,
        back.resumed,
        back.snapshots,
        meter::cpu(new.pid)?.as_secs_f64(),
    ));
    Ok(())
}

impl Back {
    fn step(&mut self, crowd: &mut Crowd, begun: Instant) -> Outcome<bool> {
        let now = Instant::now();
        for client in 0..crowd.len() {
            let Some(it) = self.all.get_mut(client) else { continue };
            if it.due.is_some_and(|due| due <= now) {
                it.due = None;
                crowd.connect(client)?;
            }
        }
        crowd.turn(Duration::from_millis(2), &mut |client, heard| {
            let wait = self.wait(client);
            let Some(it) = self.all.get_mut(client) else { return };
            match heard {
                Heard::Closed(_) => {
                    (it.is_live, it.due) = (false, Some(Instant::now() + wait));
                    it.tries += 1;
                }
                Heard::Open => {
                    self.open_at.get_or_insert_with(Instant::now);
                }
                Heard::Text(text) if is_answer(text) && !it.is_live => {
                    it.is_live = true;
                    let is_resume = frame::find(text.get(..16).unwrap_or(text), b"subok");
                    if is_resume.is_some() {
                        self.resumed += 1;
                    } else {
                        self.snapshots += 1;
                    }
                    self.live_after.add(begun.elapsed());
                }
                Heard::Text(_) => {}
            }
        })?;
        Ok(self.resumed + self.snapshots >= crowd.len())
    }

    /// How long a client waits before it tries again: twice as long each time, and never two alike.
    fn wait(&mut self, client: usize) -> Duration {
        let tries = self.all.get(client).map_or(0, |it| it.tries);
        let longest = (FIRST * 2_u32.saturating_pow(tries.min(10))).min(LONGEST);
        self.seed = self.seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        let share = f64::from(u32::try_from(self.seed >> 40).unwrap_or(0)) / f64::from(1 << 24);
        longest.mul_f64(0.5 + share / 2.0)
    }
}

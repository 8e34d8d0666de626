//! A long log: does joining a board cost more when a hundred times as much has happened on it?

use crate::crowd::Crowd;
use crate::cursors::{greeting, is_answer};
use crate::frame::Heard;
use crate::meter::{self, Times, count};
use crate::objects::{self, Filled};
use grove_tests::{Instance, Outcome, say};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

/// Events of the short and of the long log.
const FEW: usize = 1_000;
const MANY: usize = 100_000;
/// Objects of both boards.
const OBJECTS: usize = 100;
/// Events that a resuming client has missed.
const MISSED: usize = 50;
/// Joins of one measurement.
const JOINS: usize = 200;
const PATIENCE: Duration = Duration::from_secs(10);

/// Measures joins with a snapshot and with a resume on both boards.
///
/// # Errors
/// When the server is gone or breaks the protocol.
pub(crate) async fn run(grove: &Instance, address: SocketAddr) -> Outcome {
    let mut boards = Vec::new();
    for (name, events) in [("Few", FEW), ("Many", MANY)] {
        let board = objects::board(grove, name, OBJECTS).await?;
        lengthen(grove, &board, events).await?;
        boards.push((board, events));
    }
    let epochs = epochs(grove, &boards).await?;
    let pid = grove.daemon()?.pid;
    let mut figures = Vec::new();
    for is_resume in [false, true] {
        for ((board, events), epoch) in boards.iter().zip(&epochs) {
            let mut greeting = greeting(&board.topic);
            if is_resume && let Some(sub) = greeting.last_mut() {
                let seq = events - MISSED;
                *sub = format!(
                    r#"{{"t":"sub","id":1,"ch":"{}","epoch":"{epoch}","seq":{seq}}}"#,
                    board.topic
                );
            }
            figures.push(joins(address, pid, &greeting)?);
        }
    }
    for (name, pair) in ["snapshot", "resume"].iter().zip(figures.chunks_mut(2)) {
        let [(few_ms, few), (many_ms, many)] = pair else { continue };
        say(&format!(
            "log: join by {name}: {many_ms:.2} ms of CPU, {:.2} ms (p50) with {MANY} events in the log; \
             {few_ms:.2} ms and {:.2} ms with {FEW}; ratio of CPU {:.2}",
            many.ms(0.5),
            few.ms(0.5),
            *many_ms / few_ms.max(0.001),
        ));
    }
    Ok(())
}

/// Puts events into a board's log behind groved's back, each like one that a client makes.
async fn lengthen(grove: &Instance, board: &Filled, events: usize) -> Outcome {
    let store = grove.store().await?;
    let topic = &board.topic;
    let object = board.objects.first().map_or("", String::as_str);
    let ops = format!(r#"[{{"op":"set","id":"{object}","k":"pos","v":[1,2]}}]"#);
    store
        .execute(&format!(
            "WITH RECURSIVE n(i) AS (SELECT 2 UNION ALL SELECT i + 1 FROM n WHERE i < {events}) \
             INSERT INTO events (topic, seq, at_ms, by_user, via, kind, mid, ops) \
             SELECT '{topic}', i, at_ms, by_user, via, kind, 'seed:' || i, '{ops}' \
             FROM n, (SELECT * FROM events WHERE topic = '{topic}' AND seq = 1)"
        ))
        .await?;
    store.execute(&format!("UPDATE topics SET seq = {events} WHERE topic = '{topic}'")).await
}

/// Restarts groved, which has the old ends of the logs in its rooms, and reads the logs' identities.
async fn epochs(grove: &Instance, boards: &[(Filled, usize)]) -> Outcome<Vec<String>> {
    grove.kill_daemon().await?;
    let mut socket = grove.socket().await?;
    let mut epochs = Vec::new();
    for (board, _) in boards {
        socket.subscribe(&board.topic).await?;
        epochs.push(socket.view(&board.topic)?.epoch.clone());
    }
    Ok(epochs)
}

/// CPU milliseconds of one join, connection and greeting included, and how long each took.
fn joins(address: SocketAddr, pid: i32, greeting: &[String]) -> Outcome<(f64, Times)> {
    let mut crowd = Crowd::new(address, 1)?;
    crowd.greet(0, greeting);
    let mut times = Times::default();
    let mut before = meter::cpu(pid)?;
    for number in 0..JOINS + JOINS / 10 {
        if number == JOINS / 10 {
            (before, times) = (meter::cpu(pid)?, Times::default());
        }
        let begun = Instant::now();
        crowd.connect(0)?;
        let mut is_in = false;
        crowd.until("a client joined", PATIENCE, |crowd| {
            crowd.turn(Duration::from_millis(20), &mut |_, heard| {
                is_in |= matches!(heard, Heard::Text(text) if is_answer(text));
            })?;
            Ok(is_in)
        })?;
        times.add(begun.elapsed());
        crowd.drop_connection(0);
    }
    let cpu = meter::cpu(pid)? - before;
    Ok((cpu.as_secs_f64() * 1_000.0 / count(JOINS), times))
}

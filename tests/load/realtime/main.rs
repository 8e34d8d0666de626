//! Figures of the room: `cargo run --release -p grove-tests --bin load_realtime [name …]`.
//!
//! Clients are sockets in this one thread; groved, and the raw fan-out that it is compared with, are
//! processes on another processor when there is one. Loopback only, bounded in number and time, and
//! everything that is started is ended. What was measured: `docs/performance.md`. Deliberately absent:
//! thresholds, which machines would break.

mod crowd;
mod cursors;
mod durable;
mod frame;
mod history;
mod many;
mod meter;
mod objects;
mod raw;
mod restart;
mod streams;

use anyhow::{Context, ensure};
use cursors::Plan;
use grove_core_api::limits;
use grove_tests::{Instance, Outcome, World, say};
use meter::{Places, count, median};
use raw::Raw;
use std::net::SocketAddr;
use std::time::Duration;

const NAMES: &[&str] =
    &["alone", "few", "crowd", "many", "durable", "streams", "tiles", "restart", "log"];
/// Repeats of what is compared with the raw fan-out, in turn.
const ROUNDS: usize = 3;
/// Clients on the board of the cursors.
const CLIENTS: usize = 200;
const MEASURE: Duration = Duration::from_secs(5);

#[tokio::main(flavor = "current_thread")]
async fn main() -> Outcome {
    let mut arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments.first().is_some_and(|it| it == raw::ARGUMENT) {
        let tick_ms = arguments.get(1).context("no tick")?.parse()?;
        return raw::serve(tick_ms);
    }
    for name in &arguments {
        ensure!(NAMES.contains(&name.as_str()), "no figure `{name}`; there are: {NAMES:?}");
    }
    if arguments.is_empty() {
        arguments.extend(NAMES.iter().map(ToString::to_string));
    }
    let places = Places::choose()?;
    say(&format!("{}; release build: {}", places.describe(), !cfg!(debug_assertions)));
    for name in &arguments {
        figure(name, places).await.with_context(|| name.clone())?;
    }
    say("done");
    Ok(())
}

async fn figure(name: &str, places: Places) -> Outcome {
    match name {
        "alone" => cursors(name, places, 1, 10).await,
        "few" => cursors(name, places, 10, 10).await,
        "crowd" => cursors(name, places, CLIENTS, 10).await,
        "durable" => {
            let (grove, address) = start(places).await?;
            let ours = durable::on_grove(&grove, address).await?;
            grove.end().await?;
            durable::report(ours, bare_drops(places)?);
            Ok(())
        }
        "streams" | "tiles" => {
            let world = World::start().await?;
            let text = streams::Interest::Text;
            let interest = if name == "tiles" { streams::Interest::Tiles } else { text };
            streams::run(&world, address_of(&world.grove)?, interest).await?;
            world.end().await
        }
        other => {
            let (grove, address) = start(places).await?;
            match other {
                "many" => many::run(&grove, address).await?,
                "log" => history::run(&grove, address).await?,
                _ => {
                    restart::run(&grove, address, 10).await?;
                    restart::run(&grove, address, 1).await?;
                }
            }
            grove.end().await
        }
    }
}

/// An instance on the server's processor; this thread is on the clients' afterwards.
async fn start(places: Places) -> Outcome<(Instance, SocketAddr)> {
    places.be_server()?;
    let grove = Instance::start().await?;
    places.be_client()?;
    let address = address_of(&grove)?;
    Ok((grove, address))
}

fn address_of(grove: &Instance) -> Outcome<SocketAddr> {
    Ok(grove.url().trim_start_matches("http://").parse()?)
}

fn start_raw(places: Places, tick_ms: u64) -> Outcome<Raw> {
    places.be_server()?;
    let raw = Raw::start(tick_ms)?;
    places.be_client()?;
    Ok(raw)
}

fn bare_drops(places: Places) -> Outcome<durable::Run> {
    let raw = start_raw(places, 0)?;
    durable::drops(raw.address, raw.pid, "board:raw", |number| {
        format!(r#"{{"t":"mut","ch":"board:raw","mid":"drop:{number}","ops":[]}}"#)
    })
}

/// Cursors on groved and on the raw fan-out with the same tick, in turn.
async fn cursors(name: &str, places: Places, senders: usize, hertz: u32) -> Outcome {
    let plan = Plan { clients: CLIENTS, senders, hertz, time: MEASURE };
    let (grove, address) = start(places).await?;
    let (mut ours, mut raws) = (Vec::new(), Vec::new());
    for round in 0..ROUNDS {
        let raw = start_raw(places, limits::ROOM_TICK_MS)?;
        raws.push(cursors::run(raw.address, raw.pid, "board:raw", plan)?);
        drop(raw);
        let board = grove.client()?.new_board(&format!("{name} {round}")).await?;
        let (pid, ch) = (grove.daemon()?.pid, format!("board:{}", board.id));
        ours.push(cursors::run(address, pid, &ch, plan)?);
    }
    grove.end().await?;
    let ratios = ours.iter().zip(&raws).map(|(ours, raw)| ours.cpu / raw.cpu).collect();
    for (who, runs) in [("groved", &mut ours), ("raw", &mut raws)] {
        say(&line(name, who, senders, runs));
    }
    say(&format!("{name}: ratio of CPU to raw {:.2}", median(ratios)));
    Ok(())
}

fn line(name: &str, who: &str, senders: usize, runs: &mut [cursors::Run]) -> String {
    let of = |each: &dyn Fn(&cursors::Run) -> f64| median(runs.iter().map(each).collect());
    let cpu = of(&|run| run.cpu);
    let (share, clients) = (of(&|run| run.share), of(&|run| run.client_share));
    let came = of(&|run| count(run.delivered) / count(run.expected));
    let lost: usize = runs.iter().map(|run| run.lost).sum();
    let mut at = |part: f64| median(runs.iter_mut().map(|run| run.latency.ms(part)).collect());
    let (p50, p99, most) = (at(0.5), at(0.99), at(1.0));
    format!(
        "{name}: {who}: {senders} of {CLIENTS} move: {cpu:.4} s of CPU for 100,000 deliveries ({:.1} % of \
         a processor, clients {:.0} %), p50 {p50:.1} ms, p99 {p99:.1} ms, longest {most:.1} ms; {:.0} % \
         of positions came, {lost} last positions lost",
        share * 100.0,
        clients * 100.0,
        came * 100.0,
    )
}

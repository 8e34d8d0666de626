//! One function per figure; each prints one line.

use anyhow::ensure;
use grove_core_api::Page;
use grove_core_api::rest::sessions::{RunState, Session};
use grove_tests::{
    Client, Instance, Outcome, Repo, World, eventually, program, programs, run, say,
};
use nix::sys::signal::Signal;
use reqwest::Method;
use std::time::{Duration, Instant};

/// Repeats of what takes milliseconds.
const ROUNDS: usize = 10;
/// Requests of one measurement of CPU time.
const REQUESTS: usize = 500;
/// Sessions of the long list.
const MANY: usize = 10_000;
/// Sessions of the short list.
const FEW: usize = 50;
/// Files of the repository that worktrees are made of.
const FILES: usize = 1_000;
/// Sessions that stream at once.
const STREAMS: usize = 20;
/// Words that the scenario `test-flow` says, one each 20 ms.
const WORDS: usize = 500;
/// Clock ticks a second, as `/proc` counts them on Linux.
const TICKS: f64 = 100.0;

fn median(mut times: Vec<Duration>) -> f64 {
    times.sort();
    times.get(times.len() / 2).map_or(0.0, |it| it.as_secs_f64() * 1_000.0)
}

fn mebibytes(bytes: u64) -> f64 {
    let kibibytes = u32::try_from(bytes / 1_024).unwrap_or(u32::MAX);
    f64::from(kibibytes) / 1_024.0
}

/// Time of starting a program that ends at once.
fn bare(name: &str, argument: &str) -> Outcome<f64> {
    let path = programs()?.join(name);
    let mut times = Vec::new();
    for _ in 0..ROUNDS {
        let begun = Instant::now();
        run(program(&path).arg(argument))?;
        times.push(begun.elapsed());
    }
    Ok(median(times))
}

/// Cold start to the first answer with a migrated database, and memory at rest.
pub(crate) async fn start() -> Outcome {
    let mut grove = Instance::start().await?;
    let mut times = Vec::new();
    for _ in 0..ROUNDS {
        grove.stop()?;
        let begun = Instant::now();
        grove.launch().await?;
        ensure!(grove.client()?.is_healthy().await, "it does not answer");
        times.push(begun.elapsed());
    }
    let (took, baseline) = (median(times), bare("groved", "--version")?);
    let daemon = grove.daemon()?.resident_bytes();
    let monitor: u64 = grove.named("grove-monitor").iter().map(|it| it.resident_bytes()).sum();
    say(&format!(
        "start: {took:.1} ms to the first answer, bare exec {baseline:.1} ms, ratio {:.1}; at rest \
         groved {:.1} MiB, monitor {:.1} MiB",
        took / baseline,
        mebibytes(daemon),
        mebibytes(monitor),
    ));
    grove.end().await
}

/// CPU time of the daemon for one page of sessions, with few and with many in the database.
pub(crate) async fn list() -> Outcome {
    let world = World::start().await?;
    let first = world.client.new_session(world.repo.id, "Seed", None).await?;
    seed(&world, &first, FEW - 1).await?;
    let few = cpu_per_list(&world).await?;
    seed(&world, &first, MANY - FEW).await?;
    let many = cpu_per_list(&world).await?;
    say(&format!(
        "list: {many:.3} ms of CPU for a page of 50 with {MANY} sessions, {few:.3} ms with {FEW}, \
         ratio {:.2}",
        many / few,
    ));
    world.end().await
}

/// Copies a session's row; the copies have ids and nothing else of their own.
async fn seed(world: &World, first: &Session, count: usize) -> Outcome {
    let store = world.grove.store().await?;
    let columns =
        store.text("SELECT group_concat(name, ',') FROM pragma_table_info('sessions')").await?;
    let values: Vec<&str> = columns
        .split(',')
        .map(|name| match name {
            "id" => "randomblob(16)",
            "short_id" => "lower(hex(randomblob(4)))",
            other => other,
        })
        .collect();
    let (values, id) = (values.join(","), store.uuid(first.id.0));
    store
        .execute(&format!(
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {count}) \
             INSERT INTO sessions ({columns}) SELECT {values} FROM sessions, n WHERE id = {id}"
        ))
        .await
}

async fn cpu_per_list(world: &World) -> Outcome<f64> {
    let page = async |client: &Client| -> Outcome {
        let page: Page<Session> = client.get("/sessions?limit=50").await?;
        ensure!(page.items.len() == 50, "{} sessions", page.items.len());
        Ok(())
    };
    let client = Client::keeping_connections(world.grove.url())?;
    page(&client).await?;
    let daemon = world.grove.daemon()?;
    let before = daemon.cpu_ticks();
    for _ in 0..REQUESTS {
        page(&client).await?;
    }
    let ticks = u32::try_from(daemon.cpu_ticks() - before)?;
    Ok(f64::from(ticks) * 1_000.0 / TICKS / f64::from(u32::try_from(REQUESTS)?))
}

/// Making a session with its worktree, beside git doing only the worktree.
pub(crate) async fn session() -> Outcome {
    let world = World::start().await?;
    let source = Repo::empty("large")?;
    for number in 0..FILES {
        source
            .file(&format!("d{}/f{number}.txt", number % 50), &format!("{number}\n").repeat(40))?;
    }
    source.commit("many files")?;
    let repo = world.client.add_repo(&source).await?;
    // The first one makes the account's own repository, once.
    world.client.new_session(repo.id, "Warm", None).await?;
    let (mut ours, mut gits) = (Vec::new(), Vec::new());
    for number in 0..ROUNDS {
        let begun = Instant::now();
        world.client.new_session(repo.id, &format!("S{number}"), None).await?;
        ours.push(begun.elapsed());
        let (path, branch) = (world.gate(&number.to_string()), format!("b{number}"));
        let path = path.display().to_string();
        let begun = Instant::now();
        source.git(&["worktree", "add", "-q", "-b", &branch, &path])?;
        gits.push(begun.elapsed());
    }
    let (ours, gits) = (median(ours), median(gits));
    say(&format!(
        "session: {ours:.1} ms to make one on {FILES} files, `git worktree add` {gits:.1} ms, \
         ratio {:.2}",
        ours / gits,
    ));
    world.end().await
}

/// From nothing to an executor that has been initialized and answers, through the monitor.
///
/// The keeper is one; `/readyz` starts it when there is none and answers after its `ping`.
pub(crate) async fn executor() -> Outcome {
    let grove = Instance::start().await?;
    let client = grove.client()?;
    let ready = async || -> Outcome<Duration> {
        let begun = Instant::now();
        client.request_at(Method::GET, "/readyz").send().await?.error_for_status()?;
        Ok(begun.elapsed())
    };
    ready().await?;
    let (mut cold, mut warm) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        for keeper in grove.named("grove-executor") {
            keeper.signal(Signal::SIGKILL)?;
        }
        eventually("the keeper is gone and known to be", async || {
            Ok(grove.named("grove-executor").is_empty().then_some(()))
        })
        .await?;
        if let Ok(took) = ready().await {
            cold.push(took);
        }
        warm.push(ready().await?);
    }
    // A round in which the daemon had not noticed the keeper's end yet has no figure.
    let counted = cold.len();
    ensure!(counted * 2 >= ROUNDS, "only {counted} rounds of {ROUNDS} count");
    let (cold, warm, bare) = (median(cold), median(warm), bare("grove-executor", "")?);
    say(&format!(
        "executor: {cold:.1} ms from nothing to an answer, {warm:.1} ms when it runs already, bare \
         exec {bare:.1} ms, ratio {:.1}; {counted} rounds of {ROUNDS}",
        (cold - warm) / bare,
    ));
    grove.end().await
}

/// Many sessions that stream at once: is every word there, and what does it cost the daemon?
pub(crate) async fn stream() -> Outcome {
    let world = World::start().await?;
    let mut socket = world.grove.socket().await?;
    let mut ids = Vec::new();
    for number in 0..STREAMS {
        let title = format!("Stream {number}");
        let session = world.finished(&title, "say ready").await?;
        socket.subscribe(&format!("session:{}", session.id)).await?;
        ids.push(session.id);
    }
    let daemon = world.grove.daemon()?;
    let (begun, before) = (Instant::now(), daemon.cpu_ticks());
    for id in &ids {
        world.client.prompt(*id, "flow words").await?;
    }
    for id in &ids {
        let (topic, id) = (format!("session:{id}"), id.to_string());
        socket
            .until("the end of a stream", |it| {
                let view = it.views.get(&topic)?;
                let is_over = view.property(&id, "state")? == RunState::Idle.as_str();
                (is_over && view.property(&id, "task_count")? == 2).then_some(())
            })
            .await?;
    }
    let (took, ticks) = (begun.elapsed().as_secs_f64(), daemon.cpu_ticks() - before);
    for id in &ids {
        let view = socket.view(&format!("session:{id}"))?;
        let streamed = view.streamed.values().map(|text| text.split(' ').count()).max();
        ensure!(streamed == Some(WORDS), "{streamed:?} words of {WORDS} came");
    }
    let share = f64::from(u32::try_from(ticks)?) / TICKS / took;
    say(&format!(
        "stream: {STREAMS} sessions with 50 words a second each, none lost; {took:.1} s for 10 s of \
         words, groved took {:.0} % of one CPU",
        share * 100.0,
    ));
    world.end().await
}

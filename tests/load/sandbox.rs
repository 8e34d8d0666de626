//! Figures of the sandbox: `cargo run --release -p grove-tests --bin load_sandbox`, as root.
//!
//! Executors are started without a monitor or a daemon, so that nothing else is measured. One thread
//! while processes are started: the sandbox asks for it. Ratios against a baseline of the same run.
//! What was measured: `docs/performance.md`.

use anyhow::{Context, ensure};
use grove_core_api::ipc::method::Initialize;
use grove_core_api::isolation::{ExecutorLimits, Layer, NetworkProfile, SandboxReport};
use grove_core_api::monitor::{ExecutorGreeting, ExecutorRole};
use grove_core_api::{ExecutorId, Secret, version};
use grove_sandbox::account::Identity;
use grove_sandbox::cgroup::Cgroups;
use grove_sandbox::promptness::answer_soon;
use grove_sandbox::{LayerSet, Plan, Started, environment, start};
use grove_tests::{Outcome, program, say};
use nix::sys::signal::{Signal, kill};
use nix::sys::socket::{
    AddressFamily, ControlMessage, MsgFlags, SockFlag, SockType, sendmsg, socketpair,
};
use nix::sys::wait::waitpid;
use nix::unistd::{Gid, Pid, Uid, geteuid};
use serde_json::json;
use std::fs;
use std::io::{BufRead, BufReader, IoSlice, Write};
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};
use uuid::Uuid;

/// Starts of each kind, one after the other in turn.
const ROUNDS: usize = 40;
/// Pings of one measurement, one after the other.
const PINGS: usize = 4_000;
const NO_PAUSE: Duration = Duration::ZERO;
/// Pings of a person beside others' work, and the time from one to the next: who pings without pause
/// asks for a whole processor, and gets the fair share of it.
const PACED: (usize, Duration) = (1_000, Duration::from_millis(5));
/// Executors that answer as fast as they can beside the one that is measured.
const FLOODS: usize = 50;
/// Answers of the others before they count as being at work.
const ALL_AT_WORK: u64 = 5_000;
/// Argument of the process that asks them.
const OTHERS: &str = "others";
/// An account that nobody has.
const NOBODY: u32 = 65_500;

struct Bench {
    root: PathBuf,
    program: PathBuf,
    groups: Cgroups,
}

/// An executor that has answered.
struct Executor {
    started: Started,
    stream: UnixStream,
    /// Held: its end is the executor's end.
    _control: OwnedFd,
}

impl Bench {
    fn plan(&self, layers: LayerSet) -> Plan {
        let identity = Identity {
            name: "bench".into(),
            uid: Uid::from_raw(NOBODY),
            gid: Gid::from_raw(NOBODY),
            groups: Vec::new(),
            home: self.root.clone(),
            shell: "/bin/sh".into(),
        };
        let work = self.root.join("work");
        Plan {
            init_argument: Some("--init".into()),
            environment: environment::fresh(Some(&identity), Path::new("/tmp")),
            identity: layers.contains(Layer::Account).then_some(identity),
            write: vec![work.clone()],
            cover: vec![self.root.clone()],
            network: NetworkProfile::Shared,
            limits: ExecutorLimits { processes: Some(512), ..ExecutorLimits::default() },
            layers,
            required: layers.without(Layer::Network),
            ..Plan::new(&self.program, work)
        }
    }

    /// From nothing to the answer of `initialize`, in milliseconds.
    fn executor(&self, id: &str, layers: LayerSet) -> Outcome<(f64, Executor)> {
        let begun = Instant::now();
        let (ours, theirs) =
            socketpair(AddressFamily::Unix, SockType::SeqPacket, None, SockFlag::SOCK_CLOEXEC)?;
        let mut plan = self.plan(layers);
        plan.descriptors.push(theirs);
        let started = start(&plan, &self.groups, id)?;
        drop(plan);
        let (stream, remote) = UnixStream::pair()?;
        let token = Secret::new("0123456789abcdef0123456789abcdef");
        let greeting = ExecutorGreeting {
            id: ExecutorId(Uuid::from_u128(1)),
            role: ExecutorRole::Session,
            token: token.clone(),
            report: SandboxReport {
                uid: if layers.contains(Layer::Account) { NOBODY } else { 0 },
                layers: started.layers.clone(),
                ..SandboxReport::default()
            },
        };
        let bytes = serde_json::to_vec(&greeting)?;
        let rights = [remote.as_raw_fd()];
        let control = [ControlMessage::ScmRights(&rights)];
        let parts = [IoSlice::new(&bytes)];
        sendmsg::<()>(ours.as_raw_fd(), &parts, &control, MsgFlags::empty(), None)?;
        drop(remote);
        let hello = Initialize { protocol: version::IPC, token, last_seq: 0, orphan_ms: 60_000 };
        let mut executor = Executor { started, stream, _control: ours };
        let answer = executor.ask("initialize", &serde_json::to_value(hello)?)?;
        ensure!(answer.contains("result"), "{answer}");
        Ok((begun.elapsed().as_secs_f64() * 1e3, executor))
    }

    /// A program that ends at once, in milliseconds from the clone to its end.
    fn trivial(&self) -> Outcome<f64> {
        let begun = Instant::now();
        let started = start(&Plan::new("/bin/true", "/"), &Cgroups::none(), "trivial")?;
        waitpid(Pid::from_raw(started.pid), None)?;
        Ok(begun.elapsed().as_secs_f64() * 1e3)
    }
}

impl Executor {
    fn ask(&mut self, method: &str, params: &serde_json::Value) -> Outcome<String> {
        let call = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params});
        writeln!(&self.stream, "{call}")?;
        let mut line = String::new();
        BufReader::new(&self.stream).read_line(&mut line)?;
        Ok(line)
    }

    /// Microseconds of each ping, sorted.
    fn pings(&mut self, count: usize, pace: Duration) -> Outcome<Vec<f64>> {
        let mut times = Vec::with_capacity(count);
        let mut reader = BufReader::new(self.stream.try_clone()?);
        let mut line = String::new();
        let start = Instant::now();
        for number in (0..).take(count) {
            std::thread::sleep((start + pace * number).saturating_duration_since(Instant::now()));
            let begun = Instant::now();
            (&self.stream).write_all(PING)?;
            line.clear();
            reader.read_line(&mut line)?;
            times.push(begun.elapsed().as_secs_f64() * 1e6);
        }
        times.sort_by(f64::total_cmp);
        Ok(times)
    }

    /// Unshared memory of the executor and its init, in KiB, and all of it in proportion.
    fn memory(&self) -> Outcome<(u64, u64)> {
        let mut pids = vec![self.started.pid];
        let children = format!("/proc/{0}/task/{0}/children", self.started.pid);
        let children = fs::read_to_string(children)?;
        pids.extend(children.split_whitespace().filter_map(|it| it.parse::<i32>().ok()));
        let (mut own, mut all) = (0, 0);
        for pid in pids {
            let text = fs::read_to_string(format!("/proc/{pid}/smaps_rollup"))?;
            let field = |name: &str| {
                let line = text.lines().find(|line| line.starts_with(name));
                line.and_then(|it| it.split_whitespace().nth(1)?.parse::<u64>().ok()).unwrap_or(0)
            };
            own += field("Pss_Anon:") + field("Pss_Shmem:");
            all += field("Pss:");
        }
        Ok((own, all))
    }

    fn end(self) -> Outcome {
        end(&self.started)
    }
}

fn end(started: &Started) -> Outcome {
    if let Some(group) = &started.group {
        group.kill();
    }
    let pid = Pid::from_raw(started.pid);
    // It may be gone by its group already.
    kill(pid, Signal::SIGKILL).ok();
    waitpid(pid, None)?;
    Ok(())
}

const PING: &[u8] = b"{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":\"ping\",\"params\":{}}\n";

fn at(sorted: &[f64], share: usize) -> f64 {
    sorted.get(sorted.len() * share / 100).copied().unwrap_or_default()
}

fn median(mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    at(&times, 50)
}

fn starts(bench: &Bench) -> Outcome {
    // Without limits a host of either kind uses one group, which the process is born in.
    let kinds = [
        ("no layer", LayerSet::none()),
        ("all but limits", LayerSet::all().without(Layer::Limits)),
        ("all layers", LayerSet::all()),
    ];
    let mut times = [const { Vec::new() }; 3];
    let mut trivial = Vec::new();
    for round in 0..ROUNDS {
        trivial.push(bench.trivial()?);
        for ((name, layers), times) in kinds.iter().zip(&mut times) {
            let (took, executor) =
                bench.executor(&format!("start-{round}"), *layers).context(*name)?;
            executor.end()?;
            times.push(took);
        }
    }
    let [none, unlimited, all] = times.map(median);
    say(&format!(
        "start: clone and exec of a program that ends at once {:.2} ms; executor to its first answer \
         without a layer {none:.2} ms, all layers but limits {unlimited:.2} ms ({:.2} times), all \
         layers {all:.2} ms ({:.2} times)",
        median(trivial),
        unlimited / none,
        all / none,
    ));
    Ok(())
}

fn idle(bench: &Bench) -> Outcome {
    let (_, mut executor) = bench.executor("idle", LayerSet::all())?;
    let (_, mut bare) = bench.executor("bare", LayerSet::none())?;
    let (own, all) = executor.memory()?;
    let (inside, outside) = (executor.pings(PINGS, NO_PAUSE)?, bare.pings(PINGS, NO_PAUSE)?);
    say(&format!("memory: executor and init {own} KiB of their own, {all} KiB in proportion"));
    say(&format!(
        "ping: median {:.0} us through the sandbox, {:.0} us without",
        at(&inside, 50),
        at(&outside, 50),
    ));
    executor.end()?;
    bare.end()
}

fn answer_until(is_over: &AtomicBool, answers: &AtomicU64, stream: &UnixStream) {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    let mut stream = stream;
    while !is_over.load(Ordering::Relaxed) && stream.write_all(PING).is_ok() {
        line.clear();
        if reader.read_line(&mut line).is_err() {
            return;
        }
        answers.fetch_add(1, Ordering::Relaxed);
    }
}

/// The process of the others: starts their executors, says so, asks all of them without pause from the
/// next line of its input on until that ends, and says how many answers there were.
fn others(bench: &Bench) -> Outcome {
    let mut executors = Vec::new();
    for number in 0..FLOODS {
        executors.push(bench.executor(&format!("flood-{number}"), LayerSet::all())?.1);
    }
    answer("ready")?;
    let mut lines = std::io::stdin().lines();
    lines.next().transpose()?;
    let (is_over, answers) = (AtomicBool::new(false), AtomicU64::new(0));
    std::thread::scope(|scope| -> Outcome {
        for executor in &executors {
            scope.spawn(|| answer_until(&is_over, &answers, &executor.stream));
        }
        while answers.load(Ordering::Relaxed) < ALL_AT_WORK {
            std::thread::yield_now();
        }
        let before = answers.load(Ordering::Relaxed);
        let begun = Instant::now();
        let heard = answer("at work").and_then(|()| Ok(lines.next().transpose()?));
        let count = answers.load(Ordering::Relaxed) - before;
        is_over.store(true, Ordering::Relaxed);
        heard?;
        answer(&format!("{:.0}", f64::from(u32::try_from(count)?) / begun.elapsed().as_secs_f64()))
    })?;
    executors.into_iter().try_for_each(Executor::end)
}

/// Says something to the process that started this one.
fn answer(text: &str) -> Outcome {
    Ok(writeln!(std::io::stdout(), "{text}")?)
}

/// Others answer as fast as they are asked, by a process of their own; what does one more person
/// notice? This process stands for groved and so asks the scheduler for what groved asks for.
fn flood(bench: &Bench) -> Outcome {
    let (_, mut executor) = bench.executor("quiet", LayerSet::all())?;
    let mut others = program(std::env::current_exe()?)
        .arg(OTHERS)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()?;
    let mut orders = others.stdin.take().context("its input")?;
    let mut said = BufReader::new(others.stdout.take().context("its output")?).lines();
    let mut hear = || said.next().context("the others ended").and_then(|line| Ok(line?));
    ensure!(hear()? == "ready");
    answer_soon()?;
    let quiet = executor.pings(PACED.0, PACED.1)?;
    writeln!(orders)?;
    ensure!(hear()? == "at work");
    let loud = executor.pings(PACED.0, PACED.1)?;
    drop(orders);
    let rate = hear()?;
    ensure!(others.wait()?.success(), "the others failed");
    say(&format!(
        "flood: with {FLOODS} sessions that answer without pause, {rate} times a second together, \
         ping p95 {:.0} us, {:.0} us when they are quiet, {:.1} times; medians {:.0} and {:.0} us",
        at(&loud, 95),
        at(&quiet, 95),
        at(&loud, 95) / at(&quiet, 95),
        at(&loud, 50),
        at(&quiet, 50),
    ));
    executor.end()
}

/// Sessions that burn the processor with what they started; what does one more person notice?
fn burn(bench: &Bench) -> Outcome {
    let (_, mut executor) = bench.executor("calm", LayerSet::all())?;
    let calm = executor.pings(PACED.0, PACED.1)?;
    let mut plan = bench.plan(LayerSet::all());
    plan.program = "/bin/sh".into();
    plan.arguments = vec!["-c".into(), "while :; do :; done".into()];
    plan.init_argument = None;
    let mut burning = Vec::new();
    for number in 0..FLOODS {
        burning.push(start(&plan, &bench.groups, &format!("burn-{number}"))?);
    }
    let loud = executor.pings(PACED.0, PACED.1);
    for started in burning {
        end(&started)?;
    }
    let loud = loud?;
    say(&format!(
        "burn: with {FLOODS} sessions whose tools burn the processor, ping p95 {:.0} us, {:.0} us \
         when nobody does, {:.1} times; medians {:.0} and {:.0} us",
        at(&loud, 95),
        at(&calm, 95),
        at(&loud, 95) / at(&calm, 95),
        at(&loud, 50),
        at(&calm, 50),
    ));
    executor.end()
}

fn main() -> Outcome {
    ensure!(geteuid().is_root(), "accounts and control groups need root");
    let program = std::env::current_exe()?.with_file_name("grove-executor");
    ensure!(program.is_file(), "build the executor first: cargo build --release --bins");
    let root = PathBuf::from(format!("/var/lib/grove-bench-{}", std::process::id()));
    fs::create_dir_all(root.join("work"))?;
    std::os::unix::fs::chown(root.join("work"), Some(NOBODY), Some(NOBODY))?;
    let groups = Cgroups::detect(&root.to_string_lossy());
    let bench = Bench { root, program, groups };
    let measured = if std::env::args_os().nth(1).is_some_and(|it| it == OTHERS) {
        others(&bench)
    } else {
        let figures: [fn(&Bench) -> Outcome; 4] = [starts, idle, flood, burn];
        figures.iter().try_for_each(|figure| figure(&bench))
    };
    bench.groups.close();
    fs::remove_dir_all(&bench.root)?;
    measured
}

//! What one executor uses up, others do not miss; and what it leaves behind is found and ended.

use crate::fixture::{Fixture, Mode};
use crate::leaks;
use crate::profile::{Profile, end, launch, line};
use crate::rows::Who;
use anyhow::{Context, ensure};
use grove_core_api::isolation::{ExecutorLimits, Layer};
use grove_sandbox::Started;
use grove_tests::{Outcome, settled};
use nix::unistd::pipe;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

const PATIENCE: Duration = Duration::from_secs(5);
/// Longest answer of another person's executor while somebody exhausts the host: generous, because
/// the machine that runs the tests may be busy by itself.
const ANSWER: Duration = Duration::from_secs(2);
const PINGS: usize = 50;

fn limited(limits: ExecutorLimits) -> Profile {
    let mut profile = Profile::full();
    profile.limits = limits;
    profile
}

/// Starts something that says one line when it got as far as it can.
fn consume(fixture: &Fixture, what: &str, profile: &Profile) -> Outcome<(Started, String)> {
    let (reads, writes) = pipe()?;
    let started = launch(fixture, &format!("consume {what}"), profile, vec![writes])?;
    let said = line(&reads).with_context(|| what.to_owned());
    match said {
        Ok(said) => Ok((started, said)),
        Err(error) => {
            end(started)?;
            Err(error)
        }
    }
}

/// An executor of another person that answers.
struct Answering {
    started: Option<Started>,
    connection: BufReader<UnixStream>,
}

impl Answering {
    fn start(fixture: &Fixture) -> Outcome<Self> {
        let (ours, theirs) = UnixStream::pair()?;
        ours.set_read_timeout(Some(PATIENCE))?;
        let mut profile = Profile::full();
        profile.who = Who::Other;
        let started = launch(fixture, "consume answer", &profile, vec![OwnedFd::from(theirs)])?;
        let mut it = Self { started: Some(started), connection: BufReader::new(ours) };
        it.slowest()?;
        Ok(it)
    }

    /// The slowest of several answers.
    fn slowest(&mut self) -> Outcome<Duration> {
        let mut slowest = Duration::ZERO;
        for number in 0..PINGS {
            let (asked, text) = (Instant::now(), format!("ping {number}\n"));
            self.connection.get_mut().write_all(text.as_bytes())?;
            let mut answer = String::new();
            self.connection.read_line(&mut answer).context("the other executor does not answer")?;
            ensure!(answer == text, "answered {answer:?}");
            slowest = slowest.max(asked.elapsed());
        }
        Ok(slowest)
    }

    fn end(mut self) -> Outcome {
        self.started.take().map_or(Ok(()), |it| end(it).map(drop))
    }
}

fn without_leak(test: impl FnOnce(&Fixture) -> Outcome) -> Outcome {
    let fixture = crate::fixture(Mode::Shared)?;
    let before = leaks::snapshot(&fixture);
    test(&fixture)?;
    let left = leaks::since(&before, &fixture);
    ensure!(left.is_empty(), "left behind: {left:#?}");
    Ok(())
}

pub(crate) fn a_fork_bomb_is_held_while_others_are_answered() -> Outcome {
    without_leak(|fixture| {
        let mut other = Answering::start(fixture)?;
        let most = 48;
        let limits = ExecutorLimits { processes: Some(most), ..crate::profile::LIMITS };
        let (bomb, said) = consume(fixture, "processes", &limited(limits))?;
        let slowest = other.slowest();
        let counts: Vec<u64> = bomb
            .group
            .iter()
            .flat_map(grove_sandbox::cgroup::Cgroup::paths)
            .filter_map(|path| fs::read_to_string(path.join("pids.current")).ok())
            .filter_map(|text| text.trim().parse().ok())
            .collect();
        end(bomb)?;
        other.end()?;
        ensure!(said.starts_with("refused after"), "{said}");
        ensure!(!counts.is_empty(), "no group counts processes");
        ensure!(counts.iter().all(|it| *it > 8 && *it <= u64::from(most)), "{counts:?}");
        ensure!(slowest? < ANSWER, "the slowest answer took too long");
        Ok(())
    })
}

pub(crate) fn a_memory_hog_is_killed_and_that_is_reported() -> Outcome {
    without_leak(|fixture| {
        let mut other = Answering::start(fixture)?;
        let limits = ExecutorLimits { memory_bytes: Some(96 << 20), ..crate::profile::LIMITS };
        let (hog, said) = consume(fixture, "memory", &limited(limits))?;
        let slowest = other.slowest();
        let group = hog.group.as_ref().context("no group")?;
        let is_reported = settled(PATIENCE, || group.is_out_of_memory());
        end(hog)?;
        other.end()?;
        ensure!(said.contains("SIGKILL"), "{said}");
        ensure!(is_reported, "nobody is told that memory ran out");
        ensure!(slowest? < ANSWER, "the slowest answer took too long");
        Ok(())
    })
}

pub(crate) fn an_executor_that_keeps_its_limit_is_not_reported_as_out_of_memory() -> Outcome {
    without_leak(|fixture| {
        let (started, said) = consume(fixture, "daemons", &Profile::full())?;
        let group = started.group.as_ref().context("no group")?;
        let is_reported = group.is_out_of_memory();
        end(started)?;
        ensure!(said == "three daemons" && !is_reported, "{said}");
        Ok(())
    })
}

/// Daemons that left session and parent, without the layers that are named.
fn daemons_end(without: &[Layer]) -> Outcome {
    without_leak(|fixture| {
        let mut profile = Profile::full();
        for layer in without {
            profile.layers = profile.layers.without(*layer);
        }
        let victims = fixture.victims();
        let living = || {
            let all = leaks::processes_of_accounts(fixture);
            all.into_iter().filter(|it| !victims.contains(it)).count()
        };
        let (started, said) = consume(fixture, "daemons", &profile)?;
        let before = living();
        end(started)?;
        ensure!(said == "three daemons", "{said}");
        ensure!(before >= 5, "only {before} processes were there");
        ensure!(settled(PATIENCE, || living() == 0), "{} processes are left", living());
        Ok(())
    })
}

pub(crate) fn daemons_end_with_their_control_group() -> Outcome {
    daemons_end(&[Layer::Namespaces])
}

pub(crate) fn daemons_end_with_their_process_namespace() -> Outcome {
    daemons_end(&[Layer::Cgroup, Layer::Limits])
}

pub(crate) fn the_private_tmp_is_full_at_its_size() -> Outcome {
    without_leak(|fixture| {
        let limits = ExecutorLimits { tmp_bytes: Some(8 << 20), ..crate::profile::LIMITS };
        let (started, said) = consume(fixture, "tmp", &limited(limits))?;
        end(started)?;
        let count =
            said.strip_prefix("full after ").and_then(|it| it.split(' ').next()?.parse().ok());
        let count: u64 = count.with_context(|| said.clone())?;
        ensure!((6..=8).contains(&count) && said.contains("os error 28"), "{said}");
        Ok(())
    })
}

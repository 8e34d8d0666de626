//! One start of the attack program through the sandbox: with every layer, or weakened.

use crate::fixture::{Fixture, Mode};
use crate::host;
use crate::rows::{Control, Row, Who};
use crate::setup::Executor;
use anyhow::Context;
use grove_core_api::isolation::{ExecutorLimits, Layer, NetworkProfile};
use grove_sandbox::account::Identity;
use grove_sandbox::{LayerSet, Plan, Started, start};
use grove_tests::Outcome;
use nix::fcntl::FcntlArg;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{WaitStatus, waitpid};
use nix::unistd::{Gid, Pid, getuid, pipe};
use serde::Deserialize;
use std::ffi::OsString;
use std::fs::{File, OpenOptions};
use std::io::Read;
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::process::Stdio;

/// Longest time of one attempt.
const PATIENCE_MS: u16 = 20_000;
/// Longest answer.
const ANSWER_BYTES: u64 = 64 * 1024;
/// Exit code of an attempt that the system call filter killed.
const BAD_CALL: i32 = 128 + Signal::SIGSYS as i32;
/// Least number of the descriptor that an ordinary child inherits: beyond those that attacks have.
const FOREIGN_DESCRIPTOR: i32 = 64;
/// Limits of every start: enough for an attempt, too little to harm the host.
pub(crate) const LIMITS: ExecutorLimits = ExecutorLimits {
    processes: Some(64),
    memory_bytes: Some(256 << 20),
    cpu_percent: None,
    tmp_bytes: Some(16 << 20),
};

/// How a start differs from that of an executor with every layer.
#[derive(Clone, Debug)]
pub(crate) struct Profile {
    pub(crate) who: Who,
    pub(crate) layers: LayerSet,
    pub(crate) network: NetworkProfile,
    pub(crate) limits: ExecutorLimits,
    pub(crate) has_inner_domain: bool,
    pub(crate) is_traceable: bool,
    pub(crate) has_foreign_group: bool,
    /// Without the sandbox at all.
    pub(crate) is_plain: bool,
}

impl Profile {
    /// Every layer that there is for who runs the tests, as the attacker.
    pub(crate) fn full() -> Self {
        let mut layers = LayerSet::all();
        if !getuid().is_root() {
            // Ordinary accounts get no control group unless the host delegates one.
            layers = layers.without(Layer::Cgroup).without(Layer::Limits);
        }
        Self {
            who: Who::Attacker,
            layers,
            network: NetworkProfile::Shared,
            limits: LIMITS,
            has_inner_domain: true,
            is_traceable: false,
            has_foreign_group: false,
            is_plain: false,
        }
    }

    /// The profile in which a row must be blocked.
    pub(crate) fn under_test(row: &Row) -> Self {
        let mut profile = Self::full();
        if matches!(row.control, Control::Connected) {
            profile.network = NetworkProfile::None;
        }
        profile
    }

    /// The same on a host where namespaces cannot be made.
    pub(crate) fn without_namespaces(row: &Row) -> Self {
        let mut profile = Self::under_test(row);
        profile.layers = profile.layers.without(Layer::Namespaces);
        profile
    }

    /// The profile in which a row must succeed.
    pub(crate) fn control(row: &Row) -> Self {
        let mut profile = Self::full();
        let weakened = |mut profile: Self, layers: LayerSet| {
            profile.layers = layers;
            profile.has_inner_domain = false;
            profile
        };
        let without = |layers: &[Layer]| {
            layers.iter().fold(Self::full().layers, |set, layer| set.without(*layer))
        };
        match row.control {
            Control::As(who) => {
                profile.who = who;
                weakened(profile, [Layer::Account].into_iter().collect())
            }
            Control::Without(layers) => {
                // The second tier is made of both.
                let inner = [Layer::Landlock, Layer::Seccomp];
                profile.has_inner_domain = inner.iter().all(|layer| !layers.contains(layer));
                profile.layers = without(layers);
                profile
            }
            Control::RootWith(layers) => {
                profile.who = Who::Root;
                weakened(profile, layers.iter().copied().collect())
            }
            Control::Executor(layers) => {
                profile.is_traceable = !layers.is_empty();
                weakened(profile, without(layers))
            }
            Control::Plain => {
                profile.is_plain = true;
                profile
            }
            Control::ForeignGroup => {
                profile.has_foreign_group = true;
                profile
            }
            Control::Connected => profile,
        }
    }
}

/// What came of an attempt.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Kind {
    /// It succeeded.
    Escaped,
    /// It did not.
    Blocked,
    /// It says nothing about isolation.
    Broken,
}

/// An attempt's answer.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Answer {
    pub(crate) outcome: Kind,
    pub(crate) detail: String,
}

impl Answer {
    fn broken(detail: impl Into<String>) -> Self {
        Self { outcome: Kind::Broken, detail: detail.into() }
    }
}

/// Makes one attempt.
pub(crate) fn attempt(fixture: &Fixture, row: &Row, profile: &Profile) -> Outcome<Answer> {
    if profile.is_plain {
        return attempt_plainly(fixture, row);
    }
    let (reads, writes) = pipe()?;
    let started = launch(fixture, row.name, profile, vec![writes])?;
    let text = listen(reads)?;
    let status = finish(started)?;
    Ok(understand(row.name, &text, status))
}

fn attempt_plainly(fixture: &Fixture, row: &Row) -> Outcome<Answer> {
    let directory = fixture.directory(Who::Attacker);
    fixture.write_setup(&directory, Who::Attacker, executor(&Profile::full(), fixture))?;
    // Open across exec, as a mistake of the monitor would be, under a number that nothing else has.
    let secret =
        nix::fcntl::fcntl(File::open("/dev/zero")?, FcntlArg::F_DUPFD(FOREIGN_DESCRIPTOR))?;
    let mut command = host::command(&fixture.program);
    command.arg(row.name).current_dir(directory).stdin(Stdio::piped());
    let owner = fixture
        .identity(Who::Attacker)
        .map_or(host::Owner::Caller, |it| host::Owner::Account(it.uid, it.gid));
    host::as_owner(&mut command, &owner);
    let output = command.output()?;
    nix::unistd::close(secret)?;
    let text = String::from_utf8_lossy(&output.stdout);
    Ok(understand(
        row.name,
        &text,
        WaitStatus::Exited(Pid::this(), output.status.code().unwrap_or(1)),
    ))
}

fn executor(profile: &Profile, fixture: &Fixture) -> Executor {
    let text = |paths: Vec<PathBuf>| paths.iter().map(|it| it.display().to_string()).collect();
    let mut read = readable(fixture);
    read.extend(fixture.program.parent().map(Path::to_owned));
    // Without the executor's own state: that is what the second domain hides. Temporary directories
    // are the first domain's to close where they are not private.
    let mut write = vec![fixture.directory(profile.who)];
    write.extend(["/tmp", "/var/tmp", "/dev/shm"].map(PathBuf::from));
    Executor {
        has_inner_domain: profile.has_inner_domain,
        is_traceable: profile.is_traceable,
        write: text(write),
        read: text(read),
    }
}

fn readable(fixture: &Fixture) -> Vec<PathBuf> {
    vec![fixture.state.join("programs")]
}

/// The plan of a start.
pub(crate) fn plan(
    fixture: &Fixture,
    what: &str,
    profile: &Profile,
    descriptors: Vec<OwnedFd>,
) -> Plan {
    let directory = fixture.directory(profile.who);
    let identity = fixture.identity(profile.who).map(|identity| {
        let mut identity: Identity = identity.clone();
        if profile.has_foreign_group {
            identity.groups.push(Gid::from_raw(fixture.targets.foreign_group));
        }
        identity
    });
    let name = identity.as_ref().map_or("root", |it| it.name.as_str());
    let environment = [
        ("HOME", directory.as_os_str().to_owned()),
        ("USER", OsString::from(name)),
        ("LOGNAME", OsString::from(name)),
        ("SHELL", OsString::from("/bin/sh")),
        ("PATH", OsString::from("/usr/bin:/bin")),
        ("LANG", OsString::from("C.UTF-8")),
        ("TMPDIR", OsString::from("/tmp")),
    ];
    Plan {
        arguments: vec!["executor".to_owned(), what.to_owned()],
        init_argument: Some("--init".to_owned()),
        environment: environment.map(|(name, value)| (name.to_owned(), value)).to_vec(),
        descriptors,
        // As executors have a pipe; a null device is told from the runner's own stream.
        errors: OpenOptions::new().write(true).open("/dev/null").ok().map(OwnedFd::from),
        identity,
        write: vec![directory.clone(), PathBuf::from(&fixture.targets.executor_state)],
        read: readable(fixture),
        cover: vec![fixture.state.clone()],
        network: profile.network,
        limits: profile.limits,
        layers: profile.layers,
        required: profile.layers,
        ..Plan::new(&fixture.program, directory)
    }
}

/// Starts a stand-in executor that does something.
pub(crate) fn launch(
    fixture: &Fixture,
    what: &str,
    profile: &Profile,
    descriptors: Vec<OwnedFd>,
) -> Outcome<Started> {
    let directory = fixture.directory(profile.who);
    fixture.write_setup(&directory, profile.who, executor(profile, fixture))?;
    let plan = plan(fixture, what, profile, descriptors);
    let id = what.replace(' ', "-");
    start(&plan, &fixture.groups, &id).with_context(|| format!("start {what}: {profile:?}"))
}

/// Reads until everybody has closed the other end.
fn listen(reads: OwnedFd) -> Outcome<String> {
    let mut text = Vec::new();
    let mut file = File::from(reads);
    loop {
        let mut polled = [PollFd::new(file.as_fd(), PollFlags::POLLIN)];
        if poll(&mut polled, PollTimeout::from(PATIENCE_MS))? == 0 {
            anyhow::bail!("the attempt did not end: {}", String::from_utf8_lossy(&text));
        }
        let read = file.by_ref().take(ANSWER_BYTES).read_to_end(&mut text)?;
        if read == 0 || text.len() as u64 >= ANSWER_BYTES {
            return Ok(String::from_utf8_lossy(&text).into_owned());
        }
    }
}

/// Reads one line.
pub(crate) fn line(reads: &OwnedFd) -> Outcome<String> {
    let mut text = Vec::new();
    while !text.ends_with(b"\n") {
        let mut polled = [PollFd::new(reads.as_fd(), PollFlags::POLLIN)];
        if poll(&mut polled, PollTimeout::from(PATIENCE_MS))? == 0 {
            anyhow::bail!("nothing came: {}", String::from_utf8_lossy(&text));
        }
        let mut piece = [0; 1];
        if nix::unistd::read(reads, &mut piece)? == 0 {
            anyhow::bail!("it ended after {:?}", String::from_utf8_lossy(&text));
        }
        text.push(piece[0]);
    }
    Ok(String::from_utf8_lossy(&text).trim().to_owned())
}

/// Waits for the end, kills what is left of it and takes its group away.
fn finish(started: Started) -> Outcome<WaitStatus> {
    let mut polled = [PollFd::new(started.pidfd.as_fd(), PollFlags::POLLIN)];
    let has_ended = poll(&mut polled, PollTimeout::from(PATIENCE_MS))? > 0;
    let status = end(started)?;
    anyhow::ensure!(has_ended, "the process did not end by itself");
    Ok(status)
}

/// Kills a process and everything in its group.
pub(crate) fn end(started: Started) -> Outcome<WaitStatus> {
    if let Some(group) = &started.group {
        group.kill();
    }
    let pid = Pid::from_raw(started.pid);
    // It may have ended; nobody has waited for it, so the number is still its own.
    kill(pid, Signal::SIGKILL)?;
    Ok(waitpid(pid, None)?)
}

fn understand(row: &str, text: &str, status: WaitStatus) -> Answer {
    let answer = text.lines().next().map(serde_json::from_str::<Answer>);
    match (answer, status) {
        (Some(Ok(answer)), WaitStatus::Exited(_, 0)) => answer,
        (None, WaitStatus::Exited(_, BAD_CALL)) => {
            Answer { outcome: Kind::Blocked, detail: "killed by the filter".to_owned() }
        }
        (_, status) => Answer::broken(format!("{row}: {status:?}: {text:?}")),
    }
}

/// Whether a row means something where everything runs as one account.
pub(crate) fn applies(row: &Row, mode: Mode) -> bool {
    if mode == Mode::Shared {
        return true;
    }
    let is_about_accounts =
        ["setuid_program", "setgid_program", "regain_root", "foreign_groups", "capable_program"];
    let needs_root = matches!(row.control, Control::As(Who::Root) | Control::RootWith(_));
    !is_about_accounts.contains(&row.name) && (getuid().is_root() || !needs_root)
}

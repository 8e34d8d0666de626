//! The executors that live: started, attached, killed, listed, forgotten.

use super::request::{self, Refused};
use super::spawn::{self, Channelled, Environment, Prepared, Programs, Started};
use super::{sys, tree};
use grove_core_api::isolation::{IsolationMode, SandboxReport};
use grove_core_api::limits::{ENDED_EXECUTORS, EXECUTORS, KEEPERS};
use grove_core_api::monitor::{
    ExecutorGreeting, ExecutorRole, Launch, LiveExecutor, MonitorAnswer, Refusal,
};
use grove_core_api::{ExecutorId, Secret};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::Signal;
use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;

/// Most executors: those of sessions, and keepers beside them. One more is refused as busy.
const MOST: usize = EXECUTORS + KEEPERS;
/// How long a killed executor may take to be gone, in milliseconds.
const DEATH_MS: u16 = 2_000;

struct Executor {
    role: ExecutorRole,
    report: SandboxReport,
    process: Channelled,
}

/// What an answer with descriptors carries.
#[derive(Debug)]
pub(super) struct Connected {
    pub(super) pid: i32,
    pub(super) report: SandboxReport,
    pub(super) connection: OwnedFd,
    pub(super) pidfd: OwnedFd,
}

/// Every executor that lives, by id.
#[derive(Default)]
pub(super) struct Executors {
    live: BTreeMap<ExecutorId, Executor>,
    /// How the newest of those that ended did, oldest first.
    ended: VecDeque<(ExecutorId, String)>,
}

/// A request to start an executor, as it came.
pub(super) struct Wanted {
    pub(super) id: ExecutorId,
    pub(super) launch: Launch,
    pub(super) token: String,
}

impl Executors {
    /// Starts one.
    ///
    /// # Errors
    /// `Busy`, `Invalid` or `System`; nothing is left running then.
    pub(super) fn spawn(
        &mut self,
        programs: &Programs,
        environment: &Environment,
        home: &Path,
        wanted: Wanted,
    ) -> Result<Connected, Refused> {
        let Wanted { id, launch, token } = wanted;
        let role = launch.role;
        if self.live.contains_key(&id) {
            return Err(Refused::new(Refusal::Busy, "an executor with this id lives already"));
        }
        if self.live.len() >= MOST {
            return Err(Refused::new(Refusal::Busy, format!("there are {MOST} executors already")));
        }
        request::check_token(&token)?;
        let directory = request::open_directory(home, &launch.directory)?;
        let report = SandboxReport { mode: IsolationMode::Off, ..SandboxReport::default() };
        let token = Secret::new(token);
        let launch = Prepared { id, role, report: report.clone(), directory, token };
        let Started { process, connection } =
            spawn::executor(programs, environment, launch).map_err(failed("start the executor"))?;
        let executor = self.live.entry(id).or_insert(Executor { role, report, process });
        let pidfd = executor.process.pidfd.try_clone().map_err(failed("copy the pidfd"))?;
        let report = executor.report.clone();
        Ok(Connected { pid: executor.process.pid, report, connection, pidfd })
    }

    /// Makes a fresh connection to one that lives.
    ///
    /// # Errors
    /// `Unknown`, `Invalid`, or `System` when the executor takes no connection.
    pub(super) fn attach(&self, id: ExecutorId, token: String) -> Result<Connected, Refused> {
        let executor = self.live.get(&id).ok_or_else(unknown)?;
        request::check_token(&token)?;
        let greeting = ExecutorGreeting {
            id,
            role: executor.role,
            token: Secret::new(token),
            report: executor.report.clone(),
        };
        let process = &executor.process;
        let connection = spawn::connect(&process.channel, &greeting)
            .map_err(failed("hand over a connection"))?;
        let pidfd = process.pidfd.try_clone().map_err(failed("copy the pidfd"))?;
        Ok(Connected { pid: process.pid, report: executor.report.clone(), connection, pidfd })
    }

    /// Kills one with everything below it and waits until its process has ended. It stays listed
    /// until it is reaped.
    ///
    /// # Errors
    /// `Unknown`, or `System` when the kernel does not let it end.
    pub(super) fn kill(&self, id: ExecutorId) -> Result<i32, Refused> {
        let process = &self.live.get(&id).ok_or_else(unknown)?.process;
        // Stopped, it starts nothing more, and as the subreaper it keeps its orphans in sight.
        // A process that has just ended by itself takes no signal, which is fine.
        drop(sys::pidfd_signal(process.pidfd.as_fd(), Signal::SIGSTOP));
        tree::kill_below(process.pid);
        drop(sys::pidfd_signal(process.pidfd.as_fd(), Signal::SIGKILL));
        let mut ended = [PollFd::new(process.pidfd.as_fd(), PollFlags::POLLIN)];
        match poll(&mut ended, PollTimeout::from(DEATH_MS)) {
            Ok(0) => Err(Refused::new(Refusal::System, "it was killed but has not ended yet")),
            Ok(_) => Ok(process.pid),
            Err(errno) => Err(failed("wait for its end")(errno.into())),
        }
    }

    /// Kills all of them.
    pub(super) fn kill_all(&self) {
        for process in self.live.values().map(|executor| &executor.process) {
            // As in `kill`: a process that has just ended takes no signal.
            drop(sys::pidfd_signal(process.pidfd.as_fd(), Signal::SIGSTOP));
            tree::kill_below(process.pid);
            drop(sys::pidfd_signal(process.pidfd.as_fd(), Signal::SIGKILL));
        }
    }

    /// Lists them.
    pub(super) fn list(&self) -> Vec<LiveExecutor> {
        let entry = |(id, executor): (&ExecutorId, &Executor)| LiveExecutor {
            id: *id,
            role: executor.role,
            pid: executor.process.pid,
        };
        self.live.iter().map(entry).collect()
    }

    /// Process ids of all that are not reaped.
    pub(super) fn pids(&self) -> impl Iterator<Item = i32> {
        self.live.values().map(|executor| executor.process.pid)
    }

    /// Forgets the one whose process was reaped, and says which one it was.
    pub(super) fn forget(&mut self, pid: i32, how: &str) -> Option<ExecutorId> {
        let id = self.live.iter().find(|(_, it)| it.process.pid == pid).map(|(id, _)| *id)?;
        self.live.remove(&id);
        if self.ended.len() >= ENDED_EXECUTORS {
            self.ended.pop_front();
        }
        self.ended.push_back((id, how.to_owned()));
        Some(id)
    }

    /// Says how one ended.
    ///
    /// # Errors
    /// `Unknown` when it lives, never lived, or ended too long ago.
    pub(super) fn outcome(&self, id: ExecutorId) -> Result<MonitorAnswer, Refused> {
        let (_, how) =
            self.ended.iter().rev().find(|(ended, _)| *ended == id).ok_or_else(|| {
                Refused::new(Refusal::Unknown, "no executor with this id has ended lately")
            })?;
        Ok(MonitorAnswer::Outcome { how: how.clone(), is_out_of_memory: false })
    }
}

fn unknown() -> Refused {
    Refused::new(Refusal::Unknown, "no executor with this id lives")
}

fn failed(what: &'static str) -> impl FnOnce(io::Error) -> Refused {
    move |error| Refused::new(Refusal::System, format!("failed to {what}: {error}"))
}

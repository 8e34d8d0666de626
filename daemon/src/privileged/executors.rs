//! The executors that live: started, attached, killed, listed, forgotten.

use super::host::Host;
use super::request::{self, Refused};
use super::spawn::{self, Channelled, Started};
use grove_core_api::isolation::SandboxReport;
use grove_core_api::limits::{ENDED_EXECUTORS, EXECUTORS, KEEPERS};
use grove_core_api::monitor::{
    ExecutorGreeting, ExecutorRole, Launch, LiveExecutor, MonitorAnswer, Refusal,
};
use grove_core_api::{ExecutorId, Secret};
use grove_sandbox::cgroup::Cgroup;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::os::fd::{AsFd, OwnedFd};

/// Most executors: those of sessions, and keepers beside them. One more is refused as busy.
const MOST: usize = EXECUTORS + KEEPERS;
/// How long a killed executor may take to be gone, in milliseconds.
const DEATH_MS: u16 = 2_000;

struct Executor {
    role: ExecutorRole,
    account: Option<String>,
    report: SandboxReport,
    process: Channelled,
    said: OwnedFd,
}

struct Ended {
    id: ExecutorId,
    how: String,
    is_out_of_memory: bool,
}

/// What an answer with descriptors carries.
#[derive(Debug)]
pub(super) struct Connected {
    pub(super) pid: i32,
    pub(super) report: SandboxReport,
    pub(super) connection: OwnedFd,
    pub(super) said: OwnedFd,
}

impl Executor {
    fn connected(&self, connection: OwnedFd) -> Result<Connected, Refused> {
        let said = self.said.try_clone().map_err(failed("copy a descriptor"))?;
        Ok(Connected { pid: self.process.pid, report: self.report.clone(), connection, said })
    }
}

/// Every executor that lives, by id.
#[derive(Default)]
pub(super) struct Executors {
    live: BTreeMap<ExecutorId, Executor>,
    /// How the newest of those that ended did, oldest first.
    ended: VecDeque<Ended>,
}

impl Executors {
    /// Starts one.
    ///
    /// # Errors
    /// `Busy`, `Invalid` or `System`; nothing is left running then.
    pub(super) fn spawn(
        &mut self,
        host: &Host,
        id: ExecutorId,
        launch: Launch,
        token: String,
    ) -> Result<Connected, Refused> {
        let role = launch.role;
        if self.live.contains_key(&id) {
            return Err(Refused::new(Refusal::Busy, "an executor with this id lives already"));
        }
        if self.live.len() >= MOST {
            return Err(Refused::new(Refusal::Busy, format!("there are {MOST} executors already")));
        }
        request::check_token(&token)?;
        let Started { process, report, connection, said } =
            spawn::executor(host, id, &launch, Secret::new(token))?;
        let account = launch.account.map(|account| account.name);
        let executor = Executor { role, account, report, process, said };
        self.live.entry(id).or_insert(executor).connected(connection)
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
        let connection = spawn::connect(&executor.process.channel, &greeting)
            .map_err(failed("hand over a connection"))?;
        executor.connected(connection)
    }

    /// Kills one with everything below it and waits until its process has ended. It stays listed
    /// until it is reaped.
    ///
    /// # Errors
    /// `Unknown`, or `System` when the kernel does not let it end.
    pub(super) fn kill(&self, id: ExecutorId) -> Result<i32, Refused> {
        let process = &self.live.get(&id).ok_or_else(unknown)?.process;
        process.end();
        let mut ended = [PollFd::new(process.pidfd.as_fd(), PollFlags::POLLIN)];
        match poll(&mut ended, PollTimeout::from(DEATH_MS)) {
            Ok(0) => Err(Refused::new(Refusal::System, "it was killed but has not ended yet")),
            Ok(_) => Ok(process.pid),
            Err(errno) => Err(failed("wait for its end")(errno.into())),
        }
    }

    /// Kills all of them.
    pub(super) fn kill_all(&self) {
        self.live.values().for_each(|executor| executor.process.end());
    }

    /// Forgets all of them, and their control groups go.
    pub(super) fn clear(&mut self) {
        self.live.clear();
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
        let executor = self.live.remove(&id)?;
        let group = executor.process.group.as_ref();
        let is_out_of_memory = group.is_some_and(Cgroup::is_out_of_memory);
        if self.ended.len() >= ENDED_EXECUTORS {
            self.ended.pop_front();
        }
        self.ended.push_back(Ended { id, how: how.to_owned(), is_out_of_memory });
        Some(id)
    }

    /// Says how one ended.
    ///
    /// # Errors
    /// `Unknown` when it lives, never lived, or ended too long ago.
    pub(super) fn outcome(&self, id: ExecutorId) -> Result<MonitorAnswer, Refused> {
        let ended = self.ended.iter().rev().find(|ended| ended.id == id).ok_or_else(|| {
            Refused::new(Refusal::Unknown, "no executor with this id has ended lately")
        })?;
        let (how, is_out_of_memory) = (ended.how.clone(), ended.is_out_of_memory);
        Ok(MonitorAnswer::Outcome { how, is_out_of_memory })
    }

    /// The executors of an account.
    pub(super) fn of(&self, account: &str) -> Vec<ExecutorId> {
        let is_its = |executor: &Executor| executor.account.as_deref() == Some(account);
        self.live.iter().filter(|(_, executor)| is_its(executor)).map(|(id, _)| *id).collect()
    }
}

fn unknown() -> Refused {
    Refused::new(Refusal::Unknown, "no executor with this id lives")
}

fn failed(what: &'static str) -> impl FnOnce(io::Error) -> Refused {
    move |error| Refused::new(Refusal::System, format!("failed to {what}: {error}"))
}

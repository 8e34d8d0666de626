//! The monitor's loop: signals, one request at a time, the daemon's restarts, the end.
//!
//! One thread, no queue: a request is answered before the next one is read. Not here: what requests
//! do (`serve.rs`, `executors.rs`) and when the daemon is started again (`daemon.rs`).

use super::audit::Line;
use super::channel::{self, Datagram};
use super::daemon::{Next, Restarts, describe};
use super::error::{MonitorError, system};
use super::executors::Executors;
use super::home::{Home, make_directory};
use super::host::Host;
use super::permit::{Permits, State};
use super::signals::{Notice, Signals};
use super::spawn::{self, Channelled};
use super::sys;
use grove_core_api::isolation::IsolationMode;
use grove_sandbox::account::Rules;
use grove_sandbox::{pidfd, places, tree};
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::prctl::set_child_subreaper;
use nix::sys::signal::Signal;
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use std::collections::HashSet;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// Time the daemon has to drain before it is killed.
const DRAIN: Duration = Duration::from_secs(10);
/// Time the daemon has to end after it has closed its channel.
const PARTING: Duration = Duration::from_secs(5);
/// Time all processes have to be gone after SIGKILL, before the monitor ends without them.
const REAP: Duration = Duration::from_secs(5);
/// Longest sleep of the loop when nothing is due.
const IDLE: Duration = Duration::from_secs(60);

/// What the monitor is started with.
#[derive(Clone, Debug)]
pub struct Options {
    /// Grove's home, absolute.
    pub home: PathBuf,
    /// Address that the daemon listens on; handed on unread.
    pub bind: String,
    /// How much isolation is insisted on.
    pub isolation: IsolationMode,
    /// Which accounts are Grove's on a shared host; absent when everything runs as one account.
    pub accounts: Option<Rules>,
}

/// Runs the monitor until it is told to end, and returns its exit code.
///
/// # Errors
/// When the home or a program cannot be used, when another monitor serves the home, or when the
/// daemon keeps ending. No process is left behind in any of these cases.
pub fn run(options: &Options) -> Result<u8, MonitorError> {
    grove_sandbox::seal_descriptors().map_err(system("seal inherited descriptors"))?;
    sys::hide().map_err(system("close its memory to others"))?;
    let home = Home::take(&options.home, options.accounts.is_some())?;
    let host = Host::new(home.path(), options.isolation, options.accounts.clone())?;
    prepare(&host)?;
    let signals = Signals::new().map_err(system("read signals from a descriptor"))?;
    set_child_subreaper(true).map_err(system("become the parent of orphans"))?;
    std::env::set_current_dir(home.path()).map_err(system("enter Grove's home"))?;
    let mut monitor = Monitor {
        home,
        host,
        bind: options.bind.clone(),
        signals,
        executors: Executors::default(),
        daemon: None,
        restarts: Restarts::default(),
        restart_at: None,
        deadline: None,
        announced: None,
    };
    let result = monitor.start_daemon().and_then(|()| monitor.attend());
    monitor.finish();
    result
}

/// Lays out the home and clears away what a killed monitor left.
fn prepare(host: &Host) -> Result<(), MonitorError> {
    if let Some(accounts) = &host.accounts {
        places::lay_out(&host.home, &accounts.service, host.has_namespaces)
            .map_err(|error| MonitorError::Layout(error.to_string()))?;
    } else {
        make_directory(&host.home.join("tmp"))?;
    }
    let stale = host.groups.sweep();
    if stale > 0 {
        Line::new("sweep", &format!("{stale} control groups")).write();
    }
    if host.mode == IsolationMode::Off {
        Line::new("isolation", "off: executors run without a sandbox").write();
    }
    Ok(())
}

/// The daemon while it lives.
pub(super) struct Daemon {
    pub(super) process: Channelled,
    pub(super) permits: Permits,
    pub(super) state: State,
    /// Datagrams of this daemon that were no requests.
    pub(super) malformed: u64,
    /// Set once its channel is no longer read (a closed one would be readable for ever): when it
    /// is killed if it has not ended.
    kill_at: Option<Instant>,
}

/// All that the monitor knows.
pub(super) struct Monitor {
    pub(super) home: Home,
    pub(super) host: Host,
    bind: String,
    signals: Signals,
    pub(super) executors: Executors,
    pub(super) daemon: Option<Daemon>,
    restarts: Restarts,
    /// When the daemon is to be started again.
    restart_at: Option<Instant>,
    /// Set once the end has begun: when the daemon is killed if it has not drained.
    deadline: Option<Instant>,
    /// URL that was printed as ready last.
    pub(super) announced: Option<String>,
}

impl Monitor {
    fn start_daemon(&mut self) -> Result<(), MonitorError> {
        self.restart_at = None;
        let process = spawn::daemon(&self.host, &self.bind)
            .map_err(|error| system("start groved")(io::Error::other(error)))?;
        Line::new("daemon", "started").pid(Some(process.pid)).write();
        self.daemon = Some(Daemon {
            process,
            permits: Permits::default(),
            state: State::Starting,
            malformed: 0,
            kill_at: None,
        });
        Ok(())
    }

    fn attend(&mut self) -> Result<u8, MonitorError> {
        loop {
            let ready = self.wait()?;
            if ready.has_signal
                && let Some(code) = self.read_signals()?
            {
                return Ok(code);
            }
            if ready.has_request {
                self.read_request();
            }
            if let Some(code) = self.look_at_clock()? {
                return Ok(code);
            }
        }
    }

    fn wait(&self) -> Result<Ready, MonitorError> {
        let now = Instant::now();
        let kill_at = self.daemon.as_ref().and_then(|daemon| daemon.kill_at);
        let due = [self.restart_at, self.deadline, kill_at].into_iter().flatten().min();
        let sleep = due.map_or(IDLE, |due| due.saturating_duration_since(now)).min(IDLE);
        // One millisecond more, so that the loop does not wake just before the time.
        let timeout = PollTimeout::try_from(sleep + Duration::from_millis(1))
            .unwrap_or(PollTimeout::from(1_000_u16));
        let daemon = self.daemon.as_ref().filter(|daemon| daemon.kill_at.is_none());
        let daemon = daemon.map(|daemon| daemon.process.channel.as_fd());
        let fds = [Some(self.signals.as_fd()), daemon];
        let mut polled: Vec<PollFd<'_>> = fds.into_iter().flatten().map(readable).collect();
        match poll(&mut polled, timeout) {
            Ok(_) | Err(Errno::EINTR) => {}
            Err(errno) => return Err(system("wait for events")(errno)),
        }
        let is_ready = |place: usize| polled.get(place).and_then(PollFd::any).unwrap_or(false);
        Ok(Ready { has_signal: is_ready(0), has_request: is_ready(1) })
    }

    fn read_signals(&mut self) -> Result<Option<u8>, MonitorError> {
        while let Some(notice) = self.signals.next().map_err(system("read a signal"))? {
            let code = match notice {
                Notice::ChildEnded => self.reap()?,
                Notice::End => self.begin_end("signal"),
            };
            if code.is_some() {
                return Ok(code);
            }
        }
        Ok(None)
    }

    fn read_request(&mut self) {
        let Some(daemon) = &self.daemon else { return };
        match channel::receive(daemon.process.channel.as_fd()) {
            Ok(Datagram::Whole { bytes, fds }) => {
                // No request brings descriptors along.
                drop(fds);
                self.serve(&bytes);
            }
            Ok(Datagram::TooLong) => self.serve_overlong(),
            Ok(Datagram::End) => self.part_with_daemon("closed_its_channel"),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(_) => self.part_with_daemon("channel_failed"),
        }
    }

    /// Stops listening to a daemon that has ended the conversation. Mostly it is just ending, with
    /// an exit code that matters; one that stays alive without a channel is killed after a while.
    pub(super) fn part_with_daemon(&mut self, why: &str) {
        let Some(daemon) = &mut self.daemon else { return };
        Line::new("daemon", why).pid(Some(daemon.process.pid)).write();
        daemon.kill_at = Some(Instant::now() + PARTING);
    }

    /// Begins the end; a second call no longer waits for the daemon to drain.
    pub(super) fn begin_end(&mut self, why: &str) -> Option<u8> {
        Line::new("end", why).write();
        let Some(daemon) = &mut self.daemon else { return Some(0) };
        daemon.state = State::Stopping;
        let is_second = self.deadline.is_some();
        kill(&daemon.process.pidfd, if is_second { Signal::SIGKILL } else { Signal::SIGTERM });
        self.deadline.get_or_insert(Instant::now() + DRAIN);
        None
    }

    fn look_at_clock(&mut self) -> Result<Option<u8>, MonitorError> {
        let now = Instant::now();
        if self.deadline.is_some_and(|deadline| now >= deadline) {
            Line::new("end", "daemon_did_not_drain").write();
            return Ok(Some(0));
        }
        if let Some(daemon) = &mut self.daemon
            && daemon.kill_at.is_some_and(|at| now >= at)
        {
            kill(&daemon.process.pidfd, Signal::SIGKILL);
            daemon.kill_at = Some(now + PARTING);
        }
        if self.restart_at.is_some_and(|at| now >= at) {
            self.start_daemon()?;
        }
        Ok(None)
    }

    /// Reaps whatever has ended. Returns the exit code when that was the end of all.
    fn reap(&mut self) -> Result<Option<u8>, MonitorError> {
        let mut code = None;
        let mut has_lost_executor = false;
        while let Some(status) = next_ended()? {
            let Some(pid) = status.pid().map(nix::unistd::Pid::as_raw) else { continue };
            if self.daemon.as_ref().is_some_and(|daemon| daemon.process.pid == pid) {
                code = self.daemon_ended(status)?;
                continue;
            }
            let how = describe(status);
            if let Some(id) = self.executors.forget(pid, &how) {
                Line::new("executor_ended", &how).executor(Some(id)).pid(Some(pid)).write();
                has_lost_executor = true;
            }
        }
        if has_lost_executor {
            tree::kill_adopted(own_pid(), &self.known_pids());
        }
        Ok(code)
    }

    fn daemon_ended(&mut self, status: WaitStatus) -> Result<Option<u8>, MonitorError> {
        let pid = self.daemon.take().map(|daemon| daemon.process.pid);
        let how = describe(status);
        Line::new("daemon_ended", &how).pid(pid).write();
        if self.deadline.is_some() {
            return Ok(Some(0));
        }
        let now = Instant::now();
        match self.restarts.next(status, now) {
            Next::Restart(pause) => {
                self.restart_at = Some(now + pause);
                Ok(None)
            }
            Next::End(code) => Ok(Some(code)),
            Next::GiveUp => {
                let restarts = grove_core_api::limits::DAEMON_RESTARTS_PER_MINUTE;
                Err(MonitorError::DaemonKeepsEnding { restarts, last: how })
            }
        }
    }

    pub(super) fn known_pids(&self) -> HashSet<i32> {
        let daemon = self.daemon.as_ref().map(|daemon| daemon.process.pid);
        self.executors.pids().chain(daemon).collect()
    }

    /// Kills and reaps everything, then removes the run file.
    fn finish(&mut self) {
        if let Some(daemon) = self.daemon.take() {
            kill(&daemon.process.pidfd, Signal::SIGKILL);
        }
        self.executors.kill_all();
        let deadline = Instant::now() + REAP;
        while Instant::now() < deadline {
            tree::kill_adopted(own_pid(), &HashSet::new());
            match waitpid(None, Some(WaitPidFlag::WNOHANG)) {
                Ok(WaitStatus::StillAlive) => self.wait_for_signal(),
                Ok(_) | Err(Errno::EINTR) => {}
                // ECHILD: nobody is left.
                Err(_) => break,
            }
        }
        self.executors.clear();
        self.host.groups.close();
        self.home.remove_run_file();
    }

    /// Sleeps until a child ends, for a short while at most.
    fn wait_for_signal(&self) {
        let mut polled = [readable(self.signals.as_fd())];
        // Whatever this reports, the loop around it looks again and has a deadline.
        if poll(&mut polled, PollTimeout::from(50_u16)).is_ok() {
            self.signals.next().ok();
        }
    }
}

struct Ready {
    has_signal: bool,
    has_request: bool,
}

fn readable(fd: BorrowedFd<'_>) -> PollFd<'_> {
    PollFd::new(fd, PollFlags::POLLIN)
}

fn kill(pidfd: &OwnedFd, signal: Signal) {
    // It fails only when the process has ended already.
    drop(pidfd::signal(pidfd.as_fd(), signal));
}

pub(super) fn own_pid() -> i32 {
    nix::unistd::getpid().as_raw()
}

fn next_ended() -> Result<Option<WaitStatus>, MonitorError> {
    match waitpid(None, Some(WaitPidFlag::WNOHANG)) {
        Ok(WaitStatus::StillAlive) | Err(Errno::ECHILD | Errno::EINTR) => Ok(None),
        Ok(status) => Ok(Some(status)),
        Err(errno) => Err(system("reap a child")(errno)),
    }
}

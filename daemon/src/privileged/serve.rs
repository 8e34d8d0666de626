//! One request of the daemon: checked against the table, carried out, answered, noted.
//!
//! Each datagram gets exactly one answer, in order; a refusal is an answer and never an end.

use super::audit::{self, Line};
use super::channel;
use super::daemon::describe;
use super::executors::Connected;
use super::host::Accounts;
use super::monitor::{Monitor, own_pid};
use super::permit::{Kind, State};
use super::request::{self, Refused};
use grove_core_api::ExecutorId;
use grove_core_api::isolation::UnixAccount;
use grove_core_api::monitor::{MonitorAnswer, MonitorRequest, Place, Refusal};
use grove_sandbox::account::{AccountError, Identity};
use grove_sandbox::places::{self, PlaceError};
use grove_sandbox::tree;
use nix::sys::wait::{WaitPidFlag, waitpid};
use nix::unistd::Pid;
use std::io::{self, Write};
use std::os::fd::AsFd;
use std::path::Path;
use std::time::Instant;

/// What a request came to, before it is sent.
enum Outcome {
    Done { pid: Option<i32> },
    Started(Connected),
    Listed(MonitorAnswer),
}

impl Monitor {
    /// Answers one datagram.
    pub(super) fn serve(&mut self, bytes: &[u8]) {
        let start = Instant::now();
        let request = match request::decode(bytes) {
            Ok(request) => request,
            Err(refused) => return self.refuse_malformed(refused, start),
        };
        let kind = Kind::of(&request);
        let id = request.subject();
        let is_shutdown = kind == Kind::Shutdown;
        let outcome = self.check_permit(kind).and_then(|()| self.carry_out(request));
        let (name, pid) = match &outcome {
            Ok(Outcome::Done { pid }) => ("done", *pid),
            Ok(Outcome::Started(connected)) => ("started", Some(connected.pid)),
            Ok(Outcome::Listed(_)) => ("done", None),
            Err(refused) => (refused.refusal.name(), None),
        };
        Line::new(kind.name(), name).executor(id).pid(pid).since(start).write();
        let is_done = outcome.is_ok();
        self.answer(outcome);
        if is_done && is_shutdown {
            // The daemon lives, so the end comes with its reaping, not here.
            self.begin_end("shutdown");
        }
    }

    /// Answers a datagram that was too long to be read.
    pub(super) fn serve_overlong(&mut self) {
        let refused = Refused::new(Refusal::Malformed, "the datagram is too long");
        self.refuse_malformed(refused, Instant::now());
    }

    fn refuse_malformed(&mut self, refused: Refused, start: Instant) {
        if let Some(daemon) = &mut self.daemon {
            daemon.malformed += 1;
            let outcome = format!("malformed ({} so far)", daemon.malformed);
            Line::new("unknown", &outcome).since(start).write();
        }
        self.answer(Err(refused));
    }

    fn check_permit(&mut self, kind: Kind) -> Result<(), Refused> {
        let is_permitted =
            self.daemon.as_ref().is_some_and(|daemon| daemon.permits.permits(kind, daemon.state));
        if is_permitted {
            return Ok(());
        }
        let detail = format!("`{}` is not permitted in this state, or not again", kind.name());
        Err(Refused::new(Refusal::NotPermitted, detail))
    }

    fn carry_out(&mut self, request: MonitorRequest) -> Result<Outcome, Refused> {
        let kind = Kind::of(&request);
        let outcome = match request {
            MonitorRequest::Ready { url } => self.ready(url)?,
            MonitorRequest::Spawn { id, launch, token } => {
                Outcome::Started(self.executors.spawn(&self.host, id, launch, token)?)
            }
            MonitorRequest::Attach { id, token } => {
                Outcome::Started(self.executors.attach(id, token)?)
            }
            MonitorRequest::Kill { id } => self.kill(id)?,
            MonitorRequest::List => {
                Outcome::Listed(MonitorAnswer::Executors { executors: self.executors.list() })
            }
            MonitorRequest::Outcome { id } => Outcome::Listed(self.executors.outcome(id)?),
            MonitorRequest::EnsureAccount { name } => Outcome::Listed(self.ensure_account(&name)?),
            MonitorRequest::RetireAccount { account } => self.retire_account(&account)?,
            MonitorRequest::MakeDirectory { account, place } => {
                self.directory(&account, &place, places::make)?
            }
            MonitorRequest::RemoveDirectory { account, place } => {
                self.directory(&account, &place, places::remove)?
            }
            MonitorRequest::Shutdown => Outcome::Done { pid: None },
        };
        if let Some(daemon) = &mut self.daemon {
            daemon.permits.note(kind);
        }
        Ok(outcome)
    }

    fn accounts(&self) -> Result<&Accounts, Refused> {
        self.host.accounts.as_ref().ok_or_else(|| {
            let detail = "this host is not shared: everything runs as one account";
            Refused::new(Refusal::NotPermitted, detail)
        })
    }

    fn person(&self, account: &UnixAccount) -> Result<Identity, Refused> {
        self.accounts()?.rules.resolve_known(account).map_err(refused(Refusal::Invalid))
    }

    fn directory(
        &self,
        account: &UnixAccount,
        place: &Place,
        act: fn(&Path, &Identity, &Place) -> Result<(), PlaceError>,
    ) -> Result<Outcome, Refused> {
        act(&self.host.home, &self.person(account)?, place).map_err(refuse_place)?;
        Ok(Outcome::Done { pid: None })
    }

    fn ensure_account(&self, name: &str) -> Result<MonitorAnswer, Refused> {
        let rules = &self.accounts()?.rules;
        let person = rules.ensure(name).map_err(refused(Refusal::Invalid))?;
        places::make(&self.host.home, &person, &Place::Repositories).map_err(refuse_place)?;
        Ok(MonitorAnswer::Account {
            account: UnixAccount { name: person.name, uid: person.uid.as_raw() },
            home: person.home.to_string_lossy().into_owned(),
            is_managed: rules.is_managed(name),
        })
    }

    /// Its executors end, its files are put away, and the account goes.
    fn retire_account(&mut self, account: &UnixAccount) -> Result<Outcome, Refused> {
        let person = self.person(account)?;
        // Before anything of it is touched: a linked account is not Grove's to retire.
        self.accounts()?.rules.check_managed(&person.name).map_err(refused(Refusal::Invalid))?;
        for id in self.executors.of(&person.name) {
            self.kill(id)?;
        }
        places::retire(&self.host.home, &person, audit::now_ms()).map_err(refuse_place)?;
        self.accounts()?.rules.remove(&person.name).map_err(refused(Refusal::System))?;
        Ok(Outcome::Done { pid: None })
    }

    fn ready(&mut self, url: String) -> Result<Outcome, Refused> {
        request::check_url(&url)?;
        let written = self.home.write_run_file(&url);
        written.map_err(|error| {
            Refused::new(Refusal::System, format!("failed to write the run file: {error}"))
        })?;
        if let Some(daemon) = &mut self.daemon {
            daemon.state = State::Serving;
        }
        // A daemon that was started again is no news to whoever waited for the first one.
        if self.announced.as_ref() != Some(&url) {
            let mut out = io::stdout().lock();
            // Whoever started the monitor may have gone; clients find the run file.
            drop(writeln!(out, "grove ready {url}").and_then(|()| out.flush()));
            self.announced = Some(url);
        }
        Ok(Outcome::Done { pid: None })
    }

    fn kill(&mut self, id: ExecutorId) -> Result<Outcome, Refused> {
        let pid = self.executors.kill(id)?;
        // Its pidfd said that it has ended, so this does not wait. Were it to fail, SIGCHLD's turn
        // would come and reap it.
        if let Ok(status) = waitpid(Pid::from_raw(pid), Some(WaitPidFlag::WNOHANG)) {
            self.executors.forget(pid, &describe(status));
        }
        tree::kill_adopted(own_pid(), &self.known_pids());
        Ok(Outcome::Done { pid: Some(pid) })
    }

    fn answer(&mut self, outcome: Result<Outcome, Refused>) {
        let Some(daemon) = &self.daemon else { return };
        let channel = daemon.process.channel.as_fd();
        let sent = match outcome {
            Ok(Outcome::Done { .. }) => channel::send(channel, &MonitorAnswer::Done, &[]),
            Ok(Outcome::Started(connected)) => {
                let fds = [connected.connection.as_fd(), connected.said.as_fd()];
                let Connected { pid, report, .. } = &connected;
                let answer = MonitorAnswer::Started { pid: *pid, report: report.clone() };
                channel::send(channel, &answer, &fds)
            }
            Ok(Outcome::Listed(answer)) => channel::send(channel, &answer, &[]),
            Err(Refused { refusal, detail }) => {
                channel::send(channel, &MonitorAnswer::Refused { refusal, detail }, &[])
            }
        };
        if sent.is_err() {
            // A daemon that asks without reading the answers, or has closed the channel.
            self.part_with_daemon("does_not_take_answers");
        }
    }
}

fn refused(refusal: Refusal) -> impl FnOnce(AccountError) -> Refused {
    move |error| Refused::new(refusal, error.to_string())
}

fn refuse_place(error: PlaceError) -> Refused {
    let refusal = match &error {
        PlaceError::Invalid(_) => Refusal::Invalid,
        PlaceError::NotEmpty => Refusal::Busy,
        PlaceError::System(_) => Refusal::System,
    };
    Refused::new(refusal, error.to_string())
}

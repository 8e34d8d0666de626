//! An executor that somebody has taken over: it keeps to the protocol as far as it must, and asks for
//! what is not its own.
//!
//! Stands in the place of `grove-executor`; a keeper it leaves to the real one, in `real/` beside it.
//! A prompt is a JSON array of steps, which it takes one by one:
//!
//! ```text
//! {"do":"begin"}                       says that the task began
//! {"do":"end"}                         says that it is over, and waits until that is stored
//! {"do":"ask","provider":P,"task_id":T,"times":N}
//!                                      asks for a key N times; without `task_id` for its own task
//! {"do":"request","method":M,"params":P}   asks for anything
//! {"do":"speak","lines":N}             says many lines on standard error, with colours
//! ```
//! Each answer becomes a line of `answers` in its worktree. Deliberately absent: any judgement of the
//! answers, which is the test's; and any attempt that needs no connection (`tests/isolation`).

use anyhow::{Context, bail, ensure};
use grove_core_api::agent::{AgentEvent, GitState, Outcome as Ending};
use grove_core_api::ipc::credential::GetCredential;
use grove_core_api::ipc::method::{DiskUsage, Initialized, Pong, SessionEvent};
use grove_core_api::ipc::{Method, Notification};
use grove_core_api::monitor::{ExecutorGreeting, ExecutorRole};
use grove_core_api::{TaskId, limits, version};
use grove_tests::Outcome;
use nix::errno::Errno;
use nix::sys::socket::{ControlMessageOwned, MsgFlags, recv, recvmsg, send};
use serde::Deserialize;
use serde_json::{Value, json};
use std::ffi::CString;
use std::fs::OpenOptions;
use std::io::{IoSliceMut, Write};
use std::os::fd::RawFd;
use std::os::unix::ffi::OsStrExt;
use std::process::{Command, ExitCode};

/// Where the monitor hands over connections.
const CONTROL: RawFd = 3;

fn main() -> ExitCode {
    match live() {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            // Whoever looks for the reason finds it in groved's log.
            writeln!(std::io::stderr(), "ERROR hostile: {error:#}").ok();
            ExitCode::FAILURE
        }
    }
}

fn live() -> Outcome<u8> {
    let greeting = greeting(MsgFlags::MSG_PEEK)?.0;
    let program = std::env::current_exe()?;
    let arguments: Vec<_> = std::env::args_os().collect();
    if greeting.role == ExecutorRole::Keeper {
        let real = program.with_file_name("real").join("grove-executor");
        let text = |it: &std::ffi::OsStr| CString::new(it.as_bytes());
        let words = arguments.iter().map(|it| text(it)).collect::<Result<Vec<_>, _>>()?;
        nix::unistd::execv(&text(real.as_os_str())?, &words)?;
    }
    if arguments.iter().any(|it| it == "--init") {
        // As the first process of its namespace it leaves the work to a child.
        #[expect(clippy::disallowed_methods, reason = "it starts itself")]
        let status = Command::new(program).status()?;
        return Ok(u8::try_from(status.code().unwrap_or(1)).unwrap_or(1));
    }
    let (greeting, connection) = self::greeting(MsgFlags::empty())?;
    let connection = connection.context("a greeting without a connection")?;
    let wire = Wire { connection, begun: Vec::new(), asked: 0 };
    Hostile { wire, greeting, task: None, seq: 0, acknowledged: 0 }.serve()?;
    Ok(0)
}

/// Receives a greeting and the connection that comes with it.
fn greeting(flags: MsgFlags) -> Outcome<(ExecutorGreeting, Option<RawFd>)> {
    let mut bytes = vec![0; limits::MONITOR_DATAGRAM_BYTES];
    if flags.contains(MsgFlags::MSG_PEEK) {
        let length = recv(CONTROL, &mut bytes, flags)?;
        return Ok((serde_json::from_slice(&bytes[..length])?, None));
    }
    let mut parts = [IoSliceMut::new(&mut bytes)];
    let mut space = nix::cmsg_space!([RawFd; 1]);
    let message = recvmsg::<()>(CONTROL, &mut parts, Some(&mut space), flags)?;
    let connection = message.cmsgs()?.find_map(|it| {
        if let ControlMessageOwned::ScmRights(all) = it { all.first().copied() } else { None }
    });
    let length = message.bytes;
    Ok((serde_json::from_slice(&bytes[..length])?, connection))
}

/// Lines of JSON.
struct Wire {
    connection: RawFd,
    begun: Vec<u8>,
    /// Number of the last question.
    asked: u64,
}

impl Wire {
    /// The next line; `None` at the end.
    fn next(&mut self) -> Outcome<Option<Value>> {
        loop {
            if let Some(end) = self.begun.iter().position(|it| *it == b'\n') {
                let line: Vec<u8> = self.begun.drain(..=end).collect();
                return Ok(Some(serde_json::from_slice(&line)?));
            }
            let mut piece = [0; 4_096];
            match recv(self.connection, &mut piece, MsgFlags::empty()) {
                Ok(0) | Err(Errno::ECONNRESET) => return Ok(None),
                Ok(length) => self.begun.extend_from_slice(&piece[..length]),
                Err(errno) => return Err(errno.into()),
            }
        }
    }

    fn write(&self, message: &Value) -> Outcome {
        let line = format!("{message}\n");
        let mut rest = line.as_bytes();
        while !rest.is_empty() {
            rest = &rest[send(self.connection, rest, MsgFlags::MSG_NOSIGNAL)?..];
        }
        Ok(())
    }

    fn answer(&self, id: &Value, result: &Value) -> Outcome {
        self.write(&json!({ "jsonrpc": "2.0", "id": id, "result": result }))
    }

    /// Asks; answers with the number of the question.
    fn ask(&mut self, method: &str, params: &Value) -> Outcome<u64> {
        self.asked += 1;
        let id = self.asked;
        self.write(&json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params }))?;
        Ok(id)
    }
}

/// What a prompt has it do.
#[derive(Deserialize)]
#[serde(tag = "do", rename_all = "snake_case", deny_unknown_fields)]
enum Step {
    Begin,
    End,
    Ask { provider: String, task_id: Option<TaskId>, times: u32 },
    Request { method: String, params: Value },
    Speak { lines: u32 },
}

struct Hostile {
    wire: Wire,
    greeting: ExecutorGreeting,
    task: Option<TaskId>,
    seq: u64,
    acknowledged: u64,
}

impl Hostile {
    /// Until the daemon or the monitor has had enough.
    fn serve(&mut self) -> Outcome {
        while let Some(message) = self.wire.next()? {
            if let Some(prompt) = self.take(&message)? {
                for step in serde_json::from_str::<Vec<Step>>(&prompt)? {
                    self.act(step)?;
                }
            }
        }
        Ok(())
    }

    /// Behaves; a prompt is the caller's.
    fn take(&mut self, message: &Value) -> Outcome<Option<String>> {
        let (id, params) = (&message["id"], &message["params"]);
        let result = match message["method"].as_str() {
            Some("initialize") => self.initialized()?,
            Some("ping") => serde_json::to_value(Pong { newest_seq: self.seq })?,
            Some("fs.usage") => {
                let nothing = DiskUsage { is_complete: true, ..DiskUsage::default() };
                serde_json::to_value(nothing)?
            }
            Some("session.prompt") => {
                self.task = Some(serde_json::from_value(params["task_id"].clone())?);
                self.wire.answer(id, &json!({}))?;
                return Ok(Some(params["text"].as_str().unwrap_or_default().to_owned()));
            }
            Some("session.cancel") => {
                self.wire.answer(id, &json!({ "was_running": true }))?;
                self.tell(ended(Ending::Cancelled))?;
                return Ok(None);
            }
            Some("shutdown") => {
                self.wire.answer(id, &json!({}))?;
                std::process::exit(0);
            }
            Some("event.ack") => {
                self.acknowledged = params["seq"].as_u64().unwrap_or_default();
                return Ok(None);
            }
            Some("$/cancel") | None => return Ok(None),
            Some(other) => bail!("the daemon asked for {other}"),
        };
        self.wire.answer(id, &result)?;
        Ok(None)
    }

    fn initialized(&self) -> Outcome<Value> {
        Ok(serde_json::to_value(Initialized {
            protocol: version::IPC,
            version: version::GROVE.to_owned(),
            pid: std::process::id(),
            role: self.greeting.role,
            task_id: self.task,
            newest_seq: self.seq,
            sandbox: self.greeting.report.clone(),
        })?)
    }

    fn tell(&mut self, event: AgentEvent) -> Outcome {
        self.seq += 1;
        let task_id = self.task.context("a task")?;
        let params = serde_json::to_value(SessionEvent { seq: self.seq, task_id, event })?;
        let method = SessionEvent::NAME;
        self.wire.write(&json!({ "jsonrpc": "2.0", "method": method, "params": params }))
    }

    fn act(&mut self, step: Step) -> Outcome {
        match step {
            Step::Begin => {
                self.tell(AgentEvent::TaskStarted { git: GitState::default(), snapshot: None })
            }
            Step::End => {
                self.tell(ended(Ending::Completed))?;
                while self.acknowledged < self.seq {
                    let message = self.wire.next()?.context("the daemon is gone")?;
                    ensure!(self.take(&message)?.is_none(), "a prompt before its turn");
                }
                Ok(())
            }
            Step::Ask { provider, task_id, times } => {
                let task_id = task_id.or(self.task).context("a task")?;
                let params = serde_json::to_value(GetCredential { task_id, provider })?;
                (0..times).try_for_each(|_| self.ask(GetCredential::NAME, &params))
            }
            Step::Request { method, params } => self.ask(&method, &params),
            Step::Speak { lines } => {
                for number in 0..lines {
                    // What finds no room is lost, as with every executor.
                    write!(std::io::stderr(), "\u{1b}[31mline {number}\r\n").ok();
                }
                Ok(())
            }
        }
    }

    /// Asks and notes the answer.
    fn ask(&mut self, method: &str, params: &Value) -> Outcome {
        let id = self.wire.ask(method, params)?;
        loop {
            let message = self.wire.next()?.context("the daemon is gone")?;
            if message["method"].is_null() && message["id"] == id {
                let mut answers = OpenOptions::new().create(true).append(true).open("answers")?;
                return Ok(writeln!(answers, "{message}")?);
            }
            ensure!(self.take(&message)?.is_none(), "a prompt before its turn");
        }
    }
}

fn ended(outcome: Ending) -> AgentEvent {
    AgentEvent::TaskEnded { outcome, git: GitState::default(), snapshot: None }
}

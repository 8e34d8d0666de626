//! A real monitor in a directory of its own, with relays as its daemon and executors.

use grove_core_api::monitor::{ExecutorGreeting, MonitorAnswer, MonitorRequest};
use grove_daemon::privileged::channel;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde::Deserialize;
use std::cell::RefCell;
use std::error::Error;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::time::Duration;
use tempfile::TempDir;

pub(crate) type Outcome<T = ()> = Result<T, Box<dyn Error>>;

/// Longest wait for anything.
const PATIENCE: Duration = Duration::from_secs(20);
pub(crate) const TOKEN: &str = "0123456789abcdef0123456789abcdef";

/// A monitor that runs.
pub(crate) struct Grove {
    _directory: TempDir,
    pub(crate) home: PathBuf,
    programs: PathBuf,
    listener: UnixListener,
    monitor: RefCell<Option<Child>>,
    pub(crate) pid: Pid,
    output: RefCell<BufReader<ChildStdout>>,
}

/// A process that the monitor has started, played by the test.
pub(crate) struct Relay {
    pub(crate) hello: Hello,
    /// Its descriptor 3.
    pub(crate) channel: OwnedFd,
    stream: UnixStream,
}

/// What a relay tells about itself.
#[derive(Debug, Deserialize)]
pub(crate) struct Hello {
    pub(crate) role: String,
    pub(crate) pid: i32,
    pub(crate) session: i32,
    pub(crate) arguments: Vec<String>,
    pub(crate) directory: PathBuf,
    pub(crate) environment: Vec<String>,
    pub(crate) descriptors: Vec<String>,
}

/// Puts the three programs into `directory`.
pub(crate) fn install(directory: &Path) -> Outcome {
    let relay = std::env::current_exe()?
        .ancestors()
        .nth(2)
        .map(|target| target.join("examples/monitor_relay"))
        .filter(|path| path.exists())
        .ok_or("the example monitor_relay is not built: run `cargo test -p grove-daemon`")?;
    place(Path::new(env!("CARGO_BIN_EXE_grove-monitor")), &directory.join("grove-monitor"))?;
    place(&relay, &directory.join("groved"))?;
    place(&relay, &directory.join("grove-executor"))
}

fn place(from: &Path, to: &Path) -> Outcome {
    if fs::hard_link(from, to).is_err() {
        fs::copy(from, to)?;
    }
    Ok(())
}

#[expect(clippy::disallowed_methods, reason = "the tests start the real monitor")]
pub(crate) fn monitor(programs: &Path, home: &Path) -> Command {
    let mut command = Command::new(programs.join("grove-monitor"));
    command.arg("--home").arg(home).args(["--bind", "127.0.0.1:1", "--isolation", "off"]);
    command.env("GROVE_TEST_SECRET", "must not reach executors").stdin(Stdio::null());
    command
}

impl Grove {
    /// Starts a monitor and returns it with its first daemon.
    pub(crate) fn start() -> Outcome<(Self, Relay)> {
        let directory = tempfile::tempdir()?;
        let root = directory.path().canonicalize()?;
        let (programs, home) = (root.join("bin"), root.join("home"));
        fs::create_dir(&programs)?;
        fs::create_dir_all(home.join("wt/ana/shop"))?;
        install(&programs)?;
        let listener = UnixListener::bind(home.join("relay.sock"))?;
        let log = fs::File::create(root.join("log"))?;
        let mut child =
            monitor(&programs, &home).stdout(Stdio::piped()).stderr(Stdio::from(log)).spawn()?;
        let output = child.stdout.take().ok_or("no standard output")?;
        let grove = Self {
            _directory: directory,
            home,
            programs,
            listener,
            pid: Pid::from_raw(i32::try_from(child.id())?),
            monitor: RefCell::new(Some(child)),
            output: RefCell::new(BufReader::new(output)),
        };
        let daemon = grove.relay()?;
        Ok((grove, daemon))
    }

    /// Waits for the next process that the monitor starts.
    pub(crate) fn relay(&self) -> Outcome<Relay> {
        let stream = self.connection()?;
        let received = channel::receive_value::<Hello>(stream.as_fd())?;
        let (hello, mut fds) = received.ok_or("the relay said nothing")?;
        let channel = fds.pop().ok_or("the relay sent no descriptor")?;
        Ok(Relay { hello, channel, stream })
    }

    /// Waits for the next connection to the relay socket.
    pub(crate) fn connection(&self) -> Outcome<UnixStream> {
        await_readable(&self.listener, "nobody connected")?;
        let (stream, _) = self.listener.accept()?;
        stream.set_read_timeout(Some(PATIENCE))?;
        Ok(stream)
    }

    /// Directory for an executor.
    pub(crate) fn worktree(&self) -> String {
        self.home.join("wt/ana/shop").display().to_string()
    }

    pub(crate) fn signal(&self, signal: Signal) -> Outcome {
        Ok(kill(self.pid, signal)?)
    }

    /// Waits for the next line on the monitor's standard output.
    pub(crate) fn line(&self) -> Outcome<String> {
        let mut line = String::new();
        let mut output = self.output.borrow_mut();
        if output.buffer().is_empty() {
            await_readable(output.get_ref(), "the monitor printed nothing")?;
        }
        output.read_line(&mut line)?;
        Ok(line)
    }

    /// Waits until the monitor has ended.
    pub(crate) fn wait(&self) -> Outcome<ExitStatus> {
        let mut child = self.monitor.borrow_mut().take().ok_or("waited already")?;
        let (sender, receiver) = mpsc::channel();
        std::thread::spawn(move || sender.send(child.wait()));
        Ok(receiver.recv_timeout(PATIENCE)??)
    }

    /// Everything that the monitor wrote to standard error.
    pub(crate) fn log(&self) -> Outcome<String> {
        let root = self.home.parent().ok_or("the home has no parent")?;
        Ok(fs::read_to_string(root.join("log"))?)
    }

    pub(crate) fn second_monitor(&self) -> Command {
        monitor(&self.programs, &self.home)
    }
}

impl Drop for Grove {
    fn drop(&mut self) {
        // Only after a failed test; everything that the monitor started dies with it.
        if let Some(mut child) = self.monitor.borrow_mut().take() {
            child.kill().ok();
            child.wait().ok();
        }
    }
}

impl Relay {
    /// As the daemon: asks the monitor.
    pub(crate) fn ask(&self, request: &MonitorRequest) -> Outcome<(MonitorAnswer, Vec<OwnedFd>)> {
        channel::send(self.channel.as_fd(), request, &[])?;
        self.answer()
    }

    /// As the daemon: sends bytes as they are.
    pub(crate) fn ask_raw(&self, bytes: &[u8]) -> Outcome<(MonitorAnswer, Vec<OwnedFd>)> {
        nix::unistd::write(&self.channel, bytes)?;
        self.answer()
    }

    fn answer(&self) -> Outcome<(MonitorAnswer, Vec<OwnedFd>)> {
        await_readable(&self.channel, "the monitor did not answer")?;
        let answer = channel::receive_value(self.channel.as_fd())?;
        answer.ok_or_else(|| "the monitor closed the channel".into())
    }

    /// As an executor: takes the next greeting and its connection.
    pub(crate) fn greeting(&self) -> Outcome<(ExecutorGreeting, UnixStream)> {
        await_readable(&self.channel, "no greeting came")?;
        let received = channel::receive_value::<ExecutorGreeting>(self.channel.as_fd())?;
        let (greeting, mut fds) = received.ok_or("the channel is closed")?;
        let connection = UnixStream::from(fds.pop().ok_or("no connection came along")?);
        connection.set_read_timeout(Some(PATIENCE))?;
        Ok((greeting, connection))
    }

    /// Whether the monitor's end of the channel is closed.
    pub(crate) fn is_abandoned(&self) -> Outcome<bool> {
        await_readable(&self.channel, "the channel is silent")?;
        Ok(matches!(channel::receive(self.channel.as_fd())?, channel::Datagram::End))
    }

    /// Tells the relay to do something and waits until it is done.
    pub(crate) fn tell(&self, command: &str) -> Outcome {
        (&self.stream).write_all(format!("{command}\n").as_bytes())?;
        let mut done = [0; 5];
        (&self.stream).read_exact(&mut done)?;
        Ok(())
    }

    /// Tells the relay to end and waits until it has.
    pub(crate) fn exit(&self, code: u8) -> Outcome {
        (&self.stream).write_all(format!("exit {code}\n").as_bytes())?;
        self.wait_end()
    }

    pub(crate) fn signal(&self, signal: Signal) -> Outcome {
        Ok(kill(Pid::from_raw(self.hello.pid), signal)?)
    }

    /// Waits until the process has ended.
    pub(crate) fn wait_end(&self) -> Outcome {
        await_end(&self.stream)
    }
}

/// Waits until every process that holds the other end has ended.
pub(crate) fn await_end(mut stream: &UnixStream) -> Outcome {
    let mut rest = Vec::new();
    match stream.read_to_end(&mut rest) {
        Ok(_) => Ok(()),
        // A process that is killed with unread bytes resets the connection.
        Err(error) if error.kind() == std::io::ErrorKind::ConnectionReset => Ok(()),
        Err(error) => Err(error.into()),
    }
}

fn await_readable(fd: &impl AsFd, otherwise: &'static str) -> Outcome {
    let mut polled = [PollFd::new(fd.as_fd(), PollFlags::POLLIN)];
    let timeout = PollTimeout::try_from(PATIENCE)?;
    if poll(&mut polled, timeout)? == 0 { Err(otherwise.into()) } else { Ok(()) }
}

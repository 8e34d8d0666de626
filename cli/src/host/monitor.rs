//! Starting the monitor and watching it until Grove is ready.

use super::process;
use crate::error::{CliError, Exit};
use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom};
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;
use std::process::{Child, ChildStdout, ExitStatus, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::Duration;

/// Longest time from the start to readiness.
const READY: Duration = Duration::from_secs(20);
/// Bytes and lines of the log that are shown when Grove does not start.
const LOG_TAIL: (u64, usize) = (8 * 1024, 12);

/// What to start.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Launch<'a> {
    pub(crate) home: &'a Path,
    pub(crate) port: u16,
    /// Stay a child of this process, with the log on its standard error.
    pub(crate) is_foreground: bool,
}

/// A monitor whose daemon is ready.
#[derive(Debug)]
pub(crate) struct Started {
    pub(crate) url: String,
    pub(crate) child: Child,
}

/// Starts the monitor and waits until Grove is ready.
///
/// # Errors
/// When something that is needed is missing, the port is in use, the home cannot be used, or Grove
/// ends or stays silent; the last lines of its log are part of the message.
pub(crate) fn start(launch: Launch<'_>) -> Result<Started, CliError> {
    check_git()?;
    check_port(launch.port)?;
    let program = process::beside("grove-monitor").map_err(|error| {
        CliError::defect(format!("failed to find the program's own place: {error}"))
    })?;
    let mut log = Log::open(launch.home)?;
    let mut command = process::monitor(&program, !launch.is_foreground);
    command.arg("--home").arg(launch.home);
    command.arg("--bind").arg(format!("{}:{}", Ipv4Addr::LOCALHOST, launch.port));
    if !launch.is_foreground {
        command.stderr(Stdio::from(log.for_child(launch.home)?));
    }
    let mut child = command.spawn().map_err(|error| not_startable(&program, &error))?;
    let Some(stdout) = child.stdout.take() else {
        return Err(CliError::defect("the monitor has no standard output"));
    };
    match wait_for_ready(stdout) {
        Ok(url) => Ok(Started { url, child }),
        Err(RecvTimeoutError::Timeout) => {
            // A monitor whose daemon never listens is of no use; it takes its children along.
            end(&mut child);
            Err(log.explain("Grove did not become ready within 20 seconds", None))
        }
        Err(RecvTimeoutError::Disconnected) => {
            let status = child.wait().ok();
            let how = status.map_or_else(String::new, |status| format!(" ({status})"));
            Err(log.explain(&format!("Grove did not start{how}"), status))
        }
    }
}

fn end(child: &mut Child) {
    let pid = i32::try_from(child.id()).map(nix::unistd::Pid::from_raw);
    if let Ok(pid) = pid {
        // It fails only when the process has ended by itself.
        nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGTERM).ok();
    }
    child.wait().ok();
}

/// Reads the ready line on a thread of its own, because reading a pipe knows no timeout. The thread
/// goes on emptying the pipe for as long as this process lives.
fn wait_for_ready(stdout: ChildStdout) -> Result<String, RecvTimeoutError> {
    let (sender, receiver) = mpsc::sync_channel(1);
    std::thread::spawn(move || {
        let lines = BufReader::new(stdout).lines().map_while(Result::ok);
        for line in lines {
            if let Some(url) = line.strip_prefix("grove ready ") {
                // Whoever asked may have given up waiting.
                drop(sender.try_send(url.to_owned()));
            }
        }
    });
    receiver.recv_timeout(READY)
}

fn check_git() -> Result<(), CliError> {
    match process::git(Path::new("/"), ["--version"]) {
        Ok(output) if output.status.success() => Ok(()),
        Ok(_) | Err(_) => Err(CliError::new(
            Exit::Unavailable,
            "git is not installed, or not on the PATH",
            "Install git 2.38 or newer, for example with `apt-get install git`.",
        )),
    }
}

/// Binds the port for a moment, so that a taken one is reported before anything is started.
fn check_port(port: u16) -> Result<(), CliError> {
    match TcpListener::bind((Ipv4Addr::LOCALHOST, port)) {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::AddrInUse => Err(CliError::new(
            Exit::Conflict,
            format!("port {port} is in use by another program"),
            "Choose another one with `grove up --port N`; 0 takes any free one.",
        )),
        Err(error) => Err(CliError::new(
            Exit::Conflict,
            format!("port {port} cannot be used: {error}"),
            "Choose one above 1023 with `grove up --port N`; 0 takes any free one.",
        )),
    }
}

fn not_startable(program: &Path, error: &io::Error) -> CliError {
    CliError::new(
        Exit::Unavailable,
        format!("failed to start {}: {error}", program.display()),
        "Install grove, groved, grove-executor and grove-monitor in one directory.",
    )
}

/// The log file, and where it ended before the start.
struct Log {
    file: File,
    start: u64,
}

impl Log {
    fn open(home: &Path) -> Result<Self, CliError> {
        let directory = home.join("logs");
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&directory)
            .map_err(|error| CliError::home("make", &directory, &error))?;
        let path = directory.join("grove.log");
        let failed = |error: io::Error| CliError::home("write", &path, &error);
        let mut options = OpenOptions::new();
        options.read(true).append(true).create(true).mode(0o600);
        let mut file = options.open(&path).map_err(failed)?;
        let start = file.seek(SeekFrom::End(0)).map_err(failed)?;
        Ok(Self { file, start })
    }

    fn for_child(&self, home: &Path) -> Result<File, CliError> {
        self.file.try_clone().map_err(|error| CliError::home("write the log in", home, &error))
    }

    /// Makes an error of the last lines that were written since the start.
    fn explain(&mut self, message: &str, status: Option<ExitStatus>) -> CliError {
        let tail = self.tail().unwrap_or_default();
        let message =
            if tail.is_empty() { message.to_owned() } else { format!("{message}\n{tail}") };
        let exit = match status.and_then(|status| status.code()) {
            // Another monitor holds the home.
            Some(75) => Exit::Conflict,
            _ => Exit::Unavailable,
        };
        CliError::new(
            exit,
            message,
            "Look for more in logs/grove.log of Grove's home; `grove doctor` tries out what is needed.",
        )
    }

    fn tail(&mut self) -> io::Result<String> {
        let end = self.file.seek(SeekFrom::End(0))?;
        let from = self.start.max(end.saturating_sub(LOG_TAIL.0));
        self.file.seek(SeekFrom::Start(from))?;
        let mut bytes = Vec::new();
        Read::by_ref(&mut self.file).take(LOG_TAIL.0).read_to_end(&mut bytes)?;
        Ok(last_lines(&String::from_utf8_lossy(&bytes)))
    }
}

/// The last lines without the monitor's own audit.
fn last_lines(text: &str) -> String {
    let is_audit = |line: &str| line.contains(r#""target":"monitor""#);
    let lines: Vec<&str> =
        text.lines().filter(|line| !line.trim().is_empty() && !is_audit(line)).collect();
    let first = lines.len().saturating_sub(LOG_TAIL.1);
    let shown = lines.get(first..).unwrap_or_default().iter().map(|line| format!("  {line}"));
    shown.collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    #[test]
    fn a_port_in_use_is_named_before_anything_is_started() {
        let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = taken.local_addr().unwrap().port();
        let error = check_port(port).unwrap_err();
        assert_eq!(error.exit.code(), 5);
        assert!(error.problem.detail.contains(&port.to_string()));
        assert!(check_port(0).is_ok());
    }

    #[test]
    fn only_what_was_written_since_the_start_is_shown_and_no_audit() {
        let home = tempfile::tempdir().unwrap();
        Log::open(home.path()).unwrap().file.write_all(b"of yesterday\n").unwrap();
        let mut log = Log::open(home.path()).unwrap();
        let lines = "{\"target\":\"monitor\",\"kind\":\"daemon\"}\n\nthe database is newer\n";
        log.file.write_all(lines.as_bytes()).unwrap();
        let error = log.explain("Grove did not start", None);
        assert_eq!(error.problem.detail, "Grove did not start\n  the database is newer");
    }

    #[test]
    fn a_home_that_cannot_be_made_is_named() {
        let home = tempfile::tempdir().unwrap();
        let file = home.path().join("file");
        std::fs::write(&file, "").unwrap();
        let error = Log::open(&file).err().unwrap();
        assert_eq!(error.exit.code(), 7);
        assert!(error.problem.detail.contains("file/logs"), "{}", error.problem.detail);
    }
}

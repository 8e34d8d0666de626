//! Stands in for the daemon and for executors in the monitor's tests.
//!
//! It hands its descriptor 3 to the test over the socket `relay.sock`, which it finds at its working
//! directory or above, so that the test itself plays the part; then it does as it is told. The
//! commands: `exit N`, `deaf` (takes no SIGTERM), `close` (descriptor 3), `stray` (starts a process
//! that leaves its parents and its session, and lives until it is killed), `say WORD` (on standard
//! error), `flood` (says more than anybody keeps).

use grove_daemon::privileged::channel;
use nix::sys::signal::{SigSet, Signal};
use serde::Serialize;
use std::error::Error;
use std::io::{BufRead, BufReader, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};

/// Thousands of bytes of a flood.
const FLOOD: usize = 1_000;

/// What a relay tells about itself.
#[derive(Serialize)]
struct Hello {
    role: String,
    pid: u32,
    session: i32,
    arguments: Vec<String>,
    directory: PathBuf,
    environment: Vec<String>,
    descriptors: Vec<String>,
}

fn main() -> Result<ExitCode, Box<dyn Error>> {
    let hello = hello()?;
    let channel = channel::inherited()?;
    let socket = find_socket()?;
    let stream = UnixStream::connect(&socket)?;
    channel::send(stream.as_fd(), &hello, &[channel.as_fd()])?;
    obey(stream, &socket, channel)
}

fn obey(stream: UnixStream, socket: &Path, channel: OwnedFd) -> Result<ExitCode, Box<dyn Error>> {
    let mut channel = Some(channel);
    let mut answers = stream.try_clone()?;
    for line in BufReader::new(stream).lines() {
        let line = line?;
        match line.split_once(' ') {
            Some(("exit", code)) => return Ok(ExitCode::from(code.parse::<u8>()?)),
            None if line == "deaf" => {
                let mut mask = SigSet::empty();
                mask.add(Signal::SIGTERM);
                mask.thread_block()?;
            }
            Some(("say", word)) => say(&format!("{word}\n")),
            None if line == "flood" => (0..FLOOD).for_each(|_| say(&"x".repeat(1_000))),
            None if line == "close" => drop(channel.take()),
            None if line == "stray" => stray(socket)?,
            _ => return Err(format!("unknown command {line}").into()),
        }
        answers.write_all(b"done\n")?;
    }
    Ok(ExitCode::SUCCESS)
}

fn say(text: &str) {
    // What finds no room is lost.
    std::io::stderr().write_all(text.as_bytes()).ok();
}

fn find_socket() -> Result<PathBuf, Box<dyn Error>> {
    let directory = std::env::current_dir()?;
    let found = directory.ancestors().map(|it| it.join("relay.sock")).find(|it| it.exists());
    found.ok_or_else(|| "no relay.sock at the working directory or above".into())
}

fn hello() -> Result<Hello, Box<dyn Error>> {
    let mut arguments = std::env::args();
    let program = PathBuf::from(arguments.next().unwrap_or_default());
    let mut descriptors = Vec::new();
    for entry in std::fs::read_dir("/proc/self/fd")? {
        descriptors.push(entry?.file_name().to_string_lossy().into_owned());
    }
    // The directory that is being read has a descriptor itself; it is the newest one.
    descriptors.sort_by_key(|name| name.parse::<u32>().unwrap_or(u32::MAX));
    descriptors.pop();
    let mut environment: Vec<String> =
        std::env::vars_os().map(|(name, _)| name.to_string_lossy().into_owned()).collect();
    environment.sort();
    Ok(Hello {
        role: program.file_name().unwrap_or_default().to_string_lossy().into_owned(),
        pid: std::process::id(),
        session: nix::unistd::getsid(None)?.as_raw(),
        arguments: arguments.collect(),
        directory: std::env::current_dir()?,
        environment,
        descriptors,
    })
}

#[expect(clippy::disallowed_methods, reason = "a relay plays an agent that starts processes")]
fn stray(socket: &Path) -> Result<(), Box<dyn Error>> {
    // The test sees the end of this connection when the last process that holds it has ended.
    let line = UnixStream::connect(socket)?;
    let status = Command::new("/bin/sh")
        .args(["-c", "setsid sleep 600 >/dev/null &"])
        .stdin(Stdio::null())
        .stderr(Stdio::from(OwnedFd::from(line)))
        .status()?;
    if status.success() { Ok(()) } else { Err("the shell failed".into()) }
}

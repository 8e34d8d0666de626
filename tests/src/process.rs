//! Programs that tests run, and the processes of an instance as the kernel shows them.

use crate::{Outcome, variable};
use anyhow::{Context, bail};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// A process of an instance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Process {
    /// Its id.
    pub pid: i32,
    /// Name of its program, as the kernel keeps it (at most 15 bytes).
    pub name: String,
}

impl Process {
    /// Sends it a signal; one that is gone already is no failure.
    ///
    /// # Errors
    /// When the kernel refuses for another reason.
    pub fn signal(&self, signal: Signal) -> Outcome {
        match kill(Pid::from_raw(self.pid), signal) {
            Ok(()) | Err(nix::errno::Errno::ESRCH) => Ok(()),
            Err(error) => Err(error).with_context(|| format!("failed to signal {self:?}")),
        }
    }

    /// Resident memory in bytes; 0 when it is gone.
    #[must_use]
    pub fn resident_bytes(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.pid)).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kibibytes = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
        kibibytes.unwrap_or(0) * 1_024
    }

    /// CPU time so far in clock ticks (user and system); 0 when it is gone.
    #[must_use]
    pub fn cpu_ticks(&self) -> u64 {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.pid)).unwrap_or_default();
        let Some((_, rest)) = stat.rsplit_once(')') else { return 0 };
        // Fields 14 and 15 of proc_pid_stat(5); the rest begins with field 3.
        rest.split_whitespace().skip(11).take(2).filter_map(|it| it.parse::<u64>().ok()).sum()
    }

    /// Processes whose environment holds this entry. Zombies have none and do not count.
    #[must_use]
    pub fn with_environment(entry: &str) -> Vec<Self> {
        let Ok(entries) = fs::read_dir("/proc") else { return Vec::new() };
        let pids = entries.filter_map(|it| it.ok()?.file_name().to_str()?.parse::<i32>().ok());
        let own = i32::try_from(std::process::id()).unwrap_or(0);
        pids.filter(|pid| *pid != own).filter_map(|pid| Self::if_it_has(pid, entry)).collect()
    }

    fn if_it_has(pid: i32, entry: &str) -> Option<Self> {
        let name = fs::read_to_string(format!("/proc/{pid}/comm")).ok()?.trim().to_owned();
        let is_executor = name == "grove-executor";
        let environment = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
        let has = environment.split(|byte| *byte == 0).any(|it| it == entry.as_bytes());
        // An executor hides its memory from others, its environment too, unless one is root.
        let is_hidden = is_executor && environment.is_empty() && Self::is_below(pid, entry);
        (has || is_hidden).then_some(Self { pid, name })
    }

    fn is_below(pid: i32, entry: &str) -> bool {
        let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
        if status.lines().any(|line| line.starts_with("State:") && line.contains('Z')) {
            return false;
        }
        let parent = status.lines().find_map(|line| line.strip_prefix("PPid:"));
        let Some(parent) = parent.and_then(|it| it.trim().parse::<i32>().ok()) else {
            return false;
        };
        let environment = fs::read(format!("/proc/{parent}/environ")).unwrap_or_default();
        environment.split(|byte| *byte == 0).any(|it| it == entry.as_bytes())
    }
}

/// What a program wrote, and how it ended.
#[derive(Clone, Debug)]
pub struct Output {
    /// Exit code; -1 when a signal ended it.
    pub code: i32,
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
}

/// Makes the command for a program; the one place where the harness does.
#[must_use]
pub fn program(path: impl AsRef<std::ffi::OsStr>) -> Command {
    #[expect(clippy::disallowed_methods, reason = "tests run the real programs")]
    let mut command = Command::new(path);
    command.stdin(Stdio::null());
    command
}

/// Runs a command to its end.
///
/// # Errors
/// When it cannot be started.
pub fn run(command: &mut Command) -> Outcome<Output> {
    let output = command.output().with_context(|| format!("failed to run {command:?}"))?;
    Ok(Output {
        code: output.status.code().unwrap_or(-1),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    })
}

/// Directory of Grove's programs: `GROVE_BIN_DIR`, else where cargo put the test itself.
///
/// # Errors
/// When the programs were not built.
pub fn programs() -> Outcome<PathBuf> {
    let directory = match variable("GROVE_BIN_DIR") {
        Some(directory) => PathBuf::from(directory),
        None => beside_the_test()?,
    };
    for name in ["grove-monitor", "groved", "grove-executor", "grove"] {
        if !directory.join(name).exists() {
            let place = directory.display();
            bail!("{name} is not in {place}: run `cargo build --workspace --bins` first");
        }
    }
    Ok(directory)
}

fn beside_the_test() -> Outcome<PathBuf> {
    let test = std::env::current_exe()?;
    let folder = test.parent().context("the test has no directory")?;
    let is_below = folder.file_name().is_some_and(|name| name == "deps");
    let folder = if is_below { folder.parent().unwrap_or(folder) } else { folder };
    Ok(Path::new(folder).to_owned())
}

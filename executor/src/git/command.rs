//! One run of `git`: arguments, environment, bounds, and what its failure means.

use crate::process;
use grove_core_api::ipc::RpcError;
use grove_core_api::{ErrorCode, limits};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::process::Child;

/// Configuration that service git always has: no hooks, no monitors, no foreign transports, and as
/// many checkout workers as there are processors.
const CONFIG: [(&str, &str); 6] = [
    ("checkout.workers", "0"),
    ("core.hooksPath", "/dev/null"),
    ("core.fsmonitor", "false"),
    ("protocol.ext.allow", "never"),
    ("gc.auto", "0"),
    ("maintenance.auto", "false"),
];

/// A git command that has not run yet.
pub(crate) struct Git {
    args: Vec<OsString>,
    environment: Vec<(&'static str, OsString)>,
    directory: PathBuf,
    safe: Vec<OsString>,
    input: Vec<u8>,
    input_file: Option<File>,
    time: Duration,
    stdout_bytes: usize,
    is_cut_allowed: bool,
}

/// What a git command left behind.
pub(crate) struct Output {
    /// Exit code; `None` after a signal.
    pub(crate) code: Option<i32>,
    /// Its standard output.
    pub(crate) stdout: Vec<u8>,
    /// The end of its standard error.
    pub(crate) stderr: String,
    /// Whether the standard output was cut.
    pub(crate) is_cut: bool,
}

impl Output {
    /// The standard output as text without the white space at its end.
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.stdout).trim_end().to_owned()
    }
}

/// Takes pieces of standard error as they come.
pub(crate) type OnStderr<'a> = &'a mut (dyn FnMut(&str) + Send);

impl Git {
    /// Makes a command that runs in `directory`, which git may trust whoever owns it.
    pub(crate) fn at(directory: &Path) -> Self {
        Self {
            args: Vec::new(),
            environment: Vec::new(),
            directory: directory.to_owned(),
            safe: vec![directory.as_os_str().to_owned(), directory.join(".git").into_os_string()],
            input: Vec::new(),
            input_file: None,
            time: Duration::from_millis(limits::GIT_LOCAL_MS),
            stdout_bytes: limits::GIT_STDOUT_BYTES,
            is_cut_allowed: false,
        }
    }

    /// Adds arguments.
    pub(crate) fn args<A: AsRef<OsStr>>(mut self, args: impl IntoIterator<Item = A>) -> Self {
        self.args.extend(args.into_iter().map(|arg| arg.as_ref().to_owned()));
        self
    }

    /// Adds a path after everything else.
    pub(crate) fn path(self, path: &Path) -> Self {
        self.args([path.as_os_str()])
    }

    /// Sets a variable.
    pub(crate) fn env(mut self, name: &'static str, value: impl AsRef<OsStr>) -> Self {
        self.environment.push((name, value.as_ref().to_owned()));
        self
    }

    /// Trusts one more directory, exactly this one.
    pub(crate) fn trusting(mut self, directory: &Path) -> Self {
        self.safe.push(directory.as_os_str().to_owned());
        self
    }

    /// Sets what it reads.
    pub(crate) fn input(mut self, input: impl Into<Vec<u8>>) -> Self {
        self.input = input.into();
        self
    }

    /// Has it read a file, from where that stands.
    pub(crate) fn input_file(mut self, file: File) -> Self {
        self.input_file = Some(file);
        self
    }

    /// Gives it the time of a clone or fetch.
    pub(crate) fn remote(mut self) -> Self {
        self.time = Duration::from_millis(limits::GIT_REMOTE_MS);
        self
    }

    /// Only reads: takes no locks that a person's own git could wait for.
    pub(crate) fn reading(self) -> Self {
        self.env("GIT_OPTIONAL_LOCKS", "0")
    }

    /// Cuts the output after so many bytes instead of failing.
    pub(crate) fn cut_after(mut self, bytes: usize) -> Self {
        self.stdout_bytes = bytes;
        self.is_cut_allowed = true;
        self
    }

    /// Runs the command; any exit code but 0 is an error.
    ///
    /// # Errors
    /// The code that fits what git said; see `failure`.
    ///
    /// # Cancel safety
    /// Dropping the future kills git.
    pub(crate) async fn run(self) -> Result<Output, RpcError> {
        let output = self.output(&mut |_| {}).await?;
        output.success()
    }

    /// Runs the command and hands standard error on while it runs.
    ///
    /// # Errors
    /// As [`Git::run`].
    pub(crate) async fn run_watched(self, watch: OnStderr<'_>) -> Result<Output, RpcError> {
        let output = self.output(watch).await?;
        output.success()
    }

    /// Runs the command whatever its exit code.
    ///
    /// # Errors
    /// `GitMissing`, `Timeout`, `GitFailed` when it could not be run to its end.
    pub(crate) async fn output(mut self, watch: OnStderr<'_>) -> Result<Output, RpcError> {
        let mut command = process::command("git");
        command
            .args(&self.args)
            .current_dir(&self.directory)
            .envs(self.variables())
            .stdin(self.stdin())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command.spawn().map_err(|error| self.not_started(&error))?;
        let output = tokio::time::timeout(self.time, self.attend(&mut child, watch)).await;
        match output {
            Ok(output) => output.map_err(|error| {
                RpcError::failed(ErrorCode::GitFailed, format!("failed to run git: {error}"))
            }),
            Err(_elapsed) => {
                end(&mut child).await;
                let seconds = self.time.as_secs();
                Err(RpcError::failed(
                    ErrorCode::Timeout,
                    format!("git took longer than {seconds} s and was stopped; try again"),
                ))
            }
        }
    }

    async fn attend(&self, child: &mut Child, watch: OnStderr<'_>) -> std::io::Result<Output> {
        let (stdin, stdout, stderr) =
            (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let feed = async {
            if let Some(mut stdin) = stdin {
                // git may end before it has read everything; its exit code tells more than this.
                if let Err(error) = stdin.write_all(&self.input).await {
                    tracing::debug!(%error, "git did not read its input");
                }
            }
        };
        let read = async {
            let mut bytes = Vec::new();
            let Some(stdout) = stdout else { return Ok((bytes, false)) };
            let limit = u64::try_from(self.stdout_bytes).unwrap_or(u64::MAX);
            stdout.take(limit + 1).read_to_end(&mut bytes).await?;
            let is_cut = bytes.len() > self.stdout_bytes;
            bytes.truncate(self.stdout_bytes);
            // The pipe is closed by now, so a git that has more to say ends by itself.
            Ok::<_, std::io::Error>((bytes, is_cut))
        };
        let listen = listen(stderr, watch);
        let ((), read, stderr) = tokio::join!(feed, read, listen);
        let (stdout, is_cut) = read?;
        if is_cut && !self.is_cut_allowed {
            return Err(std::io::Error::other("it printed too much"));
        }
        let code = child.wait().await?.code();
        Ok(Output { code: if is_cut { Some(0) } else { code }, stdout, stderr, is_cut })
    }

    fn stdin(&mut self) -> Stdio {
        match self.input_file.take() {
            Some(file) => file.into(),
            None if self.input.is_empty() => Stdio::null(),
            None => Stdio::piped(),
        }
    }

    fn variables(&self) -> Vec<(String, OsString)> {
        let fixed = [
            ("LC_ALL", "C"),
            ("GIT_TERMINAL_PROMPT", "0"),
            ("GIT_CONFIG_NOSYSTEM", "1"),
            ("GIT_ASKPASS", "/bin/false"),
            ("GIT_SSH_COMMAND", "ssh -o BatchMode=yes"),
            ("GIT_ALLOW_PROTOCOL", "file:git:http:https:ssh"),
        ];
        let mut variables: Vec<(String, OsString)> =
            fixed.iter().map(|(name, value)| ((*name).to_owned(), value.into())).collect();
        let config = CONFIG.iter().map(|(key, value)| (*key, OsString::from(value)));
        let safe = self.safe.iter().map(|path| ("safe.directory", path.clone()));
        let mut count = 0;
        for (key, value) in config.chain(safe) {
            variables.push((format!("GIT_CONFIG_KEY_{count}"), key.into()));
            variables.push((format!("GIT_CONFIG_VALUE_{count}"), value));
            count += 1;
        }
        variables.push(("GIT_CONFIG_COUNT".to_owned(), count.to_string().into()));
        let own = self.environment.iter().map(|(name, value)| ((*name).to_owned(), value.clone()));
        variables.extend(own);
        variables
    }

    fn not_started(&self, error: &std::io::Error) -> RpcError {
        if !self.directory.is_dir() {
            let path = self.directory.display();
            return RpcError::failed(ErrorCode::RepoUnreachable, format!("no directory {path}"));
        }
        if error.kind() == std::io::ErrorKind::NotFound {
            let message = "git is not installed or not on the PATH; install git 2.38 or newer";
            return RpcError::failed(ErrorCode::GitMissing, message);
        }
        RpcError::failed(ErrorCode::GitFailed, format!("failed to start git: {error}"))
    }
}

impl Output {
    fn success(self) -> Result<Self, RpcError> {
        if self.code == Some(0) { Ok(self) } else { Err(failure(&self.stderr)) }
    }
}

/// Ends git: politely, so that it removes its locks and half-made files, then hard.
async fn end(child: &mut Child) {
    if let Some(id) = child.id().and_then(|id| i32::try_from(id).ok())
        && let Err(error) = kill(Pid::from_raw(id), Signal::SIGTERM)
    {
        tracing::debug!(%error, "git was gone already");
    }
    let grace = Duration::from_millis(limits::GIT_GRACE_MS);
    if tokio::time::timeout(grace, child.wait()).await.is_err()
        && let Err(error) = child.kill().await
    {
        tracing::warn!(%error, "failed to kill git");
    }
}

/// Reads standard error to its end, hands it on piece by piece and keeps its last bytes.
async fn listen<R: AsyncRead + Unpin>(stderr: Option<R>, watch: OnStderr<'_>) -> String {
    let mut kept = Vec::new();
    let mut buffer = [0_u8; 4_096];
    let Some(mut stderr) = stderr else { return String::new() };
    loop {
        match stderr.read(&mut buffer).await {
            Ok(0) => break,
            Ok(count) => {
                let piece = &buffer[..count];
                watch(&String::from_utf8_lossy(piece));
                kept.extend_from_slice(piece);
                let excess = kept.len().saturating_sub(limits::GIT_STDERR_BYTES);
                kept.drain(..excess);
            }
            Err(error) => {
                tracing::debug!(%error, "failed to read git's errors");
                break;
            }
        }
    }
    String::from_utf8_lossy(&kept).trim().to_owned()
}

/// What git says in its C locale, what it means, and what the person can do.
const MEANINGS: &[(&str, ErrorCode, &str)] = &[
    ("no space left on device", ErrorCode::StorageFull, "the disk is full; free some space"),
    ("disk quota exceeded", ErrorCode::StorageFull, "the disk quota is used up; free some space"),
    ("a branch named", ErrorCode::BranchExists, "the branch exists already; choose another name"),
    ("is already checked out", ErrorCode::BranchExists, "the branch is in use; choose another"),
    (
        "cannot create 'refs/heads/",
        ErrorCode::BranchExists,
        "a branch whose name begins or ends like this one exists; choose another name",
    ),
    ("is not a valid branch name", ErrorCode::InvalidBranchName, "choose another branch name"),
    ("invalid reference", ErrorCode::UnknownReference, "no such branch, tag or commit"),
    ("unknown revision", ErrorCode::UnknownReference, "no such branch, tag or commit"),
    ("not a valid object name", ErrorCode::UnknownReference, "no such branch, tag or commit"),
    ("bad object", ErrorCode::UnknownReference, "no such branch, tag or commit"),
    (
        "does not appear to be a git repository",
        ErrorCode::NotARepository,
        "not a git repository; check the path or URL",
    ),
    (
        "not a git repository",
        ErrorCode::NotARepository,
        "not a git repository; check the path, or make it one with `git init`",
    ),
    ("could not resolve host", ErrorCode::RepoUnreachable, "the host is not known; check the URL"),
    ("authentication failed", ErrorCode::RepoUnreachable, "the server wants a login"),
    (
        "could not read username",
        ErrorCode::RepoUnreachable,
        "no such repository, or it needs a login",
    ),
    ("permission denied", ErrorCode::RepoUnreachable, "access was denied; check your keys"),
    ("repository not found", ErrorCode::RepoUnreachable, "no such repository; check the URL"),
    ("does not exist", ErrorCode::RepoUnreachable, "no such repository; check the path"),
    ("unable to access", ErrorCode::RepoUnreachable, "the server cannot be reached; check the URL"),
    ("connection refused", ErrorCode::RepoUnreachable, "the server cannot be reached"),
    ("unable to connect", ErrorCode::RepoUnreachable, "the server cannot be reached"),
    ("could not read from remote", ErrorCode::RepoUnreachable, "the repository cannot be read"),
    ("early eof", ErrorCode::RepoUnreachable, "the connection broke; try again"),
];

/// Finds what a failure of git means.
pub(crate) fn failure(stderr: &str) -> RpcError {
    let lower = stderr.to_ascii_lowercase();
    let said =
        stderr.lines().rfind(|line| line.starts_with("fatal:") || line.starts_with("error:"));
    let said = said.or_else(|| stderr.lines().last()).unwrap_or("git gave no reason");
    let known = MEANINGS.iter().find(|(needle, _, _)| lower.contains(needle));
    match known {
        Some((_, code, advice)) => RpcError::failed(*code, format!("{advice} ({said})")),
        None => RpcError::failed(ErrorCode::GitFailed, format!("git failed: {said}")),
    }
}

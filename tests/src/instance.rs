//! An instance of Grove in a home of its own: started, watched, killed, ended without a trace.

use crate::process::{self, Process, program};
use crate::{
    Backend, Client, Outcome, PATIENCE, Socket, Store, eventually, postgres, say, settled,
};
use anyhow::{Context, bail, ensure};
use grove_core_api::SessionId;
use nix::sys::signal::Signal;
use std::fs::{self, File};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;
use tempfile::TempDir;

/// Scenarios that every instance knows next to the shipped ones.
const SCENARIOS: &[(&str, &str)] = &[
    ("ask", include_str!("../scenarios/ask.toml")),
    ("expect", include_str!("../scenarios/expect.toml")),
    ("fail", include_str!("../scenarios/fail.toml")),
    ("flow", include_str!("../scenarios/flow.toml")),
    ("gate", include_str!("../scenarios/gate.toml")),
    ("run", include_str!("../scenarios/run.toml")),
    ("say", include_str!("../scenarios/say.toml")),
    ("spawn", include_str!("../scenarios/spawn.toml")),
    ("stream", include_str!("../scenarios/stream.toml")),
];
/// Lines of the log that are shown when a test fails.
const LOG_LINES: usize = 80;
/// Longest time for an instance to end after SIGTERM.
const END: Duration = Duration::from_secs(20);

/// How an instance is to be started.
#[derive(Clone, Debug, Default)]
pub struct Setup {
    backend: Option<Backend>,
    config: Option<String>,
    bind: Option<String>,
    environment: Vec<(String, String)>,
    home: Option<PathBuf>,
    programs: Option<PathBuf>,
    arguments: Vec<String>,
    database: Option<String>,
}

/// A running instance. Call [`Instance::end`] at the end of the test: one that is dropped before
/// counts as failed and shows its log.
#[derive(Debug)]
pub struct Instance {
    root: TempDir,
    setup: Setup,
    programs: PathBuf,
    /// Grove's home.
    pub home: PathBuf,
    database: Option<String>,
    monitor: Option<Child>,
    url: String,
    is_ended: bool,
}

impl Setup {
    /// Stands on this engine instead of the embedded one.
    #[must_use]
    pub fn on(mut self, backend: Backend) -> Self {
        self.backend = Some(backend);
        self
    }

    /// Contents of `grove.toml`.
    #[must_use]
    pub fn config(mut self, text: &str) -> Self {
        self.config = Some(text.to_owned());
        self
    }

    /// Address to listen on, instead of a free port.
    #[must_use]
    pub fn bind(mut self, address: &str) -> Self {
        self.bind = Some(address.to_owned());
        self
    }

    /// A home elsewhere, which is kept.
    #[must_use]
    pub fn home(mut self, path: &Path) -> Self {
        self.home = Some(path.to_owned());
        self
    }

    /// Stands on the database of another instance, which keeps it.
    #[must_use]
    pub fn sharing(mut self, other: &Instance) -> Self {
        self.database.clone_from(&other.database);
        self
    }

    /// Programs from elsewhere.
    #[must_use]
    pub fn programs(mut self, path: &Path) -> Self {
        self.programs = Some(path.to_owned());
        self
    }

    /// One more argument of the monitor.
    #[must_use]
    pub fn argument(mut self, text: impl Into<String>) -> Self {
        self.arguments.push(text.into());
        self
    }

    /// One more variable of the monitor's environment.
    #[must_use]
    pub fn variable(mut self, name: &str, value: impl Into<String>) -> Self {
        self.environment.push((name.to_owned(), value.into()));
        self
    }

    /// Starts the instance and waits until it is ready.
    ///
    /// # Errors
    /// When the programs are not built or the instance does not become ready; the log is shown.
    pub async fn start(self) -> Outcome<Instance> {
        let mut instance = Instance::prepare(self).await?;
        instance.launch().await?;
        Ok(instance)
    }

    /// Starts an instance that must not come up; returns its exit code and standard error.
    ///
    /// # Errors
    /// When it does come up, or does not end.
    pub async fn fail_to_start(self) -> Outcome<(i32, String)> {
        let mut instance = Instance::prepare(self).await?;
        let mut monitor = instance.command()?.spawn()?;
        let mut code = None;
        let is_over = settled(PATIENCE, || {
            code = monitor.try_wait().ok().flatten();
            code.is_some() || instance.ready_url().is_some()
        });
        let text = instance.log();
        let is_ready = instance.ready_url().is_some();
        instance.monitor = Some(monitor);
        instance.kill_everything()?;
        instance.forget_database().await?;
        instance.is_ended = true;
        ensure!(is_over && !is_ready, "it came up, or did not end: {text}");
        Ok((code.and_then(|it| it.code()).unwrap_or(-1), text))
    }
}

impl Instance {
    /// Starts an instance on the embedded database.
    ///
    /// # Errors
    /// See [`Setup::start`].
    pub async fn start() -> Outcome<Self> {
        Setup::default().start().await
    }

    /// Runs a test on a fresh instance on each engine, and ends it.
    ///
    /// # Errors
    /// The test's own, or that an instance left something behind.
    pub async fn on_each(test: impl AsyncFn(&Self) -> Outcome) -> Outcome {
        for backend in Backend::all()? {
            let grove = Setup::default().on(backend).start().await?;
            test(&grove).await.with_context(|| format!("on {backend:?}"))?;
            grove.end().await?;
        }
        Ok(())
    }

    async fn prepare(setup: Setup) -> Outcome<Self> {
        let programs = setup.programs.clone().map_or_else(process::programs, Ok)?;
        let root = tempfile::Builder::new().prefix("grove-it-").tempdir()?;
        let home = setup.home.clone().unwrap_or_else(|| root.path().join("home"));
        for folder in ["tmp", "account/.cache", "scenarios"] {
            fs::create_dir_all(root.path().join(folder))?;
        }
        for (name, text) in SCENARIOS {
            fs::write(root.path().join("scenarios").join(format!("{name}.toml")), text)?;
        }
        if let Some(text) = &setup.config {
            fs::create_dir_all(&home)?;
            fs::write(home.join("grove.toml"), text)?;
        }
        let database = match (&setup.database, setup.backend) {
            (Some(url), _) => Some(url.clone()),
            (None, Some(Backend::Postgres)) => Some(postgres::create().await?),
            (None, Some(Backend::LibSql) | None) => None,
        };
        let url = String::new();
        Ok(Self { root, setup, programs, home, database, monitor: None, url, is_ended: false })
    }

    /// Starts the monitor (again) and waits until the daemon is ready.
    ///
    /// # Errors
    /// When it ends or does not become ready.
    pub async fn launch(&mut self) -> Outcome {
        if self.setup.bind.is_none() {
            // One port for the whole life, so that clients find a restarted instance.
            self.setup.bind = Some(format!("127.0.0.1:{}", free_port()?));
        }
        let ready = self.ready_file();
        let monitor = self.command()?.spawn().context("failed to start grove-monitor")?;
        let monitor = self.monitor.insert(monitor);
        let status = eventually("grove-monitor is ready", async || {
            let status = monitor.try_wait()?;
            Ok((status.is_some() || read_url(&ready).is_some()).then_some(status))
        })
        .await?;
        if let Some(status) = status {
            bail!("grove-monitor ended ({status})");
        }
        self.url = self.ready_url().context("the ready line vanished")?;
        Ok(())
    }

    fn command(&mut self) -> Outcome<Command> {
        let bind = self.setup.bind.clone().unwrap_or_else(|| "127.0.0.1:0".to_owned());
        let mut command = program(self.programs.join("grove-monitor"));
        let log = File::options().create(true).append(true).open(self.log_file())?;
        command.arg("--home").arg(&self.home).args(["--bind", &bind]).args(&self.setup.arguments);
        command.stdout(File::create(self.ready_file())?).stderr(Stdio::from(log));
        command.env_remove("DATABASE_URL").env("TMPDIR", self.root.path().join("tmp"));
        command.env("HOME", self.root.path().join("account"));
        command.env("GROVE_REHEARSAL_DIRECTORY", self.root.path().join("scenarios"));
        if let Some(url) = &self.database {
            command.env("DATABASE_URL", url);
        }
        for (name, value) in &self.setup.environment {
            command.env(name, value);
        }
        Ok(command)
    }

    fn log_file(&self) -> PathBuf {
        self.root.path().join("log")
    }

    fn ready_file(&self) -> PathBuf {
        self.root.path().join("ready")
    }

    fn ready_url(&self) -> Option<String> {
        read_url(&self.ready_file())
    }

    /// The log so far.
    #[must_use]
    pub fn log(&self) -> String {
        fs::read_to_string(self.log_file()).unwrap_or_default()
    }

    /// A directory for whatever the test needs; it goes with the instance.
    #[must_use]
    pub fn scratch(&self) -> &Path {
        self.root.path()
    }

    /// The address, without a slash at the end.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Directory of Grove's programs.
    #[must_use]
    pub fn programs(&self) -> &Path {
        &self.programs
    }

    /// A client that acts as the instance's owner.
    ///
    /// # Errors
    /// When the HTTP client cannot be made.
    pub fn client(&self) -> Outcome<Client> {
        Client::new(&self.url)
    }

    /// A greeted connection to `/ws`.
    ///
    /// # Errors
    /// When the connection or the greeting fails.
    pub async fn socket(&self) -> Outcome<Socket> {
        Socket::open(&self.url, None).await
    }

    /// The database itself, for what the API cannot do.
    ///
    /// # Errors
    /// When it cannot be opened.
    pub async fn store(&self) -> Outcome<Store> {
        Store::open(self.database.as_deref(), &self.home).await
    }

    /// A token such as the session's agent has.
    ///
    /// # Errors
    /// When it cannot be stored.
    pub async fn session_token(&self, session: SessionId) -> Outcome<String> {
        let user = self.client()?.me().await?.id;
        self.store().await?.session_token(user, session).await
    }

    /// Every process of this instance that lives.
    #[must_use]
    pub fn processes(&self) -> Vec<Process> {
        let entry = format!("HOME={}", self.root.path().join("account").display());
        Process::with_environment(&entry)
    }

    /// Processes of this instance by the name of their program.
    #[must_use]
    pub fn named(&self, name: &str) -> Vec<Process> {
        self.processes().into_iter().filter(|it| it.name == name).collect()
    }

    /// The daemon.
    ///
    /// # Errors
    /// When it does not run.
    pub fn daemon(&self) -> Outcome<Process> {
        self.named("groved").pop().context("no groved runs")
    }

    /// Kills the daemon with SIGKILL and waits until another one serves.
    ///
    /// # Errors
    /// When none comes back.
    pub async fn kill_daemon(&self) -> Outcome {
        let old = self.daemon()?;
        old.signal(Signal::SIGKILL)?;
        eventually("the daemon serves again", async || {
            let is_new = self.daemon().is_ok_and(|it| it.pid != old.pid);
            Ok((is_new && self.client()?.is_healthy().await).then_some(()))
        })
        .await
    }

    /// Kills monitor, daemon and executors with SIGKILL.
    ///
    /// # Errors
    /// When something survives.
    pub fn kill_everything(&mut self) -> Outcome {
        if let Some(monitor) = &mut self.monitor {
            // It may have ended by itself.
            drop(monitor.kill());
            monitor.wait()?;
        }
        let is_empty = settled(END, || {
            let left = self.processes();
            for process in &left {
                // Who ends in between is gone, which is what is wanted.
                drop(process.signal(Signal::SIGKILL));
            }
            left.is_empty()
        });
        ensure!(is_empty, "processes survive SIGKILL: {:?}", self.processes());
        self.monitor = None;
        Ok(())
    }

    /// Ends the instance as a person would, and makes sure that nothing is left of it.
    ///
    /// # Errors
    /// When it does not end, ends badly, or leaves a process or its run file behind.
    pub async fn end(mut self) -> Outcome {
        self.stop()?;
        self.forget_database().await?;
        self.is_ended = true;
        Ok(())
    }

    /// Ends the instance but keeps its home, for [`Instance::launch`].
    ///
    /// # Errors
    /// When it does not end, ends badly, or leaves a process or its run file behind.
    pub fn stop(&mut self) -> Outcome {
        let Some(mut monitor) = self.monitor.take() else { return Ok(()) };
        let pid = i32::try_from(monitor.id())?;
        Process { pid, name: "grove-monitor".to_owned() }.signal(Signal::SIGTERM)?;
        let mut status = None;
        let is_over = settled(END, || {
            status = monitor.try_wait().ok().flatten();
            status.is_some()
        });
        if !is_over {
            self.monitor = Some(monitor);
            bail!("the monitor did not end within {END:?} of SIGTERM");
        }
        ensure!(status.is_some_and(|it| it.success()), "the monitor ended with {status:?}");
        let is_empty = settled(Duration::from_secs(5), || self.processes().is_empty());
        ensure!(is_empty, "processes are left: {:?}", self.processes());
        ensure!(!self.home.join("run/grove.json").exists(), "the run file is left");
        Ok(())
    }

    async fn forget_database(&mut self) -> Outcome {
        match self.database.take() {
            Some(url) if self.setup.database.is_none() => postgres::remove(&url).await,
            Some(_) | None => Ok(()),
        }
    }
}

impl Drop for Instance {
    fn drop(&mut self) {
        if self.is_ended {
            return;
        }
        let log = self.log();
        let lines: Vec<&str> = log.lines().collect();
        let tail = lines[lines.len().saturating_sub(LOG_LINES)..].join("\n");
        say(&format!("--- log of the instance at {}\n{tail}\n---", self.home.display()));
        if let Err(error) = self.kill_everything() {
            say(&format!("{error:#}"));
        }
    }
}

/// The URL of the ready line, once it is there.
fn read_url(file: &Path) -> Option<String> {
    let text = fs::read_to_string(file).ok()?;
    let (line, _) = text.split_once('\n')?;
    Some(line.strip_prefix("grove ready ")?.trim_end_matches('/').to_owned())
}

fn free_port() -> Outcome<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}

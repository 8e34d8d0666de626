//! The life of the daemon: open what it needs, listen, serve, drain.

use crate::app::{self, App, Parts};
use crate::audit::service::{Anchor, Keeping, Recorder};
use crate::auth::{self, jwt::Keys};
use crate::bus::{Bus, InProcess, Inbox, Joining, Nats, NodeId};
use crate::config::{BusSettings, Config, ConfigError, variable};
use crate::context::Ctx;
use crate::db::{Database, OpenError};
use crate::http;
use crate::paths::Paths;
use crate::privileged::client::{MonitorCallError, MonitorClient};
use crate::router;
use crate::{docs, events, executors, grants};
use axum::serve::ListenerExt;
use grove_core_api::UserId;
use grove_core_api::limits;
use grove_core_api::rehearsal::{self, Scenario, ScenarioError};
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpSocket};
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Longest time for open requests and tasks to end after SIGTERM.
const DRAIN: Duration = Duration::from_secs(8);
/// Scenario files that are read from a directory.
const SCENARIOS: usize = 200;

/// Why the daemon cannot start or go on.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The configuration cannot be used.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The database cannot be opened.
    #[error(transparent)]
    Database(#[from] OpenError),
    /// The address is in use or not ours.
    #[error("failed to listen on {address}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A file of the home cannot be read or written.
    #[error("failed to open the home {home}")]
    Home {
        /// The home.
        home: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A scenario cannot be used.
    #[error(transparent)]
    Scenario(#[from] ScenarioError),
    /// There is no monitor.
    #[error("failed to reach the monitor (start Grove with `grove up`, not by hand)")]
    Monitor(#[source] io::Error),
    /// The monitor refused or went away.
    #[error(transparent)]
    MonitorCall(#[from] MonitorCallError),
    /// The state of the sessions could not be restored.
    #[error("failed to take up the sessions again")]
    Recover(#[source] crate::error::Error),
    /// The URL of the NATS server cannot be used.
    #[error("failed to use the URL of the NATS server")]
    Bus(#[source] async_nats::ConnectError),
    /// Serving failed.
    #[error("failed to serve")]
    Serve(#[source] io::Error),
}

impl ServeError {
    /// Whether a restart cannot help (`EX_CONFIG` of sysexits(3)).
    #[must_use]
    pub fn is_permanent(&self) -> bool {
        matches!(
            self,
            Self::Config(_)
                | Self::Database(_)
                | Self::Listen { .. }
                | Self::Home { .. }
                | Self::Scenario(_)
                | Self::Monitor(_)
        )
    }
}

/// Serves until SIGTERM, SIGINT or the end of the monitor.
///
/// # Errors
/// See [`ServeError`].
pub async fn run(config: Config) -> Result<(), ServeError> {
    let account = account();
    let (audit, recorder) = Recorder::new(&account);
    let monitor = MonitorClient::from_fd3(audit.monitor()).map_err(ServeError::Monitor)?;
    let spawner = TaskTracker::new();
    let shutdown = CancellationToken::new();
    let paths = Paths::new(&config.home, &account);
    let home_error = |source| ServeError::Home { home: config.home.clone(), source };
    let jwt = Keys::open(&paths).map_err(home_error)?;
    std::fs::create_dir_all(paths.mirrors()).map_err(home_error)?;
    if !config.is_shared_host {
        // On a shared host the monitor makes them, each for its account.
        std::fs::create_dir_all(paths.repositories(None)).map_err(home_error)?;
        std::fs::create_dir_all(paths.worktrees(None)).map_err(home_error)?;
    }
    let scenarios = scenarios(&config)?;
    let db = open_database(&config, &paths, &spawner).await?;
    let keep_days = config.file.audit.keep_days;
    let keeping = Keeping { days: keep_days, has_others: config.bus.is_some() };
    spawner.spawn(recorder.run(db.clone(), Anchor::new(&paths), keeping));
    let owner = app::owner(&db, &account).await.map_err(ServeError::Recover)?;
    let (bus, inbox) = join_bus(&config, owner, &spawner, &shutdown).await?;
    let listener = listen(config.bind)
        .map_err(|source| ServeError::Listen { address: config.bind, source })?;
    let address = listener.local_addr().map_err(ServeError::Serve)?;
    let app = App::new(Parts {
        config,
        paths,
        db,
        jwt,
        scenarios,
        monitor,
        audit: Arc::clone(&audit),
        address,
        owner,
        bus,
        spawner: spawner.clone(),
        shutdown: shutdown.clone(),
    });
    if let Some(inbox) = inbox {
        app.hub.listen(inbox);
    }
    let served = match prepare(&app).await {
        Ok(()) => serve(Arc::clone(&app), listener).await,
        Err(error) => Err(error),
    };
    shutdown.cancel();
    app.pool.leave();
    drop(app);
    // After the last request: its calls are in the audit.
    audit.end();
    spawner.close();
    if tokio::time::timeout(DRAIN, spawner.wait()).await.is_err() {
        tracing::warn!("some tasks did not end in time");
    }
    served
}

/// Listens with a queue in which everybody finds room who comes back after a restart.
fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    raise_descriptors();
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(limits::HTTP_BACKLOG)
}

/// Takes as many descriptors as the system allows: each connection is one, and the usual soft limit,
/// made for programs that wait with `select`, ends at a thousand.
fn raise_descriptors() {
    let raised = getrlimit(Resource::RLIMIT_NOFILE)
        .and_then(|(_, most)| setrlimit(Resource::RLIMIT_NOFILE, most, most));
    if let Err(error) = raised {
        tracing::warn!(%error, "the number of connections stays bounded by the soft limit of files");
    }
}

async fn open_database(
    config: &Config,
    paths: &Paths,
    spawner: &TaskTracker,
) -> Result<Database, ServeError> {
    Ok(match &config.database_url {
        Some(url) => Database::open_postgres(url.expose(), config.database_pool_max).await?,
        None => Database::open_file(&paths.database(), spawner).await?,
    })
}

/// The way to the other daemons of the instance, which the owner's id tells apart from others on the
/// same server.
async fn join_bus(
    config: &Config,
    owner: UserId,
    spawner: &TaskTracker,
    shutdown: &CancellationToken,
) -> Result<(Arc<dyn Bus>, Option<Inbox>), ServeError> {
    let Some(BusSettings { nats_url, node }) = &config.bus else {
        return Ok((Arc::new(InProcess::alone()), None));
    };
    let joining = Joining {
        url: nats_url,
        instance: owner.0.simple().to_string(),
        name: node.clone(),
        // Another one with each start, and never the one of a daemon alone.
        node: NodeId(rand::random_range(1..=u32::MAX)),
    };
    let joined = Nats::join(joining, spawner, shutdown.child_token()).await;
    let (bus, inbox) = joined.map_err(ServeError::Bus)?;
    Ok((Arc::new(bus), Some(inbox)))
}

/// What must be there before the first request.
async fn prepare(app: &Arc<App>) -> Result<(), ServeError> {
    if app.config.is_shared_host {
        auth::personal_token::ensure_owners(app).await.map_err(ServeError::Recover)?;
    }
    Ok(())
}

async fn serve(app: Arc<App>, listener: TcpListener) -> Result<(), ServeError> {
    app.pool.recover().await.map_err(ServeError::Recover)?;
    app.spawner.spawn(executors::service::upkeep(Ctx::system(&app, app.owner())));
    app.spawner.spawn(events::service::upkeep(Ctx::system(&app, app.owner())));
    app.spawner.spawn(docs::service::run(Ctx::system(&app, app.owner())));
    app.spawner.spawn(grants::service::follow(Ctx::system(&app, app.owner())));
    let router = router::router(&app);
    http::executors::serve(&app, router.clone());
    // Small frames must not wait for Nagle's algorithm.
    let listener = listener.tap_io(|stream| {
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "failed to set TCP_NODELAY");
        }
    });
    let url = app.url("/");
    let ended = app.shutdown.clone();
    let graceful = ended.clone().cancelled_owned();
    let watching = Arc::clone(&app);
    app.spawner.spawn(async move {
        ended_by(&watching).await;
        ended.cancel();
    });
    let ready = Arc::clone(&app);
    app.spawner.spawn(async move {
        if let Err(error) = ready.pool.monitor_ready(&url).await {
            tracing::error!(%error, "failed to report to the monitor");
            ready.shutdown.cancel();
        }
    });
    let serving = axum::serve(listener, router).with_graceful_shutdown(graceful).into_future();
    tokio::select! {
        served = serving => served.map_err(ServeError::Serve),
        () = drained(&app) => Ok(()),
    }
}

/// Connections that do not end by themselves must not hold up the end.
async fn drained(app: &App) {
    app.shutdown.cancelled().await;
    tokio::time::sleep(DRAIN).await;
}

async fn ended_by(app: &App) {
    let mut terminate = signal(SignalKind::terminate()).ok();
    let terminated = async {
        match &mut terminate {
            Some(terminate) => terminate.recv().await,
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        _ = terminated => tracing::info!("asked to end"),
        _ = tokio::signal::ctrl_c() => tracing::info!("interrupted"),
        () = app.pool.monitor.closed() => tracing::warn!("the monitor is gone"),
        () = app.shutdown.cancelled() => {}
    }
}

/// Name of the Unix account that this process runs as.
fn account() -> String {
    nix::unistd::User::from_uid(nix::unistd::getuid())
        .ok()
        .flatten()
        .map_or_else(|| "grove".to_owned(), |user| user.name)
}

fn scenarios(config: &Config) -> Result<Vec<Scenario>, ServeError> {
    let mut scenarios = rehearsal::builtin()?;
    let directory = variable("GROVE_REHEARSAL_DIRECTORY")
        .map(PathBuf::from)
        .or_else(|| config.file.rehearsal.directory.clone());
    let Some(directory) = directory else { return Ok(scenarios) };
    let home_error = |source| ServeError::Home { home: directory.clone(), source };
    let mut files: Vec<PathBuf> = std::fs::read_dir(&directory)
        .map_err(home_error)?
        .filter_map(|entry| entry.ok().map(|entry| entry.path()))
        .filter(|path| path.extension().is_some_and(|it| it == "toml"))
        .take(SCENARIOS)
        .collect();
    files.sort();
    for file in files {
        let text = std::fs::read_to_string(&file).map_err(home_error)?;
        let scenario = Scenario::from_toml(&text)?;
        scenarios.retain(|known| known.name != scenario.name);
        // One's own come first, so that their patterns win.
        scenarios.insert(0, scenario);
    }
    Ok(scenarios)
}

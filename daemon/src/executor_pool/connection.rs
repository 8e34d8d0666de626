//! One connection to one executor: start or attach, `initialize`, lease.

use super::budget::Budget;
use super::said::Ears;
use super::vouched::{Expected, Vouched};
use crate::app::App;
use crate::egress::{Door, Who};
use crate::error::Error;
use crate::instance;
use crate::privileged::client::{ExecutorLink, MonitorCallError, MonitorClient};
use grove_core_api::ipc::credential::{Credential, GetCredential};
use grove_core_api::ipc::method::{GitProgress, Initialize, Initialized, SessionEvent};
use grove_core_api::ipc::{Method, Notification, RpcError, frame};
use grove_core_api::isolation::SandboxReport;
use grove_core_api::monitor::{Launch, Refusal};
use grove_core_api::{ErrorCode, ExecutorId, Secret, SessionId, limits, version};
use grove_ipc::{Call, CallError, Direction, Handler, Observer, Peer, Raw};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::net::UnixStream;
use tokio::sync::mpsc;
use tokio_util::task::TaskTracker;

/// Events that wait for the unit; the executor waits when it is full.
const EVENTS: usize = 256;
/// Longest time for the first answer of an executor.
const INITIALIZE: Duration = Duration::from_secs(10);

/// How far clones are, by token.
pub(super) type Progress = Arc<Mutex<HashMap<String, i32>>>;

/// What all connections have in common.
pub(super) struct Common {
    pub(super) monitor: Arc<MonitorClient>,
    pub(super) spawner: TaskTracker,
    pub(super) progress: Progress,
    pub(super) ears: Arc<Ears>,
}

/// An executor that has answered `initialize`.
pub(super) struct Connection {
    pub(super) id: ExecutorId,
    /// Its process id, and the layers of the sandbox, as the monitor says.
    pub(super) pid: i32,
    pub(super) report: SandboxReport,
    pub(super) peer: Peer,
    pub(super) facts: Initialized,
    pub(super) events: mpsc::Receiver<SessionEvent>,
}

/// How to come to a connection.
#[derive(Clone, Debug)]
pub(super) enum Reach {
    /// A new executor.
    Start(Box<Launch>),
    /// One that lives; newer events than this one are sent again.
    Attach { last_seq: u64 },
}

/// The session that an executor works for, which may ask for more than a keeper: a way out, keys.
pub(super) type For<'a> = Option<(&'a Arc<App>, SessionId)>;

/// Starts or attaches to an executor and introduces the daemon. `watch` sees every call.
///
/// # Errors
/// `ExecutorFailed` when it cannot be started or does not answer; it is killed then.
pub(super) async fn connect(
    common: &Common,
    id: ExecutorId,
    (reach, session): (Reach, For<'_>),
    watch: Arc<dyn Observer>,
) -> Result<Connection, Error> {
    let monitor = &common.monitor;
    let token = crate::auth::token::fresh_hex::<16>();
    let (link, last_seq) = match reach {
        Reach::Start(launch) => (monitor.spawn(id, *launch, token.expose()).await, 0),
        Reach::Attach { last_seq } => (monitor.attach(id, token.expose()).await, last_seq),
    };
    let link = link.map_err(monitor_failed)?;
    // The profile is the monitor's word, not the executor's.
    let profile = link.report.network;
    let rights = session.map(|(app, session)| Rights {
        door: Door::new(Arc::clone(&app.egress), Who { session, executor: id, profile }),
        app: Arc::clone(app),
        session,
        keys: Mutex::new(Budget::new(limits::CREDENTIALS_PER_MINUTE)),
    });
    match introduce(link, common, rights, (id, token, last_seq), watch).await {
        Ok(connection) => Ok(connection),
        Err(error) => {
            if let Err(kill) = monitor.kill(id).await {
                tracing::warn!(executor.id = %id, error = %kill, "failed to kill an executor");
            }
            Err(error)
        }
    }
}

async fn introduce(
    link: ExecutorLink,
    common: &Common,
    rights: Option<Rights>,
    (id, token, last_seq): (ExecutorId, Secret, u64),
    watch: Arc<dyn Observer>,
) -> Result<Connection, Error> {
    let ExecutorLink { pid, report, connection, said } = link;
    common.ears.listen(id, said);
    let expected = Expected::of(pid, &report);
    let (stream, stranger) = UnixStream::from_std(connection)
        .and_then(|stream| Vouched::new(stream, expected))
        .map_err(|error| Error::new(ErrorCode::ExecutorFailed, NO_ANSWER).because(error))?;
    let (sender, events) = mpsc::channel(EVENTS);
    let handler = Arc::new(Incoming { sender, progress: Arc::clone(&common.progress), rights });
    let (peer, driver) = Peer::start(stream, Arc::clone(&handler), Arc::clone(&watch));
    if let Some(rights) = &handler.rights {
        rights.door.bind(peer.clone());
    }
    let seen = Arc::clone(&stranger);
    common.spawner.spawn(async move {
        let end = driver.await;
        tracing::debug!(executor.id = %id, ?end, "connection ended");
        if let Some(who) = seen.get() {
            tracing::warn!(executor.id = %id, "{who}; it was closed");
            note_stranger(watch.as_ref()).await;
        }
    });
    let hello = Initialize {
        protocol: version::IPC,
        token,
        last_seq,
        orphan_ms: limits::EXECUTOR_ORPHAN_MS,
    };
    let facts = peer.request_within(hello, INITIALIZE).await.map_err(|error| {
        let refused = |who: &String| Error::new(ErrorCode::ExecutorFailed, who.clone());
        stranger.get().map_or_else(|| call_failed(error), refused)
    })?;
    if facts.protocol != version::IPC {
        let detail = format!("the executor speaks protocol {}, not ours", facts.protocol);
        return Err(Error::new(ErrorCode::ExecutorFailed, detail)
            .hint("the binaries of this installation do not belong together: install it again"));
    }
    if facts.sandbox != report {
        let detail = "the executor was told of another sandbox than the monitor reports";
        return Err(Error::new(ErrorCode::ExecutorFailed, detail).hint(DOCTOR));
    }
    Ok(Connection { id, pid, report, peer, facts, events })
}

/// Leaves an entry that somebody else spoke in the executor's place.
async fn note_stranger(watch: &dyn Observer) {
    let call =
        Call { direction: Direction::Incoming, method: Initialize::NAME, params: None, bytes: 0 };
    // Without an audit there is nobody to tell; the log has it.
    if let Some(ending) = watch.begin(call).await {
        ending.end("stranger");
    }
}

const DOCTOR: &str = "`grove doctor` shows what is wrong";
const NO_ANSWER: &str = "the executor does not answer";

/// What a refusal or the silence of the monitor means for whoever asked.
pub(crate) fn monitor_failed(error: MonitorCallError) -> Error {
    let (code, detail, hint) = match &error {
        MonitorCallError::Refused { refusal: Refusal::Invalid | Refusal::NotPermitted, detail } => {
            (
                ErrorCode::Conflict,
                format!("the monitor refused: {detail}"),
                "docs/privilege.md says which accounts and directories may be used",
            )
        }
        // What is missing is for whoever runs this host, and no secret.
        MonitorCallError::Refused { refusal: Refusal::Isolation, detail } => (
            ErrorCode::ExecutorFailed,
            format!("the executor was not started, since it would not be isolated: {detail}"),
            DOCTOR,
        ),
        MonitorCallError::Refused { detail, .. } => {
            (ErrorCode::ExecutorFailed, format!("the monitor refused: {detail}"), DOCTOR)
        }
        MonitorCallError::Gone
        | MonitorCallError::Timeout
        | MonitorCallError::Protocol
        | MonitorCallError::Channel(_) => {
            (ErrorCode::ExecutorFailed, "the executor could not be started".to_owned(), DOCTOR)
        }
    };
    Error::new(code, detail).hint(hint).because(error)
}

/// What a failed call to an executor means for whoever asked.
pub(super) fn call_failed(error: CallError) -> Error {
    let code = error.code();
    let text = error.to_string();
    if let CallError::Remote(remote) = error { Error::from(remote) } else { Error::new(code, text) }
}

/// Calls an executor and waits at most `time`.
pub(super) async fn call<M: Method>(
    peer: &Peer,
    method: M,
    time: Duration,
) -> Result<M::Answer, Error> {
    peer.request_within(method, time).await.map_err(call_failed)
}

/// What executors may say: events and progress. They may ask for nothing but what a session's may.
struct Incoming {
    sender: mpsc::Sender<SessionEvent>,
    progress: Progress,
    rights: Option<Rights>,
}

/// What a session's executor may ask for.
struct Rights {
    door: Door,
    app: Arc<App>,
    session: SessionId,
    /// How often it may still ask for a key.
    keys: Mutex<Budget>,
}

impl Rights {
    /// The key of the running task's provider. Which session asks is the connection's word.
    async fn credential(&self, wanted: GetCredential) -> Result<Credential, RpcError> {
        if !self.keys.lock().unwrap_or_else(PoisonError::into_inner).take() {
            return Err(RpcError::new(frame::BUSY, "keys are asked for too often"));
        }
        let given = instance::service::credential(&self.app, self.session, &wanted).await;
        given.map_err(|error| {
            let (code, detail) = (error.code(), error.detail().to_owned());
            if code == ErrorCode::Forbidden {
                RpcError::new(frame::DENIED, detail)
            } else {
                RpcError::failed(code, detail)
            }
        })
    }
}

impl Handler for Incoming {
    async fn request(&self, method: &str, params: Option<Raw>) -> Result<Raw, RpcError> {
        match &self.rights {
            Some(rights) if Door::is_for(method) => rights.door.request(params).await,
            Some(rights) if method == GetCredential::NAME => {
                let give = |wanted: GetCredential| rights.credential(wanted);
                grove_ipc::call::<GetCredential, _, _>(params, give).await
            }
            _ => Err(grove_ipc::method_not_found(method)),
        }
    }

    async fn notification(&self, method: &str, mut params: Option<Raw>) {
        if self.rights.as_ref().is_some_and(|it| it.door.takes(method, &mut params)) {
            return;
        }
        if method == SessionEvent::NAME {
            match grove_ipc::params(params) {
                // A unit that is gone needs no events; the executor keeps what is not acknowledged.
                Ok(event) => drop(self.sender.send(event).await),
                Err(error) => tracing::warn!(%error, "an executor sent a malformed event"),
            }
        } else if method == GitProgress::NAME
            && let Ok(GitProgress { token, percent }) = grove_ipc::params(params)
        {
            let mut progress = self.progress.lock().unwrap_or_else(PoisonError::into_inner);
            if progress.len() < 1_024 {
                progress.insert(token, percent.clamp(0, 100));
            }
        }
    }
}

//! The executor as a state machine: connections, the running task, and when it ends.

use crate::agent::{self, Keys, Means, Memory, Running, Start};
use crate::connection::Connection;
use crate::control::{Arrival, Control};
use crate::desk::Desk;
use crate::network::Network;
use crate::places::Places;
use crate::replay::Replay;
use crate::sys;
use grove_core_api::ipc::method::{AnswerPermission, Initialize, Prompt};
use grove_core_api::ipc::{RpcError, frame};
use grove_core_api::isolation::SandboxReport;
use grove_core_api::monitor::{ExecutorGreeting, ExecutorRole};
use grove_core_api::{ErrorCode, TaskId, limits};
use grove_ipc::{Peer, Tunnels, Unobserved};
use std::future::Future;
use std::io;
use std::os::unix::net::UnixStream as StdStream;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::net::UnixStream;
use tokio::sync::{Notify, watch};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

struct State {
    attached: Option<Peer>,
    detached_at: Instant,
    task: Option<Arc<Running>>,
}

/// What the connections and the running task share.
pub(crate) struct Unit {
    pub(crate) role: ExecutorRole,
    pub(crate) sandbox: SandboxReport,
    pub(crate) replay: Arc<Replay>,
    pub(crate) places: Places,
    network: Arc<Network>,
    memory: Memory,
    tracker: TaskTracker,
    desk: Desk,
    state: Mutex<State>,
    changed: Notify,
    /// The daemon of the moment, for what a task asks of it.
    daemon: watch::Sender<Option<Peer>>,
    ending: CancellationToken,
    grace_ms: AtomicU64,
    orphan_ms: AtomicU64,
}

/// Ends the task's registration whatever happens to the task.
struct Finished(Arc<Unit>);

impl Drop for Finished {
    fn drop(&mut self) {
        let task = self.0.state().task.take();
        if let Some(task) = task {
            task.end();
        }
        self.0.changed.notify_one();
        sys::give_back_memory();
    }
}

impl Unit {
    /// Prepares the executor.
    ///
    /// # Errors
    /// When it cannot listen on the only network interface that its sandbox left it.
    pub(crate) async fn new(greeting: &ExecutorGreeting) -> io::Result<Arc<Self>> {
        let (role, sandbox) = (greeting.role, greeting.report.clone());
        let state = State { attached: None, detached_at: Instant::now(), task: None };
        let tracker = TaskTracker::new();
        let network = Arc::new(Network::prepare(&sandbox, &tracker).await?);
        Ok(Arc::new(Self {
            role,
            sandbox,
            replay: Arc::new(Replay::new()),
            places: Places::default(),
            network,
            memory: Memory::of(greeting.id),
            tracker,
            desk: Desk::default(),
            state: Mutex::new(state),
            changed: Notify::new(),
            daemon: watch::Sender::new(None),
            ending: CancellationToken::new(),
            grace_ms: AtomicU64::new(limits::EXECUTOR_GRACE_MS),
            orphan_ms: AtomicU64::new(limits::EXECUTOR_ORPHAN_MS),
        }))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // The state is whole after each statement, so a poisoned lock can be used.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs work that must come to its end even when nobody waits for it any more.
    pub(crate) fn spawn<F>(&self, work: F) -> tokio::task::JoinHandle<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        self.tracker.spawn(work)
    }

    /// Serves until the monitor is gone, the daemon says so, or nobody comes back.
    pub(crate) async fn run(self: Arc<Self>, control: Control, (greeting, stream): Arrival) {
        self.connect(greeting, stream);
        loop {
            let deadline = self.deadline();
            tokio::select! {
                next = control.next() => match next {
                    Some((greeting, stream)) => self.connect(greeting, stream),
                    None => break,
                },
                () = self.ending.cancelled() => break,
                () = self.changed.notified() => {}
                () = wait_until(deadline) => {
                    tracing::info!("nobody is attached any more");
                    break;
                }
            }
        }
        self.end().await;
    }

    fn connect(self: &Arc<Self>, greeting: ExecutorGreeting, stream: StdStream) {
        let stream = match UnixStream::from_std(stream) {
            Ok(stream) => stream,
            Err(error) => {
                tracing::warn!(%error, "a connection cannot be served");
                return;
            }
        };
        let connection = Connection::new(Arc::clone(self), greeting.token);
        let (peer, driver) = Peer::start(stream, Arc::clone(&connection), Arc::new(Unobserved));
        connection.set_peer(peer.clone());
        let unit = Arc::clone(self);
        self.spawn(async move {
            let end = driver.await;
            tracing::debug!(?end, "connection ended");
            unit.detach(&connection);
        });
    }

    /// When to end for want of a connection.
    fn deadline(&self) -> Option<Instant> {
        let state = self.state();
        if state.attached.as_ref().is_some_and(|peer| !peer.is_closed()) {
            return None;
        }
        let is_busy = state.task.is_some() || !self.replay.is_empty();
        let orphan_ms = self.orphan_ms.load(Ordering::Relaxed);
        let wait_ms = if is_busy { orphan_ms } else { limits::EXECUTOR_UNATTACHED_MS };
        Some(state.detached_at + Duration::from_millis(wait_ms))
    }

    /// Takes an initialized connection in place of the one before (rule IPC-13).
    pub(crate) fn attach(
        self: &Arc<Self>,
        (peer, tunnels): (&Peer, &Tunnels),
        initialize: &Initialize,
    ) {
        self.orphan_ms.store(initialize.orphan_ms, Ordering::Relaxed);
        // What the daemon has stored need not be kept, whoever acknowledged it.
        self.replay.acknowledge(initialize.last_seq);
        self.network.link().attach(tunnels.clone());
        self.daemon.send_replace(Some(peer.clone()));
        let before = self.state().attached.replace(peer.clone());
        if let Some(before) = before {
            before.close();
        }
        self.changed.notify_one();
        let (unit, peer, last_seq) = (Arc::clone(self), peer.clone(), initialize.last_seq);
        self.spawn(async move {
            unit.replay.send_after(last_seq, &peer).await;
            // What the start needed is needed no more.
            sys::give_back_memory();
        });
    }

    fn detach(&self, connection: &Connection) {
        let mut state = self.state();
        if connection.is_attached() && state.attached.as_ref().is_none_or(Peer::is_closed) {
            state.attached = None;
            state.detached_at = Instant::now();
        }
        drop(state);
        self.changed.notify_one();
    }

    /// The task that runs.
    pub(crate) fn task_id(&self) -> Option<TaskId> {
        self.state().task.as_ref().map(|task| task.task_id())
    }

    /// Starts a task.
    ///
    /// # Errors
    /// `busy` while another runs, `denied` when the executor is ending.
    ///
    /// # Cancel safety
    /// Either the task is started or it is not.
    pub(crate) async fn prompt(self: &Arc<Self>, mut prompt: Prompt) -> Result<(), RpcError> {
        self.network.adapt(&mut prompt);
        let running = Arc::new(Running::new(prompt.task_id));
        while let Some(before) = self.register(&running)? {
            before.ended().await;
        }
        self.changed.notify_one();
        let finished = Finished(Arc::clone(self));
        let means = Means {
            network: Arc::clone(&self.network),
            keys: Keys::new(prompt.task_id, self.daemon.subscribe()),
            memory: self.memory.clone(),
        };
        let start = Start { prompt, running, replay: Arc::clone(&self.replay), means };
        let desk = self.desk.handle().map_err(|error| {
            tracing::error!(%error, "there is no thread for an agent");
            RpcError::failed(ErrorCode::ExecutorFailed, "there is no thread for the agent")
        })?;
        let work = async move {
            let _finished = finished;
            Box::pin(agent::run(start)).await;
        };
        self.tracker.spawn_on(work, &desk);
        Ok(())
    }

    /// Makes the task the running one; answers with the one before when that is just ending.
    fn register(&self, running: &Arc<Running>) -> Result<Option<Arc<Running>>, RpcError> {
        let mut state = self.state();
        if self.ending.is_cancelled() {
            return Err(RpcError::new(frame::DENIED, "the executor is ending"));
        }
        match &state.task {
            Some(before) if before.is_over() => Ok(Some(Arc::clone(before))),
            Some(_) => Err(RpcError::new(frame::BUSY, "another task runs in this executor")),
            None => {
                state.task = Some(Arc::clone(running));
                Ok(None)
            }
        }
    }

    /// Cancels a task; answers whether it ran.
    pub(crate) fn cancel(&self, task_id: TaskId) -> bool {
        let state = self.state();
        let task = state.task.as_ref().filter(|task| task.task_id() == task_id && !task.is_over());
        task.is_some_and(|task| {
            task.cancel();
            true
        })
    }

    /// Hands a person's answer to the running task; answers whether the request still waited.
    pub(crate) fn answer(&self, answer: AnswerPermission) -> bool {
        let task = self.state().task.clone();
        task.is_some_and(|task| task.answer(answer))
    }

    /// Ends the executor after at most `grace_ms`.
    pub(crate) fn shut_down(&self, grace_ms: u64) {
        self.grace_ms.store(grace_ms, Ordering::Relaxed);
        self.ending.cancel();
    }

    async fn end(&self) {
        self.ending.cancel();
        let grace = Duration::from_millis(self.grace_ms.load(Ordering::Relaxed));
        let (task, peer) = {
            let state = self.state();
            (state.task.clone(), state.attached.clone())
        };
        if let Some(task) = task {
            task.cancel();
        }
        let calm = async {
            while self.state().task.is_some() {
                self.changed.notified().await;
            }
            // The last events reach a daemon that is still there.
            while peer.as_ref().is_some_and(|peer| !peer.is_closed()) && !self.replay.is_empty() {
                tokio::select! {
                    () = self.replay.freed() => {}
                    () = async { if let Some(peer) = &peer { peer.closed().await } } => {}
                }
            }
        };
        let is_calm = tokio::time::timeout(grace, calm).await.is_ok();
        if let Some(peer) = peer {
            peer.close();
            let time = Duration::from_millis(limits::IPC_CLOSE_MS);
            let is_closed = tokio::time::timeout(time, peer.closed()).await.is_ok();
            tracing::debug!(is_calm, is_closed, "executor ends");
        }
    }
}

async fn wait_until(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => tokio::time::sleep_until(deadline).await,
        None => std::future::pending().await,
    }
}

//! One connection to the daemon: its token, and what each method does.

use crate::unit::Unit;
use crate::{confine, git, usage};
use grove_core_api::ipc::bundle::{
    CreateBundle, DropBundle, ImportBundle, PublishBranch, ReadBundle, WriteBundle,
};
use grove_core_api::ipc::method::{
    AddWorktree, AnswerPermission, Answered, Cancel, Cancelled, DiffWorktree, DiskUsage, Done,
    EventAck, GitProgress, Initialize, Initialized, InspectRepo, ListBranches, MeasureUsage,
    MirrorRepo, Ping, Pong, Prompt, RemoveWorktree, Shutdown, TakeSnapshot, WorktreePlaces,
};
use grove_core_api::ipc::{Method, Notification, RpcError, frame};
use grove_core_api::monitor::ExecutorRole;
use grove_core_api::{ErrorCode, Secret, limits, version};
use grove_ipc::{Handler, Peer, Raw, Tunnels, call, method_not_found, params};
use std::future::Future;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use tokio::sync::watch;

/// One connection.
pub(crate) struct Connection {
    unit: Arc<Unit>,
    token: Mutex<Option<Secret>>,
    is_attached: AtomicBool,
    peer: OnceLock<Peer>,
    tunnels: Tunnels,
}

fn denied(message: &str) -> RpcError {
    RpcError::new(frame::DENIED, message)
}

/// Compares without telling by its time how much is right.
fn is_same(left: &Secret, right: &Secret) -> bool {
    let (left, right) = (left.expose().as_bytes(), right.expose().as_bytes());
    let difference = left.iter().zip(right).fold(0_u8, |sum, (a, b)| sum | (a ^ b));
    left.len() == right.len() && std::hint::black_box(difference) == 0
}

impl Connection {
    pub(crate) fn new(unit: Arc<Unit>, token: Secret) -> Arc<Self> {
        Arc::new(Self {
            unit,
            token: Mutex::new(Some(token)),
            is_attached: AtomicBool::new(false),
            peer: OnceLock::new(),
            tunnels: Tunnels::new(limits::TUNNELS),
        })
    }

    /// Tells the connection its own handle, before its driver runs.
    pub(crate) fn set_peer(&self, peer: Peer) {
        self.tunnels.bind(peer.clone());
        if self.peer.set(peer).is_err() {
            tracing::error!("a connection was given two handles");
        }
    }

    /// Whether `initialize` has succeeded here.
    pub(crate) fn is_attached(&self) -> bool {
        self.is_attached.load(Ordering::Acquire)
    }

    fn initialize(&self, initialize: &Initialize) -> Result<Initialized, RpcError> {
        let mut token = self.token.lock().unwrap_or_else(PoisonError::into_inner);
        if !token.as_ref().is_some_and(|token| is_same(token, &initialize.token)) {
            return Err(denied("the token is not valid for this connection"));
        }
        if initialize.protocol != version::IPC {
            let (theirs, ours) = (initialize.protocol, version::IPC);
            return Err(denied(&format!("protocol {theirs} is not {ours}")));
        }
        *token = None;
        drop(token);
        let peer = self.peer.get().ok_or_else(|| denied("the connection is not ready"))?;
        let answer = Initialized {
            protocol: version::IPC,
            version: version::GROVE.to_owned(),
            pid: std::process::id(),
            role: self.unit.role,
            task_id: self.unit.task_id(),
            newest_seq: self.unit.replay.newest_seq(),
            sandbox: self.unit.sandbox.clone(),
        };
        self.is_attached.store(true, Ordering::Release);
        self.unit.attach((peer, &self.tunnels), initialize);
        Ok(answer)
    }

    async fn ping(&self, raw: Option<Raw>) -> Result<Raw, RpcError> {
        let newest_seq = self.unit.replay.newest_seq();
        call::<Ping, _, _>(raw, async |_| Ok(Pong { newest_seq })).await
    }

    async fn shut_down(&self, raw: Option<Raw>) -> Result<Raw, RpcError> {
        let end = async |shutdown: Shutdown| {
            self.unit.shut_down(shutdown.grace_ms);
            Ok(Done {})
        };
        call::<Shutdown, _, _>(raw, end).await
    }

    async fn session(&self, method: &str, raw: Option<Raw>) -> Result<Raw, RpcError> {
        match method {
            Prompt::NAME => {
                let start = async |prompt: Prompt| self.unit.prompt(prompt).await.map(|()| Done {});
                call::<Prompt, _, _>(raw, start).await
            }
            Cancel::NAME => {
                let cancel = async |cancel: Cancel| {
                    Ok(Cancelled { was_running: self.unit.cancel(cancel.task_id) })
                };
                call::<Cancel, _, _>(raw, cancel).await
            }
            AnswerPermission::NAME => {
                let answer = async |answer: AnswerPermission| {
                    Ok(Answered { was_pending: self.unit.answer(answer) })
                };
                call::<AnswerPermission, _, _>(raw, answer).await
            }
            MeasureUsage::NAME => {
                let measure = async |_: MeasureUsage| measure().await;
                call::<MeasureUsage, _, _>(raw, measure).await
            }
            other => Err(method_not_found(other)),
        }
    }

    async fn keeper(&self, method: &str, raw: Option<Raw>) -> Result<Raw, RpcError> {
        match method {
            InspectRepo::NAME => {
                let inspect = async |wanted: InspectRepo| git::inspect(&wanted.source).await;
                call::<InspectRepo, _, _>(raw, inspect).await
            }
            ListBranches::NAME => {
                let list =
                    async |wanted: ListBranches| git::branches(Path::new(&wanted.mirror)).await;
                call::<ListBranches, _, _>(raw, list).await
            }
            MirrorRepo::NAME => {
                call::<MirrorRepo, _, _>(raw, |wanted: MirrorRepo| self.mirror(wanted)).await
            }
            DiffWorktree::NAME => {
                let diff = async |wanted: DiffWorktree| {
                    let path = Path::new(&wanted.places.path);
                    confine::worktree(&wanted.places, git::diff(path, &wanted.base_commit)).await
                };
                call::<DiffWorktree, _, _>(raw, diff).await
            }
            AddWorktree::NAME => {
                let add = |wanted: AddWorktree| {
                    let place = PathBuf::from(&wanted.private);
                    self.finish(place, async move { git::add(&wanted).await })
                };
                call::<AddWorktree, _, _>(raw, add).await
            }
            RemoveWorktree::NAME => {
                let remove = |wanted: RemoveWorktree| {
                    let place = PathBuf::from(&wanted.places.private);
                    self.finish(place, async move {
                        let WorktreePlaces { private, path, .. } = &wanted.places;
                        let (private, path) = (Path::new(private), Path::new(path));
                        let work = git::remove(private, path, &wanted.reference);
                        confine::worktree(&wanted.places, work).await
                    })
                };
                call::<RemoveWorktree, _, _>(raw, remove).await
            }
            TakeSnapshot::NAME => {
                let take = |wanted: TakeSnapshot| {
                    let place = PathBuf::from(&wanted.places.path);
                    self.finish(place, async move {
                        let path = Path::new(&wanted.places.path);
                        let work = git::take(path, &wanted.reference);
                        Ok(confine::worktree(&wanted.places, work).await?.snapshot)
                    })
                };
                call::<TakeSnapshot, _, _>(raw, take).await
            }
            other => Box::pin(self.bundle(other, raw)).await,
        }
    }

    /// Bundles on their way between two keepers.
    async fn bundle(&self, method: &str, raw: Option<Raw>) -> Result<Raw, RpcError> {
        match method {
            CreateBundle::NAME => {
                let create = |wanted: CreateBundle| async move {
                    let (sender, percents) = watch::channel(0);
                    let mut progress = |percent: i32| {
                        sender.send_replace(percent);
                    };
                    let work = git::create(&wanted, &mut progress);
                    self.reporting(&wanted.progress, percents, work).await
                };
                call::<CreateBundle, _, _>(raw, create).await
            }
            PublishBranch::NAME => {
                let publish = async |wanted: PublishBranch| git::publish(&wanted).await;
                call::<PublishBranch, _, _>(raw, publish).await
            }
            ReadBundle::NAME => {
                call::<ReadBundle, _, _>(raw, async |wanted: ReadBundle| git::read(&wanted)).await
            }
            WriteBundle::NAME => {
                let write = async |wanted: WriteBundle| git::write(&wanted).map(|()| Done {});
                call::<WriteBundle, _, _>(raw, write).await
            }
            ImportBundle::NAME => {
                let import = |wanted: ImportBundle| {
                    let place = PathBuf::from(&wanted.mirror);
                    self.finish(place, async move { git::import(&wanted).await })
                };
                call::<ImportBundle, _, _>(raw, import).await
            }
            DropBundle::NAME => {
                let discard = async |wanted: DropBundle| {
                    git::discard(Path::new(&wanted.bundle)).map(|()| Done {})
                };
                call::<DropBundle, _, _>(raw, discard).await
            }
            other => Err(method_not_found(other)),
        }
    }

    /// Runs work that changes a repository to its end, one at a time for each `place`, even when the
    /// caller goes away.
    async fn finish<T, F>(&self, place: PathBuf, work: F) -> Result<T, RpcError>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, RpcError>> + Send + 'static,
    {
        let turn = self.unit.places.turn(place);
        let done = self.unit.spawn(async move {
            let _guard = turn.lock().await;
            work.await
        });
        done.await.unwrap_or_else(|error| {
            tracing::error!(%error, "git work ended in a defect");
            Err(RpcError::failed(ErrorCode::Internal, "a defect in the executor's git"))
        })
    }

    async fn mirror(
        &self,
        wanted: MirrorRepo,
    ) -> Result<grove_core_api::ipc::method::RepoFacts, RpcError> {
        let turn = self.unit.places.turn(PathBuf::from(&wanted.mirror));
        let _guard = turn.lock().await;
        let (sender, percents) = watch::channel(0);
        let mut progress = |percent: i32| {
            sender.send_replace(percent);
        };
        let work = git::mirror(&wanted.source, Path::new(&wanted.mirror), &mut progress);
        self.reporting(&wanted.progress, percents, work).await
    }

    /// Does the work and tells the daemon how far it is.
    async fn reporting<T>(
        &self,
        token: &str,
        mut percents: watch::Receiver<i32>,
        work: impl Future<Output = Result<T, RpcError>>,
    ) -> Result<T, RpcError> {
        let report = async {
            // Only the newest value counts: a slow daemon sees fewer steps.
            while percents.changed().await.is_ok() {
                let percent = *percents.borrow_and_update();
                let note = GitProgress { token: token.to_owned(), percent };
                let Some(peer) = self.peer.get() else { break };
                if let Err(error) = peer.notify(note).await {
                    tracing::debug!(%error, "progress that nobody hears");
                    break;
                }
            }
            std::future::pending::<()>().await;
        };
        tokio::select! {
            outcome = work => outcome,
            () = report => Err(denied("the connection is closing")),
        }
    }
}

/// Measures the worktree, which is where a session's executor was started.
async fn measure() -> Result<DiskUsage, RpcError> {
    let walk = tokio::task::spawn_blocking(|| usage::measure(Path::new(".")));
    walk.await.map_err(|error| RpcError::failed(ErrorCode::Internal, error.to_string()))
}

impl Handler for Connection {
    async fn request(&self, method: &str, raw: Option<Raw>) -> Result<Raw, RpcError> {
        if method == Initialize::NAME {
            let initialize = async |params: Initialize| self.initialize(&params);
            return call::<Initialize, _, _>(raw, initialize).await;
        }
        if !self.is_attached() {
            return Err(denied("say `initialize` first"));
        }
        match (method, self.unit.role) {
            (Ping::NAME, _) => self.ping(raw).await,
            (Shutdown::NAME, _) => self.shut_down(raw).await,
            (_, ExecutorRole::Session) => self.session(method, raw).await,
            (_, ExecutorRole::Keeper) => Box::pin(self.keeper(method, raw)).await,
        }
    }

    async fn notification(&self, method: &str, raw: Option<Raw>) {
        if Tunnels::is_theirs(method) && self.is_attached() {
            self.tunnels.take(method, raw);
            return;
        }
        if method != EventAck::NAME || !self.is_attached() {
            tracing::debug!(method, "notification that means nothing here");
            return;
        }
        match params::<EventAck>(raw) {
            Ok(ack) => self.unit.replay.acknowledge(ack.seq),
            Err(error) => tracing::warn!(%error, "acknowledgement that cannot be read"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_the_same_only_when_every_byte_is() {
        let secret = |text: &str| Secret::new(text);
        assert!(is_same(&secret("abc"), &secret("abc")));
        for other in ["abd", "ab", "abcd", ""] {
            assert!(!is_same(&secret("abc"), &secret(other)), "{other}");
        }
    }
}

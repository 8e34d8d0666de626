//! Plays monitor and daemon for a real `grove-executor`.

use grove_core_api::agent::{AgentEvent, Outcome};
use grove_core_api::ipc::credential::{Credential, GetCredential};
use grove_core_api::ipc::method::{
    AddWorktree, ApprovalMode, Done, EventAck, GitAuthor, GitProgress, Initialize, Initialized,
    MirrorRepo, ModelSource, Prompt, SessionEvent,
};
use grove_core_api::ipc::tunnel::{OpenTunnel, TunnelTarget};
use grove_core_api::ipc::{Method, Notification, RpcError, frame};
use grove_core_api::isolation::SandboxReport;
use grove_core_api::monitor::{ExecutorGreeting, ExecutorRole};
use grove_core_api::rehearsal::{Scenario, builtin};
use grove_core_api::{ErrorCode, ExecutorId, Secret, SessionId, TaskId, limits, version};
use grove_ipc::{
    CallError, Handler, OpenError, Peer, Raw, Tunnels, Unobserved, call, method_not_found, params,
    relay,
};
use nix::sys::socket::{
    AddressFamily, ControlMessage, MsgFlags, SockFlag, SockType, sendmsg, socketpair,
};
use std::collections::HashMap;
use std::fs;
use std::future::Future;
use std::io::IoSlice;
use std::net::SocketAddr;
use std::os::fd::{AsRawFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::net::{TcpStream, UnixStream};
use tokio::process::{Child, Command};
use tokio::sync::mpsc;
use uuid::Uuid;

/// The provider whose key there is.
pub(crate) const PROVIDER: &str = "far";
pub(crate) const SOON: Duration = Duration::from_secs(30);

/// Waits, but not for ever.
pub(crate) async fn soon<T>(what: &str, future: impl Future<Output = T>) -> T {
    tokio::time::timeout(SOON, future).await.unwrap_or_else(|_| panic!("{what} did not happen"))
}

/// Waits until `is_so`.
pub(crate) async fn until(what: &str, is_so: impl Fn() -> bool) {
    soon(what, async {
        while !is_so() {
            tokio::task::yield_now().await;
        }
    })
    .await;
}

/// A started executor and the monitor's end of its control socket.
pub(crate) struct Executor {
    pub(crate) child: Child,
    pub(crate) control: Option<OwnedFd>,
    /// What the monitor says about its sandbox.
    pub(crate) report: SandboxReport,
    /// Where the daemon's tunnels lead.
    pub(crate) hosts: Hosts,
    role: ExecutorRole,
}

/// What the daemon permits: names with ports, and `grove` for itself.
pub(crate) type Hosts = HashMap<String, SocketAddr>;

/// The daemon's side of one connection.
pub(crate) struct Daemon {
    pub(crate) peer: Peer,
    pub(crate) events: mpsc::Receiver<SessionEvent>,
    pub(crate) progress: mpsc::Receiver<GitProgress>,
    /// The tasks that asked for a key.
    pub(crate) asked: Asked,
}

type Asked = Arc<Mutex<Vec<TaskId>>>;

struct Listener {
    events: mpsc::Sender<SessionEvent>,
    progress: mpsc::Sender<GitProgress>,
    tunnels: Tunnels,
    hosts: Hosts,
    asked: Asked,
}

impl Listener {
    fn credential(&self, wanted: &GetCredential) -> Result<Credential, RpcError> {
        self.asked.lock().expect("free").push(wanted.task_id);
        if wanted.provider != PROVIDER {
            return Err(RpcError::new(frame::DENIED, "this is not the provider of the task"));
        }
        Ok(Credential { key: Secret::new("sk-private") })
    }

    async fn open(&self, open: OpenTunnel) -> Result<Done, RpcError> {
        let wanted = match &open.target {
            TunnelTarget::Grove => "grove".to_owned(),
            TunnelTarget::Host { host, port } => format!("{host}:{port}"),
        };
        let Some(address) = self.hosts.get(&wanted) else {
            return Err(RpcError::new(frame::DENIED, format!("{wanted} is not permitted")));
        };
        let busy = |error: OpenError| RpcError::new(frame::BUSY, error.to_string());
        let tunnel = self.tunnels.add(open.tunnel).map_err(busy)?;
        let stream = TcpStream::connect(address).await.map_err(|error| {
            RpcError::failed(ErrorCode::Unavailable, format!("{wanted} does not accept: {error}"))
        })?;
        #[expect(clippy::disallowed_methods, reason = "the test drives its connections")]
        tokio::spawn(relay(tunnel, stream, SOON));
        Ok(Done {})
    }
}

impl Handler for Listener {
    async fn request(&self, method: &str, raw: Option<Raw>) -> Result<Raw, RpcError> {
        if method == GetCredential::NAME {
            let give = async |wanted: GetCredential| self.credential(&wanted);
            return call::<GetCredential, _, _>(raw, give).await;
        }
        if method == OpenTunnel::NAME {
            return call::<OpenTunnel, _, _>(raw, |open| self.open(open)).await;
        }
        Err(method_not_found(method))
    }

    async fn notification(&self, method: &str, raw: Option<Raw>) {
        if Tunnels::is_theirs(method) {
            return self.tunnels.take(method, raw);
        }
        // A test that has seen enough drops its receivers.
        if method == SessionEvent::NAME {
            self.events.send(params(raw).expect("an event")).await.ok();
        } else {
            self.progress.send(params(raw).expect("progress")).await.ok();
        }
    }
}

/// The program as the monitor starts it.
pub(crate) fn program(directory: &Path) -> Command {
    #[expect(clippy::disallowed_methods, reason = "the test plays the monitor")]
    let mut command = Command::new("sh");
    // The shell moves its input to descriptor 3: no unsafe code in between.
    command
        .args(["-c", "exec \"$0\" 3<&0 </dev/null", env!("CARGO_BIN_EXE_grove-executor")])
        .env_clear()
        .envs(
            ["PATH", "HOME"].iter().filter_map(|it| std::env::var_os(it).map(|value| (it, value))),
        )
        .current_dir(directory)
        .stdout(Stdio::null())
        .kill_on_drop(true);
    command
}

impl Executor {
    pub(crate) fn start(role: ExecutorRole, directory: &Path) -> Self {
        let (ours, theirs) =
            socketpair(AddressFamily::Unix, SockType::SeqPacket, None, SockFlag::SOCK_CLOEXEC)
                .expect("a pair");
        let child = program(directory).stdin(Stdio::from(theirs)).spawn().expect("starts");
        let (report, hosts) = (SandboxReport::default(), Hosts::default());
        Self { child, control: Some(ours), report, hosts, role }
    }

    /// Hands over a connection whose token is `token`.
    pub(crate) fn connect(&self, token: &str) -> Daemon {
        let (ours, theirs) = UnixStream::pair().expect("a pair");
        let greeting = ExecutorGreeting {
            id: ExecutorId(Uuid::nil()),
            role: self.role,
            token: Secret::new(token),
            report: self.report.clone(),
        };
        let bytes = serde_json::to_vec(&greeting).expect("prints");
        let theirs = theirs.into_std().expect("a socket");
        let numbers = [theirs.as_raw_fd()];
        let control = self.control.as_ref().expect("open").as_raw_fd();
        let rights = [ControlMessage::ScmRights(&numbers)];
        let parts = [IoSlice::new(&bytes)];
        sendmsg::<()>(control, &parts, &rights, MsgFlags::empty(), None).expect("sent");
        let (event_sender, events) = mpsc::channel(10_000);
        let (progress_sender, progress) = mpsc::channel(1_000);
        let tunnels = Tunnels::new(limits::TUNNELS);
        let asked = Asked::default();
        let listener = Listener {
            events: event_sender,
            progress: progress_sender,
            tunnels: tunnels.clone(),
            hosts: self.hosts.clone(),
            asked: Arc::clone(&asked),
        };
        let (peer, driver) = Peer::start(ours, Arc::new(listener), Arc::new(Unobserved));
        tunnels.bind(peer.clone());
        #[expect(clippy::disallowed_methods, reason = "the test drives its connections")]
        tokio::spawn(driver);
        Daemon { peer, events, progress, asked }
    }

    /// Connects and says `initialize`.
    pub(crate) async fn attach(&self, last_seq: u64) -> (Daemon, Initialized) {
        let token = Uuid::now_v7().simple().to_string();
        let daemon = self.connect(&token);
        let answer = daemon.peer.request(initialize(&token, last_seq)).await.expect("initialized");
        (daemon, answer)
    }

    pub(crate) async fn exit_code(&mut self) -> Option<i32> {
        soon("the end of the executor", self.child.wait()).await.expect("an end").code()
    }
}

pub(crate) fn initialize(token: &str, last_seq: u64) -> Initialize {
    Initialize {
        protocol: version::IPC,
        token: Secret::new(token),
        last_seq,
        orphan_ms: limits::EXECUTOR_ORPHAN_MS,
    }
}

impl Daemon {
    /// The next event, acknowledged.
    pub(crate) async fn event(&mut self) -> SessionEvent {
        let event = soon("an event", self.events.recv()).await.expect("the connection lives");
        self.peer.notify(EventAck { seq: event.seq }).await.expect("acknowledged");
        event
    }

    /// Reads until an event that `is_it`, which comes last.
    pub(crate) async fn read_until(
        &mut self,
        is_it: impl Fn(&AgentEvent) -> bool,
    ) -> Vec<AgentEvent> {
        let mut events = Vec::new();
        loop {
            let event = self.event().await.event;
            let is_last = is_it(&event);
            events.push(event);
            if is_last {
                return events;
            }
        }
    }

    /// Reads the rest of the task and says how it ended.
    pub(crate) async fn read_task(&mut self) -> (Vec<AgentEvent>, Outcome) {
        let events = self.read_until(|it| matches!(it, AgentEvent::TaskEnded { .. })).await;
        let Some(AgentEvent::TaskEnded { outcome, .. }) = events.last() else { unreachable!() };
        let outcome = *outcome;
        (events, outcome)
    }

    pub(crate) async fn prompt(&self, prompt: &Prompt) -> Result<(), CallError> {
        self.peer.request(prompt.clone()).await.map(|_| ())
    }
}

/// A repository with the sample's files and a worktree of it, made by a keeper.
pub(crate) struct Place {
    pub(crate) root: tempfile::TempDir,
    pub(crate) worktree: PathBuf,
}

pub(crate) async fn git(at: &Path, args: &[&str]) -> String {
    #[expect(clippy::disallowed_methods, reason = "the test looks with its own git")]
    let mut command = Command::new("git");
    command.current_dir(at).args(["-c", "user.name=T", "-c", "user.email=t@e.x"]).args(args);
    let output = command.output().await.expect("git runs");
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "git {args:?}: {stderr}");
    String::from_utf8_lossy(&output.stdout).trim_end().to_owned()
}

impl Place {
    /// Makes the sample repository.
    pub(crate) async fn sample() -> (PathBuf, tempfile::TempDir) {
        let root = tempfile::tempdir().expect("a directory");
        let source = root.path().join("slug");
        fs::create_dir(&source).expect("made");
        let sample = Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy/dev/sample");
        for name in ["README.md", "slug.sh", "test.sh"] {
            fs::copy(sample.join(name), source.join(name)).expect("copied");
        }
        git(&source, &["init", "-q", "-b", "main"]).await;
        git(&source, &["add", "."]).await;
        git(&source, &["commit", "-qm", "first"]).await;
        (source, root)
    }

    pub(crate) async fn new() -> Self {
        let (source, root) = Self::sample().await;
        let keeper = Executor::start(ExecutorRole::Keeper, root.path());
        let (daemon, _) = keeper.attach(0).await;
        let mirror = root.path().join("mirror/slug.git").display().to_string();
        let made = MirrorRepo {
            source: source.display().to_string(),
            mirror: mirror.clone(),
            progress: "p".into(),
        };
        daemon.peer.request(made).await.expect("mirrored");
        let worktree = root.path().join("wt/one");
        let add = AddWorktree {
            mirror,
            private: root.path().join("git/slug.git").display().to_string(),
            path: worktree.display().to_string(),
            branch: "grove/one".into(),
            base_ref: "main".into(),
        };
        daemon.peer.request(add).await.expect("added");
        Self { root, worktree }
    }

    /// A prompt in the worktree for a scenario.
    pub(crate) fn prompt(&self, text: &str, scenario: Scenario) -> Prompt {
        Prompt {
            task_id: TaskId(Uuid::now_v7()),
            session_id: SessionId(Uuid::now_v7()),
            directory: self.worktree.display().to_string(),
            text: text.to_owned(),
            history: Vec::new(),
            model: ModelSource::Rehearsal { scenario },
            approvals: ApprovalMode::OnRequest,
            mcp: None,
            author: GitAuthor { name: "Ana".into(), email: "ana@e.x".into() },
        }
    }

    pub(crate) fn session(&self) -> Executor {
        Executor::start(ExecutorRole::Session, &self.worktree)
    }
}

/// A shipped scenario without its pauses.
pub(crate) fn shipped(name: &str) -> Scenario {
    let scenarios = builtin().expect("reads");
    let mut scenario = scenarios.into_iter().find(|it| it.name == name).expect("is shipped");
    use grove_core_api::rehearsal::Block;
    for block in scenario.turns.iter_mut().flat_map(|turn| &mut turn.blocks) {
        if let Block::Text { word_ms, .. } | Block::Thinking { word_ms, .. } = block {
            *word_ms = 0;
        }
    }
    scenario
}

/// A scenario that runs one command and ends.
pub(crate) fn command(text: &str) -> Scenario {
    let mut scenario = shipped("stop-me");
    scenario.turns.truncate(1);
    scenario.turns[0].blocks = vec![grove_core_api::rehearsal::Block::Tool {
        tool: "bash".into(),
        args: serde_json::json!({ "command": text }),
    }];
    scenario
}

/// The text that streamed frames build, checked for gaps, by block.
pub(crate) fn streamed(events: &[AgentEvent], wanted: u32) -> String {
    let mut text = String::new();
    for event in events {
        if let AgentEvent::TextDelta { block, offset, text: more }
        | AgentEvent::ToolOutput { block, offset, text: more } = event
            && *block == wanted
        {
            assert_eq!(*offset, text.encode_utf16().count() as u64, "gap in {events:?}");
            text.push_str(more);
        }
    }
    text
}

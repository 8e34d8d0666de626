//! The typed calls between daemon and executor.

use super::bundle::{
    BundleMade, BundlePiece, CreateBundle, DropBundle, ImportBundle, PublishBranch, ReadBundle,
    WriteBundle,
};
use super::credential::{Credential, GetCredential};
use super::tunnel::{CloseTunnel, OpenTunnel, TunnelCredit, TunnelData};
use crate::agent::{AgentEvent, Decision};
use crate::isolation::SandboxReport;
use crate::monitor::ExecutorRole;
use crate::rehearsal::Scenario;
use crate::rest::worktrees::Diff;
use crate::{PermissionId, Secret, SessionId, TaskId};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A call with an answer.
pub trait Method: Serialize + DeserializeOwned + Send + 'static {
    /// Name on the wire.
    const NAME: &'static str;
    /// What comes back.
    type Answer: Serialize + DeserializeOwned + Send + 'static;
}

/// A call without answer.
pub trait Notification: Serialize + DeserializeOwned + Send + 'static {
    /// Name on the wire.
    const NAME: &'static str;
}

macro_rules! methods {
    ($($params:ty => $name:literal => $answer:ty;)*) => {
        $(impl Method for $params { const NAME: &'static str = $name; type Answer = $answer; })*

        /// Names of all calls with an answer.
        pub const METHODS: &[&str] = &[$($name),*];

        /// Writes the parameters of a request without their secrets.
        ///
        /// `None` when the method is not in the table or the parameters do not fit it: nobody knows
        /// then what in them is secret.
        #[must_use]
        pub fn redacted_params(method: &str, params: &str) -> Option<String> {
            match method {
                $($name => redacted::<$params>(params),)*
                _ => None,
            }
        }
    };
}

fn redacted<P: Serialize + DeserializeOwned>(params: &str) -> Option<String> {
    let params: P = serde_json::from_str(params).ok()?;
    crate::secret::to_redacted_json(&params).ok()
}

macro_rules! notifications {
    ($($params:ty => $name:literal;)*) => {
        $(impl Notification for $params { const NAME: &'static str = $name; })*

        /// Names of all calls without answer.
        pub const NOTIFICATIONS: &[&str] = &[$($name),*];
    };
}

/// The name as the table has it; `None` for a call that is not in the table.
#[must_use]
pub fn known(name: &str) -> Option<&'static str> {
    METHODS.iter().chain(NOTIFICATIONS).copied().find(|known| *known == name)
}

methods! {
    Initialize => "initialize" => Initialized;
    Ping => "ping" => Pong;
    Shutdown => "shutdown" => Done;
    Prompt => "session.prompt" => Done;
    Cancel => "session.cancel" => Cancelled;
    AnswerPermission => "permission.answer" => Answered;
    MeasureUsage => "fs.usage" => DiskUsage;
    InspectRepo => "git.inspect" => RepoFacts;
    MirrorRepo => "git.mirror" => RepoFacts;
    ListBranches => "git.branches" => BranchNames;
    AddWorktree => "git.worktree_add" => WorktreeAdded;
    RemoveWorktree => "git.worktree_remove" => Snapshot;
    TakeSnapshot => "git.snapshot" => Snapshot;
    DiffWorktree => "git.diff" => Diff;
    CreateBundle => "git.bundle_create" => BundleMade;
    ReadBundle => "git.bundle_read" => BundlePiece;
    WriteBundle => "git.bundle_write" => Done;
    ImportBundle => "git.bundle_import" => RepoFacts;
    DropBundle => "git.bundle_drop" => Done;
    PublishBranch => "git.publish" => BundleMade;
    OpenTunnel => "tunnel.open" => Done;
    GetCredential => "credential.get" => Credential;
}

notifications! {
    SessionEvent => "session.event";
    EventAck => "event.ack";
    CancelRequest => "$/cancel";
    GitProgress => "git.progress";
    TunnelData => "tunnel.data";
    TunnelCredit => "tunnel.credit";
    CloseTunnel => "tunnel.close";
}

/// Nothing to say but that it is done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Done {}

/// First call on each connection; nothing else is answered before it.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Initialize {
    /// `version::IPC` of the daemon.
    pub protocol: u32,
    /// One-time token that the monitor handed to the executor.
    pub token: Secret,
    /// Newest event that the daemon has stored; what came after is sent again.
    pub last_seq: u64,
    /// How long to go on without a daemon, in milliseconds.
    pub orphan_ms: u64,
}

/// Answer to `initialize`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Initialized {
    /// `version::IPC` of the executor.
    pub protocol: u32,
    /// Version of Grove that it was built from.
    pub version: String,
    /// Its process id.
    pub pid: u32,
    /// What it is for.
    pub role: ExecutorRole,
    /// The task that runs, after a re-attach.
    pub task_id: Option<TaskId>,
    /// Newest event that it has made.
    pub newest_seq: u64,
    /// The monitor's report, which it found true of itself as far as it can see.
    pub sandbox: SandboxReport,
}

/// Asks whether the other side lives; also renews the lease.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ping {}

/// Answer to `ping`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pong {
    /// Newest event that the executor has made.
    pub newest_seq: u64,
}

/// Ends the executor; a running task is cancelled first.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Shutdown {
    /// Time for the agent to end by itself.
    pub grace_ms: u64,
}

/// When an agent has to ask before it acts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ApprovalMode {
    /// Before each command and each product tool that changes something.
    Always,
    /// When the agent itself says that a call needs approval.
    #[default]
    OnRequest,
    /// Never.
    Never,
}

/// Wire protocol of a model provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Dialect {
    /// Anthropic Messages.
    Anthropic,
    /// `OpenAI` chat completions, as many servers speak it.
    Openai,
    /// Ollama's own API.
    Ollama,
}

/// Where the agent's words come from.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "source", rename_all = "snake_case", deny_unknown_fields)]
pub enum ModelSource {
    /// A scripted model.
    Rehearsal {
        /// The script.
        scenario: Scenario,
    },
    /// A provider over the network.
    Provider {
        /// How it speaks.
        dialect: Dialect,
        /// Base URL, with a slash at the end.
        base_url: String,
        /// Name of the model at the provider.
        model: String,
        /// The provider's name in `grove.toml`.
        provider: String,
        /// Whether calls need a key: the executor asks for it with `credential.get`.
        needs_key: bool,
        /// Price of a million tokens in micro-USD: input, output, cache read, cache write.
        price_micro_usd: Option<[i64; 4]>,
    },
}

/// Where the agent finds Grove's own tools.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct McpEndpoint {
    /// URL of `/mcp`.
    pub url: String,
    /// Session token, sent as bearer.
    pub token: Secret,
}

/// Whom commits of the agent name.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GitAuthor {
    /// Name.
    pub name: String,
    /// E-mail address.
    pub email: String,
}

/// One entry of the conversation so far.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "role", rename_all = "snake_case", deny_unknown_fields)]
pub enum HistoryEntry {
    /// A prompt.
    User {
        /// Its text.
        text: String,
    },
    /// Words of the agent.
    Assistant {
        /// Its text.
        text: String,
    },
    /// A tool call and what came out of it.
    Tool {
        /// The model's own id of the call.
        call_id: String,
        /// The tool.
        tool: String,
        /// The arguments.
        input: Value,
        /// The output.
        output: String,
    },
}

/// Starts one task. Answered as soon as it is accepted; refused with `busy` while another runs.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Prompt {
    /// The task.
    pub task_id: TaskId,
    /// Its session.
    pub session_id: SessionId,
    /// The session's worktree: absolute.
    pub directory: String,
    /// The prompt.
    pub text: String,
    /// The conversation before it, oldest first.
    pub history: Vec<HistoryEntry>,
    /// The model.
    pub model: ModelSource,
    /// When to ask.
    pub approvals: ApprovalMode,
    /// Grove's own tools.
    pub mcp: Option<McpEndpoint>,
    /// Whom commits name.
    pub author: GitAuthor,
}

/// Stops the running task.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cancel {
    /// The task.
    pub task_id: TaskId,
}

/// Answer to `session.cancel`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cancelled {
    /// Whether that task was running.
    pub was_running: bool,
}

/// A person's answer to a request for permission.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AnswerPermission {
    /// The request.
    pub request_id: PermissionId,
    /// Yes or no.
    pub decision: Decision,
    /// The reason, for the agent.
    pub reason: Option<String>,
}

/// Answer to `permission.answer`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answered {
    /// Whether the request still waited.
    pub was_pending: bool,
}

/// Measures how much the files of the session's worktree take up.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MeasureUsage {}

/// Answer to `fs.usage`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DiskUsage {
    /// Bytes that the files take up on the disk, each file once.
    pub bytes: u64,
    /// Files and directories that were looked at.
    pub entries: u64,
    /// Whether all were; otherwise the walk came to its bound and there are more.
    pub is_complete: bool,
}

/// Something happened in the running task. Sent again after a re-attach until acknowledged.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SessionEvent {
    /// 1, 2, 3 … over the life of the executor.
    pub seq: u64,
    /// The task.
    pub task_id: TaskId,
    /// What happened.
    pub event: AgentEvent,
}

/// Everything up to `seq` is stored; the executor may forget it.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EventAck {
    /// Newest event that is stored.
    pub seq: u64,
}

/// The caller does not want the answer any more.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CancelRequest {
    /// Number of the request.
    pub id: u64,
}

/// How far a clone is.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GitProgress {
    /// `MirrorRepo::progress`.
    pub token: String,
    /// 0 to 100.
    pub percent: i32,
}

/// Looks at a repository before it is registered.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InspectRepo {
    /// Path or URL.
    pub source: String,
}

/// What is to know about a repository.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RepoFacts {
    /// Branch that `HEAD` names, or the newest one when `HEAD` is detached.
    pub default_branch: String,
    /// Commit of that branch.
    pub head_commit: String,
}

/// Makes or refreshes the bare mirror of a repository.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MirrorRepo {
    /// Path or URL.
    pub source: String,
    /// Directory of the mirror; made when absent, left as it was when the clone fails.
    pub mirror: String,
    /// Comes back in `git.progress`.
    pub progress: String,
}

/// Lists the branches of a mirror.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ListBranches {
    /// Directory of the mirror.
    pub mirror: String,
}

/// Branches, newest commit first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BranchNames {
    /// Their names, at most `limits::PAGE_MAX`.
    pub names: Vec<String>,
}

/// Makes a worktree on a new branch. All or nothing.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AddWorktree {
    /// Directory of the mirror.
    pub mirror: String,
    /// Directory of the user's private bare repository; made when absent.
    pub private: String,
    /// Directory of the new worktree; must not exist.
    pub path: String,
    /// New branch.
    pub branch: String,
    /// Branch, tag or commit to start from.
    pub base_ref: String,
}

/// Answer to `git.worktree_add`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorktreeAdded {
    /// Commit that it starts from.
    pub base_commit: String,
}

/// Where a worktree and what belongs to it lie. git that works on it reaches nothing else: what its
/// repository makes git run is as little trusted as its agent.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WorktreePlaces {
    /// Directory of the mirror, for reading.
    pub mirror: String,
    /// Directory of the user's private bare repository.
    pub private: String,
    /// Directory of the worktree.
    pub path: String,
}

/// Takes a snapshot, then removes the worktree's directory and branch checkout.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RemoveWorktree {
    /// The worktree.
    pub places: WorktreePlaces,
    /// Reference for the snapshot.
    pub reference: String,
}

/// Stores the worktree as it is, ignored files left out, as a commit under a reference.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TakeSnapshot {
    /// The worktree.
    pub places: WorktreePlaces,
    /// Reference, such as `refs/grove/snap/<task>/before`.
    pub reference: String,
}

/// A stored snapshot.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Snapshot {
    /// Reference.
    pub reference: String,
    /// Commit that holds it.
    pub commit: String,
}

/// Compares a worktree with a commit.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DiffWorktree {
    /// The worktree.
    pub places: WorktreePlaces,
    /// Commit to compare with.
    pub base_commit: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_written_without_secrets_when_the_table_knows_them() {
        let params = r#"{"protocol":1,"token":"very-secret","last_seq":0,"orphan_ms":1}"#;
        let written = redacted_params("initialize", params).unwrap();
        assert!(written.contains("[redacted]") && !written.contains("very-secret"), "{written}");
        assert_eq!(redacted_params("initialize", r#"{"token":"very-secret"}"#), None);
        assert_eq!(redacted_params("very-secret", "{}"), None);
    }

    #[test]
    fn a_name_is_known_or_not() {
        assert_eq!(known("session.event"), Some("session.event"));
        assert_eq!(known("git.mirror"), Some("git.mirror"));
        assert_eq!(known("tunnel.data"), Some("tunnel.data"));
        assert_eq!(known("git.mirro"), None);
        let open = r#"{"tunnel":1,"target":{"to":"host","host":"a.example","port":443}}"#;
        assert_eq!(redacted_params("tunnel.open", open).as_deref(), Some(open));
    }
}

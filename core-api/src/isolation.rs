//! What keeps an executor in its place: modes, layers, limits, and the report about them.
//!
//! The monitor applies the layers and says what came of them; nobody else can. Not here: how a layer
//! is made (`grove-sandbox`).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// How much isolation the instance insists on. Given to the monitor at its start, never by a request.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    Serialize,
    Deserialize,
    JsonSchema,
    ToSchema,
    ts_rs::TS,
)]
#[serde(rename_all = "snake_case")]
pub enum IsolationMode {
    /// Every required layer holds, or nothing is started.
    Strict,
    /// Whatever this host can; each executor's report says what that is.
    #[default]
    BestEffort,
    /// No layer. Said on every start, in the interface and in `/readyz`.
    Off,
}

impl IsolationMode {
    /// The one of both that insists on more.
    #[must_use]
    pub const fn or_stricter(self, other: Option<Self>) -> Self {
        match (self, other) {
            (mode, None) => mode,
            (Self::Strict, _) | (_, Some(Self::Strict)) => Self::Strict,
            (Self::Off, Some(Self::Off)) => Self::Off,
            (Self::BestEffort | Self::Off, Some(Self::BestEffort | Self::Off)) => Self::BestEffort,
        }
    }

    /// Name as on the command line and on the wire.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Strict => "strict",
            Self::BestEffort => "best_effort",
            Self::Off => "off",
        }
    }
}

/// One layer of the sandbox, in the order of application.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    JsonSchema,
    ToSchema,
    ts_rs::TS,
)]
#[serde(rename_all = "snake_case")]
pub enum Layer {
    /// A control group of its own: everything in it is killed at once.
    Cgroup,
    /// Limits of processes, memory and processor time on that group.
    Limits,
    /// Mount, process and IPC namespaces of its own.
    Namespaces,
    /// A network namespace of its own; only with the profiles `proxy` and `none`.
    Network,
    /// The Unix account of the person, not the daemon's.
    Account,
    /// No capability, and none to be had.
    Capabilities,
    /// `no_new_privs`: setuid programs give nothing.
    NoNewPrivs,
    /// Landlock: files outside the granted directories do not open.
    Landlock,
    /// seccomp: system calls that only attackers need fail.
    Seccomp,
}

impl Layer {
    /// Name as on the wire.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Cgroup => "cgroup",
            Self::Limits => "limits",
            Self::Namespaces => "namespaces",
            Self::Network => "network",
            Self::Account => "account",
            Self::Capabilities => "capabilities",
            Self::NoNewPrivs => "no_new_privs",
            Self::Landlock => "landlock",
            Self::Seccomp => "seccomp",
        }
    }
}

/// What came of one layer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema, ToSchema, ts_rs::TS)]
pub struct LayerState {
    /// The layer.
    pub layer: Layer,
    /// Whether it holds.
    pub is_on: bool,
    /// What holds exactly (`ABI 6, fully enforced`), or why not.
    pub detail: String,
}

/// Which layers hold for one executor.
#[derive(
    Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema, ToSchema, ts_rs::TS,
)]
pub struct SandboxReport {
    /// What was insisted on.
    pub mode: IsolationMode,
    /// Unix account that it runs as.
    pub account: String,
    /// User id of that account.
    pub uid: u32,
    /// What it may reach over the network.
    pub network: NetworkProfile,
    /// Every layer that was tried, in the order of application.
    pub layers: Vec<LayerState>,
}

impl SandboxReport {
    /// Whether a layer holds.
    #[must_use]
    pub fn holds(&self, layer: Layer) -> bool {
        self.layers.iter().any(|it| it.layer == layer && it.is_on)
    }
}

/// What an executor may reach over the network.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    Serialize,
    Deserialize,
    JsonSchema,
    ToSchema,
    ts_rs::TS,
)]
#[serde(rename_all = "snake_case")]
pub enum NetworkProfile {
    /// The host's network, with the host's rules for the account.
    #[default]
    Shared,
    /// No network but the daemon's proxy, which knows a list of permitted hosts.
    Proxy,
    /// No network but Grove itself.
    None,
}

/// What one executor with all its processes may use. Absent: the host's own limits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ExecutorLimits {
    /// Processes and threads.
    pub processes: Option<u32>,
    /// Memory in bytes.
    pub memory_bytes: Option<u64>,
    /// Processor time in percent of one processor: 150 is one and a half.
    pub cpu_percent: Option<u32>,
    /// Private temporary files in bytes.
    pub tmp_bytes: Option<u64>,
}

/// Directories that an executor may use besides those of the system. Absolute, no link in them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Roots {
    /// May be read and written.
    pub write: Vec<String>,
    /// May be read.
    pub read: Vec<String>,
}

/// A Unix account as Grove knows it.
///
/// The number guards against an account that was removed and made again under the same name: the
/// monitor refuses when name and number do not belong together.
#[derive(
    Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema, ToSchema, ts_rs::TS,
)]
#[serde(deny_unknown_fields)]
pub struct UnixAccount {
    /// Its name.
    pub name: String,
    /// Its user id.
    pub uid: u32,
}

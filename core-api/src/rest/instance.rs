//! The instance itself: version, mode, agents, health.

use crate::isolation::IsolationMode;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// How people sign in.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema, ToSchema, ts_rs::TS,
)]
#[serde(rename_all = "snake_case")]
pub enum AuthMode {
    /// Nobody signs in; only the loopback interface is served.
    Anonymous,
    /// Everybody shows a personal access token: a shared host.
    Token,
}

/// What a client needs to know about the instance.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema, ToSchema, ts_rs::TS)]
pub struct Instance {
    /// Version of Grove.
    pub version: String,
    /// How people sign in.
    pub auth: AuthMode,
    /// Which sandbox executors run in.
    pub isolation: IsolationMode,
    /// Agents that sessions can use, the default one first.
    pub agents: Vec<AgentInfo>,
}

/// An agent that sessions can use.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema, ToSchema, ts_rs::TS)]
pub struct AgentInfo {
    /// Its name: `rehearsal` or `native`.
    pub name: String,
    /// Its name for people.
    pub title: String,
    /// What it is, in one sentence.
    pub description: String,
    /// Its models, the default one first.
    pub models: Vec<ModelInfo>,
}

/// A model (or scenario) of an agent.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema, ToSchema, ts_rs::TS)]
pub struct ModelInfo {
    /// Its name.
    pub name: String,
    /// Its name for people.
    pub title: String,
    /// A prompt to try it with.
    pub example_prompt: Option<String>,
}

/// Answer of `/healthz`: the process is alive.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Health {
    /// Always `ok`.
    pub status: String,
    /// Version of Grove.
    pub version: String,
}

/// Answer of `/readyz`.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Readiness {
    /// Whether every check passed.
    pub is_ready: bool,
    /// The checks.
    pub checks: Vec<Check>,
}

/// One check.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Check {
    /// `database`, `monitor`, `git`, `isolation` or, where there may be several daemons, `bus`.
    pub name: String,
    /// Whether it passed.
    pub is_ok: bool,
    /// What was found.
    pub detail: String,
}

//! Configuration: `grove.toml` in the home, then `GROVE_*` variables, then arguments.
//!
//! The only place of the daemon that reads the environment. Unknown keys are errors that name the
//! known ones.

use crate::egress::AllowList;
use crate::executors::service::{self as executors, Allowance};
use grove_core_api::ipc::method::{ApprovalMode, Dialect};
use grove_core_api::isolation::{IsolationMode, NetworkProfile};
use grove_core_api::rest::executors::ResourceLimits;
use grove_core_api::{Secret, limits};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

/// Everything that the daemon is told from outside.
#[derive(Clone, Debug)]
pub struct Config {
    /// Grove's home.
    pub home: PathBuf,
    /// Address to listen on.
    pub bind: SocketAddr,
    /// PostgreSQL instead of the embedded database.
    pub database_url: Option<Secret>,
    /// Connections to PostgreSQL.
    pub database_pool_max: Option<u32>,
    /// How much isolation the monitor insists on. Told by the monitor, never by the file: a
    /// taken-over daemon must not loosen it.
    pub isolation: IsolationMode,
    /// Whether executors run as people's own Unix accounts. Told by the monitor.
    pub is_shared_host: bool,
    /// What names of accounts that Grove makes begin with. Told by the monitor.
    pub account_prefix: String,
    /// The way to other daemons, when there are some.
    pub bus: Option<BusSettings>,
    /// What `grove.toml` says.
    pub file: FileConfig,
}

/// The way to other daemons, complete.
#[derive(Clone, Debug)]
pub struct BusSettings {
    /// URL of the NATS server.
    pub nats_url: Secret,
    /// Name of this daemon.
    pub node: String,
}

/// What the monitor tells the daemon at its start.
#[derive(Clone, Debug)]
pub struct Told {
    /// Grove's home.
    pub home: PathBuf,
    /// Address to listen on.
    pub bind: String,
    /// How much isolation it insists on.
    pub isolation: IsolationMode,
    /// Whether executors run as people's own Unix accounts.
    pub is_shared_host: bool,
    /// What names of accounts that Grove makes begin with.
    pub account_prefix: String,
}

/// The contents of `grove.toml`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct FileConfig {
    /// Agent of sessions that name none: `rehearsal` (the default) or `native`.
    pub default_agent: Option<String>,
    /// Settings of the rehearsal agent.
    pub rehearsal: RehearsalConfig,
    /// Settings of the native agent.
    pub native: NativeConfig,
    /// Settings of people's Unix accounts.
    pub accounts: AccountsConfig,
    /// Settings of the audit.
    pub audit: AuditConfig,
    /// How much of boards' logs is kept.
    pub history: HistoryConfig,
    /// Providers of models by name.
    pub providers: BTreeMap<String, ProviderConfig>,
    /// What keeps executors in their place, as far as the monitor leaves it open.
    pub isolation: IsolationConfig,
    /// What one executor with all its processes may use; `docs/operations.md` has the defaults.
    pub limits: ResourceLimits,
    /// What sessions with the network profile `proxy` may reach.
    pub egress: EgressConfig,
    /// The way to other daemons on the same database.
    pub bus: BusConfig,
}

/// The way to other daemons on the same database; without it there are none.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct BusConfig {
    /// URL of a NATS server, such as `nats://10.0.0.5:4222`. `GROVE_NATS_URL` goes before it.
    pub nats_url: Option<Secret>,
    /// Name of this daemon, which no other has and which stays. `GROVE_NODE` goes before it.
    pub node: Option<String>,
}

/// The way out of sessions that have no network of their own.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct EgressConfig {
    /// Permitted hosts: `crates.io`, `crates.io:443`, `*.npmjs.org`; addresses only as themselves.
    pub allow: AllowList,
}

/// What keeps executors in their place, as far as the monitor leaves it open.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct IsolationConfig {
    /// What executors may reach over the network: `shared` (the default), `proxy` or `none`.
    pub network: NetworkProfile,
}

/// Settings of the rehearsal agent.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RehearsalConfig {
    /// Directory with more scenarios (`*.toml`).
    pub directory: Option<PathBuf>,
}

/// Settings of the audit.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AuditConfig {
    /// How long entries are kept, in days; 0 keeps them all.
    pub keep_days: u32,
}

impl Default for AuditConfig {
    fn default() -> Self {
        Self { keep_days: limits::AUDIT_KEEP_DAYS }
    }
}

/// How much of boards' logs is kept; older events become a snapshot.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct HistoryConfig {
    /// Events of each board; 0 keeps them all.
    pub keep_events: u32,
    /// Days; 0 keeps them for ever.
    pub keep_days: u32,
}

impl Default for HistoryConfig {
    fn default() -> Self {
        Self { keep_events: limits::LOG_KEEP_EVENTS, keep_days: limits::LOG_KEEP_DAYS }
    }
}

/// Settings of the native agent.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct NativeConfig {
    /// When it asks before it acts: `always` (the default), `on_request` or `never`.
    pub approvals: ApprovalMode,
}

impl Default for NativeConfig {
    fn default() -> Self {
        Self { approvals: ApprovalMode::Always }
    }
}

/// Settings of people's Unix accounts; they matter on a shared host only.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AccountsConfig {
    /// Whether a person without an account gets one with the first session or repository.
    pub create_on_first_use: bool,
}

impl Default for AccountsConfig {
    fn default() -> Self {
        Self { create_on_first_use: true }
    }
}

/// A provider of models.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProviderConfig {
    /// How it speaks: `anthropic`, `openai` or `ollama`.
    pub dialect: Dialect,
    /// Base URL; by default the provider's own.
    pub base_url: Option<String>,
    /// Its models, the default one first.
    pub models: Vec<String>,
    /// Name of the variable that holds the key.
    pub api_key_env: Option<String>,
    /// File that holds the key.
    pub api_key_file: Option<PathBuf>,
    /// Price of a million tokens in micro-USD: input, output, cache read, cache write.
    pub price_micro_usd: Option<[i64; 4]>,
}

/// Why the configuration cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("failed to read {path}")]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The file does not have the documented form.
    #[error("{path} is not valid")]
    Shape {
        /// The file.
        path: PathBuf,
        /// Where and why.
        #[source]
        source: Box<toml::de::Error>,
    },
    /// A value cannot be used.
    #[error("{0}")]
    Value(String),
}

impl Config {
    /// Reads the file and the environment.
    ///
    /// # Errors
    /// `Read` or `Shape` when `grove.toml` is there but cannot be used, `Value` when the address is
    /// not a loopback one (plain HTTP, so nothing else may be served) or a variable is wrong.
    pub fn load(told: Told) -> Result<Self, ConfigError> {
        let Told { home, bind, isolation, is_shared_host, account_prefix } = told;
        if !home.is_absolute() || home.to_str().is_none() {
            let path = home.display();
            return Err(ConfigError::Value(format!("the home must be an absolute path: {path}")));
        }
        let bind: SocketAddr = bind.parse().map_err(|_invalid| {
            ConfigError::Value(format!("`{bind}` is no address and port, such as 127.0.0.1:4768"))
        })?;
        if !bind.ip().is_loopback() {
            let why = match is_shared_host {
                true => "tokens would travel over plain HTTP",
                false => "without accounts everybody who reaches Grove may do everything",
            };
            return Err(ConfigError::Value(format!(
                "refusing to listen on {bind}: {why}, so only the loopback interface is served \
                 (127.0.0.1 or [::1])"
            )));
        }
        let path = home.join("grove.toml");
        let file = read_file(&path)?;
        if let Some((limit, range)) = executors::out_of_range(&file.limits) {
            let path = path.display();
            return Err(ConfigError::Value(format!("{path}: `{limit}` of `[limits]` {range}")));
        }
        let database_pool_max = variable("GROVE_DB_POOL_MAX")
            .map(|text| {
                text.parse().map_err(|_invalid| {
                    ConfigError::Value("GROVE_DB_POOL_MAX is no number".to_owned())
                })
            })
            .transpose()?;
        let database_url = variable("DATABASE_URL").map(Secret::new);
        let bus = bus(&file.bus, database_url.is_some())?;
        Ok(Self {
            home,
            bind,
            database_url,
            database_pool_max,
            isolation,
            is_shared_host,
            account_prefix,
            bus,
            file,
        })
    }
}

impl Config {
    /// What executors may use and reach, before the policy of their repository narrows it.
    pub(crate) fn allowance(&self) -> Allowance {
        let network = self.file.isolation.network;
        Allowance::of_instance(network, self.isolation, &self.file.limits)
    }
}

impl ProviderConfig {
    /// The base URL, with a slash at the end.
    #[must_use]
    pub fn base_url(&self) -> String {
        let url = self.base_url.as_deref().unwrap_or(match self.dialect {
            Dialect::Anthropic => "https://api.anthropic.com/v1/",
            Dialect::Openai => "https://api.openai.com/v1/",
            Dialect::Ollama => "http://127.0.0.1:11434/",
        });
        format!("{}/", url.trim_end_matches('/'))
    }

    /// Reads the key from its variable or file; `None` when the provider needs none.
    ///
    /// # Errors
    /// `Value` or `Read` when it is named but not there.
    pub fn api_key(&self) -> Result<Option<Secret>, ConfigError> {
        if let Some(name) = &self.api_key_env {
            return variable(name)
                .map(|key| Some(Secret::new(key)))
                .ok_or_else(|| ConfigError::Value(format!("the variable {name} is not set")));
        }
        let Some(path) = &self.api_key_file else { return Ok(None) };
        std::fs::read_to_string(path)
            .map(|key| Some(Secret::new(key.trim())))
            .map_err(|source| ConfigError::Read { path: path.clone(), source })
    }
}

/// Longest name of a daemon.
const NODE_CHARS: usize = 64;

/// What is needed for several daemons, or why it does not do.
fn bus(file: &BusConfig, is_postgres: bool) -> Result<Option<BusSettings>, ConfigError> {
    let url = variable("GROVE_NATS_URL").map(Secret::new).or_else(|| file.nats_url.clone());
    let Some(nats_url) = url else { return Ok(None) };
    let value = |why: &str| Err(ConfigError::Value(why.to_owned()));
    if !is_postgres {
        return value(
            "several daemons need one PostgreSQL: set DATABASE_URL, or take away GROVE_NATS_URL \
             (`nats_url` of `[bus]`); the embedded database belongs to one daemon",
        );
    }
    let Some(node) = variable("GROVE_NODE").or_else(|| file.node.clone()) else {
        return value(
            "several daemons need names: set GROVE_NODE (`node` of `[bus]`) to one that no other \
             daemon has and that stays, such as the host's",
        );
    };
    let is_plain = |it: char| it.is_ascii_alphanumeric() || matches!(it, '-' | '_' | '.');
    if node.len() > NODE_CHARS || !node.chars().all(is_plain) {
        return value("GROVE_NODE has at most 64 letters, digits, `-`, `_` and `.`");
    }
    Ok(Some(BusSettings { nats_url, node }))
}

fn read_file(path: &Path) -> Result<FileConfig, ConfigError> {
    match std::fs::read_to_string(path) {
        Ok(text) => toml::from_str(&text).map_err(|source| ConfigError::Shape {
            path: path.to_owned(),
            source: Box::new(source),
        }),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(FileConfig::default()),
        Err(source) => Err(ConfigError::Read { path: path.to_owned(), source }),
    }
}

/// A variable that is set to something.
pub(crate) fn variable(name: &str) -> Option<String> {
    #[expect(clippy::disallowed_methods, reason = "this is the home of the environment")]
    let value = std::env::var(name);
    value.ok().filter(|value| !value.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_public_address_is_refused_with_the_reason() {
        let refused = Config::load(Told {
            home: PathBuf::from("/nowhere"),
            bind: "0.0.0.0:4768".to_owned(),
            isolation: IsolationMode::Off,
            is_shared_host: false,
            account_prefix: "grove_".to_owned(),
        });
        assert!(refused.is_err_and(|it| it.to_string().contains("without accounts")));
    }

    #[test]
    fn several_daemons_need_postgres_and_names() {
        let mut file = BusConfig::default();
        assert!(bus(&file, false).is_ok_and(|it| it.is_none()));
        file.nats_url = Some(Secret::new("nats://127.0.0.1:4222"));
        let why = |file: &BusConfig, is_postgres| {
            bus(file, is_postgres).map(drop).map_err(|it| it.to_string()).unwrap_err()
        };
        assert!(why(&file, false).contains("PostgreSQL"));
        assert!(why(&file, true).contains("GROVE_NODE"));
        file.node = Some("a b".to_owned());
        assert!(why(&file, true).contains("at most 64"));
        file.node = Some("alpha".to_owned());
        assert!(bus(&file, true).is_ok_and(|it| it.is_some_and(|it| it.node == "alpha")));
    }

    #[test]
    fn a_wrong_host_is_named() {
        let error = toml::from_str::<FileConfig>("[egress]\nallow = ['crates.io', 'https://x.y']");
        let error = error.map(drop).map_err(|it| it.to_string());
        assert!(error.is_err_and(|it| it.contains("`https://x.y` is no host")));
    }

    #[test]
    fn unknown_keys_name_the_known_ones() {
        let error =
            toml::from_str::<FileConfig>("default_agnet = 'x'").map_err(|it| it.to_string());
        assert!(error.is_err_and(|it| it.contains("default_agent")));
    }
}

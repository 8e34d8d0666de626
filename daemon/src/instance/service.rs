//! Agents and models of the instance, and its readiness.

use super::model::{REHEARSAL, refusal};
use crate::app::App;
use crate::auth::policy::Action;
use crate::bus::Standing;
use crate::config::ProviderConfig;
use crate::context::Ctx;
use crate::error::Error;
use crate::{sessions, tasks};
use grove_core_api::ipc::credential::{Credential, GetCredential};
use grove_core_api::ipc::method::{ApprovalMode, ModelSource};
use grove_core_api::isolation::IsolationMode;
use grove_core_api::rehearsal::{self, AUTO};
use grove_core_api::rest::instance::{AgentInfo, AuthMode, Check, Instance, ModelInfo, Readiness};
use grove_core_api::rest::sessions::Session;
use grove_core_api::rest::tasks::TaskState;
use grove_core_api::{ErrorCode, Secret, SessionId, version};
use sea_orm::ConnectionTrait;
use std::sync::Arc;

const NATIVE: &str = "native";

pub(crate) fn instance(ctx: &Ctx) -> Result<Instance, Error> {
    ctx.authorize(Action::Read)?;
    let config = &ctx.app.config;
    Ok(Instance {
        version: version::GROVE.to_owned(),
        auth: if config.is_shared_host { AuthMode::Token } else { AuthMode::Anonymous },
        isolation: config.isolation,
        agents: agents(&ctx.app),
    })
}

fn agents(app: &App) -> Vec<AgentInfo> {
    let auto = ModelInfo {
        name: AUTO.to_owned(),
        title: "Chosen by the prompt".to_owned(),
        example_prompt: None,
    };
    let scenarios = app.scenarios.iter().map(|scenario| ModelInfo {
        name: scenario.name.clone(),
        title: scenario.title.clone(),
        example_prompt: Some(scenario.example_prompt.clone()),
    });
    let mut agents = vec![AgentInfo {
        name: REHEARSAL.to_owned(),
        title: "Rehearsal".to_owned(),
        description: "A scripted model, offline and free; its tools are real.".to_owned(),
        models: std::iter::once(auto).chain(scenarios).collect(),
    }];
    let models: Vec<ModelInfo> = app
        .config
        .file
        .providers
        .iter()
        .flat_map(|(provider, config)| {
            config.models.iter().map(move |model| format!("{provider}/{model}"))
        })
        .map(|name| ModelInfo { title: name.clone(), name, example_prompt: None })
        .collect();
    if !models.is_empty() {
        agents.push(AgentInfo {
            name: NATIVE.to_owned(),
            title: "Native".to_owned(),
            description: "Grove's own agent on the configured providers.".to_owned(),
            models,
        });
    }
    let default = app.config.file.default_agent.as_deref().unwrap_or(REHEARSAL);
    agents.sort_by_key(|agent| agent.name != default);
    agents
}

/// Checks agent and model, and fills in what was not said.
pub(crate) fn choose_model(
    app: &App,
    agent: Option<&str>,
    model: Option<&str>,
) -> Result<(String, String), Error> {
    let agents = agents(app);
    let names = |items: Vec<&str>| items.join("`, `");
    let chosen = match agent {
        None => agents.first(),
        Some(name) => agents.iter().find(|it| it.name == name),
    };
    let Some(chosen) = chosen else {
        let known = names(agents.iter().map(|it| it.name.as_str()).collect());
        return Err(Error::field("agent", format!("must be one of `{known}`"))
            .hint("providers of the native agent are set in grove.toml: docs/agents.md"));
    };
    let chosen_model = match model {
        None => chosen.models.first(),
        Some(name) => chosen.models.iter().find(|it| it.name == name),
    };
    let Some(chosen_model) = chosen_model else {
        let known = names(chosen.models.iter().map(|it| it.name.as_str()).collect());
        return Err(Error::field("model", format!("must be one of `{known}`")));
    };
    Ok((chosen.name.clone(), chosen_model.name.clone()))
}

/// The parent's agent for a child; a scripted parent lets the child's prompt choose the script.
pub(crate) fn inherit_model(app: &App, parent: &Session) -> Result<(String, String), Error> {
    let model = if parent.agent == REHEARSAL { AUTO } else { &parent.model };
    choose_model(app, Some(&parent.agent), Some(model))
}

/// What an executor needs to play the session's model, and when that agent asks.
pub(crate) fn model_source(
    app: &App,
    session: &Session,
    prompt: &str,
) -> Result<(ModelSource, ApprovalMode), Error> {
    if session.agent == REHEARSAL {
        let scenario = rehearsal::choose(&app.scenarios, &session.model, prompt)
            .ok_or_else(|| gone(&session.model))?;
        let source = ModelSource::Rehearsal { scenario: scenario.clone() };
        return Ok((source, ApprovalMode::OnRequest));
    }
    let (provider, model) = session.model.split_once('/').ok_or_else(|| gone(&session.model))?;
    let config = app.config.file.providers.get(provider).ok_or_else(|| gone(&session.model))?;
    // Looked for here too, so that a task whose key is missing fails before anything is done.
    let needs_key = key(config, provider)?.is_some();
    let source = ModelSource::Provider {
        dialect: config.dialect,
        base_url: config.base_url(),
        model: model.to_owned(),
        provider: provider.to_owned(),
        needs_key,
        price_micro_usd: config.price_micro_usd,
    };
    Ok((source, app.config.file.native.approvals))
}

fn key(config: &ProviderConfig, provider: &str) -> Result<Option<Secret>, Error> {
    config.api_key().map_err(|error| {
        Error::new(ErrorCode::Unavailable, format!("no key for `{provider}`: {error}"))
            .hint("set it where grove.toml says, then restart Grove")
    })
}

/// Hands out the key of a provider to the task that runs in a session, if that is its provider.
///
/// # Errors
/// `Forbidden` when no such task runs there, or it uses another provider or one without a key.
pub(crate) async fn credential(
    app: &Arc<App>,
    session: SessionId,
    wanted: &GetCredential,
) -> Result<Credential, Error> {
    let refused = |why: &str| Err(Error::new(ErrorCode::Forbidden, why));
    let ctx = Ctx::system(app, app.owner());
    let running = tasks::service::first_in(ctx.read(), session, TaskState::Running).await?;
    let session = sessions::service::load(ctx.read(), session).await?.session;
    let own = (session.agent.as_str(), session.model.as_str());
    if let Some(why) = refusal(running.map(|task| task.id), own, wanted) {
        return refused(why);
    }
    let config = app.config.file.providers.get(&wanted.provider);
    let key = config.map(|config| key(config, &wanted.provider)).transpose()?.flatten();
    match key {
        Some(key) => Ok(Credential { key }),
        None => refused("this provider has no key"),
    }
}

fn gone(model: &str) -> Error {
    Error::new(ErrorCode::Gone, format!("the model `{model}` is not configured any more"))
        .hint("make a new session with another model")
}

/// Looks at everything that Grove needs to work.
pub(crate) async fn readiness(app: &App) -> Readiness {
    let database = app.db.read().execute_unprepared("SELECT 1").await;
    let monitor = app.pool.monitor_answers().await;
    let git = app.pool.keeper_answers().await;
    let mut checks = vec![
        check("database", database.map(|_| "answers".to_owned())),
        check("monitor", monitor.map(|live| format!("{live} executors live"))),
        check("git", git.map(|()| "the keeper answers".to_owned())),
        // In strict mode a missing layer is seen above: the keeper is not started.
        check("isolation", Ok::<_, Error>(isolation(app.config.isolation).to_owned())),
    ];
    checks.extend(bus(app));
    Readiness { is_ready: checks.iter().all(|check| check.is_ok), checks }
}

/// How the way to other daemons is. An interrupted one is said, and no reason to send nobody here:
/// everything but the speed between daemons goes on.
fn bus(app: &App) -> Option<Check> {
    let bus = app.hub.bus();
    let others = app.hub.others();
    let name = bus.name();
    if others.iter().any(|it| it == name) {
        let twin =
            Error::new(ErrorCode::Conflict, format!("another daemon is called `{name}` too"));
        return Some(check("bus", Err(twin)));
    }
    let detail = match bus.standing() {
        Standing::Alone => return None,
        Standing::Open if others.is_empty() => format!("`{name}` hears no other daemon"),
        Standing::Open => format!("`{name}` hears {}", others.join(", ")),
        Standing::Interrupted => {
            format!("interrupted: `{name}` reads what others change from the database")
        }
    };
    Some(check("bus", Ok::<_, Error>(detail)))
}

const fn isolation(mode: IsolationMode) -> &'static str {
    match mode {
        IsolationMode::Strict => "strict: nothing is started without its layers",
        IsolationMode::BestEffort => "best effort: each executor's report says what holds",
        IsolationMode::Off => "off: executors run without a sandbox",
    }
}

fn check<E: std::fmt::Display>(name: &str, outcome: Result<String, E>) -> Check {
    let is_ok = outcome.is_ok();
    let detail = outcome.unwrap_or_else(|error| error.to_string());
    Check { name: name.to_owned(), is_ok, detail }
}

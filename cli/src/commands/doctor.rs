//! `grove doctor`: tries out what Grove needs and says what to do where it fails.
//!
//! Runs with and without a running Grove, as root and as anybody; what cannot be tried is said. Not
//! here: the probes (`host/probe.rs` and the sandbox's own).

use crate::args;
use crate::client::{Api, Running, connect_to, running};
use crate::config::Config;
use crate::error::CliError;
use crate::host::probe::{self, Row, Status};
use crate::output::{Output, fields, table};
use grove_core_api::Page;
use grove_core_api::isolation::{IsolationMode, SandboxReport};
use grove_core_api::rest::instance::{Instance, Readiness};
use grove_sandbox::probe as sandbox;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::process::ExitCode;

/// Most sessions whose report is looked at.
const SESSIONS: i64 = 200;

/// Rows about one thing.
#[derive(Debug, Serialize)]
struct Section {
    name: &'static str,
    rows: Vec<Row>,
}

pub(super) async fn run(
    arguments: args::Doctor,
    config: &Config,
    output: &Output,
) -> Result<ExitCode, CliError> {
    let home = &config.home.value;
    let url = match &config.url.value {
        Some(url) => Some(url.clone()),
        // A run file that cannot be read is found by the probe of the home.
        None => match running(home) {
            Ok(Running::Yes(run)) => Some(run.url),
            Ok(Running::Stale | Running::No) | Err(_) => None,
        },
    };
    // Before the first request: until then this process has one thread, and forks well.
    let kernel = sandbox::kernel();
    let groups = sandbox::groups();
    let has_namespaces = sandbox::has_namespaces(&kernel);
    let group = arguments.account_group.as_str();
    let host = sandbox::host(&sandbox::Host { home, group, has_namespaces });
    let git = probe::git_owner_check();

    let (running, told) = instance(url.as_deref(), config).await;
    let mode = arguments.isolation.map(Into::into).or(told).unwrap_or_default();
    let judged = |probes: Vec<sandbox::Probe>| {
        probes.into_iter().map(|probe| Row::of_sandbox(probe, mode)).collect::<Vec<_>>()
    };
    let grove = vec![
        probe::git(),
        probe::home(home),
        probe::disk(home),
        probe::programs(),
        probe::port(config.port.value, url.as_deref()),
    ];
    let mut host = judged(host);
    host.push(git);
    let sections = [
        Section { name: "Grove", rows: grove },
        Section { name: "Instance", rows: running },
        Section { name: "Isolation", rows: judged(kernel) },
        Section { name: "Control groups", rows: judged(groups) },
        Section { name: "Host", rows: host },
    ];
    let is_well = sections.iter().flat_map(|it| &it.rows).all(|row| row.status != Status::Fail);
    let value = json!({ "ok": is_well, "isolation": mode, "sections": sections });
    output.value(&value, |_| people(&sections, mode))?;
    Ok(if is_well { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// What the running instance says of itself, and its mode of isolation.
async fn instance(url: Option<&str>, config: &Config) -> (Vec<Row>, Option<IsolationMode>) {
    let Some(url) = url else {
        let fix = "Start it with `grove up`, or the service.".to_owned();
        let row = Row::optional("ready", Err(("Grove is not running".to_owned(), fix)));
        return (vec![row.with_effect("nothing about a running instance is known")], None);
    };
    let api = match connect_to(url, config) {
        Ok(api) => api,
        Err(error) => return (vec![Row::required("ready", Err(unreachable(&error)))], None),
    };
    let ready = Row::required("ready", readiness(&api).await);
    let mode = api.get::<Instance>("/instance", &()).await.map(|it| it.value.isolation);
    let isolation = match &mode {
        Ok(IsolationMode::Off) => Err(("off".to_owned(), OFF.to_owned())),
        Ok(mode) => Ok(mode.name().to_owned()),
        Err(error) => Err(unreachable(error)),
    };
    let isolation =
        Row::optional("isolation", isolation).with_effect("agents can do what Grove can do");
    (vec![ready, isolation, sessions(&api).await], mode.ok())
}

const OFF: &str = "Start grove-monitor with `--isolation best-effort` or `strict`.";

fn unreachable(error: &CliError) -> (String, String) {
    let log = "The log says more: logs/grove.log in Grove's home, or the service's journal.";
    // A hint that leads back here helps nobody.
    let hint = error.problem.hint.clone().filter(|hint| !hint.contains("grove doctor"));
    let fix = hint.unwrap_or_else(|| log.to_owned());
    (error.problem.detail.clone(), fix)
}

async fn readiness(api: &Api) -> Result<String, (String, String)> {
    let answer = api.probe::<Readiness>("/readyz").await.map_err(|error| unreachable(&error))?;
    let readiness = answer.value;
    if readiness.is_ready {
        return Ok(format!("{} is ready", api.url()));
    }
    let failed = readiness.checks.iter().filter(|check| !check.is_ok);
    let details = failed.map(|check| format!("{}: {}", check.name, check.detail));
    let fix = "The log says more: logs/grove.log in Grove's home, or the service's journal.";
    Err((details.collect::<Vec<_>>().join("; "), fix.to_owned()))
}

/// A session, as far as its sandbox goes.
#[derive(Debug, Deserialize)]
struct Sandboxed {
    title: String,
    #[serde(default)]
    sandbox: Option<SandboxReport>,
}

async fn sessions(api: &Api) -> Row {
    const NAME: &str = "sessions";
    match api.get::<Page<Sandboxed>>("/sessions", &[("limit", SESSIONS)]).await {
        Ok(page) => Row::optional(NAME, weak(&page.value.items)),
        Err(error) => Row::optional(NAME, Err(unreachable(&error))),
    }
    .with_effect("what those layers keep from agents is open to these sessions")
}

/// Names sessions around whose newest executor a layer did not hold.
fn weak(sessions: &[Sandboxed]) -> Result<String, (String, String)> {
    let mut confined = 0;
    let mut weak = Vec::new();
    for session in sessions {
        let Some(report) = &session.sandbox else { continue };
        let off: Vec<_> =
            report.layers.iter().filter(|it| !it.is_on).map(|it| it.layer.name()).collect();
        if report.mode == IsolationMode::Off || report.layers.is_empty() {
            weak.push(format!("{} (no layer)", session.title));
        } else if !off.is_empty() {
            weak.push(format!("{} (without {})", session.title, off.join(", ")));
        } else {
            confined += 1;
        }
    }
    if weak.is_empty() {
        return Ok(format!("every layer that was tried holds around {confined} executors"));
    }
    let fix = "The rows on isolation say why; new executors are started with what holds then.";
    Err((weak.join("; "), fix.to_owned()))
}

fn people(sections: &[Section], mode: IsolationMode) -> String {
    let mut text = Vec::new();
    for section in sections {
        let rows = section
            .rows
            .iter()
            .map(|row| vec![mark(row.status).to_owned(), row.name.to_owned(), row.detail.clone()]);
        text.push(format!("{}\n{}", section.name, table(&["", "probe", "found"], rows.collect())));
    }
    let all = || sections.iter().flat_map(|it| &it.rows);
    for row in all().filter(|row| row.status != Status::Ok) {
        let heading = format!("{}: {}", mark(row.status), row.name);
        let lines = fields(&[("  effect", row.effect.clone()), ("  fix", row.fix.clone())]);
        text.push(format!("{heading}\n{lines}").trim_end().to_owned());
    }
    let count = |status: Status| all().filter(|row| row.status == status).count();
    let (warned, failed) = (count(Status::Warn), count(Status::Fail));
    let name = mode.name().replace('_', "-");
    text.push(format!("{failed} failed, {warned} warned; judged for isolation {name}."));
    text.join("\n\n")
}

const fn mark(status: Status) -> &'static str {
    match status {
        Status::Ok => "ok",
        Status::Warn => "warn",
        Status::Fail => "FAIL",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use grove_core_api::isolation::{Layer, LayerState};

    fn session(title: &str, layers: Option<Vec<(Layer, bool)>>) -> Sandboxed {
        let states = |layers: Vec<(Layer, bool)>| {
            let state = |(layer, is_on)| LayerState { layer, is_on, detail: String::new() };
            layers.into_iter().map(state).collect()
        };
        let report = |layers| SandboxReport { layers: states(layers), ..SandboxReport::default() };
        Sandboxed { title: title.to_owned(), sandbox: layers.map(report) }
    }

    #[test]
    fn every_row_that_is_not_well_is_explained_below_the_tables() {
        let bad = |detail: &str| Err((detail.to_owned(), "Mend it.".to_owned()));
        let rows = vec![
            Row::required("git", Ok("git version 2.47.3".to_owned())),
            Row::optional("landlock", bad("absent")).with_effect("files are open"),
            Row::required("disk", bad("full")),
        ];
        let text = people(&[Section { name: "Grove", rows }], IsolationMode::BestEffort);
        let expected = "Grove\n      PROBE     FOUND\nok    git       git version 2.47.3\n\
            warn  landlock  absent\nFAIL  disk      full\n\n\
            warn: landlock\n  effect  files are open\n  fix     Mend it.\n\n\
            FAIL: disk\n  fix     Mend it.\n\n\
            1 failed, 1 warned; judged for isolation best-effort.";
        assert_eq!(text, expected);
    }

    #[test]
    fn sessions_with_a_layer_missing_are_named() {
        let all = || Some(vec![(Layer::Landlock, true), (Layer::Seccomp, true)]);
        let (fine, new) = (session("fine", all()), session("new", None));
        assert!(weak(&[fine, new]).unwrap().contains("1 executors"));
        let open = session("open", Some(vec![(Layer::Landlock, false), (Layer::Seccomp, true)]));
        let bare = session("bare", Some(Vec::new()));
        let (text, fix) = weak(&[open, bare]).unwrap_err();
        assert_eq!(text, "open (without landlock); bare (no layer)");
        assert!(!fix.is_empty());
    }
}

//! `grove status`.

use crate::client;
use crate::config::Config;
use crate::error::{CliError, Exit};
use crate::output::{Output, fields};
use grove_core_api::rest::instance::{Check, Instance, Readiness};
use serde::Serialize;

#[derive(Debug, Serialize)]
struct Status {
    url: String,
    version: String,
    is_ready: bool,
    checks: Vec<Check>,
}

pub(super) async fn run(config: &Config, output: &Output) -> Result<(), CliError> {
    let api = client::connect(config)?;
    let readiness = api.probe::<Readiness>("/readyz").await?.value;
    let version = api.get::<Instance>("/instance", &()).await?.value.version;
    let Readiness { is_ready, checks } = readiness;
    let status = Status { url: api.url().to_owned(), version, is_ready, checks };
    output.value(&status, people)?;
    if is_ready {
        return Ok(());
    }
    let hint = "`grove doctor` tries out what is needed.";
    Err(CliError::new(Exit::Unavailable, "Grove runs but is not ready", hint))
}

fn people(status: &Status) -> String {
    let mut rows = vec![
        ("url", status.url.clone()),
        ("version", status.version.clone()),
        ("ready", if status.is_ready { "yes" } else { "no" }.to_owned()),
    ];
    for check in &status.checks {
        let mark = if check.is_ok { "ok" } else { "FAILED" };
        rows.push((check.name.as_str(), format!("{mark}  {}", check.detail)));
    }
    fields(&rows)
}

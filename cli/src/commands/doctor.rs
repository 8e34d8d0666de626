//! `grove doctor`: tries out what Grove needs and says what to do where it fails.

use crate::client::{Api, Running, running};
use crate::config::Config;
use crate::error::CliError;
use crate::host::probe::{self, Row};
use crate::output::{Output, table};
use grove_core_api::rest::instance::Readiness;
use serde_json::json;
use std::process::ExitCode;

pub(super) async fn run(config: &Config, output: &Output) -> Result<ExitCode, CliError> {
    let home = &config.home.value;
    let url = match &config.url.value {
        Some(url) => Some(url.clone()),
        // A run file that cannot be read is found by the probe of the home.
        None => match running(home) {
            Ok(Running::Yes(run)) => Some(run.url),
            Ok(Running::Stale | Running::No) | Err(_) => None,
        },
    };
    let rows = vec![
        probe::git(),
        probe::home(home),
        probe::disk(home),
        probe::programs(),
        probe::port(config.port.value, url.as_deref()),
        instance(url.as_deref()).await,
        probe::landlock(),
        probe::user_namespaces(),
    ];
    let is_well = rows.iter().all(|row| row.is_ok || !row.is_required);
    output.value(&json!({ "ok": is_well, "rows": rows }), |_| people(&rows))?;
    Ok(if is_well { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

async fn instance(url: Option<&str>) -> Row {
    let Some(url) = url else {
        let detail = "Grove is not running".to_owned();
        return Row::optional("instance", Err((detail, "Start it with `grove up`.".to_owned())));
    };
    let readiness = match Api::new(url) {
        Ok(api) => api.probe::<Readiness>("/readyz").await.map(|answer| answer.value),
        Err(error) => Err(error),
    };
    let fix = "The log says more: logs/grove.log in Grove's home.".to_owned();
    let found = match readiness {
        Ok(readiness) if readiness.is_ready => Ok(format!("{url} is ready")),
        Ok(readiness) => {
            let failed = readiness.checks.iter().filter(|check| !check.is_ok);
            let details = failed.map(|check| format!("{}: {}", check.name, check.detail));
            Err((details.collect::<Vec<_>>().join("; "), fix))
        }
        Err(error) => Err((error.problem.detail.clone(), fix)),
    };
    Row::required("instance", found)
}

fn people(rows: &[Row]) -> String {
    let cells = |row: &Row| {
        let mark = match (row.is_ok, row.is_required) {
            (true, _) => "ok",
            (false, true) => "FAILED",
            (false, false) => "absent",
        };
        vec![mark.to_owned(), row.name.to_owned(), row.detail.clone(), row.fix.clone()]
    };
    table(&["", "probe", "found", "what to do"], rows.iter().map(cells).collect())
}

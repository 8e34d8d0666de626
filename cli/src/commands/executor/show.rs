//! `grove executor show`.

use super::{layers_off, role};
use crate::client::Api;
use crate::error::CliError;
use crate::output::{Output, fields};
use grove_core_api::rest::executors::{Executor, ResourceLimits};

pub(super) async fn run(api: &Api, id: &str, output: &Output) -> Result<(), CliError> {
    let answer = api.get::<Executor>(&format!("/executors/{id}"), &()).await?;
    output.answer(&answer, |executor| people(executor, output))
}

fn people(executor: &Executor, output: &Output) -> String {
    let report = executor.report.as_ref();
    let mut rows = vec![
        ("id", executor.id.to_string()),
        ("role", role(executor.role).to_owned()),
        ("state", executor.state.as_str().to_owned()),
        ("session", executor.session_id.map(|id| id.short()).unwrap_or_default()),
        ("daemon", executor.node.clone()),
        ("account", executor.account.clone()),
        ("pid", executor.pid.map(|pid| pid.to_string()).unwrap_or_default()),
        ("restarts", executor.restarts.to_string()),
        ("limits", limits(&executor.limits)),
        ("isolation", report.map(|it| it.mode.name().to_owned()).unwrap_or_default()),
        ("layers off", report.map(layers_off).unwrap_or_default()),
        ("started", output.ago(executor.started_at_ms)),
        ("ended", executor.ended_at_ms.map(|at| output.ago(at)).unwrap_or_default()),
        ("end", executor.end.as_ref().map(|end| end.how.clone()).unwrap_or_default()),
    ];
    for state in report.into_iter().flat_map(|it| &it.layers).filter(|it| it.is_on) {
        rows.push((state.layer.name(), state.detail.clone()));
    }
    fields(&rows)
}

/// Limits in one line; what has none is left out.
pub(in crate::commands) fn limits(limits: &ResourceLimits) -> String {
    let ResourceLimits { processes, memory_mib, cpu_percent, tmp_mib, disk_mib } = limits;
    [
        processes.map(|it| format!("{it} processes")),
        memory_mib.map(|it| format!("{it} MiB memory")),
        cpu_percent.map(|it| format!("{it} % processor")),
        tmp_mib.map(|it| format!("{it} MiB temporary files")),
        disk_mib.map(|it| format!("{it} MiB worktree")),
    ]
    .into_iter()
    .flatten()
    .collect::<Vec<_>>()
    .join(", ")
}

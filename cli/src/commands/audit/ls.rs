//! `grove audit ls`.

use crate::args::AuditLs;
use crate::client::Api;
use crate::error::CliError;
use crate::output::{Output, table};
use grove_core_api::Page;
use grove_core_api::rest::audit::{AuditEntry, AuditQuery};
use std::process::ExitCode;

pub(super) async fn run(
    api: &Api,
    arguments: AuditLs,
    output: &Output,
) -> Result<ExitCode, CliError> {
    let is_forward = arguments.after.is_some();
    let query = AuditQuery {
        after: arguments.after,
        before: arguments.before,
        limit: arguments.limit,
        executor_id: arguments.executor,
        session_id: arguments.session,
        kind: arguments.kind,
    };
    let answer = api.get::<Page<AuditEntry>>("/audit", &query).await?;
    output.answer(&answer, |page| {
        let row = |entry: &AuditEntry| {
            vec![
                entry.seq.to_string(),
                output.ago(entry.at_ms),
                entry.kind.as_str().to_owned(),
                entry.direction.as_str().to_owned(),
                entry.method.clone(),
                counted(entry),
                duration(entry.duration_us),
                entry.session_id.map(|id| id.short()).unwrap_or_default(),
                entry.account.clone().unwrap_or_default(),
            ]
        };
        let header =
            ["seq", "when", "kind", "way", "method", "outcome", "took", "session", "account"];
        let text = table(&header, page.items.iter().map(row).collect());
        match &page.next_cursor {
            Some(cursor) if is_forward => format!("{text}\n\nThere are more: --after {cursor}"),
            Some(cursor) => format!("{text}\n\nThere are older ones: --before {cursor}"),
            None => text,
        }
    })?;
    Ok(ExitCode::SUCCESS)
}

/// The outcome, with the number of calls where several are one entry.
fn counted(entry: &AuditEntry) -> String {
    match entry.detail.get("count") {
        Some(count) if entry.outcome == "counted" => format!("{count} times"),
        _ => entry.outcome.clone(),
    }
}

fn duration(us: i64) -> String {
    match us {
        ..1_000 => format!("{us} µs"),
        1_000..1_000_000 => format!("{} ms", us / 1_000),
        _ => format!("{} s", us / 1_000_000),
    }
}

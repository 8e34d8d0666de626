//! `grove audit verify`.

use crate::client::Api;
use crate::error::CliError;
use crate::output::Output;
use grove_core_api::rest::audit::AuditVerification;
use std::process::ExitCode;

pub(super) async fn run(api: &Api, output: &Output) -> Result<ExitCode, CliError> {
    let answer = api.get::<AuditVerification>("/audit/verify", &()).await?;
    output.answer(&answer, people)?;
    Ok(if answer.value.is_intact { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn people(found: &AuditVerification) -> String {
    let range = match (found.first_seq, found.last_seq) {
        (Some(first), Some(last)) => format!(" ({first} to {last})"),
        _ => String::new(),
    };
    let looked = format!("{} entries{range}", found.entries);
    if found.is_intact {
        return format!("The audit is whole: {looked}.");
    }
    let place = match found.broken_at {
        Some(seq) => format!("at entry {seq}"),
        None => "at its end".to_owned(),
    };
    let problem = found.problem.as_deref().unwrap_or("nobody knows why");
    format!("The audit is BROKEN {place}: {problem}.\nWhole up to there: {looked}.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_broken_chain_names_the_entry() {
        let mut found = AuditVerification {
            entries: 6,
            first_seq: Some(1),
            last_seq: Some(6),
            is_intact: true,
            broken_at: None,
            problem: None,
        };
        assert_eq!(people(&found), "The audit is whole: 6 entries (1 to 6).");
        found.is_intact = false;
        found.broken_at = Some(7);
        found.problem = Some("the entry was changed".to_owned());
        let text = people(&found);
        assert!(
            text.starts_with("The audit is BROKEN at entry 7: the entry was changed."),
            "{text}"
        );
    }
}

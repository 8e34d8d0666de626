//! `grove session answer`: says yes or no to a request for permission.

use crate::args::fits;
use crate::client::Api;
use crate::error::{CliError, Exit};
use crate::output::Output;
use grove_core_api::agent::Decision;
use grove_core_api::limits::PAGE_MAX;
use grove_core_api::rest::messages::Message;
use grove_core_api::rest::sessions::{
    AnswerPermission, RunState, Session, SessionQuery, SessionResult,
};
use grove_core_api::{Page, PermissionId, SessionId};

/// Which request is meant, as it was typed.
pub(super) struct Asked {
    pub(super) permission: String,
    pub(super) session: Option<String>,
}

pub(super) async fn run(
    api: &Api,
    asked: &Asked,
    is_allowed: bool,
    reason: Option<String>,
    output: &Output,
) -> Result<(), CliError> {
    let decision = if is_allowed { Decision::Allow } else { Decision::Deny };
    let (session, permission) = match &asked.session {
        Some(session) => (session.clone(), asked.permission.clone()),
        None => {
            let (session, permission) = find(api, &asked.permission).await?;
            (session.to_string(), permission.to_string())
        }
    };
    let path = format!("/sessions/{session}/permissions/{permission}");
    let answer = api.post::<Message>(&path, &AnswerPermission { decision, reason }).await?;
    output.answer(&answer, |message| {
        let word = if is_allowed { "Allowed" } else { "Denied" };
        format!("{word}; session {} goes on", message.session_id.short())
    })
}

/// Looks through the sessions that wait for one whose request fits.
async fn find(api: &Api, text: &str) -> Result<(SessionId, PermissionId), CliError> {
    let limit = i64::try_from(PAGE_MAX).ok();
    let state = Some(RunState::AwaitingApproval);
    let query = SessionQuery { state, limit, ..SessionQuery::default() };
    let waiting = api.get::<Page<Session>>("/sessions", &query).await?.value.items;
    let mut found = Vec::new();
    for session in &waiting {
        let path = format!("/sessions/{}/result", session.id);
        let result = api.get::<SessionResult>(&path, &()).await?.value;
        let fitting = result.pending_permissions.into_iter().filter(|id| fits(*id, text));
        found.extend(fitting.map(|id| (session.id, id)));
    }
    match found.as_slice() {
        [one] => Ok(*one),
        [] => Err(CliError::new(
            Exit::NotFound,
            format!("no session waits for an answer to {text}"),
            "`grove session result` of a session lists the requests that wait.",
        )),
        _ => Err(CliError::new(
            Exit::NotFound,
            format!("{text} fits more than one request"),
            "Write more digits, or name the session with --session.",
        )),
    }
}

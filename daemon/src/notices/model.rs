//! Pure rules of what waits for a person.

use grove_core_api::rest::notices::{Attention, AttentionReason};
use grove_core_api::rest::sessions::{RunState, Session};

/// What a session asks of people now.
pub(crate) fn attention(session: &Session) -> Option<Attention> {
    let reason = match session.state {
        RunState::AwaitingApproval => AttentionReason::Approval,
        RunState::AwaitingInput => AttentionReason::Input,
        RunState::Failed | RunState::Lost => AttentionReason::Failed,
        RunState::Idle
        | RunState::Queued
        | RunState::Starting
        | RunState::Running
        | RunState::Stopping
        | RunState::Archived => return None,
    };
    Some(Attention {
        reason,
        session: session.id,
        board: session.board_id,
        title: session.title.clone(),
        since_ms: session.evidence.at_ms,
    })
}

//! Who may do what. Deny by default: an action that a kind of caller does not need is not permitted.

use crate::context::{Actor, Via};
use crate::error::Error;
use grove_core_api::ErrorCode;

/// Something that one may or may not do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    /// Reads anything of the instance.
    Read,
    /// Makes and changes boards and their objects.
    EditBoards,
    /// Registers and changes repositories.
    EditRepos,
    /// Makes and changes worktrees.
    EditWorktrees,
    /// Removes a worktree to the trash.
    RemoveWorktrees,
    /// Makes, renames and archives sessions.
    EditSessions,
    /// Prompts and stops sessions.
    PromptSessions,
    /// Makes children of a session.
    SpawnSessions,
    /// Answers requests for permission.
    AnswerPermissions,
    /// Changes one's own user.
    EditOwnUser,
    /// Signs in and makes tokens.
    SignIn,
    /// Runs the instance: reads and verifies the audit.
    Administer,
}

/// Fails unless the caller may do it.
///
/// # Errors
/// `Forbidden`, naming what was refused.
pub(crate) fn authorize(actor: &Actor, action: Action) -> Result<(), Error> {
    let is_permitted = match actor.via {
        Via::Web | Via::Cli | Via::Api | Via::System => true,
        // An agent works and delegates; it never approves, signs in or removes.
        Via::Mcp(_) => matches!(
            action,
            Action::Read | Action::EditWorktrees | Action::SpawnSessions | Action::EditOwnUser
        ),
    };
    if is_permitted {
        return Ok(());
    }
    Err(Error::new(ErrorCode::Forbidden, format!("an agent may not do this ({action:?})"))
        .hint("a person has to do it"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use grove_core_api::{SessionId, UserId};
    use uuid::Uuid;

    #[test]
    fn an_agent_cannot_approve_what_it_asked_for() {
        let agent = Actor { user: UserId(Uuid::nil()), via: Via::Mcp(SessionId(Uuid::nil())) };
        let refused = authorize(&agent, Action::AnswerPermissions);
        assert_eq!(refused.map_err(|it| it.code()), Err(ErrorCode::Forbidden));
        assert!(authorize(&agent, Action::Administer).is_err());
    }
}

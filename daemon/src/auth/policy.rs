//! Who may do what. Deny by default: an action that a kind of caller does not need is not permitted.

use crate::context::{Actor, Via};
use crate::error::Error;
use grove_core_api::ErrorCode;
use grove_core_api::rest::users::UserRole;

/// Something that one may or may not do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    /// Reads anything of the instance.
    Read,
    /// Makes and changes boards and their objects.
    EditBoards,
    /// Writes and resolves comments.
    Comment,
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
    /// Runs the instance: adds and retires people, makes tokens for them, reads and verifies the audit.
    Administer,
}

/// Fails unless the caller may do it.
///
/// # Errors
/// `Forbidden`, naming what was refused.
pub(crate) fn authorize(actor: &Actor, action: Action) -> Result<(), Error> {
    if action == Action::Administer && !matches!(actor.via, Via::Mcp(_)) {
        return administer(actor.role);
    }
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

fn administer(role: UserRole) -> Result<(), Error> {
    match role {
        UserRole::Owner | UserRole::Admin => Ok(()),
        UserRole::Member | UserRole::Viewer => {
            Err(Error::new(ErrorCode::Forbidden, "only the owner and admins may do this")
                .hint("ask one of them: `grove user ls` shows who they are"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use grove_core_api::rest::grants::TokenScope;
    use grove_core_api::{SessionId, UserId};
    use uuid::Uuid;

    #[test]
    fn an_agent_cannot_approve_what_it_asked_for() {
        // Not even the owner's agent may.
        for action in [Action::AnswerPermissions, Action::Administer, Action::SignIn] {
            let refused =
                authorize(&actor(Via::Mcp(SessionId(Uuid::nil())), UserRole::Owner), action);
            assert_eq!(refused.map_err(|it| it.code()), Err(ErrorCode::Forbidden));
        }
    }

    #[test]
    fn only_owner_and_admins_administer() {
        let may = |role| authorize(&actor(Via::Cli, role), Action::Administer).is_ok();
        assert!(may(UserRole::Owner) && may(UserRole::Admin) && !may(UserRole::Member));
        // What Grove does by itself is never administration.
        assert!(authorize(&actor(Via::System, UserRole::Member), Action::Administer).is_err());
    }

    fn actor(via: Via, role: UserRole) -> Actor {
        Actor { user: UserId(Uuid::nil()), via, role, scope: TokenScope::Full }
    }
}

//! Who may do what: for each action the least role, the least scope of the credential, the least right
//! on the board that it concerns, and whether agents may do it at all. Deny by default.
//!
//! Which right somebody has is in `grants`; services ask [`Ctx::authorize`] for what concerns the
//! instance, and [`Ctx::on_board`] and its kin for what lies on a board.
//!
//! [`Ctx::authorize`]: crate::context::Ctx::authorize
//! [`Ctx::on_board`]: crate::context::Ctx::on_board

use crate::context::{Actor, Via};
use crate::error::Error;
use grove_core_api::ErrorCode;
use grove_core_api::rest::grants::{BoardRight, TokenScope};
use grove_core_api::rest::users::UserRole;

/// What an action needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Rule {
    /// Least role on the instance.
    pub(crate) role: UserRole,
    /// Least scope of the credential.
    pub(crate) scope: TokenScope,
    /// Least right on the board; absent: it concerns the instance.
    pub(crate) right: Option<BoardRight>,
    /// Whether an agent may do it with its session token.
    pub(crate) agents: bool,
}

macro_rules! actions {
    ($($(#[$doc:meta])* $name:ident: $role:ident, $scope:ident, $right:expr, $agents:literal;)*) => {
        /// Something that one may or may not do.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum Action {
            $($(#[$doc])* $name,)*
        }

        impl Action {
            /// What it needs.
            pub(crate) const fn rule(self) -> Rule {
                let (role, scope, right, agents) = match self {
                    $(Self::$name => (UserRole::$role, TokenScope::$scope, $right, $agents),)*
                };
                Rule { role, scope, right, agents }
            }

            /// Every action.
            #[cfg(test)]
            pub(crate) const ALL: &'static [Self] = &[$(Self::$name,)*];
        }
    };
}

const VIEW: Option<BoardRight> = Some(BoardRight::View);
const COMMENT: Option<BoardRight> = Some(BoardRight::Comment);
const PROMPT: Option<BoardRight> = Some(BoardRight::Prompt);
const STEER: Option<BoardRight> = Some(BoardRight::Steer);
const ADMIN: Option<BoardRight> = Some(BoardRight::Admin);

actions! {
    /// Reads what everybody on the instance may read: people, groups, repositories, agents.
    Read: Viewer, Read, None, true;
    /// Makes boards.
    MakeBoards: Member, Work, None, false;
    /// Registers repositories and fetches them; changes those that one registered.
    EditRepos: Member, Work, None, false;
    /// Changes one's own user.
    EditOwnUser: Viewer, Work, None, true;
    /// Puts away what waits for oneself.
    EditOwnInbox: Viewer, Work, None, false;
    /// Signs in and makes tokens.
    SignIn: Viewer, Full, None, false;
    /// Runs the instance: adds and retires people, makes tokens for them, changes roles and groups,
    /// reads and verifies the audit.
    Administer: Admin, Full, None, false;
    /// Hands the instance over.
    HandOver: Owner, Full, None, false;

    /// Reads a board and everything on it.
    ReadBoard: Viewer, Read, VIEW, true;
    /// Keeps how oneself looks at a board.
    KeepView: Viewer, Work, VIEW, false;
    /// Writes comments, changes one's own, resolves threads.
    Comment: Viewer, Work, COMMENT, false;
    /// Puts, changes and removes objects of a board, writes its documents, sends pictures.
    EditBoards: Viewer, Work, PROMPT, false;
    /// Makes sessions, renames and archives those that one made.
    EditSessions: Viewer, Work, PROMPT, false;
    /// Prompts sessions and writes drafts; stops what runs for oneself.
    PromptSessions: Viewer, Work, PROMPT, false;
    /// Makes children of a session.
    SpawnSessions: Viewer, Work, PROMPT, true;
    /// Makes worktrees and changes their notes and links.
    EditWorktrees: Viewer, Work, PROMPT, true;
    /// Removes to the trash what one made.
    RemoveWorktrees: Viewer, Work, PROMPT, false;
    /// Answers requests for permission of one's own turns.
    AnswerPermissions: Viewer, Work, PROMPT, false;
    /// Stops, answers, renames, archives and removes what others do and made.
    SteerOthers: Viewer, Work, STEER, false;
    /// Restarts executors.
    RestartExecutors: Viewer, Work, STEER, false;
    /// Publishes the branch of a worktree.
    PublishBranches: Viewer, Work, STEER, false;
    /// Renames, archives and shares a board.
    AdministerBoard: Viewer, Work, ADMIN, false;
}

/// Fails unless role, credential and way in permit the action; rights on a board are asked apart.
///
/// # Errors
/// `Forbidden`, naming what was refused and who can help.
pub(crate) fn authorize(actor: &Actor, action: Action) -> Result<(), Error> {
    let rule = action.rule();
    match actor.via {
        // What Grove does by itself is never administration.
        Via::System if matches!(rule.role, UserRole::Owner | UserRole::Admin) => {
            return Err(not_for(rule.role));
        }
        Via::System => return Ok(()),
        // An agent works and delegates; it never approves, signs in or removes.
        Via::Mcp(_) if !rule.agents => {
            let detail = format!("an agent may not do this ({action:?})");
            return Err(Error::new(ErrorCode::Forbidden, detail).hint("a person has to do it"));
        }
        Via::Mcp(_) | Via::Web | Via::Cli | Via::Api => {}
    }
    if !actor.role.holds(rule.role) {
        return Err(not_for(rule.role));
    }
    if actor.scope < rule.scope {
        let (has, needs) = (actor.scope.name(), rule.scope.name());
        let detail = format!("the token has the scope `{has}`; this needs `{needs}`");
        return Err(Error::new(ErrorCode::Forbidden, detail)
            .hint("use a token with that scope, or sign in"));
    }
    Ok(())
}

fn not_for(least: UserRole) -> Error {
    let (detail, hint) = match least {
        UserRole::Owner => {
            ("only the owner of the instance may do this", "`grove user ls` shows who it is")
        }
        UserRole::Admin => (
            "only the owner and admins may do this",
            "ask one of them: `grove user ls` shows who they are",
        ),
        UserRole::Member | UserRole::Viewer => (
            "viewers of this instance look and do nothing else",
            "an admin can make you a member: `grove user ls` shows who they are",
        ),
    };
    Error::new(ErrorCode::Forbidden, detail).hint(hint)
}

#[cfg(test)]
mod tests {
    use super::*;
    use grove_core_api::{SessionId, UserId};
    use uuid::Uuid;

    const AGENT: Via = Via::Mcp(SessionId(Uuid::nil()));

    #[test]
    fn an_agent_cannot_approve_what_it_asked_for() {
        // Not even the owner's agent may.
        for action in [Action::AnswerPermissions, Action::Administer, Action::SignIn] {
            let refused = authorize(&actor(AGENT, UserRole::Owner), action);
            assert_eq!(refused.map_err(|it| it.code()), Err(ErrorCode::Forbidden));
        }
    }

    #[test]
    fn an_agent_works_and_delegates_and_nothing_else() {
        let permitted: Vec<_> = Action::ALL
            .iter()
            .copied()
            .filter(|it| authorize(&actor(AGENT, UserRole::Owner), *it).is_ok())
            .collect();
        assert_eq!(
            permitted,
            [
                Action::Read,
                Action::EditOwnUser,
                Action::ReadBoard,
                Action::SpawnSessions,
                Action::EditWorktrees,
            ]
        );
    }

    #[test]
    fn only_owner_and_admins_administer() {
        let may = |role| authorize(&actor(Via::Cli, role), Action::Administer).is_ok();
        assert!(may(UserRole::Owner) && may(UserRole::Admin));
        assert!(!may(UserRole::Member) && !may(UserRole::Viewer));
        // What Grove does by itself is never administration.
        for action in [Action::Administer, Action::HandOver] {
            assert!(authorize(&actor(Via::System, UserRole::Member), action).is_err());
        }
        assert!(authorize(&actor(Via::System, UserRole::Member), Action::EditRepos).is_ok());
    }

    #[test]
    fn a_token_does_what_its_scope_says() {
        let may = |scope, action| {
            let actor = Actor { scope, ..actor(Via::Api, UserRole::Owner) };
            authorize(&actor, action).is_ok()
        };
        assert!(may(TokenScope::Read, Action::ReadBoard));
        assert!(!may(TokenScope::Read, Action::Comment));
        assert!(may(TokenScope::Work, Action::PromptSessions));
        assert!(!may(TokenScope::Work, Action::SignIn));
        assert!(!may(TokenScope::Work, Action::Administer));
        assert!(may(TokenScope::Full, Action::HandOver));
    }

    #[test]
    fn whatever_changes_something_needs_more_than_reading() {
        for action in Action::ALL {
            let rule = action.rule();
            let is_reading = matches!(action, Action::Read | Action::ReadBoard);
            assert_eq!(rule.scope == TokenScope::Read, is_reading, "{action:?}");
        }
    }

    fn actor(via: Via, role: UserRole) -> Actor {
        Actor { user: UserId(Uuid::nil()), via, role, scope: TokenScope::Full }
    }
}

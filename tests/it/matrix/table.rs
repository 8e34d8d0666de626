//! THE table: what each operation, frame and tool needs.
//!
//! Everything on a board is asked of one private board and of what lies on it, made by its owner Olga.

use grove_core_api::rest::grants::BoardRight::{self, Admin, Comment, Prompt, Steer, View};
use grove_core_api::rest::grants::TokenScope;
use grove_core_api::rest::users::UserRole;

/// What is needed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Need {
    pub(super) role: UserRole,
    pub(super) scope: TokenScope,
    pub(super) agents: bool,
    pub(super) right: Option<BoardRight>,
    /// Whose own business it is, whatever the role.
    pub(super) own: Option<&'static str>,
}

const fn of(role: UserRole, scope: TokenScope, agents: bool) -> Need {
    Need { role, scope, agents, right: None, own: None }
}

const fn on(right: BoardRight, agents: bool) -> Need {
    let scope = match right {
        View => TokenScope::Read,
        Comment | Prompt | Steer | Admin => TokenScope::Work,
    };
    Need { right: Some(right), ..of(UserRole::Viewer, scope, agents) }
}

/// Reads what everybody on the instance may read.
const READ: Need = of(UserRole::Viewer, TokenScope::Read, true);
const MEMBER: Need = of(UserRole::Member, TokenScope::Work, false);
const ADMIN: Need = of(UserRole::Admin, TokenScope::Full, false);
const OWNER: Need = of(UserRole::Owner, TokenScope::Full, false);
/// Oneself: sign-in and tokens.
const SELF: Need = of(UserRole::Viewer, TokenScope::Full, false);
const OLGAS: Need = Need { own: Some("olga"), ..ADMIN };
const SEE: Need = on(View, true);
const KEEP: Need = Need { scope: TokenScope::Work, agents: false, ..SEE };

pub(super) const OPERATIONS: &[(&str, Need)] = &[
    ("POST /access-tokens", SELF),
    ("GET /audit", ADMIN),
    ("GET /audit/verify", ADMIN),
    ("GET /boards", READ),
    ("POST /boards", MEMBER),
    ("GET /boards/{id}", SEE),
    ("PATCH /boards/{id}", on(Admin, false)),
    ("GET /boards/{id}/at", SEE),
    ("GET /boards/{id}/events", SEE),
    ("GET /boards/{id}/grants", SEE),
    ("PUT /boards/{id}/grants/{subject}", on(Admin, false)),
    ("DELETE /boards/{id}/grants/{subject}", on(Admin, false)),
    ("POST /boards/{id}/images", on(Prompt, false)),
    ("GET /boards/{id}/images/{image}", SEE),
    ("GET /boards/{id}/objects", SEE),
    ("POST /boards/{id}/objects", on(Prompt, false)),
    ("GET /boards/{id}/objects/{object_id}", SEE),
    ("DELETE /boards/{id}/objects/{object_id}", on(Prompt, false)),
    ("PATCH /boards/{id}/objects/{object_id}", on(Prompt, false)),
    ("GET /boards/{id}/rights", SEE),
    ("GET /boards/{id}/snapshot", SEE),
    ("GET /boards/{id}/view", SEE),
    ("PUT /boards/{id}/view", KEEP),
    ("GET /comments", READ),
    ("POST /comments", on(Comment, false)),
    ("GET /comments/{id}", SEE),
    // Words are their author's: only admins of the board remove those of others.
    ("DELETE /comments/{id}", on(Admin, false)),
    ("PATCH /comments/{id}", on(Comment, false)),
    ("GET /docs/{id}", SEE),
    ("GET /executors", READ),
    ("GET /executors/{id}", SEE),
    ("POST /executors/{id}/restart", on(Steer, false)),
    ("GET /groups", READ),
    ("POST /groups", ADMIN),
    ("GET /groups/{id}", READ),
    ("PATCH /groups/{id}", ADMIN),
    ("DELETE /groups/{id}", ADMIN),
    ("PUT /groups/{id}/members/{user}", ADMIN),
    ("DELETE /groups/{id}/members/{user}", ADMIN),
    ("GET /instance", READ),
    ("POST /login-sessions", SELF),
    ("GET /login-sessions/current", READ),
    ("GET /repos", READ),
    ("POST /repos", MEMBER),
    ("GET /repos/{id}", READ),
    // The repository was registered by the owner of the instance.
    ("PATCH /repos/{id}", of(UserRole::Admin, TokenScope::Work, false)),
    ("GET /repos/{id}/branches", READ),
    ("POST /repos/{id}/fetch", MEMBER),
    ("GET /sessions", READ),
    ("POST /sessions", on(Prompt, false)),
    ("GET /sessions/{id}", SEE),
    // Made by Olga: others rename and remove it when they steer.
    ("DELETE /sessions/{id}", on(Steer, false)),
    ("PATCH /sessions/{id}", on(Steer, false)),
    ("GET /sessions/{id}/diff", SEE),
    ("GET /sessions/{id}/events", SEE),
    ("POST /sessions/{id}/interrupt", on(Prompt, false)),
    ("GET /sessions/{id}/messages", SEE),
    ("POST /sessions/{id}/permissions/{permission_id}", on(Prompt, false)),
    ("POST /sessions/{id}/prompt", on(Prompt, false)),
    ("GET /sessions/{id}/result", SEE),
    ("GET /sessions/{id}/snapshot", SEE),
    ("POST /sessions/{id}/spawn", on(Prompt, true)),
    ("POST /sessions/{id}/stop", on(Prompt, false)),
    ("GET /tasks", READ),
    ("GET /tasks/{id}", SEE),
    ("GET /tasks/{id}/messages", SEE),
    ("GET /users", READ),
    ("POST /users", ADMIN),
    ("GET /users/me", READ),
    ("PATCH /users/me", of(UserRole::Viewer, TokenScope::Work, true)),
    ("GET /users/me/inbox", READ),
    ("DELETE /users/me/mentions/{id}", of(UserRole::Viewer, TokenScope::Work, false)),
    ("GET /users/{id}", READ),
    ("DELETE /users/{id}", ADMIN),
    ("PATCH /users/{id}", ADMIN),
    ("POST /users/{id}/owner", OWNER),
    ("GET /users/{id}/tokens", OLGAS),
    ("POST /users/{id}/tokens", OLGAS),
    ("DELETE /users/{id}/tokens/{token_id}", OLGAS),
    ("GET /worktrees", READ),
    ("POST /worktrees", on(Prompt, true)),
    ("GET /worktrees/{id}", SEE),
    ("DELETE /worktrees/{id}", on(Steer, false)),
    ("PATCH /worktrees/{id}", on(Prompt, true)),
    ("GET /worktrees/{id}/diff", SEE),
    ("POST /worktrees/{id}/publish", on(Steer, false)),
    // Last of all: who has signed out is somebody else.
    ("DELETE /login-sessions/current", SELF),
];

pub(super) const FRAMES: &[(&str, Need)] = &[
    ("hello", READ),
    ("ping", READ),
    ("sub user", READ),
    ("sub board", SEE),
    ("sub session", SEE),
    ("sub doc", SEE),
    ("mut comment", on(Comment, false)),
    ("mut note", on(Prompt, false)),
    ("pres board", SEE),
    ("unsub", READ),
];

pub(super) const TOOLS: &[(&str, Need)] = &[
    ("grove_boards_get", SEE),
    ("grove_boards_list", READ),
    ("grove_sessions_get", SEE),
    // Only agents have a session; others are told so.
    ("grove_sessions_get_current", READ),
    ("grove_sessions_list", READ),
    ("grove_sessions_spawn", on(Prompt, true)),
    ("grove_tasks_get", SEE),
    ("grove_tasks_list", READ),
    ("grove_users_get", READ),
    ("grove_users_get_current", READ),
    ("grove_users_list", READ),
    ("grove_users_update_current", of(UserRole::Viewer, TokenScope::Work, true)),
    // On the board of the agent's session, or the oldest on which one may.
    ("grove_worktrees_create", of(UserRole::Member, TokenScope::Work, true)),
    ("grove_worktrees_get", SEE),
    ("grove_worktrees_list", READ),
    ("grove_worktrees_update", on(Prompt, true)),
];

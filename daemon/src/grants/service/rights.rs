//! The rights that were computed lately, and the question that every service asks.
//!
//! A right is kept until any right changes: each change raises the epoch of this daemon, and what was
//! read before it counts no more. Where there are other daemons it is kept for `RIGHTS_AGE_MS` at the
//! most, so that a message that got lost does no lasting harm.

use crate::auth::policy::{self, Action};
use crate::context::{Ctx, Via};
use crate::error::Error;
use crate::grants::model::{self, Means};
use crate::grants::store;
use crate::{boards, sessions, users};
use grove_core_api::rest::grants::{BoardRight, MissingRight, RightCap, TokenScope};
use grove_core_api::{BoardId, ErrorCode, SessionId, UserId, limits};
use sea_orm::ConnectionTrait;
use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// Rights of people on boards, as they are in person.
#[derive(Debug, Default)]
pub(crate) struct Rights {
    epoch: AtomicU64,
    kept: Mutex<HashMap<(UserId, BoardId), Kept>>,
    /// Whether other daemons change rights as well.
    has_others: bool,
}

#[derive(Clone, Copy, Debug)]
struct Kept {
    right: Option<BoardRight>,
    epoch: u64,
    read_at: Instant,
}

impl Rights {
    pub(crate) fn new(has_others: bool) -> Self {
        Self { has_others, ..Self::default() }
    }

    /// Everything that was read before is worth nothing any more.
    pub(crate) fn raise(&self) {
        self.epoch.fetch_add(1, Ordering::AcqRel);
        self.lock().clear();
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<(UserId, BoardId), Kept>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn known(&self, key: (UserId, BoardId)) -> Option<Kept> {
        let kept = self.lock().get(&key).copied()?;
        let is_fresh = kept.epoch == self.epoch.load(Ordering::Acquire);
        let age = Duration::from_millis(limits::RIGHTS_AGE_MS);
        (is_fresh && !(self.has_others && kept.read_at.elapsed() >= age)).then_some(kept)
    }

    /// What a person may do on a board in person; `None`: it does not exist for them.
    pub(crate) async fn of(
        &self,
        connection: &impl ConnectionTrait,
        person: UserId,
        board: BoardId,
    ) -> Result<Option<BoardRight>, Error> {
        let key = (person, board);
        if let Some(kept) = self.known(key) {
            return Ok(kept.right);
        }
        // Noted before it is read: a change in between makes it worthless.
        let epoch = self.epoch.load(Ordering::Acquire);
        let right = right_of(connection, person, board).await?;
        let mut kept = self.lock();
        if kept.len() >= limits::RIGHTS_KEPT {
            kept.clear();
        }
        kept.insert(key, Kept { right, epoch, read_at: Instant::now() });
        Ok(right)
    }
}

/// What a person may do on a board in person, read from the database.
pub(crate) async fn right_of(
    connection: &impl ConnectionTrait,
    person: UserId,
    board: BoardId,
) -> Result<Option<BoardRight>, Error> {
    let facts = store::facts_of(connection, person, board).await?;
    Ok(facts.and_then(|facts| model::right(&facts)))
}

/// A right that somebody was found to have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Held {
    /// The board.
    pub(crate) board: BoardId,
    /// What may be done there.
    pub(crate) right: BoardRight,
    /// What lowered it, when something did.
    cap: Option<RightCap>,
}

impl Held {
    /// Whether it is enough.
    pub(crate) fn is_enough(self, action: Action) -> bool {
        action.rule().right.is_none_or(|need| self.right >= need)
    }

    /// Fails unless it is enough.
    ///
    /// # Errors
    /// `Forbidden` with the right that is missing, and who can give it.
    pub(crate) async fn require(
        self,
        connection: &impl ConnectionTrait,
        action: Action,
    ) -> Result<(), Error> {
        match action.rule().right {
            Some(need) if self.right < need => Err(self.lacks(connection, need).await?),
            _ => Ok(()),
        }
    }

    async fn lacks(
        self,
        connection: &impl ConnectionTrait,
        need: BoardRight,
    ) -> Result<Error, Error> {
        let board = boards::service::load(connection, self.board).await?;
        let givers = givers(connection, board.id, board.owner).await?;
        let mut names = Vec::new();
        for id in givers {
            names.push(users::service::load(connection, id).await?.name);
        }
        let (have, need_name) = (self.right.name(), need.name());
        let detail =
            format!("this needs `{need_name}` on the board `{}`; you have `{have}`", board.name);
        let hint = match self.cap {
            Some(RightCap::ViewerRole) => {
                "viewers of this instance look and do nothing else; an admin can make you a member"
                    .to_owned()
            }
            Some(RightCap::TokenScope) => "use a token with a wider scope, or sign in".to_owned(),
            Some(RightCap::Agent) => "a person has to do it".to_owned(),
            Some(RightCap::Retired) | None => {
                format!("ask who can give it: {}", names.join(", "))
            }
        };
        let missing = MissingRight { board_id: board.id, have: self.right, need, givers: names };
        Ok(Error::new(ErrorCode::Forbidden, detail).hint(hint).missing(missing))
    }
}

/// Who can give rights on a board.
pub(super) async fn givers(
    connection: &impl ConnectionTrait,
    board: BoardId,
    owner: UserId,
) -> Result<Vec<UserId>, Error> {
    let most = limits::RIGHT_GIVERS;
    let admins = store::admins(connection, board, u64::try_from(most).unwrap_or(u64::MAX)).await?;
    Ok(model::givers(owner, &admins, most))
}

/// What the caller may do on a board; `None`: it does not exist for them.
pub(crate) async fn held(ctx: &Ctx, board: BoardId) -> Result<Option<Held>, Error> {
    if ctx.actor.via == Via::System {
        return Ok(Some(Held { board, right: BoardRight::Admin, cap: None }));
    }
    let in_person = ctx.app.rights.of(ctx.read(), ctx.actor.user, board).await?;
    let Some(in_person) = in_person else { return Ok(None) };
    let agent = match ctx.actor.session() {
        Some(session) => {
            let own = sessions::service::board_of(ctx.read(), session).await?;
            Some(own == Some(board))
        }
        None => None,
    };
    let (right, mut cap) = lowered(in_person, Means { scope: ctx.actor.scope, agent });
    if cap.is_none() && right == BoardRight::View && is_viewer(ctx) {
        cap = Some(RightCap::ViewerRole);
    }
    Ok(Some(Held { board, right, cap }))
}

fn is_viewer(ctx: &Ctx) -> bool {
    ctx.actor.role == grove_core_api::rest::users::UserRole::Viewer
}

/// The right under the limits of what somebody acts through, and the limit that counts.
fn lowered(in_person: BoardRight, means: Means) -> (BoardRight, Option<RightCap>) {
    let scope = match means.scope {
        TokenScope::Read => BoardRight::View,
        TokenScope::Work => BoardRight::Steer,
        TokenScope::Full => BoardRight::Admin,
    };
    let agent = match means.agent {
        Some(true) => BoardRight::Prompt,
        Some(false) => BoardRight::View,
        None => BoardRight::Admin,
    };
    let right = in_person.min(scope).min(agent);
    let cap = if right == in_person {
        None
    } else if agent <= scope {
        Some(RightCap::Agent)
    } else {
        Some(RightCap::TokenScope)
    };
    (right, cap)
}

impl Ctx {
    /// What the caller may do on a board, when that is enough.
    ///
    /// # Errors
    /// `NotFound` when the caller does not see the board, `Forbidden` when the right is too low.
    pub(crate) async fn on_board(&self, action: Action, board: BoardId) -> Result<Held, Error> {
        self.on_place(action, board, || Error::not_found(BoardId::NOUN, board)).await
    }

    /// The same for what belongs to the board of a session.
    ///
    /// # Errors
    /// As [`Ctx::on_board`]; `NotFound` names the session.
    pub(crate) async fn on_session(&self, action: Action, id: SessionId) -> Result<Held, Error> {
        let unseen = || Error::not_found(SessionId::NOUN, id);
        let board = sessions::service::board_of(self.read(), id).await?.ok_or_else(unseen)?;
        self.on_place(action, board, unseen).await
    }

    /// The same for anything on a board; `unseen` says that it is not there.
    ///
    /// # Errors
    /// As [`Ctx::on_board`].
    pub(crate) async fn on_place(
        &self,
        action: Action,
        board: BoardId,
        unseen: impl Fn() -> Error,
    ) -> Result<Held, Error> {
        // Who does not see it learns nothing else either, not even that the credential is too weak.
        let held = held(self, board).await?.ok_or_else(unseen)?;
        policy::authorize(&self.actor, action)?;
        held.require(self.read(), action).await?;
        Ok(held)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grants::model::{Facts, judge};
    use grove_core_api::rest::grants::BoardVisibility;
    use grove_core_api::rest::users::UserRole;

    #[test]
    fn what_is_lowered_from_a_kept_right_is_what_follows_from_the_facts() {
        for members_right in BoardRight::ALL {
            let facts = Facts {
                role: UserRole::Member,
                is_retired: false,
                is_owner: false,
                visibility: BoardVisibility::Members,
                members_right: *members_right,
                grants: Vec::new(),
            };
            for scope in TokenScope::ALL {
                for agent in [None, Some(false), Some(true)] {
                    let means = Means { scope: *scope, agent };
                    let (right, cap) = lowered(*members_right, means);
                    let verdict = judge(&facts, means);
                    assert_eq!(Some(right), verdict.right);
                    assert_eq!(cap.is_some(), !verdict.limits.is_empty());
                }
            }
        }
    }
}

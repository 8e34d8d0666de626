//! Who may do what on which boards, of many people at once: for telling them of a change.

use crate::boards;
use crate::context::Tx;
use crate::error::Error;
use crate::grants::{model, store};
use crate::{clock, notices, settings};
use grove_core_api::rest::boards::Board;
use grove_core_api::rest::grants::BoardRight;
use grove_core_api::{BoardId, UserId, limits};
use sea_orm::ConnectionTrait;
use std::collections::BTreeMap;
use uuid::Uuid;

/// Setting that is new after each change of rights, for daemons that missed the message.
pub(super) const MARK: &str = "rights.mark";

/// Rights on some boards at a moment.
#[derive(Clone, Debug, Default)]
pub(crate) struct Standing {
    pub(crate) boards: BTreeMap<BoardId, Board>,
    /// Only those who have a right.
    pub(crate) rights: BTreeMap<(UserId, BoardId), BoardRight>,
}

/// The rights of everybody (at most `USER_TOPICS` people), or of one person, on some boards.
pub(crate) async fn standing(
    connection: &impl ConnectionTrait,
    boards: &[BoardId],
    person: Option<UserId>,
) -> Result<Standing, Error> {
    let facts = store::table(connection, boards, person, limits::USER_TOPICS).await?;
    let rights = facts
        .iter()
        .filter_map(|(key, facts)| model::right(facts).map(|right| (*key, right)))
        .collect();
    let boards = boards::service::all_of(connection, boards).await?;
    Ok(Standing { boards: boards.into_iter().map(|it| (it.id, it)).collect(), rights })
}

/// Everybody who sees a board.
pub(crate) async fn people_on(
    connection: &impl ConnectionTrait,
    board: BoardId,
) -> Result<Vec<UserId>, Error> {
    let standing = standing(connection, &[board], None).await?;
    Ok(standing.rights.into_keys().map(|(person, _)| person).collect())
}

/// Whose rights a change may touch: on which boards, and of one person or of everybody.
#[derive(Clone, Debug)]
pub(crate) struct Reach {
    pub(crate) boards: Vec<BoardId>,
    pub(crate) person: Option<UserId>,
}

impl Reach {
    /// Everybody on one board.
    pub(crate) fn board(board: BoardId) -> Self {
        Self { boards: vec![board], person: None }
    }

    /// One person on the newest boards.
    pub(crate) async fn person(
        connection: &impl ConnectionTrait,
        person: UserId,
    ) -> Result<Self, Error> {
        let boards = boards::service::newest(connection, limits::USER_BOARDS).await?;
        let boards = boards.into_iter().map(|it| it.id).collect();
        Ok(Self { boards, person: Some(person) })
    }

    /// One person, or everybody, on the boards that were given to a group.
    pub(crate) async fn group(
        connection: &impl ConnectionTrait,
        group: Uuid,
        person: Option<UserId>,
    ) -> Result<Self, Error> {
        Ok(Self { boards: store::boards_of(connection, group).await?, person })
    }

    /// How it stands now.
    pub(crate) async fn look(&self, tx: &Tx<'_>) -> Result<Standing, Error> {
        standing(tx.connection(), &self.boards, self.person).await
    }

    /// Tells people what changed for them since `before`, and marks the change for other daemons.
    pub(crate) async fn tell(&self, tx: &Tx<'_>, before: Standing) -> Result<(), Error> {
        let after = self.look(tx).await?;
        notices::service::standing_changed(tx, &before, &after).await?;
        let mark: Uuid = clock::fresh_id();
        settings::service::put(tx.connection(), MARK, &mark).await
    }
}

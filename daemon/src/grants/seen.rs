//! Which boards somebody sees, as a condition for queries of lists.
//!
//! Every reason for a right gives at least `view`, so that a list asks only whether there is one.

use crate::db::entity::{board, board_grant, group_member, session};
use grove_core_api::UserId;
use grove_core_api::rest::grants::BoardVisibility;
use grove_core_api::rest::users::UserRole;
use sea_orm::sea_query::{ExprTrait, SelectStatement};
use sea_orm::{ColumnTrait, Condition, EntityTrait, QueryFilter, QuerySelect, QueryTrait};

/// What of the instance somebody sees.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Seen {
    /// Every board.
    All,
    /// The boards on which this person has a right.
    By(UserId),
}

impl Seen {
    /// What a person of a role sees.
    pub(crate) const fn of(user: UserId, role: UserRole) -> Self {
        match role {
            UserRole::Owner | UserRole::Admin => Self::All,
            UserRole::Member | UserRole::Viewer => Self::By(user),
        }
    }

    /// The condition on a column that holds a board's id.
    pub(crate) fn boards(self, column: impl ColumnTrait) -> Condition {
        match self {
            Self::All => Condition::all(),
            Self::By(user) => Condition::all().add(column.in_subquery(boards_of(user))),
        }
    }

    /// The condition on a column that holds a session's id.
    pub(crate) fn sessions(self, column: impl ColumnTrait) -> Condition {
        match self {
            Self::All => Condition::all(),
            Self::By(user) => Condition::all().add(column.in_subquery(sessions_of(user))),
        }
    }

    /// The condition on two columns of which one holds the id of a board, or the other that of a
    /// session.
    pub(crate) fn boards_or_sessions(
        self,
        board: impl ColumnTrait,
        session: impl ColumnTrait,
    ) -> Condition {
        match self {
            Self::All => Condition::all(),
            Self::By(_) => Condition::any().add(self.boards(board)).add(self.sessions(session)),
        }
    }

    /// The condition on things that may belong to no board: then whoever made them sees them.
    pub(crate) fn boards_or_own(
        self,
        board: impl ColumnTrait,
        created_by: impl ColumnTrait,
    ) -> Condition {
        match self {
            Self::All => Condition::all(),
            Self::By(user) => {
                let own = Condition::all().add(board.is_null()).add(created_by.eq(user.0));
                Condition::any().add(self.boards(board)).add(own)
            }
        }
    }
}

fn groups_of(user: UserId) -> SelectStatement {
    group_member::Entity::find()
        .select_only()
        .column(group_member::Column::GroupId)
        .filter(group_member::Column::UserId.eq(user.0))
        .into_query()
}

fn granted_to(user: UserId) -> SelectStatement {
    let is_theirs = Condition::any()
        .add(board_grant::Column::SubjectId.eq(user.0))
        .add(board_grant::Column::SubjectId.in_subquery(groups_of(user)));
    board_grant::Entity::find()
        .select_only()
        .column(board_grant::Column::BoardId)
        .filter(is_theirs)
        .into_query()
}

fn boards_of(user: UserId) -> SelectStatement {
    let is_old_and_theirs =
        board::Column::OwnerId.is_null().and(board::Column::CreatedBy.eq(user.0));
    let has_right = Condition::any()
        .add(board::Column::Visibility.eq(BoardVisibility::Members.name()))
        .add(board::Column::OwnerId.eq(user.0))
        .add(is_old_and_theirs)
        .add(board::Column::Id.in_subquery(granted_to(user)));
    board::Entity::find().select_only().column(board::Column::Id).filter(has_right).into_query()
}

fn sessions_of(user: UserId) -> SelectStatement {
    session::Entity::find()
        .select_only()
        .column(session::Column::Id)
        .filter(session::Column::BoardId.in_subquery(boards_of(user)))
        .into_query()
}

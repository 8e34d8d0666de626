//! Rows of grants, and the facts that rights follow from.

use super::model::{Facts, Granted};
use crate::db::entity::{board, board_grant, group_member, user, user_group};
use crate::error::Error;
use grove_core_api::rest::grants::{BoardGrant, BoardRight, BoardVisibility, SubjectKind};
use grove_core_api::rest::users::UserRole;
use grove_core_api::{BoardId, GroupId, UserId};
use sea_orm::{
    ActiveValue::Set, ColumnTrait, Condition, ConnectionTrait, EntityTrait, PaginatorTrait,
    QueryFilter, QueryOrder, QuerySelect,
};
use std::collections::{BTreeMap, HashMap};
use uuid::Uuid;

fn role_of(name: &str) -> Result<UserRole, Error> {
    UserRole::ALL
        .into_iter()
        .find(|role| role.name() == name)
        .ok_or_else(|| Error::internal(format!("unknown role of a person: {name}")))
}

fn right_of(name: &str) -> Result<BoardRight, Error> {
    BoardRight::named(name).ok_or_else(|| Error::internal(format!("unknown right: {name}")))
}

fn facts(person: &user::Model, board: &board::Model, grants: Vec<Granted>) -> Result<Facts, Error> {
    Ok(Facts {
        role: role_of(&person.role)?,
        is_retired: person.retired_at_ms.is_some(),
        is_owner: board.owner_id.unwrap_or(board.created_by) == person.id,
        visibility: BoardVisibility::named(&board.visibility).unwrap_or(BoardVisibility::Private),
        members_right: BoardRight::named(&board.members_right).unwrap_or(BoardRight::View),
        grants,
    })
}

/// What somebody's right on a board follows from; `None` when there is no such person or board.
pub(super) async fn facts_of(
    connection: &impl ConnectionTrait,
    person: UserId,
    id: BoardId,
) -> Result<Option<Facts>, Error> {
    let Some(board) = board::Entity::find_by_id(id.0).one(connection).await? else {
        return Ok(None);
    };
    let Some(person) = user::Entity::find_by_id(person.0).one(connection).await? else {
        return Ok(None);
    };
    let groups = group_member::Entity::find()
        .filter(group_member::Column::UserId.eq(person.id))
        .all(connection)
        .await?;
    let subjects = groups.iter().map(|it| it.group_id).chain([person.id]);
    let rows = board_grant::Entity::find()
        .filter(board_grant::Column::BoardId.eq(id.0))
        .filter(board_grant::Column::SubjectId.is_in(subjects))
        .order_by_asc(board_grant::Column::SubjectId)
        .all(connection)
        .await?;
    let names = group_names(connection, &rows).await?;
    let grants = rows.iter().map(|row| granted(row, &names)).collect::<Result<_, Error>>()?;
    facts(&person, &board, grants).map(Some)
}

async fn group_names(
    connection: &impl ConnectionTrait,
    rows: &[board_grant::Model],
) -> Result<HashMap<Uuid, String>, Error> {
    let group = SubjectKind::Group.name();
    let ids: Vec<Uuid> =
        rows.iter().filter(|row| row.subject_kind == group).map(|row| row.subject_id).collect();
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let found = user_group::Entity::find()
        .filter(user_group::Column::Id.is_in(ids))
        .all(connection)
        .await?;
    Ok(found.into_iter().map(|row| (row.id, row.name)).collect())
}

fn granted(row: &board_grant::Model, names: &HashMap<Uuid, String>) -> Result<Granted, Error> {
    let is_group = row.subject_kind == SubjectKind::Group.name();
    let name = || names.get(&row.subject_id).cloned().unwrap_or_default();
    let group = is_group.then(|| (GroupId(row.subject_id), name()));
    Ok(Granted { right: right_of(&row.board_right)?, group })
}

/// Facts of many people on many boards, read at once.
pub(super) async fn table(
    connection: &impl ConnectionTrait,
    boards: &[BoardId],
    person: Option<UserId>,
    most: u64,
) -> Result<BTreeMap<(UserId, BoardId), Facts>, Error> {
    let boards = board::Entity::find()
        .filter(board::Column::Id.is_in(boards.iter().map(|it| it.0)))
        .all(connection)
        .await?;
    let people = match person {
        Some(person) => user::Entity::find_by_id(person.0).all(connection).await?,
        None => {
            user::Entity::find()
                .filter(user::Column::RetiredAtMs.is_null())
                .order_by_desc(user::Column::Id)
                .limit(most)
                .all(connection)
                .await?
        }
    };
    let rows = board_grant::Entity::find()
        .filter(board_grant::Column::BoardId.is_in(boards.iter().map(|it| it.id)))
        .all(connection)
        .await?;
    let members = members_of(connection, &rows).await?;
    let mut grants: HashMap<(Uuid, Uuid), Vec<Granted>> = HashMap::new();
    for row in &rows {
        let it = granted(row, &HashMap::new())?;
        let own = [row.subject_id];
        let subjects = match it.group {
            Some(_) => members.get(&row.subject_id).map_or(&[][..], Vec::as_slice),
            None => &own[..],
        };
        for subject in subjects {
            grants.entry((*subject, row.board_id)).or_default().push(it.clone());
        }
    }
    let mut found = BTreeMap::new();
    for person in &people {
        for board in &boards {
            let granted = grants.remove(&(person.id, board.id)).unwrap_or_default();
            let key = (UserId(person.id), BoardId(board.id));
            found.insert(key, facts(person, board, granted)?);
        }
    }
    Ok(found)
}

/// Who is in the groups that have grants.
async fn members_of(
    connection: &impl ConnectionTrait,
    rows: &[board_grant::Model],
) -> Result<HashMap<Uuid, Vec<Uuid>>, Error> {
    let group = SubjectKind::Group.name();
    let groups: Vec<Uuid> =
        rows.iter().filter(|row| row.subject_kind == group).map(|row| row.subject_id).collect();
    let mut members: HashMap<Uuid, Vec<Uuid>> = HashMap::new();
    if groups.is_empty() {
        return Ok(members);
    }
    let found = group_member::Entity::find()
        .filter(group_member::Column::GroupId.is_in(groups))
        .all(connection)
        .await?;
    for row in found {
        members.entry(row.group_id).or_default().push(row.user_id);
    }
    Ok(members)
}

/// A board's grants in the order of their subjects, one more than the limit.
pub(super) async fn list(
    connection: &impl ConnectionTrait,
    id: BoardId,
    after: Option<Uuid>,
    limit: u64,
) -> Result<Vec<BoardGrant>, Error> {
    let mut query = board_grant::Entity::find()
        .filter(board_grant::Column::BoardId.eq(id.0))
        .order_by_asc(board_grant::Column::SubjectId)
        .limit(limit + 1);
    if let Some(after) = after {
        query = query.filter(board_grant::Column::SubjectId.gt(after));
    }
    let rows = query.all(connection).await?;
    let mut names = group_names(connection, &rows).await?;
    let people: Vec<Uuid> =
        rows.iter().map(|row| row.subject_id).filter(|id| !names.contains_key(id)).collect();
    let people =
        user::Entity::find().filter(user::Column::Id.is_in(people)).all(connection).await?;
    names.extend(people.into_iter().map(|row| (row.id, row.name)));
    rows.into_iter().map(|row| read(row, &names)).collect()
}

fn read(row: board_grant::Model, names: &HashMap<Uuid, String>) -> Result<BoardGrant, Error> {
    let kind = SubjectKind::named(&row.subject_kind).ok_or_else(|| {
        Error::internal(format!("unknown subject of a grant: {}", row.subject_kind))
    })?;
    Ok(BoardGrant {
        board_id: BoardId(row.board_id),
        subject_kind: kind,
        subject_id: row.subject_id,
        subject_name: names.get(&row.subject_id).cloned().unwrap_or_default(),
        right: right_of(&row.board_right)?,
        created_by: UserId(row.created_by),
        created_at_ms: row.created_at_ms,
    })
}

pub(super) async fn count(connection: &impl ConnectionTrait, id: BoardId) -> Result<u64, Error> {
    let of_board = board_grant::Column::BoardId.eq(id.0);
    Ok(board_grant::Entity::find().filter(of_board).count(connection).await?)
}

/// Stores a grant in place of the one that the subject had.
pub(super) async fn put(connection: &impl ConnectionTrait, it: &BoardGrant) -> Result<(), Error> {
    remove(connection, it.board_id, it.subject_id).await?;
    let row = board_grant::ActiveModel {
        board_id: Set(it.board_id.0),
        subject_id: Set(it.subject_id),
        subject_kind: Set(it.subject_kind.name().to_owned()),
        board_right: Set(it.right.name().to_owned()),
        created_by: Set(it.created_by.0),
        created_at_ms: Set(it.created_at_ms),
    };
    board_grant::Entity::insert(row).exec_without_returning(connection).await?;
    Ok(())
}

/// Removes a grant; false when there was none.
pub(super) async fn remove(
    connection: &impl ConnectionTrait,
    id: BoardId,
    subject: Uuid,
) -> Result<bool, Error> {
    let done = board_grant::Entity::delete_by_id((id.0, subject)).exec(connection).await?;
    Ok(done.rows_affected > 0)
}

/// Boards on which a subject has a grant.
pub(super) async fn boards_of(
    connection: &impl ConnectionTrait,
    subject: Uuid,
) -> Result<Vec<BoardId>, Error> {
    let ids: Vec<Uuid> = board_grant::Entity::find()
        .select_only()
        .column(board_grant::Column::BoardId)
        .filter(board_grant::Column::SubjectId.eq(subject))
        .order_by_asc(board_grant::Column::BoardId)
        .into_tuple()
        .all(connection)
        .await?;
    Ok(ids.into_iter().map(BoardId).collect())
}

/// Removes what a group was given.
pub(super) async fn remove_all_of(
    connection: &impl ConnectionTrait,
    subject: Uuid,
) -> Result<(), Error> {
    let is_theirs = board_grant::Column::SubjectId.eq(subject);
    board_grant::Entity::delete_many().filter(is_theirs).exec(connection).await?;
    Ok(())
}

/// People with `admin` by a grant of their own.
pub(super) async fn admins(
    connection: &impl ConnectionTrait,
    id: BoardId,
    limit: u64,
) -> Result<Vec<UserId>, Error> {
    let is_admin = Condition::all()
        .add(board_grant::Column::BoardId.eq(id.0))
        .add(board_grant::Column::SubjectKind.eq(SubjectKind::User.name()))
        .add(board_grant::Column::BoardRight.eq(BoardRight::Admin.name()));
    let ids: Vec<Uuid> = board_grant::Entity::find()
        .select_only()
        .column(board_grant::Column::SubjectId)
        .filter(is_admin)
        .order_by_asc(board_grant::Column::CreatedAtMs)
        .limit(limit)
        .into_tuple()
        .all(connection)
        .await?;
    Ok(ids.into_iter().map(UserId).collect())
}

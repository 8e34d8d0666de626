//! Rows of boards and their objects.

use super::model::{ObjectData, Placed, Removed, kind_name, kind_of};
use crate::db::entity::{board, board_image, board_object, board_view, removed_object};
use crate::error::Error;
use crate::grants::seen::Seen;
use grove_core_api::rest::boards::{Board, BoardImage, BoardView, ObjectKind};
use grove_core_api::rest::grants::{BoardRight, BoardVisibility};
use grove_core_api::{BoardId, BoardObjectId, IdRef, UnixMillis, UserId};
use sea_orm::sea_query::{Expr, ExprTrait};
use sea_orm::{
    ActiveValue::Set, ColumnTrait, Condition, ConnectionTrait, EntityTrait, PaginatorTrait,
    QueryFilter, QueryOrder, QuerySelect,
};
use uuid::Uuid;

pub(crate) async fn find(
    connection: &impl ConnectionTrait,
    id: &IdRef,
    seen: Seen,
) -> Result<BoardId, Error> {
    let columns = (board::Column::Id, board::Column::ShortId);
    crate::lookup::resolve::<board::Entity>(
        connection,
        BoardId::NOUN,
        id,
        columns,
        seen.boards(board::Column::Id),
    )
    .await
    .map(BoardId)
}

pub(crate) async fn find_object(
    connection: &impl ConnectionTrait,
    id: &IdRef,
    seen: Seen,
) -> Result<BoardObjectId, Error> {
    let columns = (board_object::Column::Id, board_object::Column::ShortId);
    crate::lookup::resolve::<board_object::Entity>(
        connection,
        BoardObjectId::NOUN,
        id,
        columns,
        seen.boards(board_object::Column::BoardId),
    )
    .await
    .map(BoardObjectId)
}

pub(crate) async fn get(
    connection: &impl ConnectionTrait,
    id: BoardId,
) -> Result<Option<Board>, Error> {
    Ok(board::Entity::find_by_id(id.0).one(connection).await?.map(read))
}

/// Newest first, one more than the limit.
pub(crate) async fn list(
    connection: &impl ConnectionTrait,
    seen: Seen,
    before: Option<Uuid>,
    include_archived: bool,
    limit: u64,
) -> Result<Vec<Board>, Error> {
    let mut query = board::Entity::find()
        .filter(seen.boards(board::Column::Id))
        .order_by_desc(board::Column::Id)
        .limit(limit + 1);
    if !include_archived {
        query = query.filter(board::Column::ArchivedAtMs.is_null());
    }
    if let Some(before) = before {
        query = query.filter(board::Column::Id.lt(before));
    }
    Ok(query.all(connection).await?.into_iter().map(read).collect())
}

/// The oldest boards that are not archived.
pub(crate) async fn oldest(
    connection: &impl ConnectionTrait,
    seen: Seen,
    limit: u64,
) -> Result<Vec<Board>, Error> {
    let rows = board::Entity::find()
        .filter(seen.boards(board::Column::Id))
        .filter(board::Column::ArchivedAtMs.is_null())
        .order_by_asc(board::Column::Id)
        .limit(limit)
        .all(connection)
        .await?;
    Ok(rows.into_iter().map(read).collect())
}

/// The boards of these ids.
pub(crate) async fn all_of(
    connection: &impl ConnectionTrait,
    ids: &[BoardId],
) -> Result<Vec<Board>, Error> {
    let is_one = board::Column::Id.is_in(ids.iter().map(|it| it.0));
    let rows = board::Entity::find().filter(is_one).all(connection).await?;
    Ok(rows.into_iter().map(read).collect())
}

pub(crate) async fn insert(connection: &impl ConnectionTrait, board: &Board) -> Result<(), Error> {
    board::Entity::insert(row(board)).exec_without_returning(connection).await?;
    Ok(())
}

pub(crate) async fn update(connection: &impl ConnectionTrait, board: &Board) -> Result<(), Error> {
    board::Entity::update(row(board)).exec(connection).await?;
    Ok(())
}

pub(crate) async fn object(
    connection: &impl ConnectionTrait,
    id: BoardObjectId,
) -> Result<Option<Placed>, Error> {
    board_object::Entity::find_by_id(id.0).one(connection).await?.map(read_object).transpose()
}

pub(crate) async fn objects(
    connection: &impl ConnectionTrait,
    board: BoardId,
    after: Option<Uuid>,
    limit: Option<u64>,
) -> Result<Vec<Placed>, Error> {
    let mut query = board_object::Entity::find()
        .filter(board_object::Column::BoardId.eq(board.0))
        .order_by_asc(board_object::Column::Id)
        .limit(limit.map(|limit| limit + 1));
    if let Some(after) = after {
        query = query.filter(board_object::Column::Id.gt(after));
    }
    query.all(connection).await?.into_iter().map(read_object).collect()
}

pub(crate) async fn count_objects(
    connection: &impl ConnectionTrait,
    board: BoardId,
) -> Result<u64, Error> {
    Ok(board_object::Entity::find()
        .filter(board_object::Column::BoardId.eq(board.0))
        .count(connection)
        .await?)
}

/// Places of the cards on a board, newest first, at most 200: enough to find a free one.
pub(crate) async fn card_places(
    connection: &impl ConnectionTrait,
    board: BoardId,
) -> Result<Vec<[f64; 2]>, Error> {
    let rows: Vec<(f64, f64)> = board_object::Entity::find()
        .select_only()
        .column(board_object::Column::PosX)
        .column(board_object::Column::PosY)
        .filter(board_object::Column::BoardId.eq(board.0))
        .filter(board_object::Column::Kind.eq(kind_name(ObjectKind::Session)))
        .order_by_desc(board_object::Column::Id)
        .limit(200)
        .into_tuple()
        .all(connection)
        .await?;
    Ok(rows.into_iter().map(|(x, y)| [x, y]).collect())
}

pub(crate) async fn insert_object(
    connection: &impl ConnectionTrait,
    object: &Placed,
) -> Result<(), Error> {
    board_object::Entity::insert(object_row(object)?).exec_without_returning(connection).await?;
    Ok(())
}

pub(crate) async fn update_object(
    connection: &impl ConnectionTrait,
    object: &Placed,
) -> Result<(), Error> {
    board_object::Entity::update(object_row(object)?).exec(connection).await?;
    Ok(())
}

pub(crate) async fn delete_object(
    connection: &impl ConnectionTrait,
    id: BoardObjectId,
) -> Result<(), Error> {
    board_object::Entity::delete_by_id(id.0).exec(connection).await?;
    Ok(())
}

/// Edges of a board that begin or end at an object.
pub(crate) async fn edges_at(
    connection: &impl ConnectionTrait,
    board: BoardId,
    end: BoardObjectId,
) -> Result<Vec<Placed>, Error> {
    let at_end = Condition::any()
        .add(board_object::Column::FromId.eq(end.0))
        .add(board_object::Column::ToId.eq(end.0));
    let rows = board_object::Entity::find()
        .filter(board_object::Column::BoardId.eq(board.0))
        .filter(at_end)
        .order_by_asc(board_object::Column::Id)
        .all(connection)
        .await?;
    rows.into_iter().map(read_object).collect()
}

/// How many edges other than this one begin or end at an object.
pub(crate) async fn count_edges(
    connection: &impl ConnectionTrait,
    board: BoardId,
    end: BoardObjectId,
    except: BoardObjectId,
) -> Result<u64, Error> {
    let at_end = Condition::any()
        .add(board_object::Column::FromId.eq(end.0))
        .add(board_object::Column::ToId.eq(end.0));
    Ok(board_object::Entity::find()
        .filter(board_object::Column::BoardId.eq(board.0))
        .filter(board_object::Column::Id.ne(except.0))
        .filter(at_end)
        .count(connection)
        .await?)
}

/// A picture of a board.
pub(crate) async fn image(
    connection: &impl ConnectionTrait,
    board: BoardId,
    id: &str,
) -> Result<Option<BoardImage>, Error> {
    let row = board_image::Entity::find_by_id((board.0, id.to_owned())).one(connection).await?;
    Ok(row.map(|row| BoardImage {
        id: row.id,
        media_type: row.media_type,
        size_bytes: row.size_bytes,
        natural_size: [row.width_px, row.height_px].map(|it| u32::try_from(it).unwrap_or(0)),
    }))
}

pub(crate) async fn count_images(
    connection: &impl ConnectionTrait,
    board: BoardId,
) -> Result<u64, Error> {
    let of_board = board_image::Column::BoardId.eq(board.0);
    Ok(board_image::Entity::find().filter(of_board).count(connection).await?)
}

pub(crate) async fn insert_image(
    connection: &impl ConnectionTrait,
    board: BoardId,
    image: &BoardImage,
    (by, now): (UserId, UnixMillis),
) -> Result<(), Error> {
    let row = board_image::ActiveModel {
        board_id: Set(board.0),
        id: Set(image.id.clone()),
        media_type: Set(image.media_type.clone()),
        size_bytes: Set(image.size_bytes),
        width_px: Set(i64::from(image.natural_size[0])),
        height_px: Set(i64::from(image.natural_size[1])),
        created_by: Set(by.0),
        created_at_ms: Set(now),
    };
    board_image::Entity::insert(row).exec_without_returning(connection).await?;
    Ok(())
}

/// Notes that a picture came once more.
pub(crate) async fn renew_image(
    connection: &impl ConnectionTrait,
    board: BoardId,
    image: &str,
    now: UnixMillis,
) -> Result<(), Error> {
    board_image::Entity::update_many()
        .col_expr(board_image::Column::CreatedAtMs, Expr::value(now))
        .filter(board_image::Column::BoardId.eq(board.0))
        .filter(board_image::Column::Id.eq(image))
        .exec(connection)
        .await?;
    Ok(())
}

/// Pictures of a board that came before a time.
pub(crate) async fn images_before(
    connection: &impl ConnectionTrait,
    board: BoardId,
    before_ms: UnixMillis,
) -> Result<Vec<String>, Error> {
    Ok(board_image::Entity::find()
        .select_only()
        .column(board_image::Column::Id)
        .filter(board_image::Column::BoardId.eq(board.0))
        .filter(board_image::Column::CreatedAtMs.lt(before_ms))
        .into_tuple()
        .all(connection)
        .await?)
}

/// Whether a picture of a board is shown by one of its objects now.
pub(crate) async fn is_image_shown(
    connection: &impl ConnectionTrait,
    board: BoardId,
    image: &str,
) -> Result<bool, Error> {
    let shown = board_object::Entity::find()
        .filter(board_object::Column::BoardId.eq(board.0))
        .filter(board_object::Column::Kind.eq(kind_name(ObjectKind::Image)))
        .filter(Expr::col(board_object::Column::Data).cast_as("text").like(format!("%{image}%")))
        .count(connection)
        .await?;
    Ok(shown > 0)
}

/// Takes a picture from a board; returns whether another board has it.
pub(crate) async fn remove_image(
    connection: &impl ConnectionTrait,
    board: BoardId,
    image: &str,
) -> Result<bool, Error> {
    board_image::Entity::delete_by_id((board.0, image.to_owned())).exec(connection).await?;
    let of_others = board_image::Column::Id.eq(image);
    Ok(board_image::Entity::find().filter(of_others).count(connection).await? > 0)
}

/// How a person last looked at a board.
pub(crate) async fn view(
    connection: &impl ConnectionTrait,
    user: UserId,
    board: BoardId,
) -> Result<Option<BoardView>, Error> {
    let row = board_view::Entity::find_by_id((user.0, board.0)).one(connection).await?;
    Ok(row.map(|row| serde_json::from_value(row.view)).transpose()?)
}

pub(crate) async fn put_view(
    connection: &impl ConnectionTrait,
    user: UserId,
    board: BoardId,
    (view, now): (&BoardView, UnixMillis),
) -> Result<(), Error> {
    board_view::Entity::delete_by_id((user.0, board.0)).exec(connection).await?;
    let row = board_view::ActiveModel {
        user_id: Set(user.0),
        board_id: Set(board.0),
        view: Set(serde_json::to_value(view)?),
        updated_at_ms: Set(now),
    };
    board_view::Entity::insert(row).exec_without_returning(connection).await?;
    Ok(())
}

/// Ids of boards, the archived ones too, from the oldest on.
pub(crate) async fn ids_after(
    connection: &impl ConnectionTrait,
    after: Option<Uuid>,
    limit: u64,
) -> Result<Vec<BoardId>, Error> {
    let mut query = board::Entity::find()
        .select_only()
        .column(board::Column::Id)
        .order_by_asc(board::Column::Id)
        .limit(limit);
    if let Some(after) = after {
        query = query.filter(board::Column::Id.gt(after));
    }
    let ids: Vec<Uuid> = query.into_tuple().all(connection).await?;
    Ok(ids.into_iter().map(BoardId).collect())
}

/// The highest key in the order of a board; empty when nothing has one.
pub(crate) async fn highest_ord(
    connection: &impl ConnectionTrait,
    board: BoardId,
) -> Result<String, Error> {
    let highest = board_object::Entity::find()
        .select_only()
        .column(board_object::Column::Ord)
        .filter(board_object::Column::BoardId.eq(board.0))
        .order_by_desc(board_object::Column::Ord)
        .into_tuple()
        .one(connection)
        .await?;
    Ok(highest.unwrap_or_default())
}

/// Remembers who removed an object.
pub(crate) async fn bury(
    connection: &impl ConnectionTrait,
    id: Uuid,
    kind: &str,
    removed: Removed,
    now: UnixMillis,
) -> Result<(), Error> {
    removed_object::Entity::delete_by_id(id).exec(connection).await?;
    let row = removed_object::ActiveModel {
        id: Set(id),
        board_id: Set(removed.board_id.0),
        kind: Set(kind.to_owned()),
        created_by: Set(removed.created_by.0),
        created_at_ms: Set(removed.created_at_ms),
        removed_by: Set(removed.removed_by.0),
        removed_at_ms: Set(now),
    };
    removed_object::Entity::insert(row).exec_without_returning(connection).await?;
    Ok(())
}

/// Who removed an object of this id, when one was.
pub(crate) async fn removed(
    connection: &impl ConnectionTrait,
    id: BoardObjectId,
) -> Result<Option<Removed>, Error> {
    let row = removed_object::Entity::find_by_id(id.0).one(connection).await?;
    Ok(row.map(|row| Removed {
        board_id: BoardId(row.board_id),
        created_by: UserId(row.created_by),
        created_at_ms: row.created_at_ms,
        removed_by: UserId(row.removed_by),
    }))
}

fn row(board: &Board) -> board::ActiveModel {
    board::ActiveModel {
        id: Set(board.id.0),
        short_id: Set(board.id.short()),
        name: Set(board.name.clone()),
        owner_id: Set(Some(board.owner.0)),
        visibility: Set(board.visibility.name().to_owned()),
        members_right: Set(board.members_right.name().to_owned()),
        created_by: Set(board.created_by.0),
        created_at_ms: Set(board.created_at_ms),
        updated_at_ms: Set(board.updated_at_ms),
        archived_at_ms: Set(board.archived_at_ms),
        version: Set(board.version),
    }
}

fn read(row: board::Model) -> Board {
    Board {
        id: BoardId(row.id),
        name: row.name,
        owner: UserId(row.owner_id.unwrap_or(row.created_by)),
        // What this build does not know is never more than what it knows.
        visibility: BoardVisibility::named(&row.visibility).unwrap_or(BoardVisibility::Private),
        members_right: BoardRight::named(&row.members_right).unwrap_or(BoardRight::View),
        created_by: UserId(row.created_by),
        created_at_ms: row.created_at_ms,
        updated_at_ms: row.updated_at_ms,
        archived_at_ms: row.archived_at_ms,
        version: row.version,
    }
}

fn object_row(object: &Placed) -> Result<board_object::ActiveModel, Error> {
    Ok(board_object::ActiveModel {
        id: Set(object.id.0),
        short_id: Set(object.id.short()),
        board_id: Set(object.board_id.0),
        kind: Set(kind_name(object.kind).to_owned()),
        pos_x: Set(object.pos[0]),
        pos_y: Set(object.pos[1]),
        ord: Set(object.ord.clone()),
        from_id: Set(object.ends.map(|it| it[0].0)),
        to_id: Set(object.ends.map(|it| it[1].0)),
        data: Set(serde_json::to_value(&object.data)?),
        created_by: Set(object.created_by.0),
        created_at_ms: Set(object.created_at_ms),
        updated_at_ms: Set(object.updated_at_ms),
    })
}

fn read_object(row: board_object::Model) -> Result<Placed, Error> {
    let data: ObjectData = serde_json::from_value(row.data)?;
    let kind = kind_of(&row.kind)
        .ok_or_else(|| Error::internal(format!("unknown kind of board object: {}", row.kind)))?;
    Ok(Placed {
        id: BoardObjectId(row.id),
        board_id: BoardId(row.board_id),
        kind,
        pos: [row.pos_x, row.pos_y],
        ord: row.ord,
        ends: row.from_id.zip(row.to_id).map(|(from, to)| [from, to].map(BoardObjectId)),
        data,
        created_by: UserId(row.created_by),
        created_at_ms: row.created_at_ms,
        updated_at_ms: row.updated_at_ms,
    })
}

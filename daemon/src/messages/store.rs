//! Rows of messages and of requests for permission.

use crate::db::entity::{message, permission};
use crate::error::Error;
use grove_core_api::rest::messages::{Message, Role};
use grove_core_api::{MessageId, PermissionId, SessionId, TaskId, UnixMillis, UserId};
use sea_orm::sea_query::Expr;
use sea_orm::{
    ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, Order, PaginatorTrait,
    QueryFilter, QueryOrder, QuerySelect,
};

/// Which stretch of a session's history is wanted.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stretch {
    pub(crate) session: SessionId,
    pub(crate) task: Option<TaskId>,
    pub(crate) before: Option<i64>,
    pub(crate) after: Option<i64>,
    /// Newest first instead of oldest first.
    pub(crate) is_backward: bool,
}

pub(crate) async fn list(
    connection: &impl ConnectionTrait,
    stretch: Stretch,
    limit: u64,
) -> Result<Vec<Message>, Error> {
    let order = if stretch.is_backward { Order::Desc } else { Order::Asc };
    let mut query = message::Entity::find()
        .filter(message::Column::SessionId.eq(stretch.session.0))
        .order_by(message::Column::Position, order)
        .limit(limit);
    if let Some(task) = stretch.task {
        query = query.filter(message::Column::TaskId.eq(task.0));
    }
    if let Some(before) = stretch.before {
        query = query.filter(message::Column::Position.lt(before));
    }
    if let Some(after) = stretch.after {
        query = query.filter(message::Column::Position.gt(after));
    }
    query.all(connection).await?.into_iter().map(read).collect()
}

pub(crate) async fn get(
    connection: &impl ConnectionTrait,
    id: MessageId,
) -> Result<Option<Message>, Error> {
    message::Entity::find_by_id(id.0).one(connection).await?.map(read).transpose()
}

/// The message of a task's block.
pub(crate) async fn of_block(
    connection: &impl ConnectionTrait,
    task: TaskId,
    block: u32,
) -> Result<Option<Message>, Error> {
    message::Entity::find()
        .filter(message::Column::TaskId.eq(task.0))
        .filter(message::Column::Block.eq(i64::from(block)))
        .one(connection)
        .await?
        .map(read)
        .transpose()
}

/// The message that shows a task's prompt.
pub(crate) async fn prompt_of(
    connection: &impl ConnectionTrait,
    task: TaskId,
) -> Result<Option<Message>, Error> {
    message::Entity::find()
        .filter(message::Column::TaskId.eq(task.0))
        .filter(message::Column::Role.eq(role_name(Role::User)))
        .one(connection)
        .await?
        .map(read)
        .transpose()
}

/// Messages of a task that still grow, with their blocks.
pub(crate) async fn streaming(
    connection: &impl ConnectionTrait,
    task: TaskId,
) -> Result<Vec<(u32, Message)>, Error> {
    let rows = message::Entity::find()
        .filter(message::Column::TaskId.eq(task.0))
        .filter(message::Column::IsStreaming.eq(true))
        .all(connection)
        .await?;
    rows.into_iter()
        .filter_map(|row| u32::try_from(row.block).ok().map(|block| (block, row)))
        .map(|(block, row)| Ok((block, read(row)?)))
        .collect()
}

pub(crate) async fn insert(
    connection: &impl ConnectionTrait,
    message: &Message,
    block: i32,
) -> Result<(), Error> {
    let row = message::ActiveModel {
        id: Set(message.id.0),
        session_id: Set(message.session_id.0),
        task_id: Set(message.task_id.0),
        position: Set(message.index),
        block: Set(block),
        role: Set(role_name(message.role).to_owned()),
        author: Set(message.author.map(|author| author.0)),
        is_streaming: Set(message.is_streaming),
        text: Set(message.text.clone()),
        body: Set(serde_json::to_value(&message.body)?),
        created_at_ms: Set(message.created_at_ms),
        updated_at_ms: Set(message.updated_at_ms),
    };
    message::Entity::insert(row).exec_without_returning(connection).await?;
    Ok(())
}

/// Stores what can change of a message.
pub(crate) async fn update(
    connection: &impl ConnectionTrait,
    message: &Message,
) -> Result<(), Error> {
    let row = message::ActiveModel {
        id: Set(message.id.0),
        is_streaming: Set(message.is_streaming),
        text: Set(message.text.clone()),
        body: Set(serde_json::to_value(&message.body)?),
        updated_at_ms: Set(message.updated_at_ms),
        ..message::ActiveModel::default()
    };
    message::Entity::update(row).exec(connection).await?;
    Ok(())
}

/// Stores the text so far of a message that still grows.
pub(crate) async fn checkpoint(
    connection: &impl ConnectionTrait,
    id: MessageId,
    text: &str,
    now: UnixMillis,
) -> Result<(), Error> {
    message::Entity::update_many()
        .col_expr(message::Column::Text, Expr::value(text))
        .col_expr(message::Column::UpdatedAtMs, Expr::value(now))
        .filter(message::Column::Id.eq(id.0))
        .exec(connection)
        .await?;
    Ok(())
}

/// A request for permission and the message that shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Pending {
    pub(crate) id: PermissionId,
    pub(crate) session: SessionId,
    pub(crate) task: TaskId,
    pub(crate) message: MessageId,
    pub(crate) is_pending: bool,
}

pub(crate) async fn insert_permission(
    connection: &impl ConnectionTrait,
    pending: Pending,
    now: UnixMillis,
) -> Result<(), Error> {
    let row = permission::ActiveModel {
        id: Set(pending.id.0),
        session_id: Set(pending.session.0),
        task_id: Set(pending.task.0),
        message_id: Set(pending.message.0),
        is_pending: Set(pending.is_pending),
        created_at_ms: Set(now),
    };
    permission::Entity::insert(row).exec_without_returning(connection).await?;
    Ok(())
}

pub(crate) async fn permission(
    connection: &impl ConnectionTrait,
    id: PermissionId,
) -> Result<Option<Pending>, Error> {
    Ok(permission::Entity::find_by_id(id.0).one(connection).await?.map(read_permission))
}

/// Requests of a session, waiting ones or answered ones of a task.
pub(crate) async fn permissions(
    connection: &impl ConnectionTrait,
    session: SessionId,
    is_pending: bool,
) -> Result<Vec<Pending>, Error> {
    let rows = permission::Entity::find()
        .filter(permission::Column::SessionId.eq(session.0))
        .filter(permission::Column::IsPending.eq(is_pending))
        .order_by_desc(permission::Column::Id)
        .limit(100)
        .all(connection)
        .await?;
    Ok(rows.into_iter().map(read_permission).collect())
}

pub(crate) async fn count_pending(
    connection: &impl ConnectionTrait,
    session: SessionId,
) -> Result<u64, Error> {
    Ok(permission::Entity::find()
        .filter(permission::Column::SessionId.eq(session.0))
        .filter(permission::Column::IsPending.eq(true))
        .count(connection)
        .await?)
}

pub(crate) async fn settle_permission(
    connection: &impl ConnectionTrait,
    id: PermissionId,
) -> Result<(), Error> {
    permission::Entity::update_many()
        .col_expr(permission::Column::IsPending, Expr::value(false))
        .filter(permission::Column::Id.eq(id.0))
        .exec(connection)
        .await?;
    Ok(())
}

fn read_permission(row: permission::Model) -> Pending {
    Pending {
        id: PermissionId(row.id),
        session: SessionId(row.session_id),
        task: TaskId(row.task_id),
        message: MessageId(row.message_id),
        is_pending: row.is_pending,
    }
}

const ROLES: [Role; 3] = [Role::User, Role::Assistant, Role::System];

const fn role_name(role: Role) -> &'static str {
    match role {
        Role::User => "user",
        Role::Assistant => "assistant",
        Role::System => "system",
    }
}

fn read(row: message::Model) -> Result<Message, Error> {
    let role = ROLES
        .into_iter()
        .find(|role| role_name(*role) == row.role)
        .ok_or_else(|| Error::internal(format!("unknown role of a message: {}", row.role)))?;
    Ok(Message {
        id: MessageId(row.id),
        session_id: SessionId(row.session_id),
        task_id: TaskId(row.task_id),
        index: row.position,
        role,
        author: row.author.map(UserId),
        is_streaming: row.is_streaming,
        text: row.text,
        body: serde_json::from_value(row.body)?,
        created_at_ms: row.created_at_ms,
        updated_at_ms: row.updated_at_ms,
    })
}

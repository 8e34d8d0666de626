//! What boards need for their log and their objects: order and ends of objects, what was removed,
//! snapshots of logs, pictures, comments and mentions, and how people looked at a board.

use crate::column::*;
use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::DbBackend;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, schema: &SchemaManager) -> Result<(), DbErr> {
        objects(schema).await?;
        log(schema).await?;
        comments(schema).await?;
        people(schema).await
    }

    async fn down(&self, schema: &SchemaManager) -> Result<(), DbErr> {
        let added = [
            "board_views",
            "mentions",
            "comments",
            "board_images",
            "topic_snapshots",
            "removed_objects",
        ];
        for name in added {
            schema.drop_table(Table::drop().table(Alias::new(name)).to_owned()).await?;
        }
        for name in ["ord", "from_id", "to_id"] {
            let name = format!("ix_board_objects_board_id_{name}");
            schema.drop_index(Index::drop().name(name).to_owned()).await?;
        }
        for name in ["ord", "from_id", "to_id"] {
            let objects = Table::alter().table(Alias::new("board_objects")).to_owned();
            schema.alter_table(objects.clone().drop_column(Alias::new(name)).to_owned()).await?;
        }
        Ok(())
    }
}

async fn objects(schema: &SchemaManager<'_>) -> Result<(), DbErr> {
    let mut ord = text("ord");
    ord.default("");
    if schema.get_database_backend() == DbBackend::Postgres {
        // Byte by byte, as everywhere else.
        ord.extra("COLLATE \"C\"");
    }
    for mut column in [ord, id_or_null("from_id"), id_or_null("to_id")] {
        let mut objects = Table::alter();
        schema
            .alter_table(
                objects.table(Alias::new("board_objects")).add_column(&mut column).to_owned(),
            )
            .await?;
    }
    for column in ["ord", "from_id", "to_id"] {
        schema.create_index(index("board_objects", &["board_id", column])).await?;
    }
    schema
        .create_table(table(
            "removed_objects",
            &["id"],
            vec![
                id("id"),
                id("board_id"),
                text("kind"),
                id("created_by"),
                big("created_at_ms"),
                id("removed_by"),
                big("removed_at_ms"),
            ],
            vec![],
        ))
        .await?;
    schema.create_index(index("removed_objects", &["board_id", "removed_at_ms"])).await?;
    schema
        .create_table(table(
            "board_images",
            &["board_id", "id"],
            vec![
                id("board_id"),
                text("id"),
                text("media_type"),
                big("size_bytes"),
                big("width_px"),
                big("height_px"),
                id("created_by"),
                big("created_at_ms"),
            ],
            vec![reference("board_images", "board_id", "boards")],
        ))
        .await
}

async fn log(schema: &SchemaManager<'_>) -> Result<(), DbErr> {
    schema
        .create_table(table(
            "topic_snapshots",
            &["topic", "seq"],
            vec![text("topic"), big("seq"), big("at_ms"), json("state")],
            vec![],
        ))
        .await?;
    schema.create_index(index("events", &["topic", "at_ms"])).await
}

async fn comments(schema: &SchemaManager<'_>) -> Result<(), DbErr> {
    schema
        .create_table(table(
            "comments",
            &["id"],
            vec![
                id("id"),
                text("short_id"),
                id_or_null("board_id"),
                id_or_null("session_id"),
                id_or_null("parent_id"),
                flag("is_resolved"),
                json("data"),
                id("created_by"),
                big("created_at_ms"),
            ],
            vec![
                reference("comments", "board_id", "boards"),
                reference("comments", "session_id", "sessions"),
                reference("comments", "created_by", "users"),
            ],
        ))
        .await?;
    for column in ["board_id", "session_id", "parent_id"] {
        schema.create_index(index("comments", &[column, "id"])).await?;
    }
    schema.create_index(index("comments", &["short_id"])).await
}

async fn people(schema: &SchemaManager<'_>) -> Result<(), DbErr> {
    schema
        .create_table(table(
            "mentions",
            &["user_id", "comment_id"],
            vec![id("user_id"), id("comment_id"), id("by_user"), big("at_ms")],
            vec![reference("mentions", "user_id", "users")],
        ))
        .await?;
    schema.create_index(index("mentions", &["comment_id"])).await?;
    schema
        .create_table(table(
            "board_views",
            &["user_id", "board_id"],
            vec![id("user_id"), id("board_id"), json("view"), big("updated_at_ms")],
            vec![
                reference("board_views", "user_id", "users"),
                reference("board_views", "board_id", "boards"),
            ],
        ))
        .await
}

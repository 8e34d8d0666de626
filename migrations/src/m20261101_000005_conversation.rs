//! What is said in sessions: tasks, messages and requests for permission.

use crate::column::*;
use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, schema: &SchemaManager) -> Result<(), DbErr> {
        schema
            .create_table(table(
                "tasks",
                &["id"],
                vec![
                    id("id"),
                    text("short_id"),
                    id("session_id"),
                    int("position"),
                    text("prompt"),
                    text("state"),
                    text("via"),
                    json("data"),
                    id("created_by"),
                    big("created_at_ms"),
                    big_or_null("started_at_ms"),
                    big_or_null("ended_at_ms"),
                ],
                vec![
                    reference("tasks", "session_id", "sessions"),
                    reference("tasks", "created_by", "users"),
                ],
            ))
            .await?;
        schema.create_index(index("tasks", &["short_id"])).await?;
        schema.create_index(unique("tasks", &["session_id", "position"])).await?;
        schema.create_index(index("tasks", &["session_id", "state"])).await?;
        schema.create_index(index("tasks", &["state", "id"])).await?;
        schema
            .create_table(table(
                "messages",
                &["id"],
                vec![
                    id("id"),
                    id("session_id"),
                    id("task_id"),
                    int("position"),
                    int("block"),
                    text("role"),
                    id_or_null("author"),
                    flag("is_streaming"),
                    text("text"),
                    json("body"),
                    big("created_at_ms"),
                    big("updated_at_ms"),
                ],
                vec![
                    reference("messages", "session_id", "sessions"),
                    reference("messages", "task_id", "tasks"),
                ],
            ))
            .await?;
        schema.create_index(unique("messages", &["session_id", "position"])).await?;
        schema.create_index(unique("messages", &["task_id", "block"])).await?;
        schema
            .create_table(table(
                "permissions",
                &["id"],
                vec![
                    id("id"),
                    id("session_id"),
                    id("task_id"),
                    id("message_id"),
                    flag("is_pending"),
                    big("created_at_ms"),
                ],
                vec![
                    reference("permissions", "session_id", "sessions"),
                    reference("permissions", "message_id", "messages"),
                ],
            ))
            .await?;
        schema.create_index(index("permissions", &["session_id", "is_pending"])).await?;
        Ok(())
    }

    async fn down(&self, schema: &SchemaManager) -> Result<(), DbErr> {
        for name in ["permissions", "messages", "tasks"] {
            schema.drop_table(Table::drop().table(Alias::new(name)).to_owned()).await?;
        }
        Ok(())
    }
}

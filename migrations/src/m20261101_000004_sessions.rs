//! Sessions: the agents' conversations and their genealogy.

use crate::column::*;
use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, schema: &SchemaManager) -> Result<(), DbErr> {
        schema
            .create_table(table(
                "sessions",
                &["id"],
                vec![
                    id("id"),
                    text("short_id"),
                    id("board_id"),
                    id("worktree_id"),
                    id("repo_id"),
                    text("title"),
                    text("agent"),
                    text("model"),
                    text("state"),
                    id_or_null("parent_id"),
                    text_or_null("relation"),
                    int("depth"),
                    int("task_count"),
                    int("message_count"),
                    json("data"),
                    id_or_null("executor_id"),
                    big("executor_seq"),
                    id("created_by"),
                    big("created_at_ms"),
                    big("updated_at_ms"),
                    big_or_null("archived_at_ms"),
                ],
                vec![
                    reference("sessions", "board_id", "boards"),
                    reference("sessions", "worktree_id", "worktrees"),
                    reference("sessions", "repo_id", "repos"),
                    reference("sessions", "created_by", "users"),
                ],
            ))
            .await?;
        schema.create_index(index("sessions", &["short_id"])).await?;
        schema.create_index(index("sessions", &["board_id", "archived_at_ms", "id"])).await?;
        schema.create_index(index("sessions", &["archived_at_ms", "id"])).await?;
        schema.create_index(index("sessions", &["state", "id"])).await?;
        schema.create_index(index("sessions", &["parent_id", "id"])).await?;
        schema.create_index(index("sessions", &["worktree_id"])).await?;
        Ok(())
    }

    async fn down(&self, schema: &SchemaManager) -> Result<(), DbErr> {
        for name in ["sessions"] {
            schema.drop_table(Table::drop().table(Alias::new(name)).to_owned()).await?;
        }
        Ok(())
    }
}

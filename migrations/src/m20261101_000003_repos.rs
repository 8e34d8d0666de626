//! Repositories and worktrees.

use crate::column::*;
use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, schema: &SchemaManager) -> Result<(), DbErr> {
        schema
            .create_table(table(
                "repos",
                &["id"],
                vec![
                    id("id"),
                    text("short_id"),
                    text("name"),
                    text("source"),
                    text("default_branch"),
                    text("state"),
                    text_or_null("failure"),
                    id("created_by"),
                    big("created_at_ms"),
                    big("updated_at_ms"),
                    big_or_null("archived_at_ms"),
                ],
                vec![reference("repos", "created_by", "users")],
            ))
            .await?;
        schema.create_index(index("repos", &["short_id"])).await?;
        schema.create_index(unique("repos", &["name"])).await?;
        schema
            .create_table(table(
                "worktrees",
                &["id"],
                vec![
                    id("id"),
                    text("short_id"),
                    id("repo_id"),
                    text("name"),
                    text_or_null("live_name"),
                    text("branch"),
                    text("base_ref"),
                    text("base_commit"),
                    text("path"),
                    text("state"),
                    json("data"),
                    id("created_by"),
                    big("created_at_ms"),
                    big("updated_at_ms"),
                    big_or_null("trashed_at_ms"),
                ],
                vec![
                    reference("worktrees", "repo_id", "repos"),
                    reference("worktrees", "created_by", "users"),
                ],
            ))
            .await?;
        schema.create_index(index("worktrees", &["short_id"])).await?;
        schema.create_index(index("worktrees", &["repo_id", "id"])).await?;
        schema.create_index(index("worktrees", &["repo_id", "name"])).await?;
        schema.create_index(unique("worktrees", &["repo_id", "live_name"])).await?;
        Ok(())
    }

    async fn down(&self, schema: &SchemaManager) -> Result<(), DbErr> {
        for name in ["worktrees", "repos"] {
            schema.drop_table(Table::drop().table(Alias::new(name)).to_owned()).await?;
        }
        Ok(())
    }
}

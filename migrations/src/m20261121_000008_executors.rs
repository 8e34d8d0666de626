//! Executors: which ones there were, how they were kept in their place, how they ended; and what a
//! repository's policy lets them do.

use crate::column::*;
use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, schema: &SchemaManager) -> Result<(), DbErr> {
        schema
            .create_table(table(
                "executors",
                &["id"],
                vec![
                    id("id"),
                    text("short_id"),
                    id_or_null("session_id"),
                    text("role"),
                    text("account"),
                    big("uid"),
                    big_or_null("pid"),
                    text("state"),
                    int("restarts"),
                    json("data"),
                    big("started_at_ms"),
                    big_or_null("ended_at_ms"),
                ],
                vec![reference("executors", "session_id", "sessions")],
            ))
            .await?;
        schema.create_index(index("executors", &["short_id"])).await?;
        schema.create_index(index("executors", &["session_id", "id"])).await?;
        schema.create_index(index("executors", &["ended_at_ms"])).await?;
        let mut policy = ColumnDef::new(Alias::new("policy"));
        policy.json_binary().null();
        let repos = Table::alter().table(Alias::new("repos")).add_column(policy).to_owned();
        schema.alter_table(repos).await
    }

    async fn down(&self, schema: &SchemaManager) -> Result<(), DbErr> {
        let policy = Alias::new("policy");
        let repos = Table::alter().table(Alias::new("repos")).drop_column(policy).to_owned();
        schema.alter_table(repos).await?;
        schema.drop_table(Table::drop().table(Alias::new("executors")).to_owned()).await
    }
}

//! Several daemons on one database: at which of them a repository's files lie.

use crate::column::*;
use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, schema: &SchemaManager) -> Result<(), DbErr> {
        let columns = vec![id("repo_id"), text("node")];
        let references = vec![reference("repo_homes", "repo_id", "repos")];
        schema.create_table(table("repo_homes", &["repo_id"], columns, references)).await
    }

    async fn down(&self, schema: &SchemaManager) -> Result<(), DbErr> {
        schema.drop_table(Table::drop().table(Alias::new("repo_homes")).to_owned()).await
    }
}

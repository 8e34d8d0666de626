//! Unix accounts of people and worktrees, roles, personal access tokens.

use crate::column::*;
use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

/// Adds one column; SQLite takes one option per `ALTER`.
async fn add(
    schema: &SchemaManager<'_>,
    table: &'static str,
    column: ColumnDef,
) -> Result<(), DbErr> {
    let mut alter = Table::alter();
    alter.table(Alias::new(table)).add_column(column);
    schema.alter_table(alter.clone()).await
}

async fn drop(
    schema: &SchemaManager<'_>,
    table: &'static str,
    column: &'static str,
) -> Result<(), DbErr> {
    let mut alter = Table::alter();
    alter.table(Alias::new(table)).drop_column(Alias::new(column));
    schema.alter_table(alter.clone()).await
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, schema: &SchemaManager) -> Result<(), DbErr> {
        let mut role = text("role");
        role.default("member");
        let mut is_managed = flag("unix_is_managed");
        is_managed.default(false);
        add(schema, "users", role).await?;
        add(schema, "users", text_or_null("unix_account")).await?;
        add(schema, "users", big_or_null("unix_uid")).await?;
        add(schema, "users", is_managed).await?;
        add(schema, "users", big_or_null("retired_at_ms")).await?;
        schema.create_index(unique("users", &["unix_account"])).await?;
        add(schema, "worktrees", text_or_null("unix_account")).await?;
        add(schema, "worktrees", big_or_null("unix_uid")).await?;
        schema.create_index(index("worktrees", &["unix_account"])).await?;
        schema
            .create_table(table(
                "personal_access_tokens",
                &["id"],
                vec![
                    id("id"),
                    text("short_id"),
                    id("user_id"),
                    text("name"),
                    text("hash"),
                    big("created_at_ms"),
                    big_or_null("expires_at_ms"),
                    big_or_null("last_used_at_ms"),
                ],
                vec![reference("personal_access_tokens", "user_id", "users")],
            ))
            .await?;
        schema.create_index(unique("personal_access_tokens", &["hash"])).await?;
        schema.create_index(index("personal_access_tokens", &["short_id"])).await?;
        schema.create_index(index("personal_access_tokens", &["user_id", "id"])).await
    }

    async fn down(&self, schema: &SchemaManager) -> Result<(), DbErr> {
        let table = Table::drop().table(Alias::new("personal_access_tokens")).to_owned();
        schema.drop_table(table).await?;
        for (table, name) in
            [("users", "ux_users_unix_account"), ("worktrees", "ix_worktrees_unix_account")]
        {
            let index = Index::drop().name(name).table(Alias::new(table)).to_owned();
            schema.drop_index(index).await?;
        }
        for column in ["unix_account", "unix_uid"] {
            drop(schema, "worktrees", column).await?;
        }
        for column in ["role", "unix_account", "unix_uid", "unix_is_managed", "retired_at_ms"] {
            drop(schema, "users", column).await?;
        }
        Ok(())
    }
}

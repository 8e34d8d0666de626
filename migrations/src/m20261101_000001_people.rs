//! People: users, login sessions, session tokens, idempotency keys, settings.

use crate::column::*;
use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, schema: &SchemaManager) -> Result<(), DbErr> {
        schema
            .create_table(table(
                "users",
                &["id"],
                vec![
                    id("id"),
                    text("short_id"),
                    text("name"),
                    text("emoji"),
                    int("slot"),
                    big("created_at_ms"),
                    big("updated_at_ms"),
                ],
                vec![],
            ))
            .await?;
        schema.create_index(index("users", &["short_id"])).await?;
        schema.create_index(unique("users", &["name"])).await?;
        schema
            .create_table(table(
                "login_sessions",
                &["id"],
                vec![text("id"), json("data"), big("expires_at_secs")],
                vec![],
            ))
            .await?;
        schema
            .create_table(table(
                "session_tokens",
                &["hash"],
                vec![text("hash"), id("user_id"), id("session_id"), big("expires_at_ms")],
                vec![],
            ))
            .await?;
        schema.create_index(index("session_tokens", &["session_id"])).await?;
        schema
            .create_table(table(
                "idempotency_keys",
                &["user_id", "idempotency_key"],
                vec![
                    id("user_id"),
                    text("idempotency_key"),
                    text("fingerprint"),
                    int("status"),
                    text("answer"),
                    big("created_at_ms"),
                ],
                vec![],
            ))
            .await?;
        schema.create_index(index("idempotency_keys", &["created_at_ms"])).await?;
        schema
            .create_table(table(
                "settings",
                &["name"],
                vec![text("name"), json("value"), big("updated_at_ms")],
                vec![],
            ))
            .await?;
        Ok(())
    }

    async fn down(&self, schema: &SchemaManager) -> Result<(), DbErr> {
        for name in ["settings", "idempotency_keys", "session_tokens", "login_sessions", "users"] {
            schema.drop_table(Table::drop().table(Alias::new(name)).to_owned()).await?;
        }
        Ok(())
    }
}

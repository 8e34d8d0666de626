//! The audit: a chain of entries, each with the hash of the one before.

use crate::column::*;
use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, schema: &SchemaManager) -> Result<(), DbErr> {
        // No foreign keys: an entry outlives what it tells of. `detail` is JSON as text, because its
        // hash is over exactly these bytes and a JSON column may write them anew.
        schema
            .create_table(table(
                "audit_entries",
                &["seq"],
                vec![
                    big("seq"),
                    big("at_ms"),
                    text("kind"),
                    id_or_null("executor_id"),
                    id_or_null("session_id"),
                    text_or_null("account"),
                    id_or_null("user_id"),
                    text("direction"),
                    text("method"),
                    big("bytes"),
                    big("duration_us"),
                    text("outcome"),
                    text_or_null("params_sha256"),
                    text("detail"),
                    text("previous_hash"),
                    text("hash"),
                ],
                vec![],
            ))
            .await?;
        schema.create_index(index("audit_entries", &["session_id", "seq"])).await?;
        schema.create_index(index("audit_entries", &["executor_id", "seq"])).await?;
        Ok(())
    }

    async fn down(&self, schema: &SchemaManager) -> Result<(), DbErr> {
        schema.drop_table(Table::drop().table(Alias::new("audit_entries")).to_owned()).await
    }
}

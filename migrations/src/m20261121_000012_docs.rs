//! Documents: texts that several people write together, as Yjs updates.

use crate::column::*;
use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, schema: &SchemaManager) -> Result<(), DbErr> {
        // No foreign key: the id is a board object's or a session's.
        schema
            .create_table(table(
                "docs",
                &["id"],
                vec![
                    id("id"),
                    text("epoch"),
                    big("seq"),
                    bytes("state"),
                    big("state_seq"),
                    big_or_null("followed_seq"),
                    big("created_at_ms"),
                ],
                vec![],
            ))
            .await?;
        schema
            .create_table(table(
                "doc_updates",
                &["doc_id", "seq"],
                vec![
                    id("doc_id"),
                    big("seq"),
                    bytes("bytes"),
                    id("by_user"),
                    text("via"),
                    big("at_ms"),
                ],
                vec![reference("doc_updates", "doc_id", "docs")],
            ))
            .await
    }

    async fn down(&self, schema: &SchemaManager) -> Result<(), DbErr> {
        for name in ["doc_updates", "docs"] {
            schema.drop_table(Table::drop().table(Alias::new(name)).to_owned()).await?;
        }
        Ok(())
    }
}

//! The log: one numbered sequence of events per topic.

use crate::column::*;
use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, schema: &SchemaManager) -> Result<(), DbErr> {
        schema
            .create_table(table(
                "topics",
                &["topic"],
                vec![text("topic"), text("epoch"), big("seq")],
                vec![],
            ))
            .await?;
        schema
            .create_table(table(
                "events",
                &["topic", "seq"],
                vec![
                    text("topic"),
                    big("seq"),
                    big("at_ms"),
                    id_or_null("by_user"),
                    text("via"),
                    text("kind"),
                    text_or_null("mid"),
                    json("ops"),
                ],
                vec![],
            ))
            .await?;
        schema.create_index(unique("events", &["topic", "mid"])).await?;
        Ok(())
    }

    async fn down(&self, schema: &SchemaManager) -> Result<(), DbErr> {
        for name in ["events", "topics"] {
            schema.drop_table(Table::drop().table(Alias::new(name)).to_owned()).await?;
        }
        Ok(())
    }
}

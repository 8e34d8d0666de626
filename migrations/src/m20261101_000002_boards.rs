//! Boards and their objects.

use crate::column::*;
use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, schema: &SchemaManager) -> Result<(), DbErr> {
        schema
            .create_table(table(
                "boards",
                &["id"],
                vec![
                    id("id"),
                    text("short_id"),
                    text("name"),
                    id("created_by"),
                    big("created_at_ms"),
                    big("updated_at_ms"),
                    big_or_null("archived_at_ms"),
                    big("version"),
                ],
                vec![reference("boards", "created_by", "users")],
            ))
            .await?;
        schema.create_index(index("boards", &["short_id"])).await?;
        schema.create_index(index("boards", &["archived_at_ms", "id"])).await?;
        schema
            .create_table(table(
                "board_objects",
                &["id"],
                vec![
                    id("id"),
                    text("short_id"),
                    id("board_id"),
                    text("kind"),
                    double("pos_x"),
                    double("pos_y"),
                    json("data"),
                    id("created_by"),
                    big("created_at_ms"),
                    big("updated_at_ms"),
                ],
                vec![
                    reference("board_objects", "board_id", "boards"),
                    reference("board_objects", "created_by", "users"),
                ],
            ))
            .await?;
        schema.create_index(index("board_objects", &["board_id", "id"])).await?;
        schema.create_index(index("board_objects", &["short_id"])).await?;
        Ok(())
    }

    async fn down(&self, schema: &SchemaManager) -> Result<(), DbErr> {
        for name in ["board_objects", "boards"] {
            schema.drop_table(Table::drop().table(Alias::new(name)).to_owned()).await?;
        }
        Ok(())
    }
}

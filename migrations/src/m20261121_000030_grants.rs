//! Who may do what on which board: owners and visibility of boards, grants, groups, boards of
//! worktrees.

use crate::column::*;
use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, schema: &SchemaManager) -> Result<(), DbErr> {
        boards(schema).await?;
        groups(schema).await?;
        grants(schema).await?;
        worktrees(schema).await
    }

    async fn down(&self, schema: &SchemaManager) -> Result<(), DbErr> {
        for name in ["board_grants", "group_members", "user_groups"] {
            schema.drop_table(Table::drop().table(Alias::new(name)).to_owned()).await?;
        }
        let index =
            Index::drop().name("ix_worktrees_board_id").table(Alias::new("worktrees")).to_owned();
        schema.drop_index(index).await?;
        drop(schema, "worktrees", "board_id").await?;
        for column in ["owner_id", "visibility", "members_right"] {
            drop(schema, "boards", column).await?;
        }
        Ok(())
    }
}

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

/// Boards that are there belong to who made them; everybody may do on them what they did.
async fn boards(schema: &SchemaManager<'_>) -> Result<(), DbErr> {
    let (mut visibility, mut right) = (text("visibility"), text("members_right"));
    visibility.default("members");
    right.default("steer");
    // Absent in rows of a daemon that does not know owners yet: whoever made the board.
    for column in [id_or_null("owner_id"), visibility, right] {
        add(schema, "boards", column).await?;
    }
    let owner = Query::update()
        .table(Alias::new("boards"))
        .value(Alias::new("owner_id"), Expr::col(Alias::new("created_by")))
        .to_owned();
    schema.exec_stmt(owner).await
}

async fn groups(schema: &SchemaManager<'_>) -> Result<(), DbErr> {
    schema
        .create_table(table(
            "user_groups",
            &["id"],
            vec![
                id("id"),
                text("short_id"),
                text("name"),
                id("created_by"),
                big("created_at_ms"),
                big("updated_at_ms"),
            ],
            vec![],
        ))
        .await?;
    schema.create_index(unique("user_groups", &["name"])).await?;
    schema.create_index(index("user_groups", &["short_id"])).await?;
    schema
        .create_table(table(
            "group_members",
            &["group_id", "user_id"],
            vec![id("group_id"), id("user_id"), id("created_by"), big("created_at_ms")],
            vec![
                reference("group_members", "group_id", "user_groups"),
                reference("group_members", "user_id", "users"),
            ],
        ))
        .await?;
    schema.create_index(index("group_members", &["user_id"])).await
}

async fn grants(schema: &SchemaManager<'_>) -> Result<(), DbErr> {
    schema
        .create_table(table(
            "board_grants",
            &["board_id", "subject_id"],
            vec![
                id("board_id"),
                id("subject_id"),
                text("subject_kind"),
                text("board_right"),
                id("created_by"),
                big("created_at_ms"),
            ],
            vec![reference("board_grants", "board_id", "boards")],
        ))
        .await?;
    schema.create_index(index("board_grants", &["subject_id"])).await
}

/// A worktree belongs to the board of the oldest session in it; one without sessions to none.
async fn worktrees(schema: &SchemaManager<'_>) -> Result<(), DbErr> {
    add(schema, "worktrees", id_or_null("board_id")).await?;
    schema.create_index(index("worktrees", &["board_id"])).await?;
    let of_session = Query::select()
        .column((Alias::new("sessions"), Alias::new("board_id")))
        .from(Alias::new("sessions"))
        .and_where(
            Expr::col((Alias::new("sessions"), Alias::new("worktree_id")))
                .equals((Alias::new("worktrees"), Alias::new("id"))),
        )
        .order_by((Alias::new("sessions"), Alias::new("id")), Order::Asc)
        .limit(1)
        .to_owned();
    let board = Query::update()
        .table(Alias::new("worktrees"))
        .value(Alias::new("board_id"), Expr::SubQuery(None, Box::new(of_session.into())))
        .to_owned();
    schema.exec_stmt(board).await
}

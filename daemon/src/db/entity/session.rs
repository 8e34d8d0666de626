//! Table `sessions`: a session. No logic here.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "sessions")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    #[sea_orm(column_type = "Text")]
    pub short_id: String,
    pub board_id: Uuid,
    pub worktree_id: Uuid,
    pub repo_id: Uuid,
    #[sea_orm(column_type = "Text")]
    pub title: String,
    #[sea_orm(column_type = "Text")]
    pub agent: String,
    #[sea_orm(column_type = "Text")]
    pub model: String,
    #[sea_orm(column_type = "Text")]
    pub state: String,
    pub parent_id: Option<Uuid>,
    #[sea_orm(column_type = "Text", nullable)]
    pub relation: Option<String>,
    pub depth: i32,
    pub task_count: i32,
    pub message_count: i32,
    #[sea_orm(column_type = "JsonBinary")]
    pub data: Json,
    pub executor_id: Option<Uuid>,
    pub executor_seq: i64,
    pub created_by: Uuid,
    pub created_at_ms: i64,
    pub updated_at_ms: i64,
    pub archived_at_ms: Option<i64>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

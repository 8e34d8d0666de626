//! Table `comments`: a comment. No logic here.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "comments")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    #[sea_orm(column_type = "Text")]
    pub short_id: String,
    pub board_id: Option<Uuid>,
    pub session_id: Option<Uuid>,
    pub parent_id: Option<Uuid>,
    pub is_resolved: bool,
    #[sea_orm(column_type = "JsonBinary")]
    pub data: Json,
    pub created_by: Uuid,
    pub created_at_ms: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

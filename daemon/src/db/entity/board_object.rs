//! Table `board_objects`: an object on a board. No logic here.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "board_objects")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    #[sea_orm(column_type = "Text")]
    pub short_id: String,
    pub board_id: Uuid,
    #[sea_orm(column_type = "Text")]
    pub kind: String,
    pub pos_x: f64,
    pub pos_y: f64,
    #[sea_orm(column_type = "Text")]
    pub ord: String,
    pub from_id: Option<Uuid>,
    pub to_id: Option<Uuid>,
    #[sea_orm(column_type = "JsonBinary")]
    pub data: Json,
    pub created_by: Uuid,
    pub created_at_ms: i64,
    pub updated_at_ms: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

//! Rows of settings.

use crate::clock;
use crate::db::entity::setting;
use crate::error::Error;
use sea_orm::sea_query::OnConflict;
use sea_orm::{ActiveValue::Set, ConnectionTrait, EntityTrait};
use serde_json::Value;

pub(crate) async fn get(
    connection: &impl ConnectionTrait,
    name: &str,
) -> Result<Option<Value>, Error> {
    Ok(setting::Entity::find_by_id(name).one(connection).await?.map(|row| row.value))
}

pub(crate) async fn set(
    connection: &impl ConnectionTrait,
    name: &str,
    value: Value,
) -> Result<(), Error> {
    let row = setting::ActiveModel {
        name: Set(name.to_owned()),
        value: Set(value),
        updated_at_ms: Set(clock::now()),
    };
    let replace = OnConflict::column(setting::Column::Name)
        .update_columns([setting::Column::Value, setting::Column::UpdatedAtMs])
        .to_owned();
    setting::Entity::insert(row).on_conflict(replace).exec_without_returning(connection).await?;
    Ok(())
}

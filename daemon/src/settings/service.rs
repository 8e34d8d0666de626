//! Reading and writing settings of the instance.

use super::store;
use crate::db::Database;
use crate::error::Error;
use sea_orm::DatabaseTransaction;
use serde::Serialize;
use serde::de::DeserializeOwned;

pub(crate) async fn get<T: DeserializeOwned>(
    database: &Database,
    name: &str,
) -> Result<Option<T>, Error> {
    let value = store::get(database.read(), name).await?;
    Ok(value.map(serde_json::from_value).transpose()?)
}

pub(crate) async fn set(
    database: &Database,
    name: &'static str,
    value: &impl Serialize,
) -> Result<(), Error> {
    let value = serde_json::to_value(value)?;
    database
        .write(Box::new(move |connection| {
            let value = value.clone();
            Box::pin(async move { store::set(connection, name, value).await })
        }))
        .await
}

/// Writes a setting within a change.
pub(crate) async fn put(
    connection: &DatabaseTransaction,
    name: &'static str,
    value: &impl Serialize,
) -> Result<(), Error> {
    store::set(connection, name, serde_json::to_value(value)?).await
}

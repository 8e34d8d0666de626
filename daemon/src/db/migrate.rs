//! Brings the schema up to this build's version, or refuses a newer one.

use super::OpenError;
use grove_migrations::Migrator;
use sea_orm::{DatabaseConnection, FromQueryResult, Statement};
use sea_orm_migration::MigratorTrait;

#[derive(FromQueryResult)]
struct Applied {
    version: String,
}

/// Applies what is missing.
///
/// # Errors
/// `Newer` when the database knows migrations that this build does not know; `Database` otherwise.
pub(crate) async fn migrate(connection: &DatabaseConnection) -> Result<(), OpenError> {
    let known = grove_migrations::names();
    Migrator::install(connection).await?;
    let applied = Applied::find_by_statement(Statement::from_sql_and_values(
        connection.get_database_backend(),
        "SELECT version FROM seaql_migrations ORDER BY version",
        [],
    ))
    .all(connection)
    .await?;
    if let Some(newer) = applied.iter().find(|it| !known.contains(&it.version)) {
        return Err(OpenError::Newer { migration: newer.version.clone() });
    }
    if applied.len() < known.len() {
        Migrator::up(connection, None).await?;
    }
    Ok(())
}

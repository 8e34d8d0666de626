//! First touch of libSQL's engine.

use std::path::Path;

/// Makes libsql configure the engine, before sqlx opens it.
///
/// `build` alone is lazy; only `connect` sets the threading mode, and libsql panics later when
/// somebody else was first (ADR-0004). The handle is kept for the life of the process.
///
/// # Errors
/// libsql's own error when the file cannot be opened.
pub(crate) async fn claim_engine(file: &Path) -> Result<libsql::Database, libsql::Error> {
    let database = libsql::Builder::new_local(file).build().await?;
    drop(database.connect()?);
    Ok(database)
}

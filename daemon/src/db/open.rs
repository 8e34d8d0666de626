//! Opening the database, on either engine.

use super::writer::{WriteFn, Writer};
use super::{libsql, migrate};
use crate::error::Error;
use sea_orm::sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use sea_orm::{ConnectOptions, DatabaseConnection, DbErr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio_util::task::TaskTracker;

/// Connections that read, on libSQL.
const READERS: u32 = 4;
/// Connections to PostgreSQL.
const POSTGRES_CONNECTIONS: u32 = 10;
/// How long a statement waits for a lock or a connection.
const BUSY: Duration = Duration::from_secs(5);

/// The open database. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Database {
    read: DatabaseConnection,
    writer: Writer,
    /// Keeps libSQL's engine configured; `None` on PostgreSQL.
    _engine: Option<Arc<::libsql::Database>>,
}

/// Why the database cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The folder of the file cannot be made.
    #[error("failed to make the folder {path}")]
    Folder {
        /// The folder.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// libSQL cannot open the file.
    #[error("failed to open the database file")]
    Engine(#[from] ::libsql::Error),
    /// A newer Grove wrote this database.
    #[error(
        "the database was written by a newer Grove (it has the migration `{migration}`): start that version, or restore a backup"
    )]
    Newer {
        /// First migration that this build does not know.
        migration: String,
    },
    /// The database said no.
    #[error("failed to open the database")]
    Database(#[from] DbErr),
}

impl Database {
    /// Opens (and makes, and migrates) a libSQL file.
    ///
    /// # Errors
    /// `Folder`, `Engine` or `Database` when it cannot be opened, `Newer` when a newer Grove wrote it.
    pub(crate) async fn open_file(file: &Path, spawner: &TaskTracker) -> Result<Self, OpenError> {
        if let Some(folder) = file.parent() {
            std::fs::create_dir_all(folder)
                .map_err(|source| OpenError::Folder { path: folder.to_owned(), source })?;
        }
        let engine = libsql::claim_engine(file).await?;
        let write = sea_orm::Database::connect(file_options(file, 1, true)).await?;
        migrate::migrate(&write).await?;
        let read = sea_orm::Database::connect(file_options(file, READERS, false)).await?;
        let writer = Writer::grouped(write, spawner);
        Ok(Self { read, writer, _engine: Some(Arc::new(engine)) })
    }

    /// Opens (and migrates) a PostgreSQL database.
    ///
    /// # Errors
    /// `Database` when it cannot be reached, `Newer` when a newer Grove wrote it.
    pub(crate) async fn open_postgres(
        url: &str,
        max_connections: Option<u32>,
    ) -> Result<Self, OpenError> {
        let mut options = ConnectOptions::new(url);
        options
            .max_connections(max_connections.unwrap_or(POSTGRES_CONNECTIONS))
            .acquire_timeout(BUSY)
            .connect_timeout(BUSY)
            .sqlx_logging(false)
            .test_before_acquire(false);
        let read = sea_orm::Database::connect(options).await?;
        migrate::migrate(&read).await?;
        Ok(Self { writer: Writer::serializable(read.clone()), read, _engine: None })
    }

    /// The connection for reading.
    #[must_use]
    pub(crate) fn read(&self) -> &DatabaseConnection {
        &self.read
    }

    /// Runs a closure in a transaction and returns after it is committed.
    ///
    /// Transactions are isolated as if they ran one after the other. The closure may be called
    /// again (after a serialization failure), so it must only touch the transaction and its own
    /// captures, and must await nothing but the database.
    ///
    /// # Errors
    /// The closure's own error (everything is undone), or the database's when the commit fails.
    ///
    /// # Cancel safety
    /// A dropped future leaves the transaction to finish: it is committed whole or not at all.
    pub(crate) async fn write<T: Send + 'static>(&self, job: WriteFn<T>) -> Result<T, Error> {
        self.writer.run(job).await
    }
}

fn file_options(file: &Path, connections: u32, is_writer: bool) -> ConnectOptions {
    let mut options = ConnectOptions::new(format!("sqlite://{}?mode=rwc", file.display()));
    options
        .max_connections(connections)
        .min_connections(connections)
        .acquire_timeout(BUSY)
        .sqlx_logging(false)
        .test_before_acquire(false)
        .map_sqlx_sqlite_opts(move |sqlite: SqliteConnectOptions| {
            let sqlite = sqlite
                .journal_mode(SqliteJournalMode::Wal)
                .synchronous(SqliteSynchronous::Full)
                .foreign_keys(true)
                .busy_timeout(BUSY)
                .statement_cache_capacity(256)
                .pragma("temp_store", "memory")
                .pragma("cache_size", "-8192");
            // One connection commits and checkpoints: that keeps clear of SQLite's WAL-reset bug.
            if is_writer {
                sqlite.pragma("journal_size_limit", "67108864")
            } else {
                sqlite.pragma("query_only", "on").pragma("wal_autocheckpoint", "0")
            }
        });
    options
}

//! The instance's database seen from outside, for what no API does: seeding, damage, checks.

use crate::Outcome;
use anyhow::{Context, bail};
use grove_core_api::{SessionId, UserId};
use sea_orm::{ConnectionTrait, DatabaseConnection};
use sha2::{Digest, Sha256};
use std::path::Path;
use std::time::{Duration, UNIX_EPOCH};
use uuid::Uuid;

/// How long a statement waits for the daemon's own writes.
const BUSY: Duration = Duration::from_secs(10);

/// An open database.
pub enum Store {
    /// The embedded engine.
    LibSql(Box<libsql::Connection>),
    /// PostgreSQL.
    Postgres(DatabaseConnection),
}

impl Store {
    /// Opens the database of a home, or the one at `url`.
    ///
    /// # Errors
    /// When it cannot be opened.
    pub async fn open(url: Option<&str>, home: &Path) -> Outcome<Self> {
        if let Some(url) = url {
            return Ok(Self::Postgres(sea_orm::Database::connect(url).await?));
        }
        let file = home.join("db/grove.db");
        let connection = libsql::Builder::new_local(file).build().await?.connect()?;
        connection.busy_timeout(BUSY)?;
        Ok(Self::LibSql(Box::new(connection)))
    }

    /// Runs one statement without values.
    ///
    /// # Errors
    /// The database's.
    pub async fn execute(&self, sql: &str) -> Outcome {
        match self {
            Self::LibSql(connection) => {
                connection.execute(sql, ()).await?;
            }
            Self::Postgres(connection) => {
                connection.execute_unprepared(sql).await?;
            }
        }
        Ok(())
    }

    /// First column of the first row as text; libSQL only.
    ///
    /// # Errors
    /// The database's, or that there is no row.
    pub async fn text(&self, sql: &str) -> Outcome<String> {
        let Self::LibSql(connection) = self else { bail!("this check is for libSQL") };
        let mut rows = connection.query(sql, ()).await?;
        let row = rows.next().await?.with_context(|| format!("no row: {sql}"))?;
        Ok(match row.get_value(0)? {
            libsql::Value::Text(text) => text,
            libsql::Value::Integer(number) => number.to_string(),
            libsql::Value::Null => String::new(),
            libsql::Value::Real(number) => number.to_string(),
            libsql::Value::Blob(bytes) => hex::encode(bytes),
        })
    }

    /// Stores a session token, as the daemon does for an executor, and returns it.
    ///
    /// # Errors
    /// The database's.
    pub async fn session_token(&self, user: UserId, session: SessionId) -> Outcome<String> {
        let token = format!("{}{}", Uuid::new_v4().simple(), Uuid::new_v4().simple());
        let hash = hex::encode(Sha256::digest(token.as_bytes()));
        let expires = now_ms()? + 3_600_000;
        let (user, session) = (self.uuid(user.0), self.uuid(session.0));
        self.execute(&format!(
            "INSERT INTO session_tokens (hash, user_id, session_id, expires_at_ms) \
             VALUES ('{hash}', {user}, {session}, {expires})"
        ))
        .await?;
        Ok(token)
    }

    /// How this engine writes a UUID in SQL.
    #[must_use]
    pub fn uuid(&self, id: Uuid) -> String {
        match self {
            Self::LibSql(_) => format!("x'{}'", id.simple()),
            Self::Postgres(_) => format!("'{id}'"),
        }
    }
}

fn now_ms() -> Outcome<i64> {
    #[expect(clippy::disallowed_methods, reason = "tests have no clock of Grove's")]
    let now = std::time::SystemTime::now();
    Ok(i64::try_from(now.duration_since(UNIX_EPOCH)?.as_millis())?)
}

//! Which database an instance stands on, and a PostgreSQL database for each instance.

use crate::{Outcome, say, variable};
use anyhow::{Context, bail};
use sea_orm::{ConnectionTrait, Database};
use std::sync::Once;
use uuid::Uuid;

const URL: &str = "GROVE_TEST_POSTGRES_URL";
const REQUIRE: &str = "GROVE_TEST_REQUIRE_POSTGRES";

/// A database engine that Grove runs on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Backend {
    /// The embedded one.
    LibSql,
    /// PostgreSQL.
    Postgres,
}

impl Backend {
    /// Every engine that can be tested here.
    ///
    /// # Errors
    /// When PostgreSQL is required but no server is named.
    pub fn all() -> Outcome<Vec<Self>> {
        static SAID: Once = Once::new();
        if variable(URL).is_some() {
            return Ok(vec![Self::LibSql, Self::Postgres]);
        }
        if variable(REQUIRE).is_some_and(|it| it == "1") {
            bail!("{REQUIRE}=1, but {URL} is not set");
        }
        SAID.call_once(|| say(&format!("NOT TESTED: PostgreSQL, because {URL} is not set")));
        Ok(vec![Self::LibSql])
    }
}

/// Makes a fresh database on the server and returns its URL.
pub(crate) async fn create() -> Outcome<String> {
    let server = variable(URL).with_context(|| format!("{URL} is not set"))?;
    let name = format!("grove_test_{}", Uuid::new_v4().simple());
    let connection = Database::connect(&server).await?;
    connection.execute_unprepared(&format!("CREATE DATABASE {name}")).await?;
    connection.close().await?;
    let (start, _) = server.rsplit_once('/').context("the URL names no database")?;
    Ok(format!("{start}/{name}"))
}

/// Removes a database that [`create`] made.
pub(crate) async fn remove(url: &str) -> Outcome {
    let server = variable(URL).with_context(|| format!("{URL} is not set"))?;
    let (_, name) = url.rsplit_once('/').context("the URL names no database")?;
    let connection = Database::connect(&server).await?;
    connection.execute_unprepared(&format!("DROP DATABASE {name} WITH (FORCE)")).await?;
    connection.close().await?;
    Ok(())
}

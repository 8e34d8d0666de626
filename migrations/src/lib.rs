//! Schema of Grove's database, the same on libSQL and PostgreSQL: an ordered list of migrations.
//!
//! Expand, then contract: see `migrations/README.md`. Columns hold what is filtered, sorted or
//! joined; everything else of an entity lies in one JSON column that the daemon reads with
//! `#[serde(default)]`. No queries here.

#![expect(
    elided_lifetimes_in_paths,
    reason = "the trait of sea-orm-migration elides the lifetime, and async_trait needs the same form"
)]

use sea_orm_migration::prelude::*;

mod column;
mod m20261101_000001_people;
mod m20261101_000002_boards;
mod m20261101_000003_repos;
mod m20261101_000004_sessions;
mod m20261101_000005_conversation;
mod m20261101_000006_events;
mod m20261121_000007_accounts;
mod m20261121_000008_executors;
mod m20261121_000009_audit;
mod m20261121_000010_board_log;
mod m20261121_000012_docs;
mod m20261121_000020_nodes;
mod m20261121_000030_grants;

/// Runs the migrations in order.
#[derive(Debug)]
pub struct Migrator;

impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![
            Box::new(m20261101_000001_people::Migration),
            Box::new(m20261101_000002_boards::Migration),
            Box::new(m20261101_000003_repos::Migration),
            Box::new(m20261101_000004_sessions::Migration),
            Box::new(m20261101_000005_conversation::Migration),
            Box::new(m20261101_000006_events::Migration),
            Box::new(m20261121_000007_accounts::Migration),
            Box::new(m20261121_000008_executors::Migration),
            Box::new(m20261121_000009_audit::Migration),
            Box::new(m20261121_000010_board_log::Migration),
            Box::new(m20261121_000012_docs::Migration),
            Box::new(m20261121_000020_nodes::Migration),
            Box::new(m20261121_000030_grants::Migration),
        ]
    }
}

/// Names of all migrations of this build, in order.
#[must_use]
pub fn names() -> Vec<String> {
    Migrator::migrations().iter().map(|migration| migration.name().to_owned()).collect()
}

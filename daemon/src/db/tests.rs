//! What the writer promises, on both engines: PostgreSQL when `GROVE_TEST_POSTGRES_URL` names a server.

use super::Database;
use super::entity::setting;
use crate::clock;
use crate::config::variable;
use crate::error::Error;
use grove_core_api::ErrorCode;
use sea_orm::{ActiveValue::Set, ConnectionTrait, DatabaseTransaction, EntityTrait};
use std::error::Error as StdError;
use tokio_util::task::TaskTracker;
use uuid::Uuid;

pub(crate) type Outcome<T = ()> = Result<T, Box<dyn StdError + Send + Sync>>;

/// Tasks that write at once.
const TASKS: usize = 64;
/// Transfers of each task.
const TRANSFERS: usize = 20;
/// Accounts between which they transfer.
const ACCOUNTS: usize = 16;
/// What is on each account at first.
const DEPOSIT: i64 = 1_000;

/// Runs a test on a fresh database of each engine.
pub(crate) async fn on_each(test: impl AsyncFn(&Database) -> Outcome) -> Outcome {
    let folder = tempfile::tempdir()?;
    let spawner = TaskTracker::new();
    let database = Database::open_file(&folder.path().join("db/test.db"), &spawner).await?;
    test(&database).await?;
    let Some(server) = variable("GROVE_TEST_POSTGRES_URL") else { return Ok(()) };
    let name = format!("grove_unit_{}", Uuid::now_v7().simple());
    let admin = sea_orm::Database::connect(&server).await?;
    admin.execute_unprepared(&format!("CREATE DATABASE {name}")).await?;
    let (start, _) = server.rsplit_once('/').ok_or("the URL names no database")?;
    let database = Database::open_postgres(&format!("{start}/{name}"), None).await?;
    let outcome = test(&database).await;
    admin.execute_unprepared(&format!("DROP DATABASE {name} WITH (FORCE)")).await?;
    outcome
}

async fn read(connection: &impl ConnectionTrait, name: &str) -> Result<i64, Error> {
    let row = setting::Entity::find_by_id(name).one(connection).await?;
    row.and_then(|row| row.value.as_i64()).ok_or_else(|| Error::internal("no such account"))
}

fn row(name: &str, amount: i64) -> setting::ActiveModel {
    setting::ActiveModel {
        name: Set(name.to_owned()),
        value: Set(amount.into()),
        updated_at_ms: Set(clock::now()),
    }
}

async fn transfer(tx: &DatabaseTransaction, from: &str, to: &str) -> Result<(), Error> {
    let (left, right) = (read(tx, from).await?, read(tx, to).await?);
    setting::Entity::update(row(from, left - 1)).exec(tx).await?;
    setting::Entity::update(row(to, right + 1)).exec(tx).await?;
    Ok(())
}

async fn insert(database: &Database, name: String, amount: i64) -> Result<(), Error> {
    database
        .write(Box::new(move |tx| {
            let row = row(&name, amount);
            Box::pin(async move {
                setting::Entity::insert(row).exec_without_returning(tx).await?;
                Ok(())
            })
        }))
        .await
}

/// Transfers until it is done: PostgreSQL may ask the caller to repeat it.
async fn transfers(database: Database, task: usize) -> Result<(), Error> {
    let mut done = 0;
    while done < TRANSFERS {
        let from = format!("account-{}", task % ACCOUNTS);
        let to = format!("account-{}", (task + done + 1) % ACCOUNTS);
        if from == to {
            done += 1;
            continue;
        }
        let written = database.write(Box::new(move |tx| {
            let (from, to) = (from.clone(), to.clone());
            Box::pin(async move { transfer(tx, &from, &to).await })
        }));
        match written.await {
            Ok(()) => done += 1,
            Err(error) if error.is_serialization_failure() => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_writers_that_read_first_lose_no_update() -> Outcome {
    on_each(async |database| {
        for number in 0..ACCOUNTS {
            insert(database, format!("account-{number}"), DEPOSIT).await?;
        }
        let spawner = TaskTracker::new();
        let tasks: Vec<_> =
            (0..TASKS).map(|task| spawner.spawn(transfers(database.clone(), task))).collect();
        for task in tasks {
            task.await??;
        }
        let mut expected = [DEPOSIT; ACCOUNTS];
        for task in 0..TASKS {
            for done in 0..TRANSFERS {
                expected[task % ACCOUNTS] -= 1;
                expected[(task + done + 1) % ACCOUNTS] += 1;
            }
        }
        for (number, wanted) in expected.into_iter().enumerate() {
            assert_eq!(read(database.read(), &format!("account-{number}")).await?, wanted);
        }
        Ok(())
    })
    .await
}

/// A row that breaks a constraint which is looked at only when the transaction is committed.
async fn orphan(database: &Database) -> Result<(), Error> {
    database
        .write(Box::new(|tx| {
            Box::pin(async move {
                tx.execute_unprepared("INSERT INTO test_child VALUES (1, 77)").await?;
                Ok(())
            })
        }))
        .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_constraint_that_fails_at_the_commit_fails_only_its_own_job() -> Outcome {
    on_each(async |database| {
        database
            .write(Box::new(|tx| {
                Box::pin(async move {
                    tx.execute_unprepared("CREATE TABLE test_parent (id BIGINT PRIMARY KEY)")
                        .await?;
                    let child = "CREATE TABLE test_child (id BIGINT PRIMARY KEY, parent BIGINT \
                                 REFERENCES test_parent (id) DEFERRABLE INITIALLY DEFERRED)";
                    tx.execute_unprepared(child).await?;
                    Ok(())
                })
            }))
            .await?;
        let good = (0..16).map(|number| insert(database, format!("good-{number}"), number));
        let (bad, good) =
            futures_util::future::join(orphan(database), futures_util::future::join_all(good))
                .await;
        assert_eq!(bad.map_err(|error| error.code()), Err(ErrorCode::Conflict));
        for stored in good {
            stored?;
        }
        for number in 0..16 {
            assert_eq!(read(database.read(), &format!("good-{number}")).await?, number);
        }
        Ok(())
    })
    .await
}

#[tokio::test]
async fn a_job_that_fails_leaves_nothing_of_itself() -> Outcome {
    on_each(async |database| {
        let failed: Result<(), Error> = database
            .write(Box::new(|tx| {
                Box::pin(async move {
                    setting::Entity::insert(row("half", 1)).exec_without_returning(tx).await?;
                    Err(Error::new(ErrorCode::Conflict, "no"))
                })
            }))
            .await;
        assert_eq!(failed.map_err(|error| error.code()), Err(ErrorCode::Conflict));
        assert!(read(database.read(), "half").await.is_err());
        Ok(())
    })
    .await
}

#[tokio::test]
async fn a_panic_in_a_job_does_not_stop_the_writer() -> Outcome {
    let folder = tempfile::tempdir()?;
    let spawner = TaskTracker::new();
    let database = Database::open_file(&folder.path().join("test.db"), &spawner).await?;
    let failed: Result<(), Error> = database
        .write(Box::new(|tx| {
            Box::pin(async move {
                setting::Entity::insert(row("half", 1)).exec_without_returning(tx).await?;
                panic!("on purpose")
            })
        }))
        .await;
    assert_eq!(failed.map_err(|error| error.code()), Err(ErrorCode::Internal));
    assert!(read(database.read(), "half").await.is_err(), "what it had written is undone");
    insert(&database, "after".to_owned(), 2).await?;
    assert_eq!(read(database.read(), "after").await?, 2);
    Ok(())
}

//! Who may write, and when a write counts.
//!
//! On libSQL one task owns the only writing connection. It takes what waits, runs each job in a
//! savepoint of one `BEGIN IMMEDIATE` transaction, commits once and only then answers all of them.
//! On PostgreSQL each job is its own SERIALIZABLE transaction, run again when the server asks.

use crate::error::Error;
use backon::{ExponentialBuilder, Retryable};
use futures_util::FutureExt;
use grove_core_api::ErrorCode;
use sea_orm::{
    DatabaseConnection, DatabaseTransaction, DbErr, IsolationLevel, RuntimeErr,
    SqliteTransactionMode, TransactionOptions, TransactionTrait,
};
use std::any::Any;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};
use tokio_util::task::TaskTracker;

/// Jobs that may wait for the writer; senders wait when it is full.
const QUEUE: usize = 4_096;
/// Most jobs in one commit.
const GROUP: usize = 64;
/// Longest time for one job inside the shared transaction.
const JOB: Duration = Duration::from_secs(2);
/// Tries on PostgreSQL before a serialization failure is reported.
const TRIES: usize = 20;

type Job<'c, T> = Pin<Box<dyn Future<Output = Result<T, Error>> + Send + 'c>>;
type AnyBox = Box<dyn Any + Send>;
/// A closure that writes; it may be called more than once.
pub(crate) type WriteFn<T> =
    Box<dyn for<'c> Fn(&'c DatabaseTransaction) -> Job<'c, T> + Send + Sync>;

pub(crate) struct Request {
    job: WriteFn<AnyBox>,
    reply: oneshot::Sender<Result<AnyBox, Error>>,
}

#[derive(Clone)]
pub(crate) enum Writer {
    Grouped(mpsc::Sender<Request>),
    Serializable(Arc<DatabaseConnection>),
}

impl Writer {
    pub(crate) fn grouped(connection: DatabaseConnection, spawner: &TaskTracker) -> Self {
        let (sender, receiver) = mpsc::channel(QUEUE);
        spawner.spawn(write_loop(connection, receiver));
        Self::Grouped(sender)
    }

    pub(crate) fn serializable(connection: DatabaseConnection) -> Self {
        Self::Serializable(Arc::new(connection))
    }

    pub(crate) async fn run<T: Send + 'static>(&self, job: WriteFn<T>) -> Result<T, Error> {
        match self {
            Self::Grouped(sender) => {
                let job: WriteFn<AnyBox> = Box::new(move |transaction| {
                    let work = job(transaction);
                    Box::pin(async move { work.await.map(|value| Box::new(value) as AnyBox) })
                });
                let (reply, answer) = oneshot::channel();
                sender.send(Request { job, reply }).await.map_err(|_closed| stopped())?;
                let value = answer.await.map_err(|_closed| stopped())??;
                value
                    .downcast()
                    .map(|value| *value)
                    .map_err(|_other| Error::internal("the writer answered with another type"))
            }
            Self::Serializable(connection) => serializable(connection, &job).await,
        }
    }
}

fn stopped() -> Error {
    Error::new(ErrorCode::Unavailable, "Grove is shutting down; nothing was stored")
}

async fn write_loop(connection: DatabaseConnection, mut receiver: mpsc::Receiver<Request>) {
    while let Some(first) = receiver.recv().await {
        let mut group = vec![first];
        while group.len() < GROUP
            && let Ok(request) = receiver.try_recv()
        {
            group.push(request);
        }
        write_group(&connection, group).await;
    }
}

/// Commits a group at once; when the shared commit fails, each job gets a transaction of its own,
/// so that one deferred constraint cannot take the others with it.
async fn write_group(connection: &DatabaseConnection, group: Vec<Request>) {
    let mut done = Vec::with_capacity(group.len());
    let committed = async {
        let transaction = begin(connection).await?;
        for request in group {
            let outcome = in_savepoint(&transaction, &request.job).await;
            done.push((request, outcome));
        }
        transaction.commit().await.map_err(Error::from)
    }
    .await;
    let is_single = done.len() == 1;
    for (request, outcome) in done {
        let answer = match (&committed, outcome) {
            (Ok(()), outcome) => outcome,
            (Err(_), Err(error)) => Err(error),
            (Err(_), Ok(_)) if !is_single => alone(connection, &request.job).await,
            (Err(error), Ok(_)) => Err(error.again()),
        };
        // The caller may have gone away; the work is committed all the same.
        drop(request.reply.send(answer));
    }
}

async fn alone(connection: &DatabaseConnection, job: &WriteFn<AnyBox>) -> Result<AnyBox, Error> {
    let transaction = begin(connection).await?;
    let value = in_savepoint(&transaction, job).await?;
    transaction.commit().await?;
    Ok(value)
}

async fn begin(connection: &DatabaseConnection) -> Result<DatabaseTransaction, Error> {
    let options = TransactionOptions {
        sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
        ..TransactionOptions::default()
    };
    Ok(connection.begin_with_options(options).await?)
}

async fn in_savepoint(
    transaction: &DatabaseTransaction,
    job: &WriteFn<AnyBox>,
) -> Result<AnyBox, Error> {
    let savepoint = transaction.begin().await?;
    let work = AssertUnwindSafe(tokio::time::timeout(JOB, job(&savepoint))).catch_unwind();
    let outcome = match work.await {
        Ok(Ok(outcome)) => outcome,
        Ok(Err(_elapsed)) => {
            Err(Error::new(ErrorCode::Timeout, "the database took too long; nothing was stored"))
        }
        Err(_panic) => Err(Error::internal("a write panicked")),
    };
    match outcome {
        Ok(value) => {
            savepoint.commit().await?;
            Ok(value)
        }
        Err(error) => {
            savepoint.rollback().await?;
            Err(error)
        }
    }
}

async fn serializable<T: Send + 'static>(
    connection: &DatabaseConnection,
    job: &WriteFn<T>,
) -> Result<T, Error> {
    let attempt = async || {
        let transaction =
            connection.begin_with_config(Some(IsolationLevel::Serializable), None).await?;
        match job(&transaction).await {
            Ok(value) => {
                transaction.commit().await?;
                Ok(value)
            }
            Err(error) => {
                transaction.rollback().await?;
                Err(error)
            }
        }
    };
    let backoff = ExponentialBuilder::default()
        .with_min_delay(Duration::from_millis(1))
        .with_max_delay(Duration::from_millis(64))
        .with_max_times(TRIES)
        .with_jitter();
    attempt.retry(backoff).when(Error::is_serialization_failure).await
}

/// Whether PostgreSQL asks to run the transaction again (SQLSTATE 40001, 40P01).
pub(crate) fn is_serialization_failure(error: &DbErr) -> bool {
    let (DbErr::Exec(RuntimeErr::SqlxError(source))
    | DbErr::Query(RuntimeErr::SqlxError(source))
    | DbErr::Conn(RuntimeErr::SqlxError(source))) = error
    else {
        return false;
    };
    source
        .as_database_error()
        .and_then(|it| it.code())
        .is_some_and(|code| code == "40001" || code == "40P01")
}

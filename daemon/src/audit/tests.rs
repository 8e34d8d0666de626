//! The chain on both engines: what breaks it is found, what does not break it is not.

use super::model::{self, Verifier};
use super::service::{Anchor, Audit, Keeping, Recorder, Subject, follow};
use super::store::{self, Filter};
use crate::clock;
use crate::db::Database;
use crate::db::tests::{Outcome, on_each};
use crate::paths::Paths;
use grove_core_api::ipc::method::{Cancel, Cancelled, Initialize, Initialized, SessionEvent};
use grove_core_api::ipc::{Notification, RpcError};
use grove_core_api::monitor::ExecutorRole;
use grove_core_api::rest::audit::AuditVerification;
use grove_core_api::{ExecutorId, Secret, SessionId, TaskId, UserId, limits, version};
use grove_ipc::{Begin, Call, Direction, Handler, Observer, Peer, Raw, Unobserved};
use sea_orm::ConnectionTrait;
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use tempfile::TempDir;
use tokio_util::task::TaskTracker;

/// Sessions that call at once.
const SESSIONS: usize = 200;
/// Calls of each.
const CALLS: usize = 10;

/// An audit with its recorder and its home.
struct Bench {
    audit: Arc<Audit>,
    paths: Paths,
    db: Database,
    running: TaskTracker,
}

impl Bench {
    fn start(home: &TempDir, db: &Database, keep_days: u32) -> Self {
        let (audit, recorder) = Recorder::new("ana");
        let paths = Paths::new(home.path(), "ana");
        let running = TaskTracker::new();
        running.spawn(recorder.run(
            db.clone(),
            Anchor::new(&paths),
            Keeping { days: keep_days, has_others: false },
        ));
        Self { audit, paths, db: db.clone(), running }
    }

    async fn end(self) {
        self.audit.end();
        self.running.close();
        self.running.wait().await;
    }

    /// What a fresh look finds, with the anchor file alone.
    async fn verify(&self) -> Outcome<AuditVerification> {
        let anchor = Anchor::new(&self.paths).read().await;
        Ok(follow(self.db.read(), Verifier::new(anchor, None)).await?)
    }

    async fn calls(&self, number: usize) -> Outcome {
        let watch = self.audit.executor(Subject::default());
        for _ in 0..number {
            let ending = watch.begin(call("session.cancel")).await.ok_or("the audit has ended")?;
            ending.end("ok");
        }
        self.audit.flush().await?;
        Ok(())
    }

    async fn sql(&self, sql: &'static str) -> Outcome {
        self.db
            .write(Box::new(move |tx| {
                Box::pin(async move {
                    tx.execute_unprepared(sql).await?;
                    Ok(())
                })
            }))
            .await?;
        Ok(())
    }

    async fn methods(&self) -> Outcome<Vec<String>> {
        let all = store::after(self.db.read(), Filter::default(), 0, 100_000).await?;
        Ok(all.into_iter().map(|record| record.method).collect())
    }
}

fn call(method: &str) -> Call<'_> {
    Call { direction: Direction::Outgoing, method, params: Some("{}"), bytes: 2 }
}

#[tokio::test]
async fn whatever_is_done_to_the_rows_is_found_where_it_was_done() -> Outcome {
    let damage: &[(&str, &str, Option<i64>)] = &[
        ("nothing", "UPDATE audit_entries SET bytes = bytes WHERE seq = 7", None),
        ("changed", "UPDATE audit_entries SET outcome = 'no' WHERE seq = 7", Some(7)),
        ("other user", "UPDATE audit_entries SET account = 'eve' WHERE seq = 3", Some(3)),
        ("other detail", "UPDATE audit_entries SET detail = '{ }' WHERE seq = 9", Some(9)),
        ("removed", "DELETE FROM audit_entries WHERE seq = 7", Some(7)),
        ("first removed", "DELETE FROM audit_entries WHERE seq = 1", Some(1)),
        ("tail cut", "DELETE FROM audit_entries WHERE seq > 15", Some(16)),
        ("all gone", "DELETE FROM audit_entries", Some(1)),
        (
            "swapped",
            "UPDATE audit_entries SET seq = CASE seq WHEN 7 THEN -8 ELSE -7 END WHERE seq IN (7, 8);
             UPDATE audit_entries SET seq = -seq WHERE seq < 0",
            Some(7),
        ),
        (
            "put in",
            "INSERT INTO audit_entries SELECT 22, at_ms, kind, executor_id, session_id, account, \
             user_id, direction, method, bytes, duration_us, outcome, params_sha256, detail, \
             previous_hash, hash FROM audit_entries WHERE seq = 21",
            Some(22),
        ),
    ];
    for (what, sql, broken_at) in damage {
        on_each(async |db| {
            let home = tempfile::tempdir()?;
            let bench = Bench::start(&home, db, 0);
            bench.calls(20).await?;
            let whole = bench.verify().await?;
            assert_eq!((whole.first_seq, whole.last_seq), (Some(1), Some(21)), "{whole:?}");
            assert!(whole.is_intact, "{whole:?}");
            bench.sql(sql).await?;
            let found = bench.verify().await?;
            assert_eq!(found.broken_at, *broken_at, "{what}: {found:?}");
            assert_eq!(found.is_intact, broken_at.is_none(), "{what}: {found:?}");
            bench.end().await;
            Ok(())
        })
        .await?;
    }
    Ok(())
}

#[tokio::test]
async fn a_tail_that_is_cut_while_grove_does_not_run_is_found_for_ever() -> Outcome {
    on_each(async |db| {
        let home = tempfile::tempdir()?;
        let bench = Bench::start(&home, db, 0);
        bench.calls(20).await?;
        bench.sql("DELETE FROM audit_entries WHERE seq > 15").await?;
        bench.end().await;
        let bench = Bench::start(&home, db, 0);
        bench.calls(5).await?;
        let found = bench.verify().await?;
        assert_eq!((found.is_intact, found.broken_at), (false, Some(16)), "{found:?}");
        bench.end().await;
        Ok(())
    })
    .await
}

#[tokio::test]
async fn a_chain_that_was_written_anew_while_grove_does_not_run_is_found() -> Outcome {
    on_each(async |db| {
        let home = tempfile::tempdir()?;
        let bench = Bench::start(&home, db, 0);
        bench.calls(5).await?;
        let anchor = Anchor::new(&bench.paths);
        let noted = anchor.read().await.ok_or("no anchor")?;
        bench.sql("DELETE FROM audit_entries").await?;
        bench.end().await;
        // Another chain of the same length, made with the same rules.
        let elsewhere = tempfile::tempdir()?;
        let forger = Bench::start(&elsewhere, db, 0);
        forger.calls(9).await?;
        forger.end().await;
        let bench = Bench::start(&home, db, 0);
        bench.calls(1).await?;
        let found = bench.verify().await?;
        assert!(!found.is_intact, "{found:?} {noted:?}");
        bench.end().await;
        Ok(())
    })
    .await
}

#[tokio::test]
async fn the_chain_goes_on_after_a_restart_and_a_missing_anchor_is_noted() -> Outcome {
    on_each(async |db| {
        let home = tempfile::tempdir()?;
        for _ in 0..2 {
            let bench = Bench::start(&home, db, 0);
            bench.calls(3).await?;
            let found = bench.verify().await?;
            assert!(found.is_intact, "{found:?}");
            bench.end().await;
        }
        let file = Paths::new(home.path(), "ana").audit_head();
        let mode =
            std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(&file)?.permissions());
        assert_eq!(mode & 0o777, 0o600);
        std::fs::remove_file(&file)?;
        let found = follow(db.read(), Verifier::new(None, None)).await?;
        assert!(!found.is_intact && found.problem.is_some(), "{found:?}");
        let bench = Bench::start(&home, db, 0);
        bench.calls(1).await?;
        let all = store::after(db.read(), Filter::default(), 0, 100).await?;
        let starts: Vec<_> = all.iter().filter(|it| it.method == model::STARTED).collect();
        let states = ["new", "matches", "missing"];
        assert_eq!(starts.len(), states.len());
        for (start, state) in starts.iter().zip(states) {
            assert_eq!(model::shown(&start.detail)["anchor"], state, "{start:?}");
        }
        bench.end().await;
        Ok(())
    })
    .await
}

#[tokio::test]
async fn old_entries_go_and_the_rest_can_be_verified_all_the_same() -> Outcome {
    on_each(async |db| {
        let home = tempfile::tempdir()?;
        let bench = Bench::start(&home, db, 0);
        bench.calls(20).await?;
        bench.end().await;
        // Ten of them were written long ago: the chain is made again as it would have been then.
        let mut old = store::after(db.read(), Filter::default(), 0, 100).await?;
        let mut hash = model::GENESIS.to_owned();
        for (index, record) in old.iter_mut().enumerate() {
            record.at_ms = if index < 10 { 0 } else { record.at_ms };
            record.previous_hash = hash;
            record.hash = record.computed_hash();
            hash = record.hash.clone();
        }
        let last = model::Head::of(old.last().ok_or("no entries")?);
        let old = Arc::new(old);
        db.write(Box::new(move |tx| {
            let old = Arc::clone(&old);
            Box::pin(async move {
                store::remove_through(tx, i64::MAX).await?;
                store::insert(tx, &old).await
            })
        }))
        .await?;
        let file = Paths::new(home.path(), "ana").audit_head();
        std::fs::write(&file, serde_json::to_string(&last)?)?;
        let bench = Bench::start(&home, db, 30);
        while store::first_seq(db.read()).await? != 11 {
            tokio::task::yield_now().await;
        }
        bench.calls(1).await?;
        let found = bench.verify().await?;
        assert!(found.is_intact, "{found:?}");
        assert_eq!(found.first_seq, Some(11));
        assert!(bench.methods().await?.iter().any(|it| it == model::PRUNED));
        // Removing more, as pruning would but without saying so, is found.
        bench.sql("DELETE FROM audit_entries WHERE seq < 15").await?;
        let found = bench.verify().await?;
        assert_eq!((found.is_intact, found.broken_at), (false, Some(11)), "{found:?}");
        bench.end().await;
        Ok(())
    })
    .await
}

/// Answers `session.cancel` and `initialize`.
struct Executor;

impl Handler for Executor {
    async fn request(&self, method: &str, params: Option<Raw>) -> Result<Raw, RpcError> {
        match method {
            "session.cancel" => {
                grove_ipc::call::<Cancel, _, _>(params, async |_| {
                    Ok(Cancelled { was_running: true })
                })
                .await
            }
            "initialize" => {
                grove_ipc::call::<Initialize, _, _>(params, async |_| {
                    Ok(Initialized {
                        protocol: version::IPC,
                        version: version::GROVE.to_owned(),
                        pid: 1,
                        role: ExecutorRole::Session,
                        task_id: None,
                        newest_seq: 0,
                        sandbox: grove_core_api::isolation::SandboxReport::default(),
                    })
                })
                .await
            }
            other => Err(grove_ipc::method_not_found(other)),
        }
    }

    async fn notification(&self, _method: &str, _params: Option<Raw>) {}
}

/// A daemon's peer that is watched, and an executor's.
fn connect(tracker: &TaskTracker, watch: Arc<dyn Observer>) -> (Peer, Peer) {
    let (left, right) = tokio::io::duplex(4_096);
    let (daemon, driver) = Peer::start(left, Arc::new(Executor), watch);
    tracker.spawn(driver);
    let (executor, driver) = Peer::start(right, Arc::new(Executor), Arc::new(Unobserved));
    tracker.spawn(driver);
    (daemon, executor)
}

async fn call_often(peer: Peer, session: SessionId) -> Result<SessionId, String> {
    for _ in 0..CALLS {
        let cancel = Cancel { task_id: clock::fresh_id() };
        peer.request(cancel).await.map_err(|error| error.to_string())?;
    }
    Ok(session)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_hundred_sessions_that_call_at_once_leave_a_whole_chain() -> Outcome {
    on_each(async |db| {
        let home = tempfile::tempdir()?;
        let bench = Bench::start(&home, db, 0);
        let tracker = TaskTracker::new();
        let calling = (0..SESSIONS).map(|_| {
            let session: SessionId = clock::fresh_id();
            let subject = Subject { session: Some(session), ..Subject::default() };
            let (peer, _executor) = connect(&tracker, bench.audit.executor(subject));
            tracker.spawn(call_often(peer, session))
        });
        for called in futures_util::future::join_all(calling.collect::<Vec<_>>()).await {
            let session = called??;
            bench.audit.flush().await?;
            let filter = Filter { session: Some(session), ..Filter::default() };
            let own = store::after(db.read(), filter, 0, 100).await?;
            let calls = own.iter().filter(|it| it.method == "session.cancel");
            assert_eq!(calls.count(), CALLS, "{own:?}");
        }
        let found = bench.verify().await?;
        assert!(found.is_intact, "{found:?}");
        assert!(found.entries > i64::try_from(SESSIONS * CALLS)?, "{found:?}");
        bench.end().await;
        Ok(())
    })
    .await
}

#[tokio::test]
async fn a_call_is_noted_with_its_subject_and_without_its_secrets() -> Outcome {
    on_each(async |db| {
        let home = tempfile::tempdir()?;
        let bench = Bench::start(&home, db, 0);
        let tracker = TaskTracker::new();
        let subject = Subject {
            executor: Some(clock::fresh_id::<ExecutorId>()),
            session: Some(clock::fresh_id::<SessionId>()),
            account: None,
            user: Some(clock::fresh_id::<UserId>()),
        };
        let (peer, executor) = connect(&tracker, bench.audit.executor(subject.clone()));
        let hello = |token: &str| Initialize {
            protocol: 1,
            token: Secret::new(token),
            last_seq: 0,
            orphan_ms: 1,
        };
        peer.request(hello("first-secret-word")).await?;
        peer.request(hello("other-secret-word")).await?;
        // The other direction: what is not in the table is counted, and its name is not kept.
        let refused = executor.request(Cancel { task_id: clock::fresh_id::<TaskId>() }).await;
        assert!(refused.is_ok(), "{refused:?}");
        executor.notify(grove_core_api::ipc::method::EventAck { seq: 1 }).await?;
        // Whoever closes writes first what waits, and the other side takes it before it ends.
        executor.close();
        peer.closed().await;
        tracker.close();
        drop((peer, executor));
        tracker.wait().await;
        bench.end().await;
        let all = store::after(db.read(), Filter::default(), 0, 100).await?;
        let hellos: Vec<_> = all.iter().filter(|it| it.method == "initialize").collect();
        assert_eq!(hellos.len(), 2, "{all:#?}");
        assert_eq!(hellos[0].params_sha256, hellos[1].params_sha256, "hashed without the secret");
        assert_eq!(hellos[0].subject.session, subject.session);
        assert_eq!(hellos[0].subject.user, subject.user);
        assert_eq!(hellos[0].subject.account.as_deref(), Some("ana"));
        let asked = all.iter().find(|it| it.method == "session.cancel").ok_or("not noted")?;
        assert_eq!((asked.direction.as_str(), asked.outcome.as_str()), ("in", "ok"));
        let counted = all.iter().find(|it| it.method == "event.ack").ok_or("not counted")?;
        assert_eq!((counted.outcome.as_str(), counted.direction.as_str()), ("counted", "in"));
        let text = format!("{all:?}");
        assert!(
            !text.contains("first-secret-word") && !text.contains("other-secret-word"),
            "{text}"
        );
        Ok(())
    })
    .await
}

#[tokio::test]
async fn calls_wait_when_the_audit_is_full_and_none_is_made_after_its_end() -> Outcome {
    let home = tempfile::tempdir()?;
    let spawner = TaskTracker::new();
    let db = Database::open_file(&home.path().join("test.db"), &spawner).await?;
    let (audit, recorder) = Recorder::new("ana");
    let watch = audit.executor(Subject::default());
    let mut begun = Vec::new();
    for _ in 0..limits::AUDIT_QUEUE {
        begun.push(watch.begin(call("session.cancel")).await.ok_or("no room")?);
    }
    let mut context = Context::from_waker(Waker::noop());
    let mut one_more: std::pin::Pin<&mut Begin<'_>> = pin!(watch.begin(call("session.cancel")));
    assert!(matches!(one_more.as_mut().poll(&mut context), Poll::Pending));
    // Calls that were given up are entries too.
    drop(begun);
    let paths = Paths::new(home.path(), "ana");
    let running = TaskTracker::new();
    running.spawn(recorder.run(
        db.clone(),
        Anchor::new(&paths),
        Keeping { days: 0, has_others: false },
    ));
    one_more.await.ok_or("no room")?.end("ok");
    audit.end();
    running.close();
    running.wait().await;
    assert!(watch.begin(call("session.cancel")).await.is_none());
    let last = store::last(db.read()).await?.ok_or("nothing is stored")?;
    assert_eq!(last.seq, i64::try_from(limits::AUDIT_QUEUE)? + 2);
    let second = store::get(db.read(), 2).await?.ok_or("no second")?;
    assert_eq!(second.outcome, "cancelled");
    Ok(())
}

#[test]
fn urls_lose_what_stands_before_the_host() {
    let clean = |text: &str| model::without_userinfo(text).into_owned();
    assert_eq!(clean(r#"{"source":"https://u:p@h/x"}"#), r#"{"source":"https://[redacted]@h/x"}"#);
    assert_eq!(clean("a https://u:p@q@h b://c d"), "a https://[redacted]@h b://c d");
    assert_eq!(clean("ssh://git@h:22/x?a=b@c"), "ssh://[redacted]@h:22/x?a=b@c");
    for same in ["https://h/a@b", "ana@example.org", "://", ""] {
        assert_eq!(clean(same), same);
    }
}

#[test]
fn a_detail_is_kept_only_where_it_is_wanted_and_not_when_it_is_long() {
    use grove_core_api::rest::audit::AuditKind::{Ipc, Monitor};
    assert_eq!(model::detail_of(Ipc, "session.prompt", Some("{\"a\":1}")), "{}");
    assert_eq!(model::detail_of(Ipc, "permission.answer", Some("{\"a\":1}")), "{\"a\":1}");
    assert_eq!(model::detail_of(Monitor, "spawn", Some("{\"a\":1}")), "{\"a\":1}");
    let long = format!("\"{}\"", "x".repeat(limits::AUDIT_DETAIL_BYTES));
    let kept = model::detail_of(Ipc, "fs.write", Some(&long));
    assert_eq!(kept, format!("{{\"omitted_bytes\":{}}}", long.len()));
    assert_eq!(SessionEvent::NAME, "session.event");
}

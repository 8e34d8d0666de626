//! Taking note, reading, and verifying.

mod anchor;
mod recorder;
mod tally;
mod watch;

use super::model::{self, Draft, Head, Record, Verifier};
use super::store::{self, Filter};
use crate::auth::policy::Action;
use crate::clock;
use crate::context::Ctx;
use crate::error::Error;
use crate::validate;
use grove_core_api::rest::audit::{
    AuditDirection, AuditEntry, AuditKind, AuditQuery, AuditVerification,
};
use grove_core_api::{ErrorCode, Page, secret};
use grove_ipc::Observer;
use sea_orm::ConnectionTrait;
use serde::Serialize;
use std::borrow::Cow;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use tally::Tally;
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;
use watch::Watch;

pub(crate) use super::model::Subject;
pub(crate) use anchor::Anchor;
pub(crate) use recorder::{Keeping, Recorder};

/// Entries that are read at once while the chain is followed.
const STRIDE: u64 = 1_000;

/// What the recorder is told.
pub(super) enum Message {
    /// A new entry; `stored` learns when it is safe.
    Entry { draft: Box<Draft>, stored: Option<oneshot::Sender<Head>> },
    /// Everything before this is to be stored and anchored.
    Flush(oneshot::Sender<Head>),
}

/// Takes note of everything; the recorder stores it.
pub(crate) struct Audit {
    sender: mpsc::Sender<Message>,
    tallies: Mutex<Vec<Arc<Tally>>>,
    /// Account of whatever names none: the daemon's.
    account: String,
    ending: CancellationToken,
    /// Held while the oldest entry must stay what it is.
    reading: tokio::sync::Mutex<()>,
}

impl fmt::Debug for Audit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Audit").field("account", &self.account).finish_non_exhaustive()
    }
}

impl Audit {
    /// Takes note of the calls of one connection to an executor.
    pub(crate) fn executor(self: &Arc<Self>, subject: Subject) -> Arc<dyn Observer> {
        self.watch(AuditKind::Ipc, subject)
    }

    /// Takes note of the requests to the monitor.
    pub(crate) fn monitor(self: &Arc<Self>) -> Arc<dyn Observer> {
        self.watch(AuditKind::Monitor, Subject::default())
    }

    fn watch(self: &Arc<Self>, kind: AuditKind, mut subject: Subject) -> Arc<dyn Observer> {
        subject.account.get_or_insert_with(|| self.account.clone());
        let tally = Arc::new(Tally::new(kind, subject));
        self.tallies.lock().unwrap_or_else(PoisonError::into_inner).push(Arc::clone(&tally));
        Arc::new(Watch::new(Arc::clone(self), tally))
    }

    /// What was counted and is to become entries now; `everything` when there is no later.
    fn due(&self, everything: bool) -> Vec<Draft> {
        let mut tallies = self.tallies.lock().unwrap_or_else(PoisonError::into_inner);
        let mut drafts = Vec::new();
        tallies.retain(|tally| {
            let is_ended = tally.is_ended();
            if everything || is_ended || tally.is_due() {
                drafts.extend(tally.take());
            }
            !is_ended
        });
        drafts
    }

    /// No call is begun any more; what waits is stored and the recorder ends.
    pub(crate) fn end(&self) {
        self.ending.cancel();
    }

    async fn send(&self, message: Message) -> Result<(), Error> {
        self.sender.send(message).await.map_err(|_closed| stopped())
    }

    /// Waits until all that was noted so far is stored and anchored; returns the end of the chain.
    pub(super) async fn flush(&self) -> Result<Head, Error> {
        let (sender, done) = oneshot::channel();
        self.send(Message::Flush(sender)).await?;
        done.await.map_err(|_dropped| stopped())
    }
}

fn stopped() -> Error {
    Error::new(ErrorCode::Unavailable, "Grove is shutting down; nothing was noted")
}

#[derive(Serialize)]
struct Act<'a, D: Serialize> {
    via: String,
    what: &'a D,
}

/// Notes an administrative act and waits until the entry is stored.
///
/// `act` is a noun and a verb, such as `token.create`; `outcome` is `ok` or an error code. Secrets
/// in `what` must be of type `Secret`: they are left out.
///
/// # Errors
/// `Unavailable` when Grove is shutting down.
pub(crate) async fn record<D: Serialize>(
    ctx: &Ctx,
    act: &'static str,
    outcome: &'static str,
    what: &D,
) -> Result<(), Error> {
    let audit = &ctx.app.audit;
    let detail = secret::to_redacted_json(&Act { via: ctx.actor.via.to_string(), what })?;
    let subject = Subject {
        executor: None,
        session: ctx.actor.session(),
        account: Some(audit.account.clone()),
        user: Some(ctx.actor.user),
    };
    let (stored, done) = oneshot::channel();
    let draft = Box::new(admin(act, outcome, subject, &detail));
    audit.send(Message::Entry { draft, stored: Some(stored) }).await?;
    done.await.map_err(|_dropped| stopped())?;
    Ok(())
}

/// Notes how an administrative act went, whether it was done or refused, and hands the result on.
///
/// # Errors
/// The act's own; `Unavailable` when Grove is shutting down.
pub(crate) async fn acted<T, D: Serialize>(
    ctx: &Ctx,
    act: &'static str,
    what: &D,
    result: Result<T, Error>,
) -> Result<T, Error> {
    let outcome = result.as_ref().map_or_else(|error| error.code().as_str(), |_| "ok");
    record(ctx, act, outcome, what).await?;
    result
}

fn admin(act: &'static str, outcome: &'static str, subject: Subject, detail: &str) -> Draft {
    Draft {
        at_ms: clock::now(),
        kind: AuditKind::Admin,
        subject,
        direction: AuditDirection::In,
        method: Cow::Borrowed(act),
        bytes: i64::try_from(detail.len()).unwrap_or(i64::MAX),
        duration_us: 0,
        outcome,
        params_sha256: None,
        detail: model::act_detail(detail),
    }
}

/// Reads a page of the audit.
///
/// # Errors
/// `Forbidden` for agents, `InvalidRequest` when `after` and `before` are both given.
pub(crate) async fn list(ctx: &Ctx, query: &AuditQuery) -> Result<Page<AuditEntry>, Error> {
    ctx.authorize(Action::Administer)?;
    let limit = validate::limit(query.limit)?;
    if query.after.is_some() && query.before.is_some() {
        return Err(Error::field("before", "cannot be combined with `after`"));
    }
    let filter =
        Filter { executor: query.executor_id, session: query.session_id, kind: query.kind };
    let connection = ctx.read();
    let mut records = match query.after {
        Some(after) => store::after(connection, filter, after, limit + 1).await?,
        None => {
            let before = query.before.unwrap_or(i64::MAX);
            store::before(connection, filter, before, limit + 1).await?
        }
    };
    let most = usize::try_from(limit).unwrap_or(usize::MAX);
    let has_more = records.len() > most;
    records.truncate(most);
    let next_cursor = records.last().filter(|_| has_more).map(|record| record.seq.to_string());
    if query.after.is_none() {
        records.reverse();
    }
    Ok(Page { items: records.into_iter().map(entry).collect::<Result<_, _>>()?, next_cursor })
}

/// Follows the whole chain.
///
/// # Errors
/// `Forbidden` for agents; the database's.
pub(crate) async fn verify(ctx: &Ctx) -> Result<AuditVerification, Error> {
    ctx.authorize(Action::Administer)?;
    let memory = ctx.app.audit.flush().await?;
    let found = {
        let _reading = ctx.app.audit.reading.lock().await;
        let anchor = Anchor::new(&ctx.app.paths).read().await;
        follow(ctx.read(), Verifier::new(anchor, Some(memory))).await?
    };
    let outcome = if found.is_intact { "ok" } else { "broken" };
    record(ctx, "audit.verify", outcome, &found).await?;
    Ok(found)
}

pub(super) async fn follow(
    connection: &impl ConnectionTrait,
    mut verifier: Verifier,
) -> Result<AuditVerification, Error> {
    let checked = loop {
        let after = verifier.last_seq().unwrap_or(i64::MIN);
        let page = store::after(connection, Filter::default(), after, STRIDE).await?;
        if page.is_empty() {
            break verifier.finish();
        }
        if let Err(broken) = page.iter().try_for_each(|record| verifier.take(record)) {
            break Err(broken);
        }
        // A long chain must not hold up others.
        tokio::task::yield_now().await;
    };
    let broken = checked.err();
    Ok(AuditVerification {
        entries: verifier.entries,
        first_seq: verifier.first_seq(),
        last_seq: verifier.last_seq(),
        is_intact: broken.is_none(),
        broken_at: broken.as_ref().and_then(|it| it.at),
        problem: broken.map(|it| it.problem),
    })
}

fn entry(record: Record) -> Result<AuditEntry, Error> {
    let kind = serde_json::from_value(record.kind.into())?;
    let direction = serde_json::from_value(record.direction.into())?;
    Ok(AuditEntry {
        seq: record.seq,
        at_ms: record.at_ms,
        kind,
        executor_id: record.subject.executor,
        session_id: record.subject.session,
        account: record.subject.account,
        user_id: record.subject.user,
        direction,
        method: record.method,
        bytes: record.bytes,
        duration_us: record.duration_us,
        outcome: record.outcome,
        params_sha256: record.params_sha256,
        detail: model::shown(&record.detail),
        previous_hash: record.previous_hash,
        hash: record.hash,
    })
}

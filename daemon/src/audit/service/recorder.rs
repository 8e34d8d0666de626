//! The one that stores: it gives each entry its place in the chain, in batches.
//!
//! It never gives up an entry while Grove runs: when the database does not take it, it tries again,
//! the queue fills, and calls wait.

use super::{Anchor, Audit, Message, admin};
use crate::audit::model::{self, Draft, Head, PRUNED, Pruned, Record, Subject};
use crate::audit::store;
use crate::clock;
use crate::db::Database;
use crate::error::Error;
use grove_core_api::{ErrorCode, limits, version};
use serde_json::json;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, interval, sleep, sleep_until, timeout_at};
use tokio_util::sync::CancellationToken;

/// First and longest pause before the database is asked again.
const PAUSES: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(5));
/// Milliseconds of a day.
const DAY_MS: i64 = 24 * 3_600_000;

/// Stores what an [`Audit`] notes.
pub(crate) struct Recorder {
    audit: Arc<Audit>,
    inbox: mpsc::Receiver<Message>,
    /// When what is still not stored is given up, once Grove ends.
    give_up_at: Option<Instant>,
}

/// How long entries are kept, and whether other daemons write to the same chain.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Keeping {
    /// 0 keeps everything.
    pub(crate) days: u32,
    /// Whether entries of others are nothing to be alarmed about.
    pub(crate) has_others: bool,
}

/// The end of the chain and where it is kept.
struct Chain {
    audit: Arc<Audit>,
    db: Database,
    anchor: Anchor,
    keeping: Keeping,
    head: Head,
    /// Whether the anchor file names the head.
    is_anchored: bool,
    prune_at: Instant,
    give_up_at: Option<Instant>,
}

impl Recorder {
    /// Makes the two halves; `account` is the daemon's own.
    pub(crate) fn new(account: &str) -> (Arc<Audit>, Self) {
        let (sender, inbox) = mpsc::channel(limits::AUDIT_QUEUE);
        let audit = Arc::new(Audit {
            sender,
            tallies: Mutex::default(),
            account: account.to_owned(),
            ending: CancellationToken::new(),
            reading: tokio::sync::Mutex::default(),
        });
        (Arc::clone(&audit), Self { audit, inbox, give_up_at: None })
    }

    /// Stores until [`Audit::end`] and then what still waits, for at most `limits::AUDIT_END_MS`.
    pub(crate) async fn run(mut self, db: Database, anchor: Anchor, keeping: Keeping) {
        let audit = Arc::clone(&self.audit);
        let Some(mut chain) = Chain::open(audit, db, anchor, keeping).await else { return };
        let mut ticks = interval(Duration::from_millis(limits::AUDIT_ANCHOR_MS));
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            let give_up_at = self.give_up_at;
            tokio::select! {
                message = self.inbox.recv() => match message {
                    Some(message) => self.gather(&mut chain, message).await,
                    None => break,
                },
                _ = ticks.tick() => chain.tick().await,
                () = self.audit.ending.cancelled(), if give_up_at.is_none() => {
                    // Who has room already gets to use it.
                    self.inbox.close();
                    let at = Instant::now() + Duration::from_millis(limits::AUDIT_END_MS);
                    self.give_up_at = Some(at);
                    chain.give_up_at = Some(at);
                }
                () = until(give_up_at) => {
                    tracing::warn!("calls that do not end are missing in the audit");
                    break;
                }
            }
        }
        let counted = self.audit.due(true);
        chain.store(counted).await;
        chain.set_anchor().await;
    }

    /// Waits a little for more, then stores all at once.
    async fn gather(&mut self, chain: &mut Chain, first: Message) {
        let mut batch = Batch::default();
        batch.push(first);
        let deadline = Instant::now() + Duration::from_millis(limits::AUDIT_BATCH_MS);
        while batch.drafts.len() < limits::AUDIT_BATCH && !batch.is_awaited() {
            match timeout_at(deadline, self.inbox.recv()).await {
                Ok(Some(message)) => batch.push(message),
                Ok(None) | Err(_) => break,
            }
        }
        while batch.drafts.len() < limits::AUDIT_BATCH
            && let Ok(message) = self.inbox.try_recv()
        {
            batch.push(message);
        }
        let is_stored = chain.store(batch.drafts).await;
        if !batch.flushes.is_empty() {
            chain.set_anchor().await;
        }
        for waiting in batch.waiting.into_iter().chain(batch.flushes).filter(|_| is_stored) {
            // Whoever asked may have gone away; the entry is stored all the same.
            drop(waiting.send(chain.head.clone()));
        }
    }
}

#[derive(Default)]
struct Batch {
    drafts: Vec<Draft>,
    waiting: Vec<oneshot::Sender<Head>>,
    flushes: Vec<oneshot::Sender<Head>>,
}

impl Batch {
    fn push(&mut self, message: Message) {
        match message {
            Message::Entry { draft, stored } => {
                self.drafts.push(*draft);
                self.waiting.extend(stored);
            }
            Message::Flush(done) => self.flushes.push(done),
        }
    }

    fn is_awaited(&self) -> bool {
        !(self.waiting.is_empty() && self.flushes.is_empty())
    }
}

async fn until(at: Option<Instant>) {
    match at {
        Some(at) => sleep_until(at).await,
        None => std::future::pending().await,
    }
}

impl Chain {
    /// Finds the end of the chain; `None` when Grove ends before the database answers.
    async fn open(
        audit: Arc<Audit>,
        db: Database,
        anchor: Anchor,
        keeping: Keeping,
    ) -> Option<Self> {
        let noted = anchor.read().await;
        let mut pause = PAUSES.0;
        let (head, state) = loop {
            match resume(&db, noted.as_ref()).await {
                Ok(found) => break found,
                Err(error) => tracing::error!(%error, "failed to read the audit; trying again"),
            }
            tokio::select! {
                () = sleep(pause) => pause = (pause * 2).min(PAUSES.1),
                () = audit.ending.cancelled() => return None,
            }
        };
        // A daemon that joins others has noted nothing yet.
        let is_missing = state == "missing" && !keeping.has_others;
        if is_missing || state == "differs" {
            tracing::error!(anchor = state, "the audit was changed while Grove did not run");
        }
        let mut chain = Self {
            audit,
            db,
            anchor,
            keeping,
            head,
            is_anchored: false,
            prune_at: Instant::now(),
            give_up_at: None,
        };
        let detail = json!({ "version": version::GROVE, "anchor": state }).to_string();
        chain.store(vec![chain.act(model::STARTED, &detail)]).await;
        Some(chain)
    }

    fn act(&self, act: &'static str, detail: &str) -> Draft {
        let account = Some(self.audit.account.clone());
        admin(act, "ok", Subject { account, ..Subject::default() }, detail)
    }

    /// Once a second: what was counted, the anchor, old entries.
    async fn tick(&mut self) {
        let counted = self.audit.due(false);
        self.store(counted).await;
        if !self.is_anchored {
            self.set_anchor().await;
        }
        if self.keeping.days == 0 || Instant::now() < self.prune_at {
            return;
        }
        let has_more = self.prune().await.unwrap_or_else(|error| {
            tracing::error!(%error, "failed to prune the audit");
            false
        });
        if !has_more {
            self.prune_at = Instant::now() + Duration::from_millis(limits::AUDIT_PRUNE_MS);
        }
    }

    async fn set_anchor(&mut self) {
        match self.anchor.write(&self.head).await {
            Ok(()) => self.is_anchored = true,
            Err(error) => tracing::error!(%error, "failed to write the audit's anchor"),
        }
    }

    /// Puts entries at the end of the chain, again and again until they are stored. False when Grove
    /// ends before.
    async fn store(&mut self, drafts: Vec<Draft>) -> bool {
        if drafts.is_empty() {
            return true;
        }
        let mut pause = PAUSES.0;
        loop {
            let mut head = self.head.clone();
            let records: Vec<Record> = drafts.iter().map(|draft| head.append(draft)).collect();
            let Err(error) = self.commit(records, None, head).await else { return true };
            if self.keeping.has_others && error.code() == ErrorCode::Conflict {
                tracing::debug!("another daemon's entries came first");
            } else {
                tracing::error!(%error, entries = drafts.len(), "failed to store the audit");
            }
            if self.is_over() {
                tracing::error!(entries = drafts.len(), "entries of the audit are lost");
                return false;
            }
            sleep(pause).await;
            pause = (pause * 2).min(PAUSES.1);
        }
    }

    /// Whether Grove ends and the time for what waits is over.
    fn is_over(&mut self) -> bool {
        if !self.audit.ending.is_cancelled() {
            return false;
        }
        let end = Duration::from_millis(limits::AUDIT_END_MS);
        Instant::now() >= *self.give_up_at.get_or_insert_with(|| Instant::now() + end)
    }

    /// Stores entries (and removes old ones) in one transaction.
    async fn commit(
        &mut self,
        records: Vec<Record>,
        remove_through: Option<i64>,
        head: Head,
    ) -> Result<(), Error> {
        let records = Arc::new(records);
        let written = self
            .db
            .write(Box::new(move |tx| {
                let records = Arc::clone(&records);
                Box::pin(async move {
                    if let Some(seq) = remove_through {
                        store::remove_through(tx, seq).await?;
                    }
                    store::insert(tx, &records).await
                })
            }))
            .await;
        if let Err(error) = written {
            // The commit may have happened although its answer did not come.
            let stored = store::get(self.db.read(), head.seq).await.ok().flatten();
            if stored.is_none_or(|record| record.hash != head.hash) {
                self.step_over(&error).await;
                return Err(error);
            }
        }
        self.head = head;
        self.is_anchored = false;
        Ok(())
    }

    /// Somebody else has put entries where ours belong. Where no other daemon may: ours go after them,
    /// but go on from ours, so that the break stays to be seen.
    async fn step_over(&mut self, error: &Error) {
        if error.code() != ErrorCode::Conflict {
            return;
        }
        if let Ok(Some(last)) = store::last(self.db.read()).await
            && last.seq > self.head.seq
        {
            if self.keeping.has_others {
                // Theirs were first: ours go on from theirs, and the chain stays whole.
                self.head = Head { seq: last.seq, hash: last.hash };
                return;
            }
            tracing::error!(seq = last.seq, "somebody else writes to the audit");
            self.head.seq = last.seq;
        }
    }

    /// Removes some of the entries that are too old; true when there may be more.
    async fn prune(&mut self) -> Result<bool, Error> {
        let audit = Arc::clone(&self.audit);
        // Whoever follows the chain just now begins with these entries.
        let Ok(_reading) = audit.reading.try_lock() else { return Ok(true) };
        let oldest_ms = clock::now().saturating_sub(i64::from(self.keeping.days) * DAY_MS);
        let read = self.db.read();
        let old = store::last_older(read, oldest_ms, limits::AUDIT_PRUNE_ROWS).await?;
        let Some(old) = old else { return Ok(false) };
        let pruned = Pruned { through_seq: old.seq, hash: old.hash };
        let detail = serde_json::to_string(&pruned)?;
        let mut head = self.head.clone();
        let record = head.append(&self.act(PRUNED, &detail));
        self.commit(vec![record], Some(pruned.through_seq), head).await?;
        tracing::info!(through = pruned.through_seq, "old entries of the audit were removed");
        Ok(true)
    }
}

async fn resume(db: &Database, anchor: Option<&Head>) -> Result<(Head, &'static str), Error> {
    let stored = store::last(db.read()).await?;
    let first = store::first_seq(db.read()).await?;
    let anchored = match anchor {
        Some(anchor) => store::get(db.read(), anchor.seq).await?,
        None => None,
    };
    Ok(model::resume(stored.as_ref(), anchor, anchored.as_ref(), first))
}

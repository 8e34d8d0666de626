//! Entries, their hashes, and whether a chain of them is whole.

use grove_core_api::rest::audit::{AuditDirection, AuditKind};
use grove_core_api::{ExecutorId, SessionId, UnixMillis, UserId, limits};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::borrow::Cow;

/// What stands before the first entry.
pub(super) const GENESIS: &str = "0000000000000000000000000000000000000000000000000000000000000000";
/// Method of the entry that says what was pruned.
pub(super) const PRUNED: &str = "audit.prune";
/// Method of the entry that begins the life of a daemon.
pub(super) const STARTED: &str = "instance.start";
/// Method of a call that is not in the table.
pub(super) const UNKNOWN: &str = "unknown";
/// What is counted instead of stored one by one when it succeeds: heartbeats, and the measurements
/// that are taken again and again while a task runs.
const HEARTBEATS: &[&str] = &["ping", "list", "fs.usage"];
/// Methods whose parameters are kept, secrets apart.
const DETAILED: &[&str] =
    &["permission.", "credential.", "terminal.open", "tunnel.open", "fs.write"];

/// Whom an entry is about.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Subject {
    /// The executor.
    pub(crate) executor: Option<ExecutorId>,
    /// The session that it works for.
    pub(crate) session: Option<SessionId>,
    /// Its Unix account; absent: the daemon's own.
    pub(crate) account: Option<String>,
    /// The session's owner, or who acts.
    pub(crate) user: Option<UserId>,
}

/// An entry that has no place in the chain yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Draft {
    pub(super) at_ms: UnixMillis,
    pub(super) kind: AuditKind,
    pub(super) subject: Subject,
    pub(super) direction: AuditDirection,
    pub(super) method: Cow<'static, str>,
    pub(super) bytes: i64,
    pub(super) duration_us: i64,
    pub(super) outcome: &'static str,
    pub(super) params_sha256: Option<String>,
    /// JSON, as it is hashed.
    pub(super) detail: String,
}

/// An entry of the chain, as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Record {
    pub(super) seq: i64,
    pub(super) at_ms: UnixMillis,
    pub(super) kind: String,
    pub(super) subject: Subject,
    pub(super) direction: String,
    pub(super) method: String,
    pub(super) bytes: i64,
    pub(super) duration_us: i64,
    pub(super) outcome: String,
    pub(super) params_sha256: Option<String>,
    pub(super) detail: String,
    pub(super) previous_hash: String,
    pub(super) hash: String,
}

/// The end of a chain: where the next entry goes on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Head {
    pub(super) seq: i64,
    pub(super) hash: String,
}

impl Default for Head {
    fn default() -> Self {
        Self { seq: 0, hash: GENESIS.to_owned() }
    }
}

impl Head {
    pub(super) fn of(record: &Record) -> Self {
        Self { seq: record.seq, hash: record.hash.clone() }
    }

    /// Puts an entry at the end of the chain.
    pub(super) fn append(&mut self, draft: &Draft) -> Record {
        let mut record = Record {
            seq: self.seq.saturating_add(1),
            at_ms: draft.at_ms,
            kind: draft.kind.as_str().to_owned(),
            subject: draft.subject.clone(),
            direction: draft.direction.as_str().to_owned(),
            method: draft.method.clone().into_owned(),
            bytes: draft.bytes,
            duration_us: draft.duration_us,
            outcome: draft.outcome.to_owned(),
            params_sha256: draft.params_sha256.clone(),
            detail: draft.detail.clone(),
            previous_hash: std::mem::take(&mut self.hash),
            hash: String::new(),
        };
        record.hash = record.computed_hash();
        *self = Self::of(&record);
        record
    }
}

impl Record {
    /// The hash that the entry must have: SHA-256 of a JSON array of its fields, in order.
    pub(super) fn computed_hash(&self) -> String {
        let subject = &self.subject;
        let fields = json!([
            1,
            self.seq,
            self.at_ms,
            self.kind,
            subject.executor,
            subject.session,
            subject.account,
            subject.user,
            self.direction,
            self.method,
            self.bytes,
            self.duration_us,
            self.outcome,
            self.params_sha256,
            self.detail,
            self.previous_hash,
        ]);
        sha256(fields.to_string().as_bytes())
    }
}

pub(super) fn sha256(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

/// The method, when a call of it that succeeded is only counted.
pub(super) fn heartbeat(method: &str) -> Option<&'static str> {
    HEARTBEATS.iter().copied().find(|it| *it == method)
}

/// What an entry keeps of its parameters, as JSON.
pub(super) fn detail_of(kind: AuditKind, method: &str, params: Option<&str>) -> String {
    let is_detailed =
        kind == AuditKind::Monitor || DETAILED.iter().any(|wanted| method.starts_with(wanted));
    match params.filter(|_| is_detailed) {
        None => "{}".to_owned(),
        Some(params) => bounded(without_userinfo(params)),
    }
}

/// A detail that is not too long to be kept.
pub(super) fn bounded(detail: Cow<'_, str>) -> String {
    if detail.len() > limits::AUDIT_DETAIL_BYTES {
        return json!({ "omitted_bytes": detail.len() }).to_string();
    }
    detail.into_owned()
}

/// Takes what stands before an `@` out of the URLs in a text: clone URLs may hold a password.
pub(super) fn without_userinfo(text: &str) -> Cow<'_, str> {
    let mut clean = String::new();
    let mut rest = text;
    while let Some(at) = rest.find("://") {
        let (before, after) = rest.split_at(at + 3);
        let is_end = |it: char| it.is_whitespace() || "/\\?#\"'<>`".contains(it);
        let authority = &after[..after.find(is_end).unwrap_or(after.len())];
        clean.push_str(before);
        rest = match authority.rfind('@') {
            Some(sign) => {
                clean.push_str("[redacted]");
                &after[sign..]
            }
            None => after,
        };
    }
    if clean.is_empty() {
        return Cow::Borrowed(text);
    }
    clean.push_str(rest);
    Cow::Owned(clean)
}

/// What an entry about pruning says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Pruned {
    /// Newest entry that is gone.
    pub(super) through_seq: i64,
    /// Its hash.
    pub(super) hash: String,
}

/// Where a chain is not whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Broken {
    /// First entry that is not as it was written, or is not there.
    pub(super) at: Option<i64>,
    /// In words.
    pub(super) problem: String,
}

impl Broken {
    fn at(seq: i64, problem: impl Into<String>) -> Self {
        Self { at: Some(seq), problem: problem.into() }
    }
}

/// Follows a chain from its oldest entry to its newest.
#[derive(Debug)]
pub(super) struct Verifier {
    /// What the anchor file names, then what the daemon remembers.
    anchor: Option<Head>,
    memory: Option<Head>,
    first: Option<(i64, String)>,
    last: Option<Head>,
    pruned: Option<Pruned>,
    pub(super) entries: i64,
}

impl Verifier {
    /// `anchor` and `memory` are what is noted outside of the database.
    pub(super) fn new(anchor: Option<Head>, memory: Option<Head>) -> Self {
        Self { anchor, memory, first: None, last: None, pruned: None, entries: 0 }
    }

    fn anchors(&self) -> impl Iterator<Item = &Head> {
        self.anchor.iter().chain(&self.memory)
    }

    pub(super) fn first_seq(&self) -> Option<i64> {
        self.first.as_ref().map(|(seq, _)| *seq)
    }

    pub(super) fn last_seq(&self) -> Option<i64> {
        self.last.as_ref().map(|head| head.seq)
    }

    /// Takes the next entry.
    pub(super) fn take(&mut self, record: &Record) -> Result<(), Broken> {
        match &self.last {
            None => self.first = Some((record.seq, record.previous_hash.clone())),
            Some(last) => {
                let expected = last.seq.saturating_add(1);
                if record.seq != expected {
                    return Err(Broken::at(expected, "the entry is not there"));
                }
                if record.previous_hash != last.hash {
                    let problem = "the entry does not follow the one before it";
                    return Err(Broken::at(record.seq, problem));
                }
            }
        }
        if record.computed_hash() != record.hash {
            return Err(Broken::at(record.seq, "the entry was changed"));
        }
        if self.anchors().any(|it| it.seq == record.seq && it.hash != record.hash) {
            let problem = "the entry is another one than was noted outside of the database";
            return Err(Broken::at(record.seq, problem));
        }
        if record.kind == AuditKind::Admin.as_str() && record.method == PRUNED {
            self.pruned = serde_json::from_str(&record.detail).ok();
        }
        self.last = Some(Head::of(record));
        self.entries += 1;
        Ok(())
    }

    /// There are no more entries.
    pub(super) fn finish(&self) -> Result<(), Broken> {
        let last = self.last_seq().unwrap_or(0);
        let newest = self.anchors().map(|it| it.seq).max().unwrap_or(0);
        if newest > last {
            let problem = format!("the entry is not there; the newest was {newest}");
            return Err(Broken::at(last.saturating_add(1), problem));
        }
        if self.anchor.is_none() && last > 0 {
            let problem = "the anchor file is not there: entries at the end may be missing";
            return Err(Broken { at: None, problem: problem.to_owned() });
        }
        let Some((first, before)) = &self.first else { return Ok(()) };
        let (through, hash) = match &self.pruned {
            Some(pruned) => (pruned.through_seq, pruned.hash.as_str()),
            None => (0, GENESIS),
        };
        if through.saturating_add(1) == *first && hash == before {
            return Ok(());
        }
        // Entries that a prune says are gone but are there were put in.
        let missing = through.saturating_add(1).min(*first);
        Err(Broken::at(missing, "the oldest entry is not where pruning left off"))
    }
}

/// Where the chain goes on after a start, and how the anchor compares with what is stored.
///
/// `stored` is the newest entry, `anchored` the stored entry with the anchor's number. When they do
/// not agree, the chain goes on from the anchor, so that the break stays to be seen.
pub(super) fn resume(
    stored: Option<&Record>,
    anchor: Option<&Head>,
    anchored: Option<&Record>,
    first_seq: i64,
) -> (Head, &'static str) {
    let stored = stored.map(Head::of);
    let Some(anchor) = anchor else {
        let state = if stored.is_some() { "missing" } else { "new" };
        return (stored.unwrap_or_default(), state);
    };
    let newest = stored.as_ref().map_or(0, |head| head.seq);
    let is_pruned = anchor.seq < first_seq && newest >= first_seq;
    if is_pruned || anchored.is_some_and(|record| record.hash == anchor.hash) {
        return (stored.unwrap_or_default(), "matches");
    }
    (Head { seq: newest.max(anchor.seq), hash: anchor.hash.clone() }, "differs")
}

/// What an administrative act keeps: any JSON.
pub(super) fn act_detail(detail: &str) -> String {
    bounded(without_userinfo(detail))
}

/// The detail as clients see it.
pub(super) fn shown(detail: &str) -> Value {
    serde_json::from_str(detail).unwrap_or_else(|_| Value::String(detail.to_owned()))
}

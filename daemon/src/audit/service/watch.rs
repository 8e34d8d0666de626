//! The observer of one connection: room for an entry before a call, the entry after it.

use super::tally::{self, Tally};
use super::{Audit, Message};
use crate::audit::model::{self, Draft};
use crate::clock;
use grove_core_api::ExecutorId;
use grove_core_api::ipc::method;
use grove_core_api::rest::audit::AuditKind;
use grove_ipc::{Begin, Call, Direction, Ending, Observer, Unobserved};
use serde::Deserialize;
use std::borrow::Cow;
use std::sync::Arc;
use std::time::Instant;
use tokio::sync::mpsc::OwnedPermit;

/// Sees every call of one connection.
#[derive(Debug)]
pub(super) struct Watch {
    audit: Arc<Audit>,
    tally: Arc<Tally>,
}

impl Watch {
    pub(super) fn new(audit: Arc<Audit>, tally: Arc<Tally>) -> Self {
        Self { audit, tally }
    }

    /// The name that is noted. What an executor calls by another name than those of the table is
    /// its own text, which has no place here.
    fn name(call: &Call<'_>) -> Option<Cow<'static, str>> {
        match (method::known(call.method), call.direction) {
            (Some(known), _) => Some(Cow::Borrowed(known)),
            (None, Direction::Outgoing) => Some(Cow::Owned(call.method.to_owned())),
            (None, Direction::Incoming) => None,
        }
    }

    fn draft(&self, call: &Call<'_>, method: Cow<'static, str>) -> Draft {
        let kind = self.tally.kind;
        let params = call.params.map(model::without_userinfo);
        let mut subject = self.tally.subject.clone();
        if kind == AuditKind::Monitor {
            subject.executor = params.as_deref().and_then(executor_of);
        }
        Draft {
            at_ms: clock::now(),
            kind,
            subject,
            direction: tally::shown(call.direction),
            bytes: i64::try_from(call.bytes).unwrap_or(i64::MAX),
            duration_us: 0,
            outcome: "cancelled",
            params_sha256: params.as_deref().map(|it| model::sha256(it.as_bytes())),
            detail: model::detail_of(kind, &method, params.as_deref()),
            method,
        }
    }
}

/// The executor that a request to the monitor is about.
fn executor_of(params: &str) -> Option<ExecutorId> {
    #[derive(Deserialize)]
    struct About {
        id: ExecutorId,
    }
    serde_json::from_str::<About>(params).ok().map(|about| about.id)
}

impl Observer for Watch {
    fn begin<'a>(&'a self, call: Call<'a>) -> Begin<'a> {
        let Some(method) = Self::name(&call) else {
            self.tally.add(call.direction, model::UNKNOWN, call.bytes);
            return Unobserved.begin(call);
        };
        let (began, direction) = (Instant::now(), call.direction);
        let draft = Box::new(self.draft(&call, method));
        Box::pin(async move {
            let permit = self.audit.sender.clone().reserve_owned().await.ok()?;
            let tally = Arc::clone(&self.tally);
            let noted = Noted { room: Some((permit, draft)), began, direction, tally };
            Some(Box::new(noted) as Box<dyn Ending>)
        })
    }

    fn notification(&self, direction: Direction, name: &str, bytes: usize) {
        let name = method::known(name).unwrap_or(model::UNKNOWN);
        self.tally.add(direction, name, bytes);
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.tally.end();
    }
}

/// A call that is under way. Its entry is written when it ends, also by being given up.
struct Noted {
    room: Option<(OwnedPermit<Message>, Box<Draft>)>,
    began: Instant,
    direction: Direction,
    tally: Arc<Tally>,
}

impl Ending for Noted {
    fn end(mut self: Box<Self>, outcome: &'static str) {
        if let Some((_, draft)) = &mut self.room {
            draft.outcome = outcome;
        }
    }
}

impl Drop for Noted {
    fn drop(&mut self) {
        let Some((permit, mut draft)) = self.room.take() else { return };
        if draft.outcome == "ok"
            && let Some(heartbeat) = model::heartbeat(&draft.method)
        {
            let bytes = usize::try_from(draft.bytes).unwrap_or(usize::MAX);
            self.tally.add(self.direction, heartbeat, bytes);
            return;
        }
        draft.duration_us = i64::try_from(self.began.elapsed().as_micros()).unwrap_or(i64::MAX);
        permit.send(Message::Entry { draft, stored: None });
    }
}

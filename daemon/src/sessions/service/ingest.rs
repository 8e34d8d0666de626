//! From an executor's events to the history: each event once, streamed text checkpointed.
//!
//! Streamed text is not stored chunk by chunk. It grows in memory ([`Live`]), goes out to whoever
//! watches, and is written at intervals and whenever another event is stored. Only what is written
//! is acknowledged, so after a crash the executor sends the rest again and nothing is doubled.

use super::recover::close_open_messages;
use super::{load, state};
use crate::clock;
use crate::context::{Ctx, Tx};
use crate::error::Error;
use crate::messages::service::{self as messages, Pending};
use crate::sessions::model::{Record, StopReason, first_line, last_line};
use crate::{sessions::store, tasks};
use grove_core_api::agent::{AgentEvent, Decision, GitState, Outcome, StreamKind};
use grove_core_api::ipc::method::SessionEvent;
use grove_core_api::rest::messages::{Body, Message, Permission, Role, ToolState};
use grove_core_api::rest::tasks::TaskState;
use grove_core_api::{MessageId, SessionId, TaskId, UnixMillis, limits};
use std::collections::BTreeMap;

/// Streamed messages of a session's running task, as far as they are known in memory.
#[derive(Debug, Default)]
pub(crate) struct Live {
    task: Option<TaskId>,
    blocks: BTreeMap<u32, LiveBlock>,
    checkpointed_at: UnixMillis,
}

#[derive(Clone, Debug)]
struct LiveBlock {
    message: MessageId,
    text: String,
    /// Length of `text` in UTF-16 code units.
    length: u64,
    /// Bytes that are not in the database yet.
    unsaved: usize,
}

/// What became of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ingest {
    /// Everything up to it is stored.
    Stored,
    /// It is in memory only; a later acknowledgement covers it.
    Held,
    /// The turn is over and stored.
    TaskEnded,
}

/// Takes one event of the session's executor.
///
/// # Errors
/// The database's; nothing of the event is applied then and it may be given again.
pub(crate) async fn ingest(
    ctx: &Ctx,
    session: SessionId,
    live: &mut Live,
    event: SessionEvent,
) -> Result<Ingest, Error> {
    if live.task != Some(event.task_id) {
        *live = load_live(ctx, session, event.task_id).await?;
    }
    let (AgentEvent::TextDelta { block, offset, text }
    | AgentEvent::ToolOutput { block, offset, text }) = &event.event
    else {
        return apply(ctx, session, live, event).await;
    };
    grow(ctx, session, live, (*block, *offset, text));
    if is_checkpoint_due(live) {
        return checkpoint(ctx, session, live, event.seq).await;
    }
    Ok(Ingest::Held)
}

/// Reads what streams in the database: after a restart, text goes on where it was written last.
async fn load_live(ctx: &Ctx, session: SessionId, task: TaskId) -> Result<Live, Error> {
    let mut live =
        Live { task: Some(task), blocks: BTreeMap::new(), checkpointed_at: clock::now() };
    for (block, message) in messages::streaming(ctx.read(), task).await? {
        ctx.app.hub.stream_reset(session, message.id, &message.text);
        live.blocks.insert(block, LiveBlock::new(message.id, message.text));
    }
    Ok(live)
}

impl LiveBlock {
    fn new(message: MessageId, text: String) -> Self {
        Self { message, length: utf16_len(&text), text, unsaved: 0 }
    }
}

fn utf16_len(text: &str) -> u64 {
    text.chars().map(|letter| letter.len_utf16() as u64).sum()
}

/// Adds streamed text; what is known already (after a re-attach) is left out.
fn grow(ctx: &Ctx, session: SessionId, live: &mut Live, piece: (u32, u64, &str)) {
    let (number, offset, text) = piece;
    let Some(block) = live.blocks.get_mut(&number) else {
        tracing::warn!(session.id = %session, block = number, "text for a block that is not open");
        return;
    };
    let known = block.length.saturating_sub(offset);
    let Some(new) = skip_utf16(text, known) else { return };
    if offset > block.length {
        tracing::warn!(session.id = %session, block = number, "streamed text has a gap");
    }
    let at = block.length;
    block.text.push_str(new);
    block.length += utf16_len(new);
    block.unsaved += new.len();
    ctx.app.hub.stream(session, block.message, at, new);
}

/// The text behind its first `units` UTF-16 code units; `None` when nothing is left.
fn skip_utf16(text: &str, units: u64) -> Option<&str> {
    let mut skipped = 0;
    let start = text
        .char_indices()
        .find(|(_, letter)| {
            let is_start = skipped >= units;
            skipped += letter.len_utf16() as u64;
            is_start
        })
        .map(|(start, _)| start)?;
    Some(&text[start..])
}

fn is_checkpoint_due(live: &Live) -> bool {
    let unsaved: usize = live.blocks.values().map(|block| block.unsaved).sum();
    let age = clock::now() - live.checkpointed_at;
    let interval = i64::try_from(limits::CHECKPOINT_MS).unwrap_or(i64::MAX);
    unsaved >= limits::CHECKPOINT_BYTES || (unsaved > 0 && age >= interval)
}

type Unsaved = Vec<(MessageId, String)>;

fn unsaved(live: &Live) -> Unsaved {
    let blocks = live.blocks.values().filter(|block| block.unsaved > 0);
    blocks.map(|block| (block.message, block.text.clone())).collect()
}

fn saved(live: &mut Live) {
    live.checkpointed_at = clock::now();
    for block in live.blocks.values_mut() {
        block.unsaved = 0;
    }
}

async fn save_text(tx: &Tx<'_>, unsaved: Unsaved) -> Result<(), Error> {
    for (message, text) in unsaved {
        messages::checkpoint(tx.connection(), message, &text, tx.now).await?;
    }
    Ok(())
}

async fn checkpoint(
    ctx: &Ctx,
    session: SessionId,
    live: &mut Live,
    seq: u64,
) -> Result<Ingest, Error> {
    let texts = unsaved(live);
    ctx.write(move |tx| {
        let texts = texts.clone();
        Box::pin(async move {
            let mut record = load(tx.connection(), session).await?;
            if seq > record.executor_seq {
                save_text(tx, texts).await?;
                record.executor_seq = seq;
                store::update(tx.connection(), &record).await?;
            }
            Ok(())
        })
    })
    .await?;
    saved(live);
    Ok(Ingest::Stored)
}

/// What an event changed of the streaming blocks.
enum Change {
    None,
    Opened(u32, MessageId),
    Closed(u32, MessageId),
    Ended,
}

async fn apply(
    ctx: &Ctx,
    session: SessionId,
    live: &mut Live,
    event: SessionEvent,
) -> Result<Ingest, Error> {
    let texts = unsaved(live);
    let change = ctx
        .write(move |tx| {
            let (texts, event) = (texts.clone(), event.clone());
            Box::pin(async move {
                let before = load(tx.connection(), session).await?;
                if event.seq <= before.executor_seq {
                    return Ok(Change::None);
                }
                save_text(tx, texts).await?;
                let mut step = Step { tx, task: event.task_id, after: before.clone() };
                let change = step.apply(event.event).await?;
                let mut after = step.after;
                after.executor_seq = event.seq;
                let evidence = change.evidence();
                state::settle(tx, &before, after, evidence).await?;
                Ok(change.change)
            })
        })
        .await?;
    saved(live);
    match change {
        Change::None => Ok(Ingest::Stored),
        Change::Opened(block, message) => {
            live.blocks.insert(block, LiveBlock::new(message, String::new()));
            ctx.app.hub.stream_reset(session, message, "");
            Ok(Ingest::Stored)
        }
        Change::Closed(block, message) => {
            live.blocks.remove(&block);
            ctx.app.hub.stream_end(session, message);
            Ok(Ingest::Stored)
        }
        Change::Ended => {
            for block in std::mem::take(&mut live.blocks).into_values() {
                ctx.app.hub.stream_end(session, block.message);
            }
            *live = Live::default();
            Ok(Ingest::TaskEnded)
        }
    }
}

/// A change with the fact that it states, for "why?".
struct Applied {
    change: Change,
    fact: Option<(String, String)>,
}

impl Applied {
    fn new(change: Change) -> Self {
        Self { change, fact: None }
    }

    fn fact(fact: &str, detail: impl Into<String>) -> Self {
        Self { change: Change::None, fact: Some((fact.to_owned(), detail.into())) }
    }

    fn evidence(&self) -> Option<(&str, &str)> {
        self.fact.as_ref().map(|(fact, detail)| (fact.as_str(), detail.as_str()))
    }
}

/// One event inside its transaction.
struct Step<'s> {
    tx: &'s Tx<'s>,
    task: TaskId,
    after: Record,
}

impl Step<'_> {
    async fn apply(&mut self, event: AgentEvent) -> Result<Applied, Error> {
        match event {
            AgentEvent::TaskStarted { git, snapshot } => self.started(git, snapshot).await,
            AgentEvent::BlockStarted { block, kind } => {
                let body = match kind {
                    StreamKind::Text => Body::Text,
                    StreamKind::Thinking => Body::Thinking,
                };
                let id = self.open(block, body).await?;
                Ok(Applied::new(Change::Opened(block, id)))
            }
            AgentEvent::BlockEnded { block, text } => self.block_ended(block, text).await,
            AgentEvent::ToolStarted { block, call_id, tool, title, input } => {
                self.after.session.line.clone_from(&title);
                let state = ToolState::Running;
                let (change, duration_ms, permission) = (None, None, None);
                let body = Body::Tool {
                    call_id,
                    tool,
                    title,
                    input,
                    state,
                    change,
                    duration_ms,
                    permission,
                };
                let id = self.open(block, body).await?;
                Ok(Applied::new(Change::Opened(block, id)))
            }
            AgentEvent::ToolEnded { .. } => self.tool_ended(event).await,
            AgentEvent::PermissionRequested { .. } => self.permission_requested(event).await,
            AgentEvent::PermissionResolved { block, request_id, decision, reason } => {
                messages::settle_permission(self.tx.connection(), request_id).await?;
                self.permission_resolved(block, decision, reason).await
            }
            AgentEvent::Usage { model: _, usage } => {
                let before = tasks::service::load(self.tx.connection(), self.task).await?;
                let mut after = before.clone();
                after.usage = after.usage.plus(usage);
                tasks::service::save(self.tx, &before, &after).await?;
                self.after.session.usage = self.after.session.usage.plus(usage);
                Ok(Applied::new(Change::None))
            }
            AgentEvent::Error { class, message } => {
                self.after.session.line = first_line(&message);
                self.say(Role::System, Body::Error { class }, message).await?;
                Ok(Applied::new(Change::None))
            }
            AgentEvent::TaskEnded { outcome, git, snapshot } => {
                self.ended(outcome, git, snapshot).await
            }
            AgentEvent::TextDelta { .. } | AgentEvent::ToolOutput { .. } => {
                Err(Error::internal("streamed text is not applied as an event"))
            }
        }
    }

    async fn started(&mut self, git: GitState, snapshot: Option<String>) -> Result<Applied, Error> {
        let before = tasks::service::load(self.tx.connection(), self.task).await?;
        let mut after = before.clone();
        after.started_at_ms = Some(self.tx.now);
        after.start = Some(git);
        after.snapshot_before = snapshot;
        tasks::service::save(self.tx, &before, &after).await?;
        Ok(Applied::fact("task_started", "the agent works on the prompt"))
    }

    /// Begins a message that grows.
    async fn open(&mut self, block: u32, body: Body) -> Result<MessageId, Error> {
        let mut message = self.message(Role::Assistant, body, String::new());
        message.is_streaming = true;
        messages::create(self.tx, &message, Some(block)).await?;
        Ok(message.id)
    }

    /// Adds a message that is complete.
    async fn say(&mut self, role: Role, body: Body, text: String) -> Result<(), Error> {
        let message = self.message(role, body, text);
        messages::create(self.tx, &message, None).await
    }

    fn message(&mut self, role: Role, body: Body, text: String) -> Message {
        self.after.message_count += 1;
        Message {
            id: clock::fresh_id(),
            session_id: self.after.session.id,
            task_id: self.task,
            index: self.after.message_count,
            role,
            author: None,
            is_streaming: false,
            text,
            body,
            created_at_ms: self.tx.now,
            updated_at_ms: self.tx.now,
        }
    }

    async fn of_block(&self, block: u32) -> Result<Message, Error> {
        let message = messages::of_block(self.tx.connection(), self.task, block).await?;
        message.ok_or_else(|| Error::internal(format!("block {block} was never started")))
    }

    async fn block_ended(&mut self, block: u32, text: String) -> Result<Applied, Error> {
        let before = self.of_block(block).await?;
        if before.body == Body::Text {
            self.after.session.line = last_line(&text);
        }
        let mut after = before.clone();
        after.text = text;
        after.is_streaming = false;
        after.updated_at_ms = self.tx.now;
        messages::save(self.tx, &before, &after).await?;
        Ok(Applied::new(Change::Closed(block, after.id)))
    }

    async fn tool_ended(&mut self, event: AgentEvent) -> Result<Applied, Error> {
        let AgentEvent::ToolEnded { block, is_ok, output, change: file, duration_ms: took } = event
        else {
            return Err(Error::internal("not the end of a tool"));
        };
        let before = self.of_block(block).await?;
        let mut after = before.clone();
        after.text = output;
        after.is_streaming = false;
        after.updated_at_ms = self.tx.now;
        if let Body::Tool { state, change, duration_ms, .. } = &mut after.body {
            *change = file;
            *duration_ms = Some(took);
            if !matches!(state, ToolState::Denied | ToolState::Cancelled) {
                *state = match is_ok {
                    true => ToolState::Done,
                    // It was killed because a person asked to stop, not for a failure of its own.
                    false if self.after.is_stopping => ToolState::Cancelled,
                    false => ToolState::Failed,
                };
            }
        }
        messages::save(self.tx, &before, &after).await?;
        Ok(Applied::new(Change::Closed(block, after.id)))
    }

    async fn permission_requested(&mut self, event: AgentEvent) -> Result<Applied, Error> {
        let AgentEvent::PermissionRequested { block, request_id, title, reason: why, .. } = event
        else {
            return Err(Error::internal("not a request for permission"));
        };
        let before = self.of_block(block).await?;
        let mut after = before.clone();
        after.updated_at_ms = self.tx.now;
        if let Body::Tool { state, permission, .. } = &mut after.body {
            *state = ToolState::AwaitingApproval;
            *permission = Some(Permission {
                id: request_id,
                reason: why,
                decision: None,
                answered_by: None,
                answer_reason: None,
            });
        }
        messages::save(self.tx, &before, &after).await?;
        let pending = Pending {
            id: request_id,
            session: self.after.session.id,
            task: self.task,
            message: after.id,
            is_pending: true,
        };
        messages::insert_permission(self.tx.connection(), pending, self.tx.now).await?;
        self.after.session.line.clone_from(&title);
        Ok(Applied::fact("permission_requested", format!("the agent asks: {title}")))
    }

    async fn permission_resolved(
        &mut self,
        block: u32,
        decision: Option<Decision>,
        reason: Option<String>,
    ) -> Result<Applied, Error> {
        let before = self.of_block(block).await?;
        let mut after = before.clone();
        after.updated_at_ms = self.tx.now;
        if let Body::Tool { state, permission, .. } = &mut after.body {
            *state = match decision {
                Some(Decision::Allow) => ToolState::Running,
                Some(Decision::Deny) => ToolState::Denied,
                None => ToolState::Cancelled,
            };
            if let Some(permission) = permission {
                permission.decision = decision;
                permission.answer_reason = permission.answer_reason.take().or(reason);
            }
        }
        messages::save(self.tx, &before, &after).await?;
        Ok(Applied::fact("permission_resolved", "the request was answered or withdrawn"))
    }

    async fn ended(
        &mut self,
        outcome: Outcome,
        git: GitState,
        snapshot: Option<String>,
    ) -> Result<Applied, Error> {
        close_open_messages(self.tx, self.after.session.id, self.task).await?;
        let before = tasks::service::load(self.tx.connection(), self.task).await?;
        let mut after = before.clone();
        let stop_reason = self.after.stop_reason.take();
        let (state, fact, detail) = match (outcome, stop_reason) {
            (Outcome::Completed, _) => {
                (TaskState::Completed, "task_completed".to_owned(), "the agent is done".to_owned())
            }
            (Outcome::Cancelled, None) => {
                let detail = "a person stopped it".to_owned();
                (TaskState::Cancelled, "task_cancelled".to_owned(), detail)
            }
            (Outcome::Cancelled, Some(StopReason { fact, detail })) => {
                (TaskState::Failed, fact, detail)
            }
            (Outcome::Failed, _) => {
                (TaskState::Failed, "task_failed".to_owned(), self.after.session.line.clone())
            }
        };
        after.state = state;
        after.failure = (state == TaskState::Failed).then(|| detail.clone());
        after.end = Some(git);
        after.snapshot_after = snapshot;
        after.ended_at_ms = Some(self.tx.now);
        tasks::service::save(self.tx, &before, &after).await?;
        self.after.is_stopping = false;
        if state == TaskState::Cancelled {
            "Stopped".clone_into(&mut self.after.session.line);
        } else if outcome == Outcome::Cancelled {
            self.after.session.line.clone_from(&detail);
        }
        Ok(Applied { change: Change::Ended, fact: Some((fact, detail)) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn skipping_all_units_leaves_nothing_and_none_leaves_all(text in ".*") {
            prop_assert_eq!(skip_utf16(&text, utf16_len(&text)), None);
            prop_assert_eq!(skip_utf16(&text, 0), (!text.is_empty()).then_some(text.as_str()));
        }

        #[test]
        fn two_overlapping_pieces_join_to_the_whole(text in ".+", cut in 0_usize..20) {
            let letters: Vec<char> = text.chars().collect();
            let cut = cut.min(letters.len());
            let first: String = letters[..cut].iter().collect();
            let rest = skip_utf16(&text, utf16_len(&first)).unwrap_or_default();
            prop_assert_eq!(format!("{first}{rest}"), text);
        }
    }
}

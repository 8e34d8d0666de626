//! Pure rules of sessions: state from facts, cards, titles, one-line summaries.

use crate::boards::service::CardPlace;
use crate::executors::service::Health;
use grove_core_api::agent::Usage;
use grove_core_api::event::{Event, Op};
use grove_core_api::isolation::SandboxReport;
use grove_core_api::rest::boards::SessionCard;
use grove_core_api::rest::comments::CommentAnchor;
use grove_core_api::rest::executors::SessionExecutor;
use grove_core_api::rest::sessions::{Evidence, RunState, Session};
use grove_core_api::rest::tasks::TaskState;
use grove_core_api::{BoardObjectId, ExecutorId, SessionId};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use uuid::Uuid;

/// Longest one-line summary, in characters.
const LINE_CHARS: usize = 160;

/// A session with what only the daemon needs to know of it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Record {
    pub(crate) session: Session,
    /// The executor that serves it, when one was started and not seen to end.
    pub(crate) executor: Option<ExecutorId>,
    /// Newest event of that executor that is stored.
    pub(crate) executor_seq: u64,
    /// Messages so far.
    pub(crate) message_count: i32,
    /// Whether the running task is to stop.
    pub(crate) is_stopping: bool,
    /// Why Grove itself stops it; absent when a person asked for it.
    pub(crate) stop_reason: Option<StopReason>,
    /// How its executors fare.
    pub(crate) health: Health,
}

/// Why Grove stops a task by itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct StopReason {
    /// Name of the fact.
    pub(crate) fact: String,
    /// The fact in words.
    pub(crate) detail: String,
}

/// What a row of `sessions` keeps in its JSON column.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct SessionData {
    pub(crate) v: u32,
    pub(crate) repo: String,
    pub(crate) branch: String,
    pub(crate) evidence: Evidence,
    pub(crate) line: String,
    pub(crate) usage: Usage,
    pub(crate) is_stopping: bool,
    pub(crate) stop_reason: Option<StopReason>,
    pub(crate) health: Health,
    pub(crate) executor: Option<SessionExecutor>,
    pub(crate) sandbox: Option<SandboxReport>,
}

/// Everything that a run state is derived from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Facts {
    pub(crate) is_archived: bool,
    /// The task that runs; whether its agent has begun.
    pub(crate) running: Option<HasBegun>,
    pub(crate) queued: u64,
    pub(crate) pending_permissions: u64,
    pub(crate) is_stopping: bool,
    /// Whether its executor crashed too often to be started again.
    pub(crate) has_failed_executor: bool,
    /// How the last task ended.
    pub(crate) last: Option<TaskState>,
}

/// Whether the agent of a running task has reported its start.
pub(crate) type HasBegun = bool;

/// The run state that follows from the facts.
pub(crate) fn run_state(facts: &Facts) -> RunState {
    if facts.is_archived {
        return RunState::Archived;
    }
    match facts.running {
        Some(_) if facts.is_stopping => RunState::Stopping,
        Some(false) => RunState::Starting,
        Some(true) if facts.pending_permissions > 0 => RunState::AwaitingApproval,
        Some(true) => RunState::Running,
        None if facts.has_failed_executor => RunState::Failed,
        None if facts.queued > 0 => RunState::Queued,
        None => match facts.last {
            Some(TaskState::Failed) => RunState::Failed,
            Some(TaskState::Lost) => RunState::Lost,
            Some(
                TaskState::Completed
                | TaskState::Cancelled
                | TaskState::Queued
                | TaskState::Running,
            )
            | None => RunState::Idle,
        },
    }
}

/// What an event of a board tells of agents: which of them did something, and with which object.
///
/// What comes through an agent's tools is its own doing; a card that changes its state or its line
/// tells what the agent of that card does.
pub(crate) fn deeds(event: &Event) -> Vec<(SessionId, BoardObjectId)> {
    if let Some(agent) = event.via.strip_prefix("mcp:").and_then(|it| it.parse().ok()) {
        let touched = event.ops.iter().rev().find_map(touched);
        return touched.map(|object| (agent, object)).into_iter().collect();
    }
    let own = |op: &Op| match op {
        Op::Set { id, k, .. } if k == "state" || k == "line" => id.parse::<Uuid>().ok(),
        Op::Set { .. } | Op::Put { .. } | Op::Del { .. } => None,
    };
    let cards: BTreeSet<Uuid> = event.ops.iter().filter_map(own).collect();
    cards.into_iter().map(|id| (id.into(), id.into())).collect()
}

/// The object that an operation is about: a comment is about what it is pinned to.
fn touched(op: &Op) -> Option<BoardObjectId> {
    match op {
        Op::Put { kind, v, .. } if kind == "comment" => {
            match serde_json::from_value(v.get("anchor")?.clone()).ok()? {
                CommentAnchor::Object { object, .. } => Some(object),
                CommentAnchor::Point { .. }
                | CommentAnchor::Message { .. }
                | CommentAnchor::DiffLine { .. } => None,
            }
        }
        Op::Put { id, .. } | Op::Set { id, .. } => id.parse().ok(),
        Op::Del { .. } => None,
    }
}

/// The session's card; where it lies is known elsewhere.
pub(crate) fn card(session: &Session, place: CardPlace) -> SessionCard {
    let usage = session.usage;
    SessionCard {
        pos: place.pos,
        ord: place.ord,
        is_locked: place.is_locked,
        title: session.title.clone(),
        state: session.state,
        line: session.line.clone(),
        agent: session.agent.clone(),
        model: session.model.clone(),
        repo: session.repo.clone(),
        branch: session.branch.clone(),
        parent: session.parent_id,
        relation: session.relation,
        created_by: session.created_by,
        cost_micro_usd: usage.cost_micro_usd,
        tokens: usage.input_tokens
            + usage.output_tokens
            + usage.cache_read_tokens
            + usage.cache_write_tokens,
    }
}

/// The beginning of a prompt as a title.
pub(crate) fn title_of(prompt: &str) -> String {
    let line = prompt.lines().map(str::trim).find(|it| !it.is_empty()).unwrap_or("Session");
    let clean: String = line.chars().map(|it| if it.is_control() { ' ' } else { it }).collect();
    shorten(&clean, 60)
}

/// The last line with words of a text, without its Markdown marks, for the card.
pub(crate) fn last_line(text: &str) -> String {
    plain(text.lines().rev())
}

/// The first line with words of an error, which says what failed; details follow it.
pub(crate) fn first_line(text: &str) -> String {
    plain(text.lines())
}

fn plain<'t>(lines: impl Iterator<Item = &'t str>) -> String {
    let line = lines
        .map(|line| line.trim().trim_start_matches(['#', '-', '*', '>', ' ']))
        .find(|line| line.chars().any(char::is_alphanumeric))
        .unwrap_or_default();
    shorten(&line.replace(['*', '`'], ""), LINE_CHARS)
}

fn shorten(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    let cut: String = text.chars().take(most - 1).collect();
    let end = cut.rfind(' ').filter(|at| *at > most / 2).unwrap_or(cut.len());
    format!("{}…", cut[..end].trim_end())
}

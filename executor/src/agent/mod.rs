//! One task from its first snapshot to its last: the agent of a session.
//!
//! `turn` is the loop of model and tools, `model` what every model is, `rehearsal` and `provider` the
//! two kinds, `output` turns it all into numbered events, `mcp` brings Grove's own tools.

mod conversation;
mod keys;
mod mcp;
mod means;
mod model;
mod output;
mod provider;
mod rehearsal;
mod turn;

pub(crate) use keys::Keys;
pub(crate) use mcp::McpTools;
pub(crate) use means::{Means, Memory};
pub(crate) use model::{ModelError, ToolCall, ToolSpec};
pub(crate) use output::{Piece, Pieces};

use crate::git::{self, Taken};
use crate::replay::Replay;
use futures_util::FutureExt;
use grove_core_api::agent::{AgentEvent, Decision, ErrorClass, GitState, Outcome};
use grove_core_api::ipc::RpcError;
use grove_core_api::ipc::method::{AnswerPermission, Prompt};
use grove_core_api::{PermissionId, TaskId};
use output::Output;
use std::collections::HashMap;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;

/// A person's answer.
pub(crate) type Answer = (Decision, Option<String>);

/// What others can do with a task that runs: cancel it, answer its questions.
pub(crate) struct Running {
    task_id: TaskId,
    cancelled: CancellationToken,
    is_over: AtomicBool,
    ended: CancellationToken,
    questions: Mutex<HashMap<PermissionId, oneshot::Sender<Answer>>>,
}

impl Running {
    pub(crate) fn new(task_id: TaskId) -> Self {
        Self {
            task_id,
            cancelled: CancellationToken::new(),
            is_over: AtomicBool::new(false),
            ended: CancellationToken::new(),
            questions: Mutex::default(),
        }
    }

    pub(crate) fn task_id(&self) -> TaskId {
        self.task_id
    }

    /// Whether its last event is made or about to be: the next prompt waits for the end.
    pub(crate) fn is_over(&self) -> bool {
        self.is_over.load(Ordering::Acquire)
    }

    /// Says that nothing more comes from this task.
    pub(crate) fn end(&self) {
        self.ended.cancel();
    }

    /// Waits until nothing more comes from this task.
    ///
    /// # Cancel safety
    /// Cancel safe.
    pub(crate) async fn ended(&self) {
        self.ended.cancelled().await;
    }

    /// Stops the task.
    pub(crate) fn cancel(&self) {
        self.cancelled.cancel();
    }

    /// Hands an answer over; says whether the request still waited.
    pub(crate) fn answer(&self, answer: AnswerPermission) -> bool {
        let question = self.questions().remove(&answer.request_id);
        question.is_some_and(|question| question.send((answer.decision, answer.reason)).is_ok())
    }

    /// Registers a question before it is asked.
    fn ask(&self, request_id: PermissionId) -> oneshot::Receiver<Answer> {
        let (sender, receiver) = oneshot::channel();
        self.questions().insert(request_id, sender);
        receiver
    }

    fn questions(&self) -> MutexGuard<'_, HashMap<PermissionId, oneshot::Sender<Answer>>> {
        // The map is whole after each statement, so a poisoned lock can be used.
        self.questions.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a task needs to begin.
pub(crate) struct Start {
    pub(crate) prompt: Prompt,
    pub(crate) running: Arc<Running>,
    pub(crate) replay: Arc<Replay>,
    pub(crate) means: Means,
}

/// Runs a task: each `TaskStarted` is followed by exactly one `TaskEnded`, whatever happens between.
pub(crate) async fn run(start: Start) {
    let Start { prompt, running, replay, means } = start;
    let mut output = Output::new(replay, prompt.task_id);
    let before = guarded(snapshot(&prompt, "before")).await;
    let (git, reference, failure) = described(before);
    output.emit(AgentEvent::TaskStarted { git, snapshot: reference }).await;
    let outcome = match failure {
        // Without a snapshot what the agent changes could not be undone.
        Some(failure) => Err(failure),
        None => Box::pin(attempt(&prompt, &running, &means, &mut output)).await,
    };
    output.settle().await;
    let outcome = match outcome {
        Ok(outcome) => outcome,
        Err(ModelError { class, message }) => {
            output.emit(AgentEvent::Error { class, message }).await;
            Outcome::Failed
        }
    };
    let after = guarded(snapshot(&prompt, "after")).await;
    let (git, reference, failure) = described(after);
    if let Some(ModelError { class, message }) = failure.filter(|_| outcome != Outcome::Failed) {
        output.emit(AgentEvent::Error { class, message }).await;
    }
    // Whoever reads `TaskEnded` may prompt again at once.
    running.is_over.store(true, Ordering::Release);
    output.emit(AgentEvent::TaskEnded { outcome, git, snapshot: reference }).await;
}

async fn attempt(
    prompt: &Prompt,
    running: &Running,
    means: &Means,
    output: &mut Output,
) -> Result<Outcome, ModelError> {
    tokio::select! {
        biased;
        () = running.cancelled.cancelled() => Ok(Outcome::Cancelled),
        outcome = guarded(turn::run(prompt, running, means, output)) => {
            outcome.and_then(|outcome| outcome).map(|()| Outcome::Completed)
        }
    }
}

/// Turns a panic into a failure of class `internal`.
async fn guarded<T>(work: impl Future<Output = T>) -> Result<T, ModelError> {
    AssertUnwindSafe(work).catch_unwind().await.map_err(|_panic| {
        tracing::error!("a turn ended in a defect");
        ModelError::new(
            ErrorClass::Internal,
            "A defect in Grove ended this turn; the log says more.",
        )
    })
}

async fn snapshot(prompt: &Prompt, moment: &str) -> Result<Taken, RpcError> {
    let reference = format!("refs/grove/snap/{}/{moment}", prompt.task_id);
    git::take(Path::new(&prompt.directory), &reference).await
}

fn described(
    taken: Result<Result<Taken, RpcError>, ModelError>,
) -> (GitState, Option<String>, Option<ModelError>) {
    match taken {
        Ok(Ok(taken)) => (taken.git, Some(taken.snapshot.reference), None),
        Ok(Err(error)) => {
            let message = format!("The worktree could not be saved: {}.", error.message);
            (GitState::default(), None, Some(ModelError::new(ErrorClass::Internal, message)))
        }
        Err(defect) => (GitState::default(), None, Some(defect)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_defect_in_a_turn_is_a_failure_of_class_internal() {
        let defect = async { panic!("a defect on purpose") };
        let failed: Result<(), ModelError> = guarded(defect).await;
        assert_eq!(failed.map_err(|error| error.class), Err(ErrorClass::Internal));
    }
}

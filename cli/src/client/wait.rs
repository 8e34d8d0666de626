//! Waiting for things that go on by themselves. Ctrl-C ends the waiting, never the work.

use super::http::{Answer, Api};
use crate::error::{CliError, Exit};
use crate::output::Output;
use crate::progress::Progress;
use grove_core_api::limits::GIT_REMOTE_MS;
use grove_core_api::rest::repos::{Repo, RepoState};
use grove_core_api::rest::sessions::{RunState, Session, SessionResult};
use grove_core_api::rest::tasks::{Task, TaskState};
use grove_core_api::{PermissionId, SessionId, TaskId};
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// Shortest and longest time between two looks.
const LOOKS: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(1));

/// Looks again and again, with growing pauses, until a deadline or Ctrl-C.
struct Patience {
    deadline: Instant,
    pause: Duration,
    /// What goes on by itself, for whoever stops waiting.
    goes_on: String,
}

impl Patience {
    fn new(most: Duration, goes_on: String) -> Self {
        Self { deadline: Instant::now() + most, pause: LOOKS.0, goes_on }
    }

    async fn rest(&mut self) -> Result<(), CliError> {
        if Instant::now() >= self.deadline {
            let message = "it takes longer than was to be waited";
            return Err(CliError::new(Exit::Unavailable, message, self.goes_on.clone()));
        }
        tokio::select! {
            () = sleep(self.pause) => {}
            signal = tokio::signal::ctrl_c() => {
                signal.map_err(|error| CliError::defect(format!("failed to wait: {error}")))?;
                let message = "stopped waiting";
                return Err(CliError::new(Exit::Interrupted, message, self.goes_on.clone()));
            }
        }
        self.pause = (self.pause * 2).min(LOOKS.1);
        Ok(())
    }
}

/// Waits until a repository is cloned.
///
/// # Errors
/// When the clone fails, or takes longer than a clone may.
pub(crate) async fn until_cloned(api: &Api, repo: Repo) -> Result<Answer<Repo>, CliError> {
    let path = format!("/repos/{}", repo.id);
    let progress = Progress::percent(format!("Cloning {}", repo.name));
    let goes_on = format!("The clone goes on; look with `grove repo show {}`.", repo.name);
    let mut patience = Patience::new(Duration::from_millis(GIT_REMOTE_MS), goes_on);
    loop {
        let answer = api.get::<Repo>(&path, &()).await?;
        match answer.value.state {
            RepoState::Ready => return Ok(answer),
            RepoState::Failed => {
                let why = answer.value.failure.unwrap_or_else(|| "no reason was given".to_owned());
                let hint = "Check the path or URL, and that you can `git clone` it yourself.";
                let message = format!("failed to clone {}: {why}", repo.source);
                return Err(CliError::new(Exit::Conflict, message, hint));
            }
            RepoState::Cloning => progress.set(answer.value.progress_percent),
        }
        patience.rest().await?;
    }
}

/// Waits until a session's turn has ended and returns what came out. Without a task: the turn that
/// is under way.
///
/// # Errors
/// When it takes longer than `most`, or when the turn ended other than by completing.
pub(crate) async fn until_done(
    api: &Api,
    output: &Output,
    session: SessionId,
    task: Option<TaskId>,
    most: Duration,
) -> Result<Answer<SessionResult>, CliError> {
    let short = session.short();
    let goes_on = format!("The session goes on; look with `grove session show {short}`.");
    let mut patience = Patience::new(most, goes_on);
    let progress = Progress::spinner(format!("Session {short}"));
    let mut announced: Vec<PermissionId> = Vec::new();
    loop {
        let answer = api.get::<SessionResult>(&format!("/sessions/{session}/result"), &()).await?;
        if is_over(api, task, &answer.value).await? {
            drop(progress);
            return ended_well(session, answer);
        }
        for permission in &answer.value.pending_permissions {
            if !announced.contains(permission) {
                announced.push(*permission);
                progress.pause(|| {
                    let id = permission.short();
                    output.note(&format!(
                        "It asks for permission: `grove session answer {id} --allow` or `--deny`."
                    ));
                });
            }
        }
        let line = api.get::<Session>(&format!("/sessions/{session}"), &()).await?.value.line;
        progress.say(&line);
        patience.rest().await?;
    }
}

async fn is_over(
    api: &Api,
    task: Option<TaskId>,
    result: &SessionResult,
) -> Result<bool, CliError> {
    let Some(task) = task else { return Ok(!result.state.is_busy()) };
    let state = match &result.last_task {
        Some(last) if last.id == task => last.state,
        _ => api.get::<Task>(&format!("/tasks/{task}"), &()).await?.value.state,
    };
    Ok(!matches!(state, TaskState::Queued | TaskState::Running))
}

fn ended_well(
    session: SessionId,
    answer: Answer<SessionResult>,
) -> Result<Answer<SessionResult>, CliError> {
    let last = answer.value.last_task.as_ref();
    let has_completed = last.is_none_or(|task| task.state == TaskState::Completed);
    if has_completed && !matches!(answer.value.state, RunState::Failed | RunState::Lost) {
        return Ok(answer);
    }
    let state = last.map_or(answer.value.state.as_str(), |task| task.state.as_str());
    let why = last.and_then(|task| task.failure.clone());
    let message = match why {
        Some(why) => format!("the turn ended as {state}: {why}"),
        None => format!("the turn ended as {state}"),
    };
    let hint = format!("Look with `grove session show {}`.", session.short());
    Err(CliError::new(Exit::Conflict, message, hint))
}

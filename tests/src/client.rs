//! A client of the REST API that checks what every answer promises.

use crate::{Outcome, Repo, eventually};
use anyhow::{Context, bail, ensure};
use grove_core_api::event::Event;
use grove_core_api::rest::auth::LoginSession;
use grove_core_api::rest::boards::Board;
use grove_core_api::rest::messages::{EventList, Message, MessageList};
use grove_core_api::rest::repos::{self, RepoState};
use grove_core_api::rest::sessions::{RunState, Session};
use grove_core_api::rest::tasks::Task;
use grove_core_api::rest::users::User;
use grove_core_api::{ErrorCode, Page, Problem, RepoId, SessionId};
use reqwest::{Method, RequestBuilder, header};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::json;
use std::fmt;
use std::time::Duration;

/// Longest time for one request.
const REQUEST: Duration = Duration::from_secs(30);

/// Why a call did not do what it was asked to.
#[derive(Debug)]
pub enum CallError {
    /// Grove refused, and said why.
    Refused(Box<Problem>),
    /// There was no answer, or one that breaks a promise.
    Broken(anyhow::Error),
}

impl fmt::Display for CallError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(problem) => {
                write!(f, "refused with {}: {}", problem.code.as_str(), problem.detail)
            }
            Self::Broken(error) => write!(f, "{error:#}"),
        }
    }
}

impl std::error::Error for CallError {}

impl From<reqwest::Error> for CallError {
    fn from(error: reqwest::Error) -> Self {
        Self::Broken(error.into())
    }
}

impl From<anyhow::Error> for CallError {
    fn from(error: anyhow::Error) -> Self {
        Self::Broken(error)
    }
}

/// Turns an expected refusal into its problem.
pub trait Refusal {
    /// The problem that the call was refused with.
    ///
    /// # Errors
    /// When the call was not refused.
    fn refusal(self) -> Outcome<Problem>;
}

impl<T: fmt::Debug> Refusal for Result<T, CallError> {
    fn refusal(self) -> Outcome<Problem> {
        match self {
            Ok(value) => bail!("expected a refusal, got {value:?}"),
            Err(CallError::Refused(problem)) => Ok(*problem),
            Err(CallError::Broken(error)) => Err(error.context("expected a refusal")),
        }
    }
}

/// Fails unless the call was refused with this code; returns the problem.
///
/// # Errors
/// When it was not refused, or with another code.
pub fn is_code<T: fmt::Debug>(result: Result<T, CallError>, code: ErrorCode) -> Outcome<Problem> {
    let problem = result.refusal()?;
    ensure!(problem.code == code, "expected {code:?}, got {problem:?}");
    Ok(problem)
}

/// A caller of the API.
#[derive(Clone, Debug)]
pub struct Client {
    http: reqwest::Client,
    base: String,
    credential: Option<(header::HeaderName, String)>,
}

impl Client {
    /// Makes a client that acts as the instance's owner.
    ///
    /// # Errors
    /// When the HTTP client cannot be made.
    pub fn new(base: &str) -> Outcome<Self> {
        // A connection for each request, so that none is left over from a daemon that was killed.
        Self::with(base, reqwest::Client::builder().pool_max_idle_per_host(0))
    }

    /// Makes a client that keeps its connections, as programs do.
    ///
    /// # Errors
    /// When the HTTP client cannot be made.
    pub fn keeping_connections(base: &str) -> Outcome<Self> {
        Self::with(base, reqwest::Client::builder())
    }

    fn with(base: &str, builder: reqwest::ClientBuilder) -> Outcome<Self> {
        let http = builder.timeout(REQUEST).no_proxy().build()?;
        Ok(Self { http, base: base.to_owned(), credential: None })
    }

    /// The same client with a bearer token.
    #[must_use]
    pub fn with_token(&self, token: &str) -> Self {
        let credential = Some((header::AUTHORIZATION, format!("Bearer {token}")));
        Self { credential, ..self.clone() }
    }

    /// The same client under a name of its own, as a browser's window would be.
    ///
    /// # Errors
    /// When the name is refused or no cookie comes.
    pub async fn named(&self, name: &str) -> Outcome<(Self, User)> {
        let request = self.request(Method::POST, "/login-sessions").json(&json!({ "name": name }));
        let response = request.send().await?.error_for_status()?;
        let cookie = response.headers().get(header::SET_COOKIE).context("no cookie")?.to_str()?;
        let cookie = cookie.split(';').next().unwrap_or_default().to_owned();
        let login: LoginSession = response.json().await?;
        let credential = Some((header::COOKIE, cookie));
        Ok((Self { credential, ..self.clone() }, login.user))
    }

    /// The header that says who it is, when it has one.
    #[must_use]
    pub fn credential(&self) -> Option<(&str, &str)> {
        self.credential.as_ref().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// The cookie, when the client has one.
    #[must_use]
    pub fn cookie(&self) -> Option<&str> {
        self.credential.as_ref().filter(|it| it.0 == header::COOKIE).map(|it| it.1.as_str())
    }

    /// Starts a request below `/api/v1`, for what the shorter methods cannot say.
    pub fn request(&self, method: Method, path: impl fmt::Display) -> RequestBuilder {
        self.request_at(method, format!("/api/v1{path}"))
    }

    /// Starts a request at any path of the instance.
    pub fn request_at(&self, method: Method, path: impl fmt::Display) -> RequestBuilder {
        let request = self.http.request(method, format!("{}{path}", self.base));
        match &self.credential {
            Some((name, value)) => request.header(name, value),
            None => request,
        }
    }

    /// Sends a request and reads its answer.
    ///
    /// # Errors
    /// `Refused` with the problem, or `Broken` when the answer breaks a promise: a problem has its
    /// own content type, the status that its body names, and the request's id.
    pub async fn send<T: DeserializeOwned>(&self, request: RequestBuilder) -> Result<T, CallError> {
        let response = request.send().await?;
        let status = response.status();
        let text = |name: &str| {
            response.headers().get(name).and_then(|it| it.to_str().ok()).unwrap_or("").to_owned()
        };
        let (kind, id) = (text("content-type"), text("x-request-id"));
        let body = response.bytes().await?;
        let shown = String::from_utf8_lossy(&body[..body.len().min(400)]).into_owned();
        if status.is_success() {
            let body: &[u8] = if body.is_empty() { b"null" } else { &body };
            let value = serde_json::from_slice(body)
                .with_context(|| format!("{status} with another body: {shown}"))?;
            return Ok(value);
        }
        let problem: Problem = serde_json::from_slice(&body)
            .with_context(|| format!("{status} without a problem: {shown}"))?;
        let is_sound = kind == "application/problem+json"
            && problem.status == status.as_u16()
            && problem.status == problem.code.status()
            && !problem.detail.is_empty()
            && !id.is_empty()
            && problem.request_id == id;
        if !is_sound {
            return Err(anyhow::anyhow!("{status} {kind} {id}: no sound problem: {shown}").into());
        }
        Err(CallError::Refused(Box::new(problem)))
    }

    /// GET.
    ///
    /// # Errors
    /// See [`Client::send`].
    pub async fn get<T: DeserializeOwned>(&self, path: impl fmt::Display) -> Result<T, CallError> {
        self.send(self.request(Method::GET, path)).await
    }

    /// POST.
    ///
    /// # Errors
    /// See [`Client::send`].
    pub async fn post<T: DeserializeOwned>(
        &self,
        path: impl fmt::Display,
        body: impl Serialize,
    ) -> Result<T, CallError> {
        self.send(self.request(Method::POST, path).json(&body)).await
    }

    /// PATCH.
    ///
    /// # Errors
    /// See [`Client::send`].
    pub async fn patch<T: DeserializeOwned>(
        &self,
        path: impl fmt::Display,
        body: impl Serialize,
    ) -> Result<T, CallError> {
        self.send(self.request(Method::PATCH, path).json(&body)).await
    }

    /// DELETE.
    ///
    /// # Errors
    /// See [`Client::send`].
    pub async fn delete<T: DeserializeOwned>(
        &self,
        path: impl fmt::Display,
    ) -> Result<T, CallError> {
        self.send(self.request(Method::DELETE, path)).await
    }

    /// Whether `/healthz` answers 200.
    pub async fn is_healthy(&self) -> bool {
        let answer = self.request_at(Method::GET, "/healthz").send().await;
        answer.is_ok_and(|it| it.status().is_success())
    }

    /// Who the caller is.
    ///
    /// # Errors
    /// See [`Client::send`].
    pub async fn me(&self) -> Result<User, CallError> {
        self.get("/users/me").await
    }

    /// Makes a board.
    ///
    /// # Errors
    /// See [`Client::send`].
    pub async fn new_board(&self, name: &str) -> Result<Board, CallError> {
        self.post("/boards", json!({ "name": name })).await
    }

    /// Registers a repository and waits until it can be used.
    ///
    /// # Errors
    /// When it is refused or the clone fails.
    pub async fn add_repo(&self, repo: &Repo) -> Outcome<repos::Repo> {
        let made: repos::Repo = self.post("/repos", json!({ "source": repo.source() })).await?;
        self.until_cloned(made.id).await
    }

    /// Waits until a clone is over and fails unless it worked.
    ///
    /// # Errors
    /// When the clone fails.
    pub async fn until_cloned(&self, id: RepoId) -> Outcome<repos::Repo> {
        let repo = self.until_settled(id).await?;
        ensure!(repo.state == RepoState::Ready, "the clone failed: {repo:?}");
        Ok(repo)
    }

    /// Waits until a clone is over, whichever way.
    ///
    /// # Errors
    /// When it does not end.
    pub async fn until_settled(&self, id: RepoId) -> Outcome<repos::Repo> {
        eventually("the clone is over", async || {
            let repo: repos::Repo = self.get(format!("/repos/{id}")).await?;
            Ok((repo.state != RepoState::Cloning).then_some(repo))
        })
        .await
    }

    /// Makes a session in a new worktree, perhaps with a prompt.
    ///
    /// # Errors
    /// See [`Client::send`].
    pub async fn new_session(
        &self,
        repo: RepoId,
        title: &str,
        prompt: Option<&str>,
    ) -> Result<Session, CallError> {
        let mut body = json!({ "repo_id": repo, "title": title });
        if let Some(prompt) = prompt {
            body["prompt"] = prompt.into();
        }
        self.post("/sessions", body).await
    }

    /// Prompts a session.
    ///
    /// # Errors
    /// See [`Client::send`].
    pub async fn prompt(&self, session: SessionId, text: &str) -> Result<Task, CallError> {
        self.post(format!("/sessions/{session}/prompt"), json!({ "text": text })).await
    }

    /// A session as it is now.
    ///
    /// # Errors
    /// See [`Client::send`].
    pub async fn session(&self, id: SessionId) -> Result<Session, CallError> {
        self.get(format!("/sessions/{id}")).await
    }

    /// Waits until a session is in this state.
    ///
    /// # Errors
    /// When it does not come to be.
    pub async fn until_state(&self, id: SessionId, state: RunState) -> Outcome<Session> {
        let mut last = None;
        let reached = eventually(&format!("session {id} is {state:?}"), async || {
            let session = self.session(id).await?;
            last = Some((session.state, session.evidence.clone()));
            Ok((session.state == state).then_some(session))
        })
        .await;
        reached.with_context(|| format!("it was last {last:?}"))
    }

    /// Waits until a session has nothing to do any more, whichever way that came.
    ///
    /// # Errors
    /// When it stays busy.
    pub async fn until_over(&self, id: SessionId) -> Outcome<Session> {
        eventually(&format!("session {id} is not busy"), async || {
            let session = self.session(id).await?;
            Ok((!session.state.is_busy()).then_some(session))
        })
        .await
    }

    /// Messages of a session, oldest first; at most 200.
    ///
    /// # Errors
    /// See [`Client::send`].
    pub async fn messages(&self, id: SessionId) -> Result<Vec<Message>, CallError> {
        let list: MessageList = self.get(format!("/sessions/{id}/messages?limit=200")).await?;
        Ok(list.items)
    }

    /// Tasks of a session, oldest first.
    ///
    /// # Errors
    /// See [`Client::send`].
    pub async fn tasks(&self, id: SessionId) -> Result<Vec<Task>, CallError> {
        let mut page: Page<Task> = self.get(format!("/tasks?session_id={id}&limit=200")).await?;
        page.items.reverse();
        Ok(page.items)
    }

    /// The whole log of a session or board (`/sessions/<id>` or `/boards/<id>`), checked to be
    /// numbered 1, 2, 3 … in one epoch.
    ///
    /// # Errors
    /// When the numbers have a hole or a double, or do not end at the topic's own number.
    pub async fn log(&self, path: &str) -> Outcome<Vec<Event>> {
        let mut events: Vec<Event> = Vec::new();
        let mut epoch = None;
        loop {
            let after = events.len();
            let page: EventList =
                self.get(format!("{path}/events?after={after}&limit=200")).await?;
            let known = epoch.get_or_insert_with(|| page.epoch.clone());
            ensure!(*known == page.epoch, "the epoch changed");
            let is_last = page.items.is_empty();
            events.extend(page.items);
            for (event, number) in events.iter().zip(1_i64..) {
                ensure!(event.seq == number, "event {number} has the number {}", event.seq);
            }
            if is_last {
                let newest = events.last().map_or(0, |event| event.seq);
                ensure!(page.seq == newest, "the log ends at {newest}, the topic at {}", page.seq);
                return Ok(events);
            }
        }
    }
}

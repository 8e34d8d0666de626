//! Who calls `/mcp`: a bearer token, and a protocol session stays with whoever opened it.

use crate::app::App;
use crate::auth::extract::{actor_of_token, bearer, unauthenticated};
use crate::context::{Actor, Ctx, Via};
use crate::error::Error;
use axum::extract::{Request, State};
use axum::http::{HeaderValue, Method, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

const SESSION: &str = "mcp-session-id";
/// Protocol sessions that are remembered; when it is full the table starts anew and clients with
/// older sessions open new ones.
const SESSIONS: usize = 10_000;

/// Which caller opened which protocol session. rmcp does not bind one to the other.
#[derive(Clone)]
pub(super) struct Guard {
    app: Arc<App>,
    owners: Arc<Mutex<HashMap<String, Actor>>>,
}

impl Guard {
    pub(super) fn new(app: Arc<App>) -> Self {
        Self { app, owners: Arc::default() }
    }

    fn owner(&self, session: &str) -> Option<Actor> {
        self.owners.lock().unwrap_or_else(PoisonError::into_inner).get(session).copied()
    }

    fn remember(&self, session: &str, actor: Actor) {
        let mut owners = self.owners.lock().unwrap_or_else(PoisonError::into_inner);
        if owners.len() >= SESSIONS {
            owners.clear();
        }
        owners.entry(session.to_owned()).or_insert(actor);
    }

    fn forget(&self, session: &str) {
        self.owners.lock().unwrap_or_else(PoisonError::into_inner).remove(session);
    }
}

/// Lets callers with a valid token through and puts their [`Ctx`] into the request.
pub(super) async fn layer(
    State(guard): State<Guard>,
    mut request: Request,
    next: Next,
) -> Response {
    let token = bearer(request.headers()).map(str::to_owned);
    let actor = match token_actor(&guard.app, token).await {
        Ok(actor) => actor,
        Err(error) => {
            let mut response = error.into_response();
            let challenge = HeaderValue::from_static("Bearer realm=\"grove\"");
            response.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
            return response;
        }
    };
    let session =
        request.headers().get(SESSION).and_then(|value| value.to_str().ok()).map(str::to_owned);
    if let Some(session) = &session
        && guard.owner(session).is_some_and(|owner| owner != actor)
    {
        return Error::not_found("MCP session", "of yours by that id").into_response();
    }
    let is_end = request.method() == Method::DELETE;
    request.extensions_mut().insert(Ctx::new(&guard.app, actor));
    let response = next.run(request).await;
    if let Some(opened) = response.headers().get(SESSION).and_then(|value| value.to_str().ok()) {
        guard.remember(opened, actor);
    }
    if is_end && let Some(session) = session {
        guard.forget(&session);
    }
    response
}

async fn token_actor(app: &App, token: Option<String>) -> Result<Actor, Error> {
    actor_of_token(app, &token.ok_or_else(unauthenticated)?, Via::Api).await
}

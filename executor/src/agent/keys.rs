//! The provider's key: asked for just before each call of the model, forgotten after it.

use super::model::ModelError;
use grove_core_api::agent::ErrorClass;
use grove_core_api::ipc::credential::{Credential, GetCredential};
use grove_core_api::ipc::frame;
use grove_core_api::{Secret, TaskId};
use grove_ipc::{CallError, Peer};
use tokio::sync::watch;

/// Where a task asks for keys.
#[derive(Clone)]
pub(crate) struct Keys {
    task_id: TaskId,
    /// The connection of the moment; another one takes its place when the daemon comes back.
    daemon: watch::Receiver<Option<Peer>>,
}

impl Keys {
    pub(crate) fn new(task_id: TaskId, daemon: watch::Receiver<Option<Peer>>) -> Self {
        Self { task_id, daemon }
    }

    /// Asks the daemon; while there is none, waits for it: an executor that nobody comes back to ends.
    ///
    /// # Errors
    /// `auth` with the daemon's words when it refuses, `rate_limit` when it was asked too often,
    /// `network` when it does not answer.
    ///
    /// # Cancel safety
    /// Cancel safe.
    pub(super) async fn get(&mut self, provider: &str) -> Result<Secret, ModelError> {
        loop {
            let is_there = |peer: &Option<Peer>| peer.as_ref().is_some_and(|it| !it.is_closed());
            let daemon = self.daemon.wait_for(is_there).await.ok().and_then(|it| it.clone());
            let Some(daemon) = daemon else {
                return Err(ModelError::new(ErrorClass::Internal, "The executor is ending."));
            };
            let wanted = GetCredential { task_id: self.task_id, provider: provider.to_owned() };
            match daemon.request(wanted).await {
                Ok(Credential { key }) => return Ok(key),
                Err(CallError::Closed) => daemon.closed().await,
                Err(CallError::Remote(refusal)) => {
                    let text = format!("Grove gives no key of `{provider}`: {}.", refusal.message);
                    // Later there is one.
                    let is_busy = refusal.code == frame::BUSY;
                    let class = if is_busy { ErrorClass::RateLimit } else { ErrorClass::Auth };
                    return Err(ModelError::new(class, text));
                }
                Err(error) => {
                    let text = format!("The key of `{provider}` could not be had: {error}.");
                    return Err(ModelError::new(ErrorClass::Network, text));
                }
            }
        }
    }
}

//! A provider's key, asked for by the task that needs it, just before each call of the model.

use crate::{Secret, TaskId};
use serde::{Deserialize, Serialize};

/// Asks for the key of the running task's provider.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GetCredential {
    /// The task, which runs in the asking executor's session.
    pub task_id: TaskId,
    /// The provider of its model, by its name in `grove.toml`.
    pub provider: String,
}

/// Answer to `credential.get`: for one call of the model, forgotten when that is over.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Credential {
    /// The key.
    pub key: Secret,
}

//! What a task works with beside its prompt: the network, keys, and a look at its limit of memory.

use super::keys::Keys;
use super::model::ModelError;
use crate::network::Network;
use grove_core_api::ExecutorId;
use grove_core_api::agent::ErrorClass;
use grove_sandbox::cgroup::own_memory_kills;
use std::sync::Arc;

/// What a task works with.
pub(crate) struct Means {
    pub(crate) network: Arc<Network>,
    pub(crate) keys: Keys,
    pub(crate) memory: Memory,
}

/// The executor's own limit of memory, as its control group tells of it.
#[derive(Clone, Debug)]
pub(crate) struct Memory {
    group: String,
}

impl Memory {
    pub(crate) fn of(id: ExecutorId) -> Self {
        Self { group: id.to_string() }
    }

    /// Processes that were killed at the limit so far; 0 where there is none.
    pub(super) fn kills(&self) -> u64 {
        own_memory_kills(&self.group).unwrap_or(0)
    }

    /// Ends the task when more were killed since: whatever the killed one would have done is missing,
    /// and the next try would reach the limit too.
    ///
    /// # Errors
    /// `limit`, in words for people.
    pub(super) fn check(&self, before: u64) -> Result<(), ModelError> {
        if self.kills() <= before {
            return Ok(());
        }
        let text = "out of memory: the session's limit was reached, and what a command had started \
                    was killed for it";
        Err(ModelError::new(ErrorClass::Limit, text))
    }
}

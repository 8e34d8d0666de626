//! The thread that agents work on.
//!
//! Made with the first task: whoever waits for one has a single thread and little memory, and while an
//! agent works the executor still answers at once. Not here: what an agent does.

use crate::BLOCKING_THREADS;
use grove_sandbox::promptness::answer_soon;
use std::io;
use std::sync::{Mutex, PoisonError};
use tokio::runtime::{Builder, Handle};

/// Has the calling thread run soon after it wakes.
pub(crate) fn promptly() {
    if let Err(error) = answer_soon() {
        tracing::debug!(%error, "a thread waits its turn as everybody does");
    }
}

/// Where agents work.
#[derive(Debug, Default)]
pub(crate) struct Desk(Mutex<Option<Handle>>);

impl Desk {
    /// The runtime of the agents' thread, which lasts as long as the executor.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub(crate) fn handle(&self) -> io::Result<Handle> {
        // What is stored is whole at any time, so a poisoned lock can be used.
        let mut desk = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(handle) = &*desk {
            return Ok(handle.clone());
        }
        let runtime = Builder::new_current_thread()
            .max_blocking_threads(BLOCKING_THREADS)
            .on_thread_start(promptly)
            .enable_all()
            .build()?;
        let handle = runtime.handle().clone();
        std::thread::Builder::new().name("agent".to_owned()).spawn(move || {
            promptly();
            runtime.block_on(std::future::pending::<()>());
        })?;
        *desk = Some(handle.clone());
        Ok(handle)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn agents_work_on_a_thread_of_their_own_that_is_made_once() {
        let desk = Desk::default();
        let name = async || {
            let work = async { std::thread::current().name().map(str::to_owned) };
            desk.handle().unwrap().spawn(work).await.unwrap()
        };
        assert_eq!(name().await.as_deref(), Some("agent"));
        let first = desk.handle().unwrap().id();
        assert_eq!(desk.handle().unwrap().id(), first);
    }
}

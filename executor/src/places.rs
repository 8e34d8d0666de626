//! Turns: work on one directory goes one after the other.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError, Weak};

/// A lock for each directory that is being worked on.
#[derive(Default)]
pub(crate) struct Places {
    locks: Mutex<HashMap<PathBuf, Weak<tokio::sync::Mutex<()>>>>,
}

impl Places {
    /// Returns the lock of `place`; forgets those that nobody holds any more.
    pub(crate) fn turn(&self, place: PathBuf) -> Arc<tokio::sync::Mutex<()>> {
        // The map is whole after each statement, so a poisoned lock can be used.
        let mut locks = self.locks.lock().unwrap_or_else(PoisonError::into_inner);
        locks.retain(|_, lock| lock.strong_count() > 0);
        if let Some(lock) = locks.get(&place).and_then(Weak::upgrade) {
            return lock;
        }
        let lock = Arc::new(tokio::sync::Mutex::new(()));
        locks.insert(place, Arc::downgrade(&lock));
        lock
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_place_has_one_lock_while_it_is_held() {
        let places = Places::default();
        let first = places.turn(PathBuf::from("/a"));
        assert!(Arc::ptr_eq(&first, &places.turn(PathBuf::from("/a"))));
        assert!(!Arc::ptr_eq(&first, &places.turn(PathBuf::from("/b"))));
    }
}

//! Who answers people runs soon after it wakes.
//!
//! The processor is shared fairly, in slices. A thread that wakes waits until the slice of the one
//! that runs is over, which is milliseconds when many are busy; one whose own slices are shorter need
//! not wait (Linux 6.12 and later). It gets no more of the processor by that, only sooner. What
//! answers (groved, executors) asks for the shortest slices; what agents start gets the usual ones,
//! and may not ask (`inner`).

use crate::sys;
use std::io;

/// The shortest slice that the kernel gives, in nanoseconds.
const SHORTEST_NS: u64 = 100_000;

/// Asks for the shortest slices for the calling thread.
///
/// Threads and processes that it makes get the usual ones. Kernels before 6.12 take the wish and do
/// not heed it.
///
/// # Errors
/// When a filter forbids the call; everything works all the same.
pub fn answer_soon() -> io::Result<()> {
    Ok(sys::set_slice(SHORTEST_NS)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thread_has_short_slices_and_what_it_starts_has_not() {
        let usual = sys::slice_attributes().unwrap();
        answer_soon().unwrap();
        let own = sys::slice_attributes().unwrap();
        let reset = u64::from(libc::SCHED_FLAG_RESET_ON_FORK.unsigned_abs());
        assert_eq!(own.sched_flags & reset, reset);
        assert_eq!((own.sched_policy, own.sched_nice), (usual.sched_policy, usual.sched_nice));
        // Older kernels say 0, before and after.
        if usual.sched_runtime > 0 {
            assert_eq!(own.sched_runtime, SHORTEST_NS);
        }
        let started = std::thread::spawn(sys::slice_attributes).join().unwrap().unwrap();
        assert_eq!(started.sched_flags & reset, 0);
        assert_eq!(started.sched_runtime, usual.sched_runtime);
    }
}

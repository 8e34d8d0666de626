//! CPU time, memory, places on processors, order statistics.

use anyhow::Context;
use grove_tests::Outcome;
use nix::sched::{CpuSet, sched_getaffinity, sched_setaffinity};
use nix::unistd::Pid;
use std::time::Duration;

/// CPU time of a process so far, user and system, of threads that ended too.
///
/// # Errors
/// When it is gone.
pub(crate) fn cpu(pid: i32) -> Outcome<Duration> {
    // The clock of another process, as clock_getcpuclockid(3) makes its number.
    let clock = (!pid << 3) | 2;
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    #[expect(unsafe_code, reason = "the one system call here that no library of ours wraps")]
    // SAFETY: `time` is a valid place for the answer and outlives the call.
    let result = unsafe { libc::clock_gettime(clock, &raw mut time) };
    nix::errno::Errno::result(result).context("the process is gone")?;
    Ok(Duration::new(u64::try_from(time.tv_sec)?, u32::try_from(time.tv_nsec)?))
}

/// Processors that the server and the clients run on; one each when there are two.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Places {
    server: Option<usize>,
    clients: Option<usize>,
}

impl Places {
    /// Chooses among the processors that this program may use.
    ///
    /// # Errors
    /// When the kernel does not say which.
    pub(crate) fn choose() -> Outcome<Self> {
        let own = sched_getaffinity(Pid::from_raw(0))?;
        let usable: Vec<usize> =
            (0..CpuSet::count()).filter(|cpu| own.is_set(*cpu).unwrap_or(false)).collect();
        Ok(match usable.as_slice() {
            [server, clients, ..] => Self { server: Some(*server), clients: Some(*clients) },
            _ => Self { server: None, clients: None },
        })
    }

    /// Puts this thread, and whatever it starts from now on, on the server's processor.
    ///
    /// # Errors
    /// The kernel's.
    pub(crate) fn be_server(self) -> Outcome {
        go(self.server)
    }

    /// Puts this thread on the clients' processor.
    ///
    /// # Errors
    /// The kernel's.
    pub(crate) fn be_client(self) -> Outcome {
        go(self.clients)
    }

    /// Says where who runs.
    pub(crate) fn describe(self) -> &'static str {
        if self.server.is_some() {
            "server and clients each on a processor of their own"
        } else {
            "server and clients share the one processor: believe no latency"
        }
    }
}

fn go(cpu: Option<usize>) -> Outcome {
    let Some(cpu) = cpu else { return Ok(()) };
    let mut set = CpuSet::new();
    set.set(cpu)?;
    Ok(sched_setaffinity(Pid::from_raw(0), &set)?)
}

/// Times, to be ordered.
#[derive(Clone, Debug, Default)]
pub(crate) struct Times(Vec<u32>);

impl Times {
    /// Adds one; longer than an hour counts as an hour.
    pub(crate) fn add(&mut self, time: Duration) {
        self.0.push(u32::try_from(time.as_micros()).unwrap_or(u32::MAX));
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// Milliseconds within which `share` of them lie; 0 without any.
    pub(crate) fn ms(&mut self, share: f64) -> f64 {
        self.0.sort_unstable();
        let last = self.0.len().saturating_sub(1);
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            clippy::cast_precision_loss,
            reason = "an index below the length"
        )]
        let at = (share * last as f64).round() as usize;
        self.0.get(at).map_or(0.0, |time| f64::from(*time) / 1_000.0)
    }
}

/// A count as a number to divide by; never less than one.
pub(crate) fn count(number: usize) -> f64 {
    f64::from(u32::try_from(number).unwrap_or(u32::MAX).max(1))
}

/// The middle one of some numbers.
pub(crate) fn median(mut numbers: Vec<f64>) -> f64 {
    numbers.sort_by(f64::total_cmp);
    numbers.get(numbers.len() / 2).copied().unwrap_or(0.0)
}

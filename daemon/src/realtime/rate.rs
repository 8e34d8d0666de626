//! How often one connection may do something: a token bucket.
//!
//! Pure; the time is a parameter, in milliseconds of the hub's own clock.

const MILLI: u64 = 1_000;

/// A token bucket, counted in thousandths of a token so that no rate is rounded away.
#[derive(Debug)]
pub(super) struct Bucket {
    per_sec: u64,
    full_milli: u64,
    milli: u64,
    filled_at_ms: u64,
}

impl Bucket {
    /// Makes a full bucket of `burst` tokens, to which `per_sec` are added each second.
    pub(super) fn new(per_sec: u32, burst: u32, now_ms: u64) -> Self {
        let full_milli = u64::from(burst) * MILLI;
        Self { per_sec: u64::from(per_sec), full_milli, milli: full_milli, filled_at_ms: now_ms }
    }

    /// Takes one token; `false` when there is none.
    pub(super) fn take(&mut self, now_ms: u64) -> bool {
        let elapsed_ms = now_ms.saturating_sub(self.filled_at_ms);
        self.filled_at_ms = now_ms;
        // Tokens per second are thousandths of a token per millisecond.
        let added = elapsed_ms.saturating_mul(self.per_sec);
        self.milli = self.milli.saturating_add(added).min(self.full_milli);
        let has_token = self.milli >= MILLI;
        if has_token {
            self.milli -= MILLI;
        }
        has_token
    }

    /// Returns when the next token is there, at the earliest.
    pub(super) fn next_at_ms(&self) -> u64 {
        let missing = MILLI.saturating_sub(self.milli);
        self.filled_at_ms + missing.div_ceil(self.per_sec.max(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rt18_a_burst_passes_and_then_the_average_holds() {
        let mut bucket = Bucket::new(20, 60, 0);
        assert_eq!((0..100).filter(|_| bucket.take(0)).count(), 60);
        assert_eq!(bucket.next_at_ms(), 50);
        assert!(!bucket.take(49));
        assert!(bucket.take(50));
        assert_eq!((0..100).filter(|_| bucket.take(1_050)).count(), 20);
        assert_eq!((0..100).filter(|_| bucket.take(1_000_000)).count(), 60);
    }
}

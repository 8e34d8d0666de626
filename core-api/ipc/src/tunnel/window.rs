//! How much may be on its way: pure bookkeeping of one direction of a tunnel, at either end.

use bytes::{Bytes, BytesMut};
use grove_core_api::limits::{TUNNEL_PIECE_BYTES, TUNNEL_WINDOW_BYTES};

/// The other side did what the window does not permit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Violation;

/// The receiving end. At any time the sender's credit, what waits, what was taken and what is owed
/// add up to one window.
#[derive(Debug)]
pub(super) struct Inlet {
    waiting: BytesMut,
    /// What the sender may still send.
    credit: usize,
    /// Passed on, but the sender was not told yet.
    owed: usize,
}

impl Default for Inlet {
    fn default() -> Self {
        Self { waiting: BytesMut::new(), credit: TUNNEL_WINDOW_BYTES, owed: 0 }
    }
}

impl Inlet {
    /// Takes in what came.
    pub(super) fn accept(&mut self, bytes: &[u8]) -> Result<(), Violation> {
        self.credit = self.credit.checked_sub(bytes.len()).ok_or(Violation)?;
        self.waiting.extend_from_slice(bytes);
        Ok(())
    }

    /// Hands out what waits, at most a piece of it.
    pub(super) fn take(&mut self) -> Option<Bytes> {
        let size = self.waiting.len().min(TUNNEL_PIECE_BYTES);
        (size > 0).then(|| self.waiting.split_to(size).freeze())
    }

    /// Notes that bytes were passed on; returns the credit that is worth a line.
    pub(super) fn passed(&mut self, bytes: usize) -> Option<usize> {
        self.owed += bytes;
        if self.owed < TUNNEL_WINDOW_BYTES / 2 {
            return None;
        }
        let credit = std::mem::take(&mut self.owed);
        self.credit += credit;
        Some(credit)
    }
}

/// The sending end.
#[derive(Debug)]
pub(super) struct Outlet {
    credit: usize,
}

impl Default for Outlet {
    fn default() -> Self {
        Self { credit: TUNNEL_WINDOW_BYTES }
    }
}

impl Outlet {
    /// How much may be sent at once.
    pub(super) fn room(&self) -> usize {
        self.credit.min(TUNNEL_PIECE_BYTES)
    }

    /// Notes what is sent.
    pub(super) fn spend(&mut self, bytes: usize) -> Result<(), Violation> {
        self.credit = self.credit.checked_sub(bytes).ok_or(Violation)?;
        Ok(())
    }

    /// Notes credit that came.
    pub(super) fn earn(&mut self, bytes: usize) -> Result<(), Violation> {
        let credit = self.credit.checked_add(bytes).ok_or(Violation)?;
        if credit > TUNNEL_WINDOW_BYTES {
            return Err(Violation);
        }
        self.credit = credit;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::VecDeque;

    #[test]
    fn more_than_the_window_is_a_violation() {
        let mut inlet = Inlet::default();
        assert_eq!(inlet.accept(&[0; TUNNEL_WINDOW_BYTES]), Ok(()));
        assert_eq!(inlet.accept(&[0]), Err(Violation));
        let mut outlet = Outlet::default();
        assert_eq!(outlet.earn(1), Err(Violation));
        assert_eq!(outlet.spend(TUNNEL_WINDOW_BYTES), Ok(()));
        assert_eq!((outlet.room(), outlet.spend(1)), (0, Err(Violation)));
        assert_eq!(outlet.earn(usize::MAX), Err(Violation));
    }

    proptest! {
        /// Whoever keeps to the rules is never refused, never gets stuck, and no more than a window
        /// is anywhere.
        #[test]
        fn sender_and_receiver_agree(steps in prop::collection::vec((0_u8..4, 1_usize..40_000), 1..400)) {
            let (mut inlet, mut outlet) = (Inlet::default(), Outlet::default());
            let (mut flying, mut credits, mut taken) = (VecDeque::new(), VecDeque::new(), 0_usize);
            let settle = |inlet: &mut Inlet, taken: &mut usize, credits: &mut VecDeque<usize>| {
                credits.extend(inlet.passed(std::mem::take(taken)));
            };
            for (kind, size) in steps {
                match kind {
                    0 => {
                        let size = size.min(outlet.room());
                        prop_assert_eq!(outlet.spend(size), Ok(()));
                        flying.push_back(size);
                    }
                    1 => if let Some(size) = flying.pop_front() {
                        prop_assert_eq!(inlet.accept(&vec![0; size]), Ok(()));
                    },
                    2 => taken += inlet.take().map_or(0, |it| it.len()),
                    _ => {
                        settle(&mut inlet, &mut taken, &mut credits);
                        if let Some(credit) = credits.pop_front() {
                            prop_assert_eq!(outlet.earn(credit), Ok(()));
                        }
                    }
                }
                let on_the_way: usize = flying.iter().sum();
                prop_assert!(on_the_way + inlet.waiting.len() + taken <= TUNNEL_WINDOW_BYTES);
            }
            // Once everything has arrived and been passed on there is room again.
            while let Some(size) = flying.pop_front() {
                prop_assert_eq!(inlet.accept(&vec![0; size]), Ok(()));
            }
            while let Some(bytes) = inlet.take() { taken += bytes.len(); }
            settle(&mut inlet, &mut taken, &mut credits);
            for credit in credits { prop_assert_eq!(outlet.earn(credit), Ok(())); }
            prop_assert!(outlet.room() > 0);
        }
    }
}

//! The newest updates of a document, for those who read it right now. Pure.

use bytes::Bytes;
use grove_core_api::limits;
use std::collections::VecDeque;

/// What a reader gets that stands at some position.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Tail {
    /// These frames.
    Frames(Vec<Bytes>),
    /// The ring no longer has what it lacks.
    Behind,
}

#[derive(Debug)]
struct Entry {
    origin: u64,
    frame: Bytes,
}

/// Frames with updates, each under a position that only rises.
#[derive(Debug, Default)]
pub(super) struct Ring {
    entries: VecDeque<Entry>,
    bytes: usize,
    /// Position after the newest entry.
    end: u64,
}

impl Ring {
    /// Returns the position of a reader that has everything.
    pub(super) fn end(&self) -> u64 {
        self.end
    }

    /// Adds a frame; `origin` is the connection that it came from.
    pub(super) fn push(&mut self, origin: u64, frame: Bytes) {
        self.bytes += frame.len();
        self.end += 1;
        self.entries.push_back(Entry { origin, frame });
        while self.entries.len() > limits::DOC_RING_UPDATES
            || (self.bytes > limits::DOC_RING_BYTES && self.entries.len() > 1)
        {
            let oldest = self.entries.pop_front();
            self.bytes -= oldest.map_or(0, |it| it.frame.len());
        }
    }

    /// Returns what follows a position, without what the reader sent itself.
    pub(super) fn since(&self, position: u64, reader: u64) -> Tail {
        let missing = usize::try_from(self.end.saturating_sub(position)).unwrap_or(usize::MAX);
        let Some(skipped) = self.entries.len().checked_sub(missing) else { return Tail::Behind };
        let entries = self.entries.iter().skip(skipped).filter(|it| it.origin != reader);
        Tail::Frames(entries.map(|it| it.frame.clone()).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(byte: u8, len: usize) -> Bytes {
        Bytes::from(vec![byte; len])
    }

    #[test]
    fn rt41_a_reader_gets_what_others_sent_and_not_its_own() {
        let mut ring = Ring::default();
        ring.push(1, frame(1, 1));
        ring.push(2, frame(2, 1));
        assert_eq!(ring.since(0, 1), Tail::Frames(vec![frame(2, 1)]));
        assert_eq!(ring.since(1, 9), Tail::Frames(vec![frame(2, 1)]));
        assert_eq!(ring.since(ring.end(), 9), Tail::Frames(Vec::new()));
    }

    #[test]
    fn rt43_a_documents_room_is_bounded_in_updates_and_bytes() {
        let mut ring = Ring::default();
        for _ in 0..=limits::DOC_RING_UPDATES {
            ring.push(0, frame(0, 1));
        }
        assert_eq!(ring.entries.len(), limits::DOC_RING_UPDATES);
        assert_eq!(ring.since(0, 9), Tail::Behind);
        assert!(matches!(ring.since(1, 9), Tail::Frames(_)));
        for _ in 0..3 {
            ring.push(0, frame(0, limits::DOC_RING_BYTES));
        }
        assert_eq!((ring.entries.len(), ring.bytes), (1, limits::DOC_RING_BYTES));
    }
}

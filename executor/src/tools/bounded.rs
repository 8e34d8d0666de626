//! Output of bounded size: the beginning and the end are kept, the middle is left out.

use grove_core_api::limits;
use std::collections::VecDeque;

/// Half of the output: as much is kept of the beginning as of the end.
const HALF: usize = limits::TOOL_OUTPUT_BYTES / 2 - 128;

/// Cuts a text in its middle when it is too long.
pub(super) fn middle_left_out(text: &str) -> String {
    if text.len() <= limits::TOOL_OUTPUT_BYTES {
        return text.to_owned();
    }
    let mut gathered = Gathered::default();
    gathered.add(text);
    gathered.finish()
}

/// Text that is gathered piece by piece.
#[derive(Default)]
pub(super) struct Gathered {
    head: String,
    tail: VecDeque<u8>,
    left_out: usize,
}

impl Gathered {
    /// Adds a piece and returns the part of it that is shown at once.
    pub(super) fn add(&mut self, piece: &str) -> String {
        let room = if self.tail.is_empty() { HALF.saturating_sub(self.head.len()) } else { 0 };
        let shown = piece.get(..floor(piece, room)).unwrap_or_default();
        self.head.push_str(shown);
        let rest = piece.get(shown.len()..).unwrap_or_default();
        self.tail.extend(rest.as_bytes());
        let excess = self.tail.len().saturating_sub(HALF);
        self.tail.drain(..excess);
        self.left_out += excess;
        shown.to_owned()
    }

    /// Everything that is kept.
    pub(super) fn finish(mut self) -> String {
        let tail = self.tail.make_contiguous();
        // The end may begin in the middle of a letter.
        let start = tail.iter().position(|byte| byte & 0xC0 != 0x80).unwrap_or(tail.len());
        let tail = String::from_utf8_lossy(tail.get(start..).unwrap_or_default());
        if self.left_out == 0 {
            return self.head + &tail;
        }
        let left_out = self.left_out + start;
        format!("{}\n[{left_out} bytes left out]\n{tail}", self.head)
    }
}

/// The largest cut at most at `at` that is no cut through a letter.
fn floor(text: &str, at: usize) -> usize {
    let mut at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn output_is_bounded_and_keeps_both_ends(
            words in prop::collection::vec(("[a-zé🌳]{1,9}", 0_usize..500), 0..40),
        ) {
            let pieces: Vec<String> = words.iter().map(|(word, count)| word.repeat(*count)).collect();
            let mut gathered = Gathered::default();
            let mut shown = String::new();
            for piece in &pieces {
                shown.push_str(&gathered.add(piece));
            }
            let all = pieces.concat();
            let kept = gathered.finish();
            prop_assert!(kept.len() <= limits::TOOL_OUTPUT_BYTES);
            prop_assert!(kept.starts_with(&shown) && all.starts_with(&shown));
            if all.len() < limits::TOOL_OUTPUT_BYTES - 256 {
                prop_assert_eq!(kept, all);
            } else {
                let end: String = all.chars().rev().take(100).collect::<Vec<_>>().into_iter().rev().collect();
                prop_assert!(kept.ends_with(&end));
            }
        }
    }
}

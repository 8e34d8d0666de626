//! The unified diff of one change to one file.

use grove_core_api::agent::FileChange;
use grove_core_api::limits;
use similar::TextDiff;
use std::time::Duration;

/// Longest time to look for the smallest diff; after it a larger one will do.
const SEARCH: Duration = Duration::from_millis(200);

/// Describes the change from `old` to `new`; `None` for `old` means that the file is new.
pub(super) fn change(path: &str, old: Option<&str>, new: &str) -> FileChange {
    let before = if old.is_some() { format!("a/{path}") } else { "/dev/null".to_owned() };
    let diff = TextDiff::configure().timeout(SEARCH).diff_lines(old.unwrap_or_default(), new);
    let mut patch =
        diff.unified_diff().context_radius(3).header(&before, &format!("b/{path}")).to_string();
    if patch.len() > limits::DIFF_FILE_BYTES {
        let cut = patch.as_bytes().get(..limits::DIFF_FILE_BYTES).unwrap_or_default();
        let line_end = cut.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
        patch.truncate(line_end);
    }
    FileChange { path: path.to_owned(), patch }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_reads_like_gits() {
        let change = change("a.txt", Some("one\ntwo\n"), "one\n2\n");
        assert_eq!(change.patch, "--- a/a.txt\n+++ b/a.txt\n@@ -1,2 +1,2 @@\n one\n-two\n+2\n");
    }

    #[test]
    fn a_large_change_is_cut_at_a_line() {
        let change = change("a.txt", None, &"0123456789\n".repeat(60_000));
        assert!(change.patch.len() <= limits::DIFF_FILE_BYTES && change.patch.ends_with('\n'));
        assert!(change.patch.starts_with("--- /dev/null\n"));
    }
}

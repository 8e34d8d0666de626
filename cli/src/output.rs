//! Writing: tables and words for people on standard output, JSON for programs, errors and remarks on
//! standard error.

use crate::client::Answer;
use crate::error::CliError;
use comfy_table::presets::NOTHING;
use comfy_table::{ContentArrangement, Table};
use grove_core_api::UnixMillis;
use serde::Serialize;
use std::io::{self, IsTerminal, Write};
use std::time::{SystemTime, UNIX_EPOCH};

/// Where and how to write.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Output {
    is_json: bool,
    has_colour: bool,
    now_ms: UnixMillis,
}

impl Output {
    pub(crate) fn of_terminal(is_json: bool) -> Self {
        let has_colour = crate::config::has_colour() && io::stderr().is_terminal();
        Self { is_json, has_colour, now_ms: now_ms() }
    }

    pub(crate) const fn is_json(&self) -> bool {
        self.is_json
    }

    /// Writes an answer: as it came with `--json`, else as `people` puts it.
    pub(crate) fn answer<T>(
        &self,
        answer: &Answer<T>,
        people: impl FnOnce(&T) -> String,
    ) -> Result<(), CliError> {
        if self.is_json { print(&answer.text) } else { tell(&people(&answer.value)) }
    }

    /// Writes something that is no answer of the API.
    pub(crate) fn value<T: Serialize>(
        &self,
        value: &T,
        people: impl FnOnce(&T) -> String,
    ) -> Result<(), CliError> {
        if !self.is_json {
            return tell(&people(value));
        }
        let text = serde_json::to_string(value)
            .map_err(|error| CliError::defect(format!("failed to write JSON: {error}")))?;
        print(&text)
    }

    /// Writes a piece of something that goes on, as it is, and at once; `false` when nobody reads any
    /// more, as in `grove watch Demo | head`.
    #[expect(
        clippy::unused_self,
        reason = "what is written belongs to the output, whatever its form"
    )]
    pub(crate) fn piece(&self, text: &str) -> Result<bool, CliError> {
        let mut out = io::stdout().lock();
        let written = if io::stdout().is_terminal() {
            out.write_all(visible(text).as_bytes())
        } else {
            out.write_all(text.as_bytes())
        };
        match written.and_then(|()| out.flush()) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(false),
            Err(error) => Err(unwritable(&error)),
        }
    }

    /// Writes words for people alone: with `--json` nothing.
    pub(crate) fn say(&self, words: &str) -> Result<(), CliError> {
        if self.is_json { Ok(()) } else { tell(words) }
    }

    /// Writes a remark to standard error.
    #[expect(clippy::unused_self, reason = "remarks belong to the output, whatever its form")]
    pub(crate) fn note(&self, words: &str) {
        // Without a standard error there is nobody to tell.
        drop(writeln!(io::stderr().lock(), "{words}"));
    }

    /// Writes an error to standard error.
    pub(crate) fn error(&self, error: &CliError) {
        let text = if self.is_json {
            serde_json::to_string(&error.problem).unwrap_or_else(|_| error.problem.detail.clone())
        } else {
            self.error_text(error)
        };
        self.note(text.trim_end());
    }

    fn error_text(&self, error: &CliError) -> String {
        let clean = |text: &str| text.split('\n').map(clean).collect::<Vec<_>>().join("\n");
        let (red, dim, end) =
            if self.has_colour { ("\x1b[31m", "\x1b[2m", "\x1b[0m") } else { ("", "", "") };
        let problem = &error.problem;
        let mut text = format!("{red}error:{end} {}\n", clean(&problem.detail));
        for field in &problem.errors {
            text.push_str(&format!("  {}: {}\n", field.field, field.message));
        }
        if !problem.candidates.is_empty() {
            text.push_str(&format!("  candidates: {}\n", problem.candidates.join(", ")));
        }
        if let Some(hint) = &problem.hint {
            text.push_str(&format!("{dim}hint:{end} {hint}\n"));
        }
        if !problem.request_id.is_empty() {
            text.push_str(&format!("{dim}request: {}{end}\n", problem.request_id));
        }
        text
    }

    /// Says how long something still takes, such as `in 89 d`.
    pub(crate) fn until(&self, at_ms: UnixMillis) -> String {
        match (at_ms - self.now_ms) / 1_000 {
            i64::MIN..=0 => "over".to_owned(),
            secs @ 1..=86_399 => format!("in {} h", secs / 3_600),
            secs => format!("in {} d", secs / 86_400),
        }
    }

    /// Says how long ago something was, such as `3 min ago`.
    pub(crate) fn ago(&self, at_ms: UnixMillis) -> String {
        let secs = (self.now_ms - at_ms).max(0) / 1_000;
        match secs {
            0..=9 => "just now".to_owned(),
            10..=59 => format!("{secs} s ago"),
            60..=3_599 => format!("{} min ago", secs / 60),
            3_600..=86_399 => format!("{} h ago", secs / 3_600),
            _ => format!("{} d ago", secs / 86_400),
        }
    }
}

/// Writes words for people. On a terminal they cannot move the cursor or change colours: they come
/// from people and agents. In a pipe they stay as they are, so that `git apply` takes a diff.
fn tell(text: &str) -> Result<(), CliError> {
    if !io::stdout().is_terminal() {
        return print(text);
    }
    print(&visible(text))
}

/// Text that cannot move the cursor or change colours.
fn visible(text: &str) -> String {
    let is_layout = |letter: char| matches!(letter, '\n' | '\t');
    let visible = |letter: char| {
        if letter.is_control() && !is_layout(letter) { ' ' } else { letter }
    };
    text.chars().map(visible).collect()
}

fn unwritable(error: &io::Error) -> CliError {
    CliError::new(
        crate::error::Exit::Unavailable,
        format!("failed to write to standard output: {error}"),
        "Check where the output goes.",
    )
}

/// Writes text and a line end to standard output.
fn print(text: &str) -> Result<(), CliError> {
    let text = text.trim_end_matches('\n');
    let mut out = io::stdout().lock();
    match writeln!(out, "{text}").and_then(|()| out.flush()) {
        Ok(()) => Ok(()),
        // Whoever reads has seen enough, as in `grove session ls | head -1`.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        Err(error) => Err(unwritable(&error)),
    }
}

/// Lays out rows below a header.
pub(crate) fn table(header: &[&str], rows: Vec<Vec<String>>) -> String {
    if rows.is_empty() {
        return "none".to_owned();
    }
    let mut table = Table::new();
    table.load_preset(NOTHING).set_content_arrangement(ContentArrangement::Disabled);
    table.set_header(header.iter().map(|name| name.to_uppercase()));
    table.add_rows(
        rows.into_iter().map(|row| row.iter().map(|cell| clean(cell)).collect::<Vec<_>>()),
    );
    for column in table.column_iter_mut() {
        column.set_padding((0, 2));
    }
    let lines = table.lines().map(|line| line.trim_end().to_owned());
    lines.collect::<Vec<_>>().join("\n")
}

/// Lays out names and values below each other.
pub(crate) fn fields(rows: &[(&str, String)]) -> String {
    let width = rows.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
    let line = |(name, value): &(&str, String)| {
        format!("{name:width$}  {}", clean(value)).trim_end().to_owned()
    };
    rows.iter().filter(|(_, value)| !value.is_empty()).map(line).collect::<Vec<_>>().join("\n")
}

/// Makes one line of text, without what could move the cursor or colour the terminal.
fn clean(text: &str) -> String {
    text.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).collect()
}

/// Cuts text to so many letters.
pub(crate) fn cut(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    let mut cut: String = text.chars().take(most.saturating_sub(1)).collect();
    cut.push('…');
    cut
}

/// Writes an amount of millionths of a dollar.
pub(crate) fn dollars(micro_usd: i64) -> String {
    format!("${}.{:04}", micro_usd / 1_000_000, (micro_usd % 1_000_000).abs() / 100)
}

#[expect(clippy::disallowed_methods, reason = "the command line's one clock, for relative times")]
fn now_ms() -> UnixMillis {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    UnixMillis::try_from(since.as_millis()).unwrap_or(UnixMillis::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use grove_core_api::{ErrorCode, FieldError, Problem};

    const PLAIN: Output = Output { is_json: false, has_colour: false, now_ms: 100_000_000 };

    #[test]
    fn times_are_told_from_now() {
        let ago = |ms: i64| PLAIN.ago(PLAIN.now_ms - ms);
        let told = [0, 59_000, 60_000, 3_600_000, 90_000_000, -5_000].map(ago);
        assert_eq!(told, ["just now", "59 s ago", "1 min ago", "1 h ago", "1 d ago", "just now"]);
        let until = |ms: i64| PLAIN.until(PLAIN.now_ms + ms);
        assert_eq!([0, 7_200_000, 180_000_000].map(until), ["over", "in 2 h", "in 2 d"]);
    }

    #[test]
    fn a_table_has_columns_and_no_terminal_codes_from_titles() {
        let rows = vec![
            vec!["deadbeef".to_owned(), "fix \x1b[31mthis\nnow".to_owned()],
            vec!["c0ffee00".to_owned(), "x".to_owned()],
        ];
        let text = table(&["id", "title"], rows);
        assert_eq!(text, "ID        TITLE\ndeadbeef  fix  [31mthis now\nc0ffee00  x");
        assert_eq!(table(&["id"], Vec::new()), "none");
    }

    #[test]
    fn an_error_names_its_fields_candidates_and_hint() {
        let mut problem = Problem::new(ErrorCode::AmbiguousId, "two fit").with_hint("More digits.");
        problem.candidates = vec!["a".to_owned(), "b".to_owned()];
        problem.errors =
            vec![FieldError { field: "title".to_owned(), message: "too long".to_owned() }];
        problem.request_id = "r1".to_owned();
        assert_eq!(
            PLAIN.error_text(&CliError::api(problem)),
            "error: two fit\n  title: too long\n  candidates: a, b\nhint: More digits.\nrequest: r1\n"
        );
    }

    #[test]
    fn small_things_are_cut_and_counted_right() {
        assert_eq!(cut("größer", 6), "größer");
        assert_eq!(cut("größer als", 6), "größe…");
        assert_eq!(
            [dollars(0), dollars(1_234_567), dollars(99)],
            ["$0.0000", "$1.2345", "$0.0000"]
        );
        let rows = [("id", "1".to_owned()), ("empty", String::new()), ("branch", "b".to_owned())];
        assert_eq!(fields(&rows), "id      1\nbranch  b");
    }
}

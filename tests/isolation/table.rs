//! What came of each row, for the person who runs the suite.

use crate::profile::{Answer, Kind};
use crate::rows::Row;
use grove_tests::say;
use std::fmt::Write;
use std::sync::{Mutex, PoisonError};

/// One line.
#[derive(Clone, Debug)]
pub(crate) struct Line {
    pub(crate) suite: &'static str,
    pub(crate) row: &'static Row,
    pub(crate) control: String,
    pub(crate) full: String,
    pub(crate) without_namespaces: String,
}

static LINES: Mutex<Vec<Line>> = Mutex::new(Vec::new());

/// Adds a line.
pub(crate) fn add(line: Line) {
    LINES.lock().unwrap_or_else(PoisonError::into_inner).push(line);
}

/// One word and why.
pub(crate) fn words(answer: &Answer) -> String {
    let word = match answer.outcome {
        Kind::Escaped => "escaped",
        Kind::Blocked => "blocked",
        Kind::Broken => "BROKEN",
    };
    let detail: String = answer.detail.chars().take(44).collect();
    format!("{word}: {detail}")
}

/// Prints every line, and the rows whose control cannot succeed here.
pub(crate) fn print() {
    let lines = LINES.lock().unwrap_or_else(PoisonError::into_inner);
    if lines.is_empty() {
        return;
    }
    let mut text = String::from(
        "\n| row | closed by | positive control | every layer | no namespaces |\n|---|---|---|---|---|\n",
    );
    for line in lines.iter() {
        let Line { suite, row, control, full, without_namespaces } = line;
        let how = row.control.words();
        writeln!(
            text,
            "| {suite}::{} | {} | {how}: {control} | {full} | {without_namespaces} |",
            row.name, row.layer
        )
        .ok();
    }
    let silent = lines.iter().filter(|it| it.control.starts_with("no_control"));
    let silent: Vec<_> =
        silent.map(|it| format!("  {}::{}: {}", it.suite, it.row.name, it.control)).collect();
    if !silent.is_empty() {
        writeln!(text, "\nrows without a positive control here:\n{}", silent.join("\n")).ok();
    }
    say(&text);
}

//! Repository rules, as ordinary tests: `cargo tidy`.
//!
//! Each test names one rule of `ARCHITECTURE.md`. A failure prints `path:line` and the rule, so the
//! message alone tells what to change. Rules read text only: no network, no build, under one second.

mod docs;
mod layout;
mod manifests;
mod source;

use std::fs;
use std::path::{Path, PathBuf};

/// Folders that hold no source of this repository.
const SKIPPED: &[&str] = &["target", "node_modules", "vendor", ".git", "dist", "test-results"];

pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().map(Path::to_owned).unwrap_or_default()
}

/// Files below a folder whose name ends so: path from the root, and text.
pub(crate) fn files(folder: &str, ending: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    walk(&root().join(folder), ending, &mut found);
    found.sort();
    found
}

fn walk(folder: &Path, ending: &str, found: &mut Vec<(String, String)>) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        let name = entry.file_name().to_string_lossy().into_owned();
        if path.is_dir() {
            if !SKIPPED.contains(&name.as_str()) {
                walk(&path, ending, found);
            }
        } else if name.ends_with(ending)
            && let Ok(text) = fs::read_to_string(&path)
        {
            let shown = path.strip_prefix(root()).unwrap_or(&path).display().to_string();
            found.push((shown, text));
        }
    }
}

/// Rust files of every crate, their tests too.
pub(crate) fn rust() -> Vec<(String, String)> {
    let crates = ["core-api", "daemon", "executor", "cli", "migrations", "tests"];
    crates.iter().flat_map(|it| files(it, ".rs")).collect()
}

/// Rust files that go into the programs.
pub(crate) fn production() -> Vec<(String, String)> {
    let is_production = |path: &str| {
        path.contains("/src/")
            && !path.contains("/tests/")
            && !path.ends_with("/tests.rs")
            && !path.starts_with("tests/")
    };
    rust().into_iter().filter(|(path, _)| is_production(path)).collect()
}

/// A file without its unit tests.
pub(crate) fn without_tests(text: &str) -> &str {
    text.split("\n#[cfg(test)]").next().unwrap_or(text)
}

/// Lines that hold code, with their numbers.
pub(crate) fn code(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let lines = without_tests(text).lines().enumerate();
    lines
        .map(|(index, line)| (index + 1, line))
        .filter(|(_, line)| !line.trim_start().starts_with("//"))
}

#[track_caller]
pub(crate) fn report(rule: &str, offences: &[String]) {
    assert!(offences.is_empty(), "\n{rule}\n  {}\n", offences.join("\n  "));
}

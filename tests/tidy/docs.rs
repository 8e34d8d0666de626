//! Rules about what is written for people.

use crate::{files, report, root, rust};
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// Addresses in a Markdown text that are paths.
fn links(text: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    let mut is_code = false;
    for (number, line) in text.lines().enumerate() {
        if line.trim_start().starts_with("```") {
            is_code = !is_code;
        }
        if is_code {
            continue;
        }
        for (at, _) in line.match_indices("](") {
            let rest = &line[at + 2..];
            let address = rest.split([')', ' ']).next().unwrap_or_default();
            let path = address.split('#').next().unwrap_or_default();
            let is_elsewhere = path.contains("://") || path.starts_with("mailto:");
            if !path.is_empty() && !is_elsewhere {
                found.push((number + 1, path.to_owned()));
            }
        }
    }
    found
}

#[test]
fn links_lead_somewhere() {
    let mut offences = Vec::new();
    for (path, text) in files("", ".md") {
        let folder = root().join(&path).parent().map(Path::to_owned).unwrap_or_default();
        for (number, link) in links(&text) {
            if !folder.join(&link).exists() {
                offences.push(format!("{path}:{number}: {link}"));
            }
        }
    }
    report("mend the link", &offences);
}

#[test]
fn the_map_names_every_folder_of_the_daemon() {
    let map = fs::read_to_string(root().join("ARCHITECTURE.md")).unwrap_or_default();
    let mut offences = Vec::new();
    for entry in fs::read_dir(root().join("daemon/src")).into_iter().flatten().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        if entry.path().is_dir() && !map.contains(&format!("`{name}")) && name != "bin" {
            offences.push(format!("daemon/src/{name}"));
        }
    }
    report("say in ARCHITECTURE.md what the folder is for", &offences);
}

#[test]
fn what_a_user_reads_first_is_there() {
    let wanted = ["README.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md", "LICENSE"];
    let missing: Vec<_> = wanted
        .iter()
        .filter(|name| fs::read_to_string(root().join(name)).unwrap_or_default().is_empty())
        .map(|name| (*name).to_owned())
        .collect();
    report("write it", &missing);
    let changes = fs::read_to_string(root().join("CHANGELOG.md")).unwrap_or_default();
    assert!(changes.contains("## [Unreleased]") || changes.contains("## Unreleased"), "{changes}");
}

/// What stands between backticks in a line and is no path.
fn quoted(line: &str) -> impl Iterator<Item = String> {
    let words = line.split('`').skip(1).step_by(2);
    words.filter(|it| !it.contains('/')).map(str::to_owned)
}

/// Names of the rows of attacks: the first text of each `row(…)`.
fn attacks() -> BTreeSet<String> {
    let rows = fs::read_to_string(root().join("tests/isolation/rows.rs")).unwrap_or_default();
    let table = rows.split_once("const ROWS").map(|it| it.1.to_owned()).unwrap_or_default();
    let name = |row: &str| row.split('"').nth(1).map(str::to_owned);
    table.split("row(").skip(1).filter_map(name).collect()
}

/// Names of functions of tests.
fn functions() -> BTreeSet<String> {
    let name = |line: &str| Some(line.split_once("fn ")?.1.split('(').next()?.to_owned());
    rust().iter().flat_map(|(_, text)| text.lines().filter_map(name).collect::<Vec<_>>()).collect()
}

#[test]
fn threats_name_attacks_and_tests_that_are_there_and_no_attack_is_left_out() {
    let text = fs::read_to_string(root().join("docs/privilege.md")).unwrap_or_default();
    let part = text.split_once("## Threats").map(|it| it.1).unwrap_or_default();
    let part = part.split("\n## ").next().unwrap_or_default();
    let rows = part.lines().filter(|it| it.starts_with('|') && it.contains('`'));
    let last = |line: &str| line.trim_end_matches('|').rsplit('|').next().map(str::to_owned);
    let named: BTreeSet<String> =
        rows.filter_map(last).flat_map(|cell| quoted(&cell).collect::<Vec<_>>()).collect();
    let (attacks, functions) = (attacks(), functions());
    assert!(attacks.len() > 100 && named.len() > attacks.len(), "the tables are found");
    let missing: Vec<_> =
        named.iter().filter(|it| !attacks.contains(*it) && !functions.contains(*it)).collect();
    report("write the test that docs/privilege.md promises", &texts(&missing));
    let unnamed: Vec<_> = attacks.difference(&named).collect();
    report("say in docs/privilege.md which threat the attack tries", &texts(&unnamed));
}

fn texts(names: &[&String]) -> Vec<String> {
    names.iter().map(|it| (*it).clone()).collect()
}

/// Names that look like tests of a numbered rule, such as `rt05_…`.
fn rule_tests(text: &str) -> BTreeSet<String> {
    let words = text.split(|it: char| !(it.is_ascii_alphanumeric() || it == '_'));
    let is_rule = |word: &&str| {
        let number = word.strip_prefix("rt").and_then(|it| it.split_once('_')).map(|it| it.0);
        number.is_some_and(|it| it.len() == 2 && it.bytes().all(|byte| byte.is_ascii_digit()))
    };
    words.filter(is_rule).map(str::to_owned).collect()
}

#[test]
fn rules_of_the_realtime_protocol_name_tests_that_are_there() {
    let rules = fs::read_to_string(root().join("docs/realtime.md")).unwrap_or_default();
    let named = rule_tests(&rules);
    let there: BTreeSet<String> = rust()
        .iter()
        .flat_map(|(_, text)| {
            text.lines().filter(|it| it.contains("fn rt")).flat_map(rule_tests).collect::<Vec<_>>()
        })
        .collect();
    let missing: Vec<_> = named.difference(&there).cloned().collect();
    assert!(named.len() > 30, "the rules are found: {named:?}");
    report("write the test that docs/realtime.md promises", &missing);
}

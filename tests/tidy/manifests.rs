//! Rules about what depends on what.

use crate::{files, report, root};
use anyhow::Context;
use std::fs;
use toml::Table;

/// A crate's folder, and what it must not depend on.
const FORBIDDEN: &[(&str, &[&str])] = &[
    ("core-api", &["tokio", "axum", "sea-orm", "reqwest", "nix", "grove-daemon", "grove-executor"]),
    ("core-api/ipc", &["axum", "sea-orm", "nix", "grove-daemon", "grove-executor"]),
    ("migrations", &["grove-daemon", "grove-executor", "axum"]),
    ("daemon", &["grove-executor", "grove-cli"]),
    ("executor", &["grove-daemon", "grove-migrations", "sea-orm", "axum", "libsql"]),
    ("cli", &["grove-daemon", "grove-executor", "grove-migrations", "sea-orm", "libsql"]),
];

fn manifest(folder: &str) -> anyhow::Result<Table> {
    let path = root().join(folder).join("Cargo.toml");
    let text = fs::read_to_string(&path).with_context(|| path.display().to_string())?;
    Ok(text.parse()?)
}

fn members() -> anyhow::Result<Vec<String>> {
    let root = manifest("")?;
    let listed = root.get("workspace").and_then(|it| it.get("members")?.as_array());
    let listed = listed.context("no members")?;
    Ok(listed.iter().filter_map(|it| it.as_str().map(str::to_owned)).collect())
}

#[test]
fn dependencies_point_inwards() -> anyhow::Result<()> {
    let mut offences = Vec::new();
    for (folder, forbidden) in FORBIDDEN {
        let manifest = manifest(folder)?;
        let dependencies = manifest.get("dependencies").and_then(|it| it.as_table());
        for name in dependencies.into_iter().flat_map(|it| it.keys()) {
            if forbidden.contains(&name.as_str()) {
                offences.push(format!("{folder} must not depend on {name}"));
            }
        }
    }
    report("see the dependency diagram of ARCHITECTURE.md", &offences);
    Ok(())
}

#[test]
fn versions_stand_only_in_the_root_manifest() -> anyhow::Result<()> {
    let mut offences = Vec::new();
    for member in members()? {
        let manifest = manifest(&member)?;
        for section in ["dependencies", "dev-dependencies", "build-dependencies"] {
            let table = manifest.get(section).and_then(|it| it.as_table());
            for (name, wanted) in table.into_iter().flatten() {
                let is_shared = wanted.get("workspace").and_then(toml::Value::as_bool);
                if is_shared != Some(true) {
                    offences.push(format!("{member}/Cargo.toml: {section}.{name}"));
                }
            }
        }
        let has_lints = manifest.get("lints").and_then(|it| it.get("workspace")?.as_bool());
        if has_lints != Some(true) {
            offences.push(format!("{member}/Cargo.toml: take the shared lints"));
        }
    }
    report("write `name.workspace = true`, and the version into the root Cargo.toml", &offences);
    Ok(())
}

#[test]
fn the_lock_file_is_committed_and_only_crates_io_is_asked() {
    let lock = fs::read_to_string(root().join("Cargo.lock")).unwrap_or_default();
    assert!(!lock.is_empty(), "Cargo.lock is missing");
    let sources = lock.lines().filter(|line| line.starts_with("source = "));
    let crates_io = "source = \"registry+https://github.com/rust-lang/crates.io-index\"";
    let others: Vec<_> = sources.filter(|line| *line != crates_io).map(str::to_owned).collect();
    report("depend on crates.io only", &others);
}

#[test]
fn every_exception_of_a_lint_has_a_reason() {
    let mut offences = Vec::new();
    for (path, text) in files("", ".rs") {
        if path == "tests/tidy/manifests.rs" {
            continue;
        }
        for (number, line) in text.lines().enumerate() {
            if line.contains("#[allow(") || line.contains("#![allow(") {
                offences.push(format!("{path}:{}", number + 1));
            }
        }
    }
    report("write `#[expect(…, reason = \"…\")]`", &offences);
}

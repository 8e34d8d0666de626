//! What the privileged half may name, and how large it may be.

use crate::harness::Outcome;
use std::fs;

/// Lines of code, without blank ones, comments and tests.
const MAX_LINES: usize = 1_500;

/// The same for what the monitor and executors share to build a place.
const MAX_SANDBOX_LINES: usize = 2_400;

fn count(text: &str) -> usize {
    let is_code = |line: &&str| !line.is_empty() && !line.starts_with("//");
    text.lines().map(str::trim).filter(is_code).count()
}

#[test]
fn the_sandbox_is_small_and_knows_no_network_database_or_runtime() -> Outcome {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../executor/sandbox/src");
    let mut lines = 0;
    for folder in [root.to_owned(), format!("{root}/cgroup")] {
        for entry in fs::read_dir(folder)? {
            let path = entry?.path();
            if path.is_dir() || path.ends_with("probe.rs") {
                continue;
            }
            let text = fs::read_to_string(&path)?;
            let production = text.split("#[cfg(test)]").next().unwrap_or_default();
            for word in ["tokio", "axum", "sea_orm", "libsql", "TcpListener", "TcpStream"] {
                assert!(!production.contains(&format!("{word}::")), "{word} in {path:?}");
            }
            lines += count(production);
        }
    }
    assert!(lines > 1_000, "{lines} lines: is the folder right?");
    assert!(lines <= MAX_SANDBOX_LINES, "{lines} lines; the sandbox must stay small");
    Ok(())
}

#[test]
fn the_privileged_half_is_small_and_knows_no_network_database_or_runtime() -> Outcome {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/privileged");
    let mut lines = 0;
    let mut files = 0;
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let text = fs::read_to_string(&path)?;
        let production = text.split("#[cfg(test)]").next().unwrap_or_default();
        let is_client = path.ends_with("client.rs");
        let banned = ["tokio", "axum", "sea_orm", "libsql", "TcpListener", "TcpStream", "reqwest"];
        for word in banned {
            assert!(is_client || !production.contains(&format!("{word}::")), "{word} in {path:?}");
        }
        let is_unsafe_home = path.ends_with("sys.rs");
        assert_eq!(production.contains("unsafe_code"), is_unsafe_home, "{path:?}");
        if !is_client {
            lines += count(production);
        }
        files += 1;
    }
    assert!(files > 10 && lines > 500, "{files} files with {lines} lines: is the folder right?");
    assert!(lines <= MAX_LINES, "{lines} lines; the privileged half must stay small");
    Ok(())
}

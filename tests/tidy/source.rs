//! Rules about single files.

use crate::{code, files, production, report, rust, without_tests};

/// Most lines a file may have without its unit tests.
const MAX_FILE_LINES: usize = 600;
/// Files that are flat tables and may be longer; each needs a reason.
const LONG_FILES: &[(&str, &str)] = &[];

/// Where a library may be named: its needle, and the path fragments that may hold it.
const HOME_OF: &[(&str, &[&str])] = &[
    (
        "axum::",
        &[
            "/routes.rs",
            "/http/",
            "daemon/src/realtime/upgrade.rs",
            "daemon/src/realtime/mod.rs",
            "daemon/src/router.rs",
            "daemon/src/server.rs",
            "daemon/src/auth/extract.rs",
            "daemon/src/mcp/",
            "daemon/src/error.rs",
        ],
    ),
    (
        "sea_orm::",
        &[
            "/store.rs",
            "/store/",
            "daemon/src/db/",
            "migrations/",
            // The transaction that services are handed, and what its errors become.
            "daemon/src/context.rs",
            "daemon/src/error.rs",
            "daemon/src/lookup.rs",
            // One reading transaction for a head and the state that belongs to it.
            "daemon/src/topic_state.rs",
            "daemon/src/http/idempotency.rs",
        ],
    ),
    (
        "nix::",
        &[
            "daemon/src/privileged/",
            "daemon/src/server.rs",
            // Who owns the key's file.
            "daemon/src/auth/jwt.rs",
            // Who may read the anchor's file (`std::os::unix`).
            "daemon/src/audit/service/anchor.rs",
            // As for the key: the owner's token lies in a file of mode 0600 (`std::os::unix`).
            "daemon/src/auth/personal_token.rs",
            // The kernel's word about who wrote, which comes with each message.
            "daemon/src/executor_pool/vouched.rs",
            "executor/src/sys.rs",
            "executor/src/init.rs",
            "executor/src/process.rs",
            "executor/src/control.rs",
            "executor/src/places.rs",
            // No nix: what the standard library knows of Unix files.
            "executor/src/usage.rs",
            "executor/src/lib.rs",
            // No nix: the standard library's socket.
            "executor/src/unit.rs",
            "executor/src/git/command.rs",
            // No nix: what the standard library knows of Unix files.
            "executor/src/git/bundle.rs",
            "executor/src/tools/",
            "executor/sandbox/src/",
            "cli/src/",
        ],
    ),
    (
        "unsafe {",
        &[
            "daemon/src/privileged/sys.rs",
            "executor/sandbox/src/sys.rs",
            "executor/sandbox/src/pidfd.rs",
            "executor/sandbox/src/probe/sys.rs",
            "executor/src/sys.rs",
            "cli/src/host/sys.rs",
        ],
    ),
    ("rmcp::", &["/tools.rs", "daemon/src/mcp/", "executor/src/agent/mcp.rs"]),
    ("jsonwebtoken::", &["daemon/src/auth/jwt.rs"]),
    (
        "tower_sessions::",
        &[
            "daemon/src/auth/login_session.rs",
            "daemon/src/auth/routes.rs",
            "daemon/src/auth/extract.rs",
        ],
    ),
    (" libsql::", &["daemon/src/db/"]),
    ("yrs::", &["daemon/src/docs/model.rs"]),
    ("genai::", &["executor/src/agent/provider"]),
    (
        "env::var",
        &[
            "daemon/src/config.rs",
            "daemon/src/privileged/",
            "cli/src/",
            "executor/src/",
            "executor/sandbox/src/environment.rs",
        ],
    ),
];

/// What no source may say: unfinished work, and other words for Grove's own things.
const WORDS: &[&str] = &["TODO", "FIXME", "XXX", "todo!(", "unimplemented!(", "sidecar", "canvas"];
/// Directories of one machine.
const MACHINE_PATHS: &[&str] = &["/work/", "/root/", "/Users/"];

#[test]
fn every_file_says_what_it_is_for() {
    let offences = rust().into_iter().filter(|(_, text)| !text.starts_with("//!"));
    let offences: Vec<_> = offences.map(|(path, _)| path).collect();
    report(
        "start the file with a `//!` paragraph: purpose, and what is deliberately not here",
        &offences,
    );
}

#[test]
fn files_stay_readable() {
    let mut offences = Vec::new();
    for (path, text) in rust() {
        let lines = without_tests(&text).lines().count();
        if lines > MAX_FILE_LINES && !LONG_FILES.iter().any(|(it, _)| *it == path) {
            offences.push(format!("{path}: {lines} lines, at most {MAX_FILE_LINES}"));
        }
    }
    report("split the file by concept", &offences);
}

#[test]
fn each_library_is_named_only_in_its_home() {
    let mut offences = Vec::new();
    for (path, text) in production() {
        for (needle, homes) in HOME_OF {
            if homes.iter().any(|home| path.contains(home)) {
                continue;
            }
            // A name begins where a word does: `unix::` is not `nix::`.
            let is_name = |line: &str, at: usize| {
                !line[..at].ends_with(|it: char| it.is_alphanumeric() || it == '_')
            };
            let names = |line: &str| line.match_indices(needle).any(|(at, _)| is_name(line, at));
            for (number, line) in code(&text).filter(|(_, line)| names(line)) {
                // What a service is generic over is no query.
                let is_bound = *needle == "sea_orm::" && line == "use sea_orm::ConnectionTrait;";
                if !is_bound {
                    offences.push(format!("{path}:{number}: `{needle}` belongs in {homes:?}"));
                }
            }
        }
    }
    report("keep each outside library behind one door", &offences);
}

#[test]
fn nothing_is_left_unfinished_and_things_have_their_own_names() {
    let mut offences = Vec::new();
    for (path, text) in rust() {
        // This file has to name what it looks for.
        if path == "tests/tidy/source.rs" {
            continue;
        }
        for (number, line) in text.lines().enumerate() {
            for word in WORDS.iter().filter(|word| line.contains(**word)) {
                offences.push(format!("{path}:{}: `{word}`", number + 1));
            }
        }
    }
    report("finish it, or call it what the glossary calls it", &offences);
}

#[test]
fn nothing_names_a_directory_of_one_machine() {
    let mut offences = Vec::new();
    let endings = [".rs", ".md", ".toml", ".py", ".yml", ".json", ".ts", ".tsx"];
    for (path, text) in endings.iter().flat_map(|ending| files("", ending)) {
        if path == "tests/tidy/source.rs" || path.ends_with("package-lock.json") {
            continue;
        }
        for (number, line) in text.lines().enumerate() {
            for needle in MACHINE_PATHS {
                // A path starts where a word does; `https://example.org/work/` is none.
                let is_path = line.match_indices(needle).any(|(at, _)| {
                    !line[..at].ends_with(|it: char| it.is_alphanumeric() || "}._~-".contains(it))
                });
                if is_path {
                    offences.push(format!("{path}:{}: `{needle}`", number + 1));
                }
            }
        }
    }
    report("write a path that is right on every machine", &offences);
}

#[test]
fn tests_wait_for_conditions_and_none_is_switched_off() {
    let mut offences = Vec::new();
    // The one place that pauses between two looks, a figure at a person's pace; and tests whose clock
    // stands still.
    let looks = ["tests/src/wait.rs", "tests/tidy/source.rs", "tests/load/sandbox.rs"];
    let has_own_clock = |path: &str| path.starts_with("daemon/src/realtime/tests/");
    for (path, text) in rust() {
        let is_test = path.starts_with("tests/") || path.contains("/tests/");
        for (number, line) in text.lines().enumerate() {
            let is_sleep = is_test
                && !has_own_clock(&path)
                && (line.contains("sleep(") || line.contains("sleep_until("));
            if looks.contains(&path.as_str()) || !(is_sleep || line.contains("#[ignore")) {
                continue;
            }
            offences.push(format!("{path}:{}: {}", number + 1, line.trim()));
        }
    }
    report("wait with `eventually`, and repair the test or remove it", &offences);
}

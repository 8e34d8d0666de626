//! Rules about where things are.

use crate::{code, production, report, root};

/// The only names that rooms of a slice have.
const ROOMS: &[&str] = &["mod", "routes", "tools", "service", "store", "model", "error", "tests"];
/// Folders of the daemon that are no slices, though they have a service or a store.
const NO_SLICE: &[(&str, &str)] = &[("auth", "it has rooms of its own: tokens, cookies, policy")];

/// Slices of the daemon: folders with a service.
fn slices() -> Vec<String> {
    let mut slices: Vec<String> = production()
        .iter()
        .filter_map(|(path, _)| path.strip_prefix("daemon/src/")?.split_once('/'))
        .filter(|(_, file)| *file == "service.rs" || *file == "service/mod.rs")
        .map(|(slice, _)| slice.to_owned())
        .filter(|slice| !NO_SLICE.iter().any(|(it, _)| it == slice))
        .collect();
    slices.dedup();
    slices
}

#[test]
fn slices_meet_only_through_their_service() {
    let rooms = |slice: String| {
        let room = move |room: &str| (slice.clone(), format!("{slice}::{room}"));
        ["store", "model", "routes", "tools"].map(room)
    };
    // The log is the one store that others append to: through their transaction.
    let is_private = |it: &(String, String)| it.1 != "events::store";
    let private: Vec<_> = slices().into_iter().flat_map(rooms).filter(is_private).collect();
    let mut offences = Vec::new();
    for (path, text) in production() {
        let Some((folder, _)) = path.strip_prefix("daemon/src/").and_then(|it| it.split_once('/'))
        else {
            continue;
        };
        for (number, line) in code(&text) {
            let inside = private.iter().filter(|(slice, _)| slice != folder);
            let found = inside.map(|(_, room)| room).find(|room| is_named(line, room));
            offences.extend(found.map(|room| format!("{path}:{number}: reaches into {room}")));
        }
    }
    report("call the other slice's service, never its store, routes or tools", &offences);
}

/// Whether the name begins where it is found: `boards::store`, not `switchboards::store`.
fn is_named(line: &str, name: &str) -> bool {
    line.match_indices(name)
        .any(|(at, _)| !line[..at].ends_with(|it: char| it.is_alphanumeric() || it == '_'))
}

#[test]
fn slices_have_the_same_rooms() {
    let slices = slices();
    let mut offences = Vec::new();
    for (path, _) in production() {
        let Some((slice, file)) =
            path.strip_prefix("daemon/src/").and_then(|it| it.split_once('/'))
        else {
            continue;
        };
        let room = file.split('/').next().unwrap_or(file).trim_end_matches(".rs");
        if slices.iter().any(|it| it == slice) && !ROOMS.contains(&room) {
            offences.push(path);
        }
    }
    report(&format!("a slice has only the rooms {ROOMS:?}"), &offences);
}

#[test]
fn every_slice_has_its_integration_tests() {
    let missing: Vec<String> = slices()
        .into_iter()
        .map(|slice| format!("tests/it/{slice}.rs"))
        .filter(|path| !root().join(path).exists())
        .collect();
    assert!(slices().len() >= 8, "the slices are found: {:?}", slices());
    report("one integration file per slice, same name", &missing);
}

#[test]
fn no_call_of_the_daemon_goes_around_the_audit() {
    let mut offences = Vec::new();
    for (path, text) in production() {
        // For calls of no method: they are counted before.
        if !path.starts_with("daemon/src/") || path == "daemon/src/audit/service/watch.rs" {
            continue;
        }
        let unobserved = code(&text).filter(|(_, line)| line.contains("Unobserved"));
        offences.extend(unobserved.map(|(number, line)| format!("{path}:{number}: {line}")));
    }
    report("take the observer from audit::service", &offences);
}

#[test]
fn the_daemon_starts_no_process() {
    let mut offences = Vec::new();
    for (path, text) in production() {
        if !path.starts_with("daemon/src/") || path.starts_with("daemon/src/privileged/") {
            continue;
        }
        for (number, line) in code(&text) {
            if line.contains("Command::new") {
                offences.push(format!("{path}:{number}: {}", line.trim()));
            }
        }
    }
    report("ask the monitor for an executor; git is the keeper's", &offences);
}

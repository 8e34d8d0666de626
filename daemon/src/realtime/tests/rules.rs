//! The rules in `docs/realtime.md` and the tests name each other.

use std::collections::BTreeSet;

const DOCUMENT: &str = include_str!("../../../../docs/realtime.md");
const SOURCES: [&str; 25] = [
    include_str!("afar.rs"),
    include_str!("connections.rs"),
    include_str!("docs.rs"),
    include_str!("../docs/awareness.rs"),
    include_str!("../docs/ring.rs"),
    include_str!("../../docs/tests.rs"),
    include_str!("../../../../tests/it/docs.rs"),
    include_str!("mutations.rs"),
    include_str!("presence.rs"),
    include_str!("resume.rs"),
    include_str!("rights.rs"),
    include_str!("room.rs"),
    include_str!("slow.rs"),
    include_str!("stream.rs"),
    include_str!("../admission.rs"),
    include_str!("../agents.rs"),
    include_str!("../../sessions/tests.rs"),
    include_str!("../rate.rs"),
    include_str!("../tick.rs"),
    // What needs a database, on a real instance.
    include_str!("../../../../tests/it/board_log.rs"),
    include_str!("../../../../tests/it/board_past.rs"),
    include_str!("../../../../tests/it/comments.rs"),
    include_str!("../../../../tests/it/grants.rs"),
    include_str!("../../../../tests/it/notices.rs"),
    include_str!("../../../../tests/it/two_nodes.rs"),
];

/// Names like `rt14_presence_is_not_echoed` that follow `before`.
fn names<'a>(text: &'a str, before: &'a str) -> BTreeSet<&'a str> {
    text.split(before)
        .skip(1)
        .filter_map(|rest| {
            rest.split(|letter: char| letter != '_' && !letter.is_alphanumeric()).next()
        })
        .filter(|name| name.starts_with("rt"))
        .collect()
}

#[test]
fn each_rule_names_its_tests_and_each_test_is_named_by_its_rule() {
    let tests: BTreeSet<&str> = SOURCES.iter().flat_map(|source| names(source, "fn ")).collect();
    let mut documented = BTreeSet::new();
    for rule in DOCUMENT.split("\n**RT-").skip(1) {
        let number = rule.get(..2).unwrap();
        let named = names(rule, "`");
        assert!(!named.is_empty(), "rule RT-{number} names no test");
        let prefix = format!("rt{number}_");
        let foreign: Vec<_> = named.iter().filter(|name| !name.starts_with(&prefix)).collect();
        assert!(foreign.is_empty(), "rule RT-{number} names tests of others: {foreign:?}");
        documented.extend(named);
    }
    let odd: Vec<_> = documented.symmetric_difference(&tests).collect();
    assert!(odd.is_empty(), "these are either named or there, and not both: {odd:?}");
}

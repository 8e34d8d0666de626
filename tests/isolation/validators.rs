//! Names of accounts: whatever text comes, only an ordinary account of Grove's may run executors.

use grove_sandbox::account::{Rules, is_name};
use grove_tests::Outcome;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use std::path::PathBuf;

/// Many cases; what failed once is not written into the repository.
pub(crate) fn runner() -> TestRunner {
    // What failed once is shown by its seed; nothing is written into the repository.
    TestRunner::new(Config { cases: 2_000, failure_persistence: None, ..Config::default() })
}

/// The rule of useradd(8), written a second time from its manual.
fn is_permitted(text: &str) -> bool {
    let mut letters = text.chars();
    let first = letters.next();
    first.is_some_and(|it| matches!(it, 'a'..='z' | '_'))
        && letters.all(|it| matches!(it, 'a'..='z' | '0'..='9' | '_' | '-'))
        && text.chars().count() <= 32
}

pub(crate) fn names_are_exactly_those_of_the_manual() -> Outcome {
    let texts = prop_oneof!["\\PC{0,40}", "[a-z0-9_-]{0,40}", "[a-z_][a-z0-9_.$/ :\n-]{0,34}"];
    runner().run(&texts, |text| {
        prop_assert_eq!(is_name(&text), is_permitted(&text), "{:?}", text);
        Ok(())
    })?;
    Ok(())
}

/// Names of the host's own accounts, and texts that lead to them by mistake.
pub(crate) fn no_account_of_the_system_runs_executors() -> Outcome {
    let rules = Rules {
        prefix: "grove_".to_owned(),
        group: "root".to_owned(),
        service: "grove".to_owned(),
        homes: PathBuf::from("/nonexistent"),
    };
    let known = std::fs::read_to_string("/etc/passwd")?;
    let system: Vec<String> = known
        .lines()
        .filter_map(|line| {
            let mut fields = line.split(':');
            let (name, uid) = (fields.next()?, fields.nth(1)?.parse::<u32>().ok()?);
            (!(1_000..=65_533).contains(&uid)).then(|| name.to_owned())
        })
        .collect();
    let texts = (prop::sample::select(system), "[/.\n\0 :,-]{0,3}", "[/.\n\0 :,-]{0,3}");
    runner().run(&texts, |(name, before, after)| {
        let text = format!("{before}{name}{after}");
        prop_assert!(rules.resolve(&text).is_err(), "{:?}", text);
        prop_assert!(rules.ensure(&text).is_err(), "{:?}", text);
        prop_assert!(rules.remove(&text).is_err(), "{:?}", text);
        Ok(())
    })?;
    Ok(())
}

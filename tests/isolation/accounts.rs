//! Real accounts: what those are like that Grove makes, and which it takes.

use crate::fixture::{Fixture, Mode, People};
use anyhow::{Context, ensure};
use grove_core_api::isolation::UnixAccount;
use grove_sandbox::account::AccountError;
use grove_tests::Outcome;
use std::fs;
use std::os::unix::fs::MetadataExt;

fn people(fixture: &Fixture) -> Outcome<&People> {
    fixture.people.as_ref().context("no accounts")
}

pub(crate) fn made_accounts_are_locked_and_closed() -> Outcome {
    let fixture = crate::fixture(Mode::Shared)?;
    for identity in [&people(&fixture)?.attacker, &people(&fixture)?.other] {
        let home = fs::metadata(&identity.home)?;
        ensure!(home.mode() & 0o7777 == 0o700, "the home has mode {:o}", home.mode());
        ensure!(home.uid() == identity.uid.as_raw(), "the home belongs to {}", home.uid());
        let shadow = fs::read_to_string("/etc/shadow")?;
        let line = shadow.lines().find_map(|it| it.strip_prefix(&format!("{}:", identity.name)));
        let password = line.and_then(|it| it.split(':').next()).context("no entry in shadow")?;
        ensure!(password.starts_with('!'), "the password is not locked");
        for file in ["/etc/subuid", "/etc/subgid"] {
            let ranges = fs::read_to_string(file).unwrap_or_default();
            let prefix = format!("{}:", identity.name);
            ensure!(!ranges.lines().any(|it| it.starts_with(&prefix)), "{file} has a range");
        }
    }
    Ok(())
}

pub(crate) fn only_accounts_of_the_group_are_taken() -> Outcome {
    let fixture = crate::fixture(Mode::Shared)?;
    let people = people(&fixture)?;
    let attacker = people.rules.resolve(&people.attacker.name)?;
    let foreign = fixture.targets.foreign_group;
    ensure!(attacker.groups.iter().all(|it| it.as_raw() != foreign), "{:?}", attacker.groups);
    // What was left out is really a group of the account.
    let name = std::ffi::CString::new(attacker.name.as_str())?;
    let all = nix::unistd::getgrouplist(&name, attacker.gid)?;
    ensure!(all.iter().any(|it| it.as_raw() == foreign), "the control: {all:?}");
    for name in [people.service.name.as_str(), "root", "nobody"] {
        let refused = people.rules.resolve(name);
        ensure!(matches!(refused, Err(AccountError::Forbidden { .. })), "{name}: {refused:?}");
    }
    let mut elsewhere = people.rules.clone();
    elsewhere.group = format!("{}-docker", fixture.base);
    ensure!(elsewhere.resolve(&people.attacker.name).is_ok(), "the control");
    let refused = elsewhere.resolve(&people.other.name);
    ensure!(matches!(refused, Err(AccountError::Forbidden { .. })), "{refused:?}");
    Ok(())
}

pub(crate) fn an_account_with_another_number_is_refused() -> Outcome {
    let fixture = crate::fixture(Mode::Shared)?;
    let people = people(&fixture)?;
    let (name, uid) = (people.attacker.name.clone(), people.attacker.uid.as_raw());
    let known = |uid: u32| people.rules.resolve_known(&UnixAccount { name: name.clone(), uid });
    ensure!(known(uid).is_ok(), "the control");
    let refused = known(uid + 1);
    ensure!(matches!(refused, Err(AccountError::Replaced { .. })), "{refused:?}");
    Ok(())
}

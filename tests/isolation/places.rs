//! Directories that root makes for accounts: only below plain names, never through a link.

use crate::fixture::{Fixture, Mode};
use crate::host::{self, Owner};
use crate::rows::Who;
use anyhow::{Context, ensure};
use grove_core_api::monitor::Place;
use grove_sandbox::places::{PlaceError, lay_out, make, remove};
use grove_tests::Outcome;
use proptest::prelude::*;
use std::fs;
use std::os::unix::fs::{MetadataExt, symlink};
use std::path::{Path, PathBuf};

/// A home of its own for one test, taken away at the end.
struct Home(PathBuf);

impl Home {
    fn make(fixture: &Fixture, name: &str) -> Outcome<Self> {
        let path = fixture.state.join(name);
        host::directory(&path, 0o711, &Owner::Caller)?;
        let service = fixture.identity(Who::Service).context("no accounts")?;
        lay_out(&path, service, service.gid)?;
        Ok(Self(path))
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        // What stays is taken away with the fixture.
        fs::remove_dir_all(&self.0).ok();
    }
}

fn worktree(repo: &str, name: &str) -> Place {
    Place::Worktree { repo: repo.to_owned(), name: name.to_owned() }
}

/// Everything below a directory, with its owner.
fn everything(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        let owner = fs::symlink_metadata(&path).map_or(0, |it| it.uid());
        found.push(format!("{owner} {}", path.display()));
        if path.is_dir() && !path.is_symlink() {
            found.extend(everything(&path));
        }
    }
    found.sort();
    found
}

pub(crate) fn names_that_are_paths_are_refused() -> Outcome {
    let fixture = crate::fixture(Mode::Shared)?;
    let home = Home::make(&fixture, "places-names")?;
    let person = fixture.identity(Who::Attacker).context("no accounts")?;
    ensure!(make(&home.0, person, &worktree("repo", "main")).is_ok(), "the control");
    let before = everything(&home.0);
    let odd = prop_oneof![
        "[/.\0\n]{1,4}",
        "\\.\\./[a-z]{0,5}",
        "[a-z]{1,3}/[a-z.]{1,3}",
        Just(String::new())
    ];
    let mut runner = crate::validators::runner();
    runner.run(&(odd, any::<bool>()), |(text, is_repo)| {
        let place = if is_repo { worktree(&text, "main") } else { worktree("repo", &text) };
        prop_assert!(
            matches!(make(&home.0, person, &place), Err(PlaceError::Invalid(_))),
            "{:?}",
            place
        );
        prop_assert!(remove(&home.0, person, &place).is_err(), "{:?}", place);
        Ok(())
    })?;
    ensure!(everything(&home.0) == before, "something was made: {:#?}", everything(&home.0));
    Ok(())
}

pub(crate) fn links_in_the_way_are_refused() -> Outcome {
    let fixture = crate::fixture(Mode::Shared)?;
    let home = Home::make(&fixture, "places-links")?;
    let person = fixture.identity(Who::Attacker).context("no accounts")?;
    let elsewhere = home.0.join("elsewhere");
    host::directory(&elsewhere, 0o755, &Owner::Caller)?;
    make(&home.0, person, &worktree("repo", "main")).context("the control")?;
    let account = home.0.join("wt").join(&person.name);
    symlink(&elsewhere, account.join("link"))?;
    symlink(&elsewhere, account.join("repo/link"))?;
    let before = everything(&elsewhere);
    for place in [worktree("link", "main"), worktree("repo", "link")] {
        let refused = make(&home.0, person, &place);
        ensure!(matches!(refused, Err(PlaceError::Invalid(_))), "{place:?}: {refused:?}");
        ensure!(remove(&home.0, person, &place).is_err(), "{place:?} was removed");
    }
    ensure!(everything(&elsewhere) == before, "the link was followed");
    ensure!(fs::metadata(&elsewhere)?.uid() == 0, "the directory was given away");
    Ok(())
}

pub(crate) fn a_leaf_of_somebody_else_is_refused() -> Outcome {
    let fixture = crate::fixture(Mode::Shared)?;
    let home = Home::make(&fixture, "places-owners")?;
    let (person, other) = (fixture.identity(Who::Attacker), fixture.identity(Who::Other));
    let (person, other) = (person.context("no accounts")?, other.context("no accounts")?);
    make(&home.0, person, &worktree("repo", "main")).context("the control")?;
    let leaf = home.0.join("wt").join(&person.name).join("repo/main");
    ensure!(fs::metadata(&leaf)?.uid() == person.uid.as_raw(), "the leaf is not the person's");
    ensure!(fs::metadata(&leaf)?.mode() & 0o7777 == 0o700, "the leaf is open to others");
    host::own(&leaf, 0o700, &Owner::Account(other.uid, other.gid))?;
    let refused = make(&home.0, person, &worktree("repo", "main"));
    ensure!(matches!(refused, Err(PlaceError::Invalid(_))), "{refused:?}");
    host::file(&leaf.join("work"), "work", 0o600, &Owner::Caller)?;
    host::own(&leaf, 0o700, &Owner::Account(person.uid, person.gid))?;
    let refused = remove(&home.0, person, &worktree("repo", "main"));
    ensure!(matches!(refused, Err(PlaceError::NotEmpty)), "{refused:?}");
    Ok(())
}

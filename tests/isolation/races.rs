//! Links in the way of what is mounted, standing still and swapped while executors start.

use crate::fixture::{Fixture, Mode};
use crate::host::{self, Owner};
use crate::leaks;
use crate::profile::{Profile, end, line, plan};
use crate::rows::Who;
use anyhow::{Context, bail, ensure};
use grove_core_api::isolation::Layer;
use grove_sandbox::{StartError, start};
use grove_tests::Outcome;
use nix::unistd::pipe;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Child;

/// Starts while the directory is swapped.
const STARTS: usize = 120;

/// What an executor found in the directory that it was given.
#[derive(Debug, PartialEq, Eq)]
enum Found {
    Right,
    Wrong,
    Refused,
}

/// A directory in the attacker's worktree, a link beside it, and what the link leads to.
struct Trap {
    directory: PathBuf,
    link: PathBuf,
}

impl Trap {
    /// `wrong` and `wrong/below` are readable for everybody: only the sandbox keeps them shut.
    fn lay(fixture: &Fixture) -> Outcome<Self> {
        let owner = fixture
            .identity(Who::Attacker)
            .map_or(Owner::Caller, |it| Owner::Account(it.uid, it.gid));
        let wrong = fixture.state.join("wrong");
        host::directory(&wrong, 0o755, &Owner::Caller)?;
        host::directory(&wrong.join("below"), 0o755, &Owner::Caller)?;
        for path in ["wrong", "below/wrong"] {
            host::file(&wrong.join(path), "wrong", 0o644, &Owner::Caller)?;
        }
        let worktree = PathBuf::from(&fixture.targets.own_worktree);
        let (directory, link) = (worktree.join("swapped"), worktree.join("link"));
        host::directory(&directory, 0o755, &owner)?;
        host::file(&directory.join("right"), "right", 0o644, &owner)?;
        symlink(&wrong, &link)?;
        Ok(Self { directory, link })
    }

    fn take_away(self) -> Outcome {
        // Whichever of the two is the link now.
        for path in [self.directory, self.link] {
            if path.is_symlink() { fs::remove_file(path)? } else { fs::remove_dir_all(path)? }
        }
        Ok(())
    }
}

/// What else of the file system an executor sees.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum View {
    /// Nothing beside what is granted, as on a shared host.
    Covered,
    /// The host's, read-only.
    Whole,
    /// The host's: no namespaces can be made.
    Host,
}

/// Starts an executor that may use a directory and says what it finds there.
fn look(fixture: &Fixture, directory: &Path, view: View) -> Outcome<Found> {
    let (reads, writes) = pipe()?;
    let mut profile = Profile::full();
    if view == View::Host {
        profile.layers = profile.layers.without(Layer::Namespaces);
    }
    let what = format!("look {}", directory.display());
    let mut plan = plan(fixture, &what, &profile, vec![writes]);
    let second = PathBuf::from(&fixture.targets.same_worktree);
    plan.write = vec![second.clone(), directory.to_owned()];
    plan.directory = second;
    if view != View::Covered {
        plan.cover = Vec::new();
    }
    let started = match start(&plan, &fixture.groups, "look") {
        Ok(started) => started,
        Err(StartError::Layer { .. } | StartError::Step(_)) => return Ok(Found::Refused),
        Err(error) => return Err(error.into()),
    };
    drop(plan);
    let said = line(&reads);
    end(started)?;
    match said.context("look")?.as_str() {
        "right" => Ok(Found::Right),
        "wrong" => Ok(Found::Wrong),
        // The path leads to the link now; what was attached is not reached by it.
        "nothing" => Ok(Found::Refused),
        other => bail!("{other}"),
    }
}

fn with_trap(test: impl FnOnce(&Fixture, &Trap) -> Outcome) -> Outcome {
    let fixture = crate::fixture(Mode::Shared)?;
    let before = leaks::snapshot(&fixture);
    let trap = Trap::lay(&fixture)?;
    let result = test(&fixture, &trap);
    trap.take_away()?;
    result?;
    let left = leaks::since(&before, &fixture);
    ensure!(left.is_empty(), "left behind: {left:#?}");
    Ok(())
}

pub(crate) fn a_link_is_never_granted() -> Outcome {
    with_trap(|fixture, trap| {
        let link = trap.link.clone();
        for view in [View::Covered, View::Whole, View::Host] {
            let found = look(fixture, &trap.directory, view)?;
            ensure!(found == Found::Right, "the directory itself, {view:?}: {found:?}");
            let found = look(fixture, &link, view)?;
            ensure!(found == Found::Refused, "the link, {view:?}: {found:?}");
            let found = look(fixture, &link.join("below"), view)?;
            ensure!(found == Found::Refused, "below the link, {view:?}: {found:?}");
        }
        Ok(())
    })
}

/// Swaps directory and link as fast as it can, as the attacker.
fn swap(fixture: &Fixture, trap: &Trap) -> Outcome<Child> {
    let mut command = host::command(&fixture.program);
    let paths = [&trap.directory, &trap.link].map(|it| it.display().to_string());
    command.args(["swap", &paths[0], &paths[1]]);
    let owner =
        fixture.identity(Who::Attacker).map_or(Owner::Caller, |it| Owner::Account(it.uid, it.gid));
    Ok(host::start_as(command, &owner)?.0)
}

/// Starts many executors while the directory that they are given is swapped.
fn race(view: View) -> Outcome {
    with_trap(|fixture, trap| {
        let mut swapper = swap(fixture, trap)?;
        // The positive control: whoever goes by the path is led astray.
        let (mut counts, mut astray, mut failure) = ([0_usize; 3], 0, None);
        for _ in 0..STARTS {
            astray += usize::from(fs::read(trap.directory.join("wrong")).is_ok());
            match look(fixture, &trap.directory, view) {
                Ok(found) => counts[found as usize] += 1,
                Err(error) => failure = Some(error),
            }
        }
        drop(swapper.stdin.take());
        swapper.wait()?;
        failure.map_or(Ok(()), Err)?;
        let [right, wrong, refused] = counts;
        grove_tests::say(&format!(
            "{view:?}: {right} right, {refused} refused, {wrong} wrong; by path {astray} astray"
        ));
        ensure!(wrong == 0, "{wrong} executors could read the wrong directory");
        ensure!(astray > 0, "nothing was swapped");
        ensure!(right + refused == STARTS, "some starts are missing");
        ensure!(right > 0, "no executor was given the right directory");
        Ok(())
    })
}

pub(crate) fn a_swapped_directory_is_never_followed() -> Outcome {
    race(View::Covered)
}

pub(crate) fn a_swapped_directory_is_never_followed_in_a_whole_view() -> Outcome {
    race(View::Whole)
}

pub(crate) fn a_swapped_directory_is_never_followed_without_namespaces() -> Outcome {
    race(View::Host)
}

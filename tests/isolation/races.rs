//! Links in the way of what is mounted, standing still and swapped while executors start.

use crate::fixture::{Fixture, Mode};
use crate::host::{self, Owner};
use crate::leaks;
use crate::profile::{Profile, end, line, plan};
use crate::rows::Who;
use anyhow::{Context, bail, ensure};
use grove_sandbox::{StartError, start};
use grove_tests::Outcome;
use nix::unistd::pipe;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Child;

/// Starts while the directory is swapped.
const STARTS: usize = 120;
/// Looks along the path, which must see the wrong directory now and then.
const LOOKS: usize = 2_000;

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
    fn lay(fixture: &Fixture) -> Outcome<Self> {
        let owner = fixture
            .identity(Who::Attacker)
            .map_or(Owner::Caller, |it| Owner::Account(it.uid, it.gid));
        let wrong = fixture.state.join("wrong");
        host::directory(&wrong, 0o755, &Owner::Caller)?;
        host::file(&wrong.join("wrong"), "", 0o644, &Owner::Caller)?;
        let worktree = PathBuf::from(&fixture.targets.own_worktree);
        let (directory, link) = (worktree.join("swapped"), worktree.join("link"));
        host::directory(&directory, 0o755, &owner)?;
        host::file(&directory.join("right"), "", 0o644, &owner)?;
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

/// Starts an executor that may use a directory and says what it finds there.
fn look(fixture: &Fixture, directory: &Path, is_covered: bool) -> Outcome<Found> {
    let (reads, writes) = pipe()?;
    let profile = Profile::full();
    let mut plan = plan(fixture, "consume look", &profile, vec![writes]);
    let second = PathBuf::from(&fixture.targets.same_worktree);
    plan.write = vec![second.clone(), directory.to_owned()];
    plan.directory = second;
    if !is_covered {
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
        ensure!(look(fixture, &trap.directory, true)? == Found::Right, "the directory itself");
        for path in [trap.link.clone(), trap.link.join("below")] {
            for is_covered in [true, false] {
                let found = look(fixture, &path, is_covered)?;
                ensure!(found == Found::Refused, "{}: {found:?}", path.display());
            }
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

pub(crate) fn a_directory_that_is_swapped_for_a_link_is_never_followed() -> Outcome {
    with_trap(|fixture, trap| {
        let mut swapper = swap(fixture, trap)?;
        // The positive control: whoever goes by the path is led astray.
        let astray = (0..LOOKS).filter(|_| trap.directory.join("wrong").exists()).count();
        let mut counts = [0_usize; 3];
        let mut failure = None;
        for number in 0..STARTS {
            match look(fixture, &trap.directory, number % 2 == 0) {
                Ok(found) => counts[found as usize] += 1,
                Err(error) => failure = Some(error),
            }
        }
        drop(swapper.stdin.take());
        swapper.wait()?;
        if let Some(error) = failure {
            return Err(error);
        }
        let [right, wrong, refused] = counts;
        grove_tests::say(&format!(
            "swapped while starting: {right} right, {refused} refused, {wrong} wrong; by path {astray} of {LOOKS} astray"
        ));
        ensure!(wrong == 0, "{wrong} executors were given the wrong directory");
        ensure!(astray > 0, "nothing was swapped");
        ensure!(right > 0, "no executor was given the right directory");
        Ok(())
    })
}

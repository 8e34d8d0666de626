//! Attacks on Grove's isolation, each made twice: weakened, where it must succeed, and with every
//! layer, where it must be blocked.
//!
//! `cargo test -p grove-tests --test isolation`. As root every row runs as accounts that are made for
//! the run; without root the rows of a single account run, and what was skipped is said.
//! `ISOLATION=require` makes a skip a failure. One thread: the sandbox starts processes from
//! one-threaded parents only. What each row does: `attack --list`.

mod accounts;
mod degraded;
mod fixture;
mod host;
mod leaks;
mod places;
mod profile;
mod races;
mod resources;
mod rows;
mod setup;
mod table;
mod unprivileged;
mod validators;

use anyhow::{Context, ensure};
use fixture::{Fixture, Mode};
use grove_tests::{Outcome, say, variable};
use libtest_mimic::{Arguments, Failed, Trial};
use nix::unistd::getuid;
use profile::{Kind, Profile, applies, attempt};
use rows::{ROWS, Row};
use std::path::Path;
use std::process::ExitCode;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

static SHARED: OnceLock<Result<Mutex<Fixture>, String>> = OnceLock::new();
static SINGLE: OnceLock<Result<Mutex<Fixture>, String>> = OnceLock::new();

const fn place(mode: Mode) -> &'static OnceLock<Result<Mutex<Fixture>, String>> {
    match mode {
        Mode::Shared => &SHARED,
        Mode::Single => &SINGLE,
    }
}

/// The host of a mode, made at the first use.
pub(crate) fn fixture(mode: Mode) -> Outcome<MutexGuard<'static, Fixture>> {
    let made = place(mode)
        .get_or_init(|| Fixture::make(mode).map(Mutex::new).map_err(|error| format!("{error:#}")));
    match made {
        Ok(fixture) => Ok(fixture.lock().unwrap_or_else(PoisonError::into_inner)),
        Err(error) => anyhow::bail!("the host could not be prepared: {error}"),
    }
}

fn main() -> ExitCode {
    let mut arguments = Arguments::from_args();
    arguments.test_threads = Some(1);
    let mut trials = Vec::new();
    if getuid().is_root() {
        host::sweep(Path::new("/var/lib"));
        trials.extend(row_trials(Mode::Shared));
        trials.extend(named(SHARED_TESTS));
    } else {
        let skipped = ROWS.len() + SHARED_TESTS.len();
        say(&format!("SKIPPED: {skipped} tests between accounts need root"));
    }
    trials.extend(row_trials(Mode::Single));
    trials.extend(named(TESTS));
    let is_list = arguments.list;
    let conclusion = libtest_mimic::run(&arguments, trials);
    for mode in [Mode::Shared, Mode::Single] {
        if let Some(Ok(fixture)) = place(mode).get() {
            fixture.lock().unwrap_or_else(PoisonError::into_inner).close();
        }
    }
    table::print();
    if conclusion.has_failed() || (must_not_skip() && !is_list && !getuid().is_root()) {
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}

/// A test by its path.
type Named = (&'static str, fn() -> Outcome);

macro_rules! tests {
    ($($module:ident: $($test:ident)+;)+) => {
        &[$($((concat!(stringify!($module), "::", stringify!($test)), $module::$test)),+),+]
    };
}

/// Tests beside the rows.
const TESTS: &[Named] = tests! {
    validators: names_are_exactly_those_of_the_manual no_account_of_the_system_runs_executors;
};

/// Tests that need accounts, and so root.
const SHARED_TESTS: &[Named] = tests! {
    accounts: made_accounts_are_locked_and_closed only_accounts_of_the_group_are_taken
        an_account_with_another_number_is_refused;
    resources: a_fork_bomb_is_held_while_others_are_answered
        a_memory_hog_is_killed_and_that_is_reported
        an_executor_that_keeps_its_limit_is_not_reported_as_out_of_memory
        daemons_end_with_their_control_group daemons_end_with_their_process_namespace
        the_private_tmp_is_full_at_its_size;
    races: a_link_is_never_granted a_swapped_directory_is_never_followed
        a_swapped_directory_is_never_followed_in_a_whole_view
        a_swapped_directory_is_never_followed_without_namespaces;
    places: names_that_are_paths_are_refused links_in_the_way_are_refused
        a_leaf_of_somebody_else_is_refused;
    degraded: a_host_with_neither_wall a_kernel_without_landlock a_kernel_without_seccomp
        a_container_without_the_right_to_mount a_container_whose_filter_does_not_know_clone3
        without_the_right_to_change_the_account without_the_right_to_change_groups;
    unprivileged: every_row_of_a_single_account_without_root;
};

fn named(tests: &'static [Named]) -> impl Iterator<Item = Trial> {
    tests.iter().map(|(name, test)| Trial::test(*name, move || run(test)))
}

fn must_not_skip() -> bool {
    variable("ISOLATION").is_some_and(|it| it == "require")
}

/// A test for each row that means something in this mode.
fn row_trials(mode: Mode) -> Vec<Trial> {
    let rows = ROWS.iter().filter(|row| applies(row, mode));
    rows.map(|row| {
        let name = format!("{}::{}", mode.name(), row.name);
        Trial::test(name, move || run(|| check(row, mode)))
    })
    .collect()
}

/// Runs a test and says what went wrong with all its causes.
pub(crate) fn run(test: impl FnOnce() -> Outcome) -> Result<(), Failed> {
    test().map_err(|error| Failed::from(format!("{error:#}")))
}

/// Makes one attack: weakened, with every layer, and on a host without namespaces.
fn check(row: &'static Row, mode: Mode) -> Outcome {
    let fixture = fixture(mode)?;
    let before = leaks::snapshot(&fixture);
    let weakened = attempt(&fixture, row, &Profile::control(row)).context("the control")?;
    let full = attempt(&fixture, row, &Profile::under_test(row)).context("with every layer")?;
    let bare = attempt(&fixture, row, &Profile::without_namespaces(row));
    let bare = bare.context("without namespaces")?;
    let no_control = no_control(row, &fixture);
    table::add(table::Line {
        suite: mode.name(),
        row,
        control: no_control
            .map_or_else(|| table::words(&weakened), |why| format!("no_control: {why}")),
        full: table::words(&full),
        without_namespaces: table::words(&bare),
    });
    let left = leaks::since(&before, &fixture);
    ensure!(left.is_empty(), "left behind: {left:#?}");
    let what = row.description;
    ensure!(full.outcome == Kind::Blocked, "{what}, with every layer: {full:?}");
    if no_control.is_none() {
        ensure!(weakened.outcome == Kind::Escaped, "the positive control: {weakened:?}");
    } else {
        ensure!(weakened.outcome != Kind::Escaped, "the control succeeds: take the exception away");
    }
    let is_closed = bare.outcome == Kind::Blocked;
    ensure!(is_closed || needs_namespaces(row, mode), "without namespaces: {bare:?}");
    Ok(())
}

/// Whether only namespaces close a row; with one account for everything they close a few more.
fn needs_namespaces(row: &Row, mode: Mode) -> bool {
    let is_of_one_account = match row.name {
        "pty_open" | "socket_private" => true,
        // Nobody but root may empty the bounding set; `no_new_privs` makes it worthless.
        "capabilities_left" => !getuid().is_root(),
        _ => false,
    };
    row.layer == "namespaces" || (mode == Mode::Single && is_of_one_account)
}

/// Why the control of a row cannot succeed on this machine.
fn no_control(row: &Row, fixture: &Fixture) -> Option<&'static str> {
    let is_there = |path: &str| Path::new(path).exists();
    match row.name {
        "disk_read" if fixture.targets.disk.is_empty() => Some("no block device can be read here"),
        "load_module" if !is_there("/proc/modules") => Some("the kernel has no modules"),
        "other_table" => Some("the kernel has no x32 table"),
        _ => None,
    }
}

//! The rows of a single account once more, as an ordinary person runs Grove: without root.

use crate::fixture::Mode;
use crate::host::{self, Owner};
use crate::leaks;
use crate::rows::Who;
use anyhow::{Context, ensure};
use grove_tests::{Outcome, say};
use std::fs;
use std::process::Stdio;

/// Starts this very suite as an account of the run.
pub(crate) fn every_row_of_a_single_account_without_root() -> Outcome {
    let fixture = crate::fixture(Mode::Shared)?;
    let before = leaks::snapshot(&fixture);
    let attacker = fixture.identity(Who::Attacker).context("no account")?;
    let suite = fixture.state.join("libexec/isolation");
    fs::copy(std::env::current_exe()?, &suite)?;
    host::own(&suite, 0o755, &Owner::Caller)?;
    let mut command = host::command(&suite);
    host::as_owner(&mut command, &Owner::Account(attacker.uid, attacker.gid));
    command.arg("single::").env_clear().env("HOME", &attacker.home);
    command.env("PATH", "/usr/bin:/bin").env("GROVET_ATTACK", &fixture.program);
    let output = command.current_dir("/").stdin(Stdio::null()).output()?;
    fs::remove_file(suite)?;
    let (said, errors) =
        (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    say(&format!("as {} without root:\n{errors}", attacker.name));
    ensure!(output.status.success(), "{}\n{said}", output.status);
    ensure!(said.contains("test result: ok"), "{said}");
    let left = leaks::since(&before, &fixture);
    ensure!(left.is_empty(), "left behind: {left:#?}");
    Ok(())
}

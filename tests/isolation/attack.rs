//! The attack program: one attempt per start, on what the runner prepared.
//!
//! ```text
//! attack ROW             makes one attempt; the set-up is in `setup.json` of the directory
//! attack executor ROW    stands for an executor, which starts the attempt as agents are started
//! attack victim WHO      stands for somebody who is attacked, until standard input ends
//! attack who             prints who it is
//! attack consume WHAT    uses something up: processes, memory, temporary space
//! attack look DIR        says what can be read in a directory
//! attack swap A B        exchanges two paths until standard input ends
//! attack degraded …      takes something away from itself and starts an executor nevertheless
//! attack capable FILE    gives a program a file capability, as root
//! attack --list          prints every row: name, closing layer, what the attacker does
//! attack --controls      prints how the positive control of every row is made
//! ```
//! An attempt answers with one line of JSON on descriptor 3, or on standard output when that is not
//! open: `{"attack":…,"outcome":"escaped"|"blocked"|"broken","detail":…}`. Deliberately absent: any
//! judgement of what ought to happen, which is the runner's.

mod attempts;
mod consume;
mod executor;
mod lack;
mod rows;
mod setup;
mod sys;
mod victim;

use attempts::{Attempt, Broken};
use serde_json::json;
use setup::{SETUP_FILE, Setup};
use std::fs;
use std::io::{self, Write};
use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let done = match words[..] {
        ["--list"] => say(&list()),
        ["--controls"] => say(&controls()),
        ["capable", path] => sys::give_capability(path),
        ["who"] => attempts::who().and_then(|it| say(&it)),
        ["victim", who, ..] => victim::run(who),
        ["executor", row, "--init"] => executor::init().and_then(|()| executor::run(row)),
        ["executor", row] => executor::run(row),
        ["consume", what] => consume::run(what),
        ["look", path] => consume::look(path),
        ["swap", one, other] => consume::swap(one, other),
        ["degraded", lack, mode, account, directory] => lack::run(lack, mode, account, directory),
        [row] => attempt(row),
        _ => Err(io::Error::other("name one row, or --list")),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Nobody reads it where standard errors are closed.
            writeln!(io::stderr(), "attack: {error}").ok();
            ExitCode::FAILURE
        }
    }
}

/// Says one line on standard output.
fn say(text: &str) -> io::Result<()> {
    writeln!(io::stdout(), "{text}")
}

fn list() -> String {
    let line = |row: &rows::Row| format!("{}\t{}\t{}", row.name, row.layer, row.description);
    rows::ROWS.iter().map(line).collect::<Vec<_>>().join("\n")
}

fn controls() -> String {
    let line = |row: &rows::Row| format!("{}\t{}", row.name, row.control.words());
    rows::ROWS.iter().map(line).collect::<Vec<_>>().join("\n")
}

/// Makes one attempt and answers with its outcome.
fn attempt(row: &str) -> io::Result<()> {
    let (outcome, detail) = match prepare().and_then(|setup| make(row, &setup)) {
        Ok(Some(detail)) => ("escaped", detail),
        Ok(None) => ("blocked", "there is nothing to be had".to_owned()),
        Err(error) if error.get_ref().is_some_and(|it| it.is::<Broken>()) => {
            ("broken", error.to_string())
        }
        Err(error) => ("blocked", error.to_string()),
    };
    answer(&json!({ "attack": row, "outcome": outcome, "detail": detail }).to_string())
}

fn make(row: &str, setup: &Setup) -> Attempt {
    let attempt = attempts::find(row).ok_or_else(|| Broken::error("there is no such row"))?;
    attempt(&setup.targets)
}

/// Reads the set-up and makes sure that this process can do ordinary work where it is: an attempt
/// that fails because nothing works would prove nothing.
fn prepare() -> io::Result<Setup> {
    let broken = |what: &'static str| move |error| Broken::error(format!("{what}: {error}"));
    let text = fs::read_to_string(SETUP_FILE).map_err(broken("read the set-up"))?;
    let setup = serde_json::from_str(&text).map_err(|error| Broken::error(error.to_string()))?;
    fs::write("ordinary", "work").map_err(broken("write in the own directory"))?;
    let back = fs::read("ordinary").map_err(broken("read in the own directory"))?;
    fs::remove_file("ordinary").map_err(broken("remove in the own directory"))?;
    if back != b"work" {
        return Err(Broken::error("the own directory does not keep what is written"));
    }
    fs::read_dir("/usr/bin").map_err(broken("list /usr/bin"))?;
    Ok(setup)
}

/// Writes the answer on descriptor 3, or on standard output.
fn answer(line: &str) -> io::Result<()> {
    let line = format!("{line}\n");
    let on_pipe = sys::call(libc::SYS_write, &[3, line.as_ptr() as usize, line.len()]);
    match on_pipe {
        Ok(length) if length == line.len() => Ok(()),
        _ => io::stdout().write_all(line.as_bytes()),
    }
}

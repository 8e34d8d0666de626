//! The reference part of `docs/cli.md`, written from the definition of the arguments.
//!
//! A test compares the two; run it with `UPDATE=1` after a change.
#![cfg(test)]

use crate::args::Arguments;
use clap::{Arg, Command, CommandFactory};
use std::fmt::Write;
use std::fs;

const START: &str = "<!-- reference: written by a test, do not edit below -->";

fn reference() -> String {
    let mut text = String::new();
    let mut root = Arguments::command();
    root.build();
    let globals: Vec<Arg> = root.get_arguments().filter(|it| it.is_global_set()).cloned().collect();
    write!(text, "### Global options\n\n").unwrap();
    for argument in &globals {
        describe(&mut text, argument);
    }
    for command in root.get_subcommands().filter(|it| it.get_name() != "help") {
        section(&mut text, "grove", command);
    }
    text
}

fn section(text: &mut String, above: &str, command: &Command) {
    let name = format!("{above} {}", command.get_name());
    let mut children = command.get_subcommands().filter(|it| it.get_name() != "help").peekable();
    if children.peek().is_some() {
        for child in children {
            section(text, &name, child);
        }
        return;
    }
    let about = command.get_about().map(ToString::to_string).unwrap_or_default();
    let mut usage = name.clone();
    let own = command.get_arguments().filter(|it| !it.is_global_set() && !is_builtin(it));
    let (positional, options): (Vec<&Arg>, Vec<&Arg>) = own.partition(|it| it.is_positional());
    for argument in &positional {
        write!(usage, " {argument}").unwrap();
    }
    if !options.is_empty() {
        usage.push_str(" [OPTIONS]");
    }
    write!(text, "\n### `{usage}`\n\n{about}.\n").unwrap();
    if !options.is_empty() || !positional.is_empty() {
        text.push('\n');
    }
    for argument in positional.into_iter().chain(options) {
        describe(text, argument);
    }
}

fn is_builtin(argument: &Arg) -> bool {
    matches!(argument.get_id().as_str(), "help" | "version")
}

fn describe(text: &mut String, argument: &Arg) {
    let short = argument.get_short().map(|short| format!("-{short}, ")).unwrap_or_default();
    let help = argument.get_help().map(ToString::to_string).unwrap_or_default();
    writeln!(text, "- `{short}{argument}` {}", help.replace('\n', " ")).unwrap();
}

#[test]
fn the_reference_in_the_documentation_is_that_of_the_program() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/cli.md");
    let document = fs::read_to_string(path).unwrap();
    let (before, _) = document.split_once(START).unwrap();
    let expected = format!("{before}{START}\n\n{}", reference());
    if std::env::var_os("UPDATE").is_some() {
        fs::write(path, expected).unwrap();
        return;
    }
    assert_eq!(document, expected, "run the tests of grove-cli with UPDATE=1");
}

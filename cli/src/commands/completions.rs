//! `grove completions`.

use crate::args::Arguments;
use crate::error::CliError;
use crate::output::Output;
use clap::CommandFactory;
use clap_complete::{Shell, generate};

pub(super) fn run(shell: Shell, output: &Output) -> Result<(), CliError> {
    let mut script = Vec::new();
    generate(shell, &mut Arguments::command(), "grove", &mut script);
    let script = String::from_utf8_lossy(&script).into_owned();
    if output.is_json() {
        return output.value(&script, Clone::clone);
    }
    output.say(&script)
}

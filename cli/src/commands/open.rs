//! `grove open`.

use crate::client::require_url;
use crate::config::Config;
use crate::error::{CliError, Exit};
use crate::output::Output;

pub(super) fn run(config: &Config, output: &Output) -> Result<(), CliError> {
    let url = require_url(config)?;
    open::that_detached(&url).map_err(|error| {
        CliError::new(
            Exit::Unavailable,
            format!("failed to open a browser: {error}"),
            format!("Open {url} yourself."),
        )
    })?;
    output.say(&format!("Opened {url}"))
}

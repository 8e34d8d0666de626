//! `grove config show`.

use crate::args::ConfigCommand;
use crate::config::{Config, Source};
use crate::error::CliError;
use crate::output::{Output, table};

pub(super) fn run(
    command: &ConfigCommand,
    config: &Config,
    output: &Output,
) -> Result<(), CliError> {
    match command {
        ConfigCommand::Show => output.value(config, people),
    }
}

fn people(config: &Config) -> String {
    let text = |value: &Option<String>| value.clone().unwrap_or_else(|| "-".to_owned());
    let project = config.project_dir.value.as_ref().map(|path| path.display().to_string());
    let row = |name: &str, value: String, variable: &str, source: Source| {
        let source = match source {
            Source::Argument => "argument".to_owned(),
            Source::Environment => variable.to_owned(),
            Source::Default => "default".to_owned(),
        };
        vec![name.to_owned(), value, source]
    };
    let home = config.home.value.display().to_string();
    table(
        &["setting", "value", "from"],
        vec![
            row("url", text(&config.url.value), "GROVE_URL", config.url.source),
            row("home", home, "GROVE_HOME", config.home.source),
            row("port", config.port.value.to_string(), "GROVE_PORT", config.port.source),
            row("cwd", config.cwd.value.display().to_string(), "", config.cwd.source),
            row("project_dir", text(&project), "GROVE_PROJECT_DIR", config.project_dir.source),
            row(
                "session_name",
                text(&config.session_name.value),
                "GROVE_SESSION_NAME",
                config.session_name.source,
            ),
        ],
    )
}

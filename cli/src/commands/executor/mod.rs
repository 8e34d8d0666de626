//! `grove executor …`

mod ls;
mod restart;
mod show;

pub(super) use show::limits;

use crate::args::Executor;
use crate::client;
use crate::config::Config;
use crate::error::CliError;
use crate::output::Output;
use grove_core_api::isolation::SandboxReport;
use grove_core_api::monitor::ExecutorRole;

pub(super) async fn run(
    command: Executor,
    config: &Config,
    output: &Output,
) -> Result<(), CliError> {
    let api = client::connect(config)?;
    match command {
        Executor::Ls { session, listing } => ls::run(&api, session, listing, output).await,
        Executor::Show { executor } => show::run(&api, &executor, output).await,
        Executor::Restart { executor } => restart::run(&api, &executor, output).await,
    }
}

/// What an executor is for, in a word.
const fn role(role: ExecutorRole) -> &'static str {
    match role {
        ExecutorRole::Session => "session",
        ExecutorRole::Keeper => "keeper",
    }
}

/// The layers that do not hold, with the reasons; `none` when all hold.
pub(super) fn layers_off(report: &SandboxReport) -> String {
    let off: Vec<String> = report
        .layers
        .iter()
        .filter(|it| !it.is_on)
        .map(|it| format!("{} ({})", it.layer.name(), it.detail))
        .collect();
    if off.is_empty() { "none".to_owned() } else { off.join(", ") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use grove_core_api::isolation::{Layer, LayerState};

    #[test]
    fn layers_that_do_not_hold_are_named_with_the_reason() {
        let layer =
            |layer, is_on, detail: &str| LayerState { layer, is_on, detail: detail.to_owned() };
        let mut report = SandboxReport {
            layers: vec![layer(Layer::Landlock, true, "ABI 6"), layer(Layer::Cgroup, true, "v2")],
            ..SandboxReport::default()
        };
        assert_eq!(layers_off(&report), "none");
        report.layers.push(layer(Layer::Namespaces, false, "the kernel refuses them"));
        assert_eq!(layers_off(&report), "namespaces (the kernel refuses them)");
    }
}

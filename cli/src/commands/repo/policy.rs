//! `grove repo policy`.

use crate::args::Policy;
use crate::client::{self, Api};
use crate::commands::executor::limits;
use crate::config::Config;
use crate::error::CliError;
use crate::output::{Output, fields};
use grove_core_api::isolation::{IsolationMode, NetworkProfile};
use grove_core_api::rest::executors::{ExecutorPolicy, ResourceLimits};
use grove_core_api::rest::repos::{PatchRepo, Repo};

pub(super) async fn run(
    api: &Api,
    text: &str,
    wanted: Policy,
    config: &Config,
    output: &Output,
) -> Result<(), CliError> {
    let repo = client::repo(api, text, &config.cwd.value).await?;
    let path = format!("/repos/{}", repo.id);
    let answer = match merged(repo.policy, &wanted) {
        Some(policy) => {
            let body = PatchRepo { policy: Some(policy), ..PatchRepo::default() };
            api.patch::<Repo>(&path, &body).await?
        }
        None => api.get::<Repo>(&path, &()).await?,
    };
    output.answer(&answer, |repo| people(&repo.policy))
}

/// The policy with what was typed; `None` when nothing is to change.
fn merged(policy: ExecutorPolicy, wanted: &Policy) -> Option<ExecutorPolicy> {
    let base = if wanted.clear { ExecutorPolicy::default() } else { policy };
    let after = ExecutorPolicy {
        network: wanted.network.map(NetworkProfile::from).or(base.network),
        isolation: wanted.isolation.map(IsolationMode::from).or(base.isolation),
        limits: ResourceLimits {
            processes: wanted.processes.or(base.limits.processes),
            memory_mib: wanted.memory_mib.or(base.limits.memory_mib),
            cpu_percent: wanted.cpu_percent.or(base.limits.cpu_percent),
            tmp_mib: wanted.tmp_mib.or(base.limits.tmp_mib),
            disk_mib: wanted.disk_mib.or(base.limits.disk_mib),
        },
    };
    (after != policy).then_some(after)
}

fn people(policy: &ExecutorPolicy) -> String {
    let network = policy.network.map(|it| match it {
        NetworkProfile::Shared => "shared",
        NetworkProfile::Proxy => "proxy",
        NetworkProfile::None => "none",
    });
    let as_instance = || "as the instance".to_owned();
    let limits = Some(limits(&policy.limits)).filter(|it| !it.is_empty());
    fields(&[
        ("network", network.map_or_else(as_instance, ToOwned::to_owned)),
        ("isolation", policy.isolation.map_or_else(as_instance, |it| it.name().to_owned())),
        ("limits", limits.unwrap_or_else(as_instance)),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_typed_is_added_and_clear_begins_anew() {
        let typed = |clear, disk_mib| Policy { clear, disk_mib, ..Policy::default() };
        let with = |memory_mib, disk_mib| ExecutorPolicy {
            limits: ResourceLimits { memory_mib, disk_mib, ..ResourceLimits::default() },
            ..ExecutorPolicy::default()
        };
        let before = with(Some(512), None);
        assert_eq!(merged(before, &typed(false, None)), None);
        assert_eq!(merged(before, &typed(false, Some(9))), Some(with(Some(512), Some(9))));
        assert_eq!(merged(before, &typed(true, Some(9))), Some(with(None, Some(9))));
        assert_eq!(merged(before, &typed(true, None)), Some(ExecutorPolicy::default()));
        assert_eq!(
            people(&ExecutorPolicy::default()),
            "network    as the instance\nisolation  as the instance\nlimits     as the instance"
        );
        assert!(people(&before).ends_with("limits     512 MiB memory"));
    }
}

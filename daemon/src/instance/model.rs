//! Pure rules of the instance: which task may have which provider's key.

use grove_core_api::TaskId;
use grove_core_api::ipc::credential::GetCredential;

/// The agent that plays scripts and needs no provider.
pub(super) const REHEARSAL: &str = "rehearsal";

/// Why a session's executor gets no key; `None` when it may have it.
///
/// `running` is the session's task that runs, `agent` and `model` are the session's own.
pub(super) fn refusal(
    running: Option<TaskId>,
    (agent, model): (&str, &str),
    wanted: &GetCredential,
) -> Option<&'static str> {
    if running != Some(wanted.task_id) {
        return Some("this task does not run in this session");
    }
    let provider = model.split_once('/').map(|(provider, _)| provider);
    if agent == REHEARSAL || provider != Some(wanted.provider.as_str()) {
        return Some("this is not the provider of the task");
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    #[test]
    fn only_the_task_that_runs_gets_the_key_of_its_own_provider() {
        let (task, other) = (TaskId(Uuid::from_u128(1)), TaskId(Uuid::from_u128(2)));
        let wanted = |provider: &str| GetCredential { task_id: task, provider: provider.into() };
        let native = ("native", "far/some/model");
        assert_eq!(refusal(Some(task), native, &wanted("far")), None);
        // Before it runs, while another one does, and as often as it asks after its end.
        for running in [None, Some(other), None, None] {
            let why = refusal(running, native, &wanted("far"));
            assert!(why.is_some_and(|it| it.contains("does not run")), "{running:?}");
        }
        for (session, provider) in [
            (native, "near"),
            (native, "far/some"),
            (native, ""),
            ((REHEARSAL, "far/some"), "far"),
            (("native", "far"), "far"),
        ] {
            let why = refusal(Some(task), session, &wanted(provider));
            assert!(
                why.is_some_and(|it| it.contains("not the provider")),
                "{session:?} {provider}"
            );
        }
    }
}

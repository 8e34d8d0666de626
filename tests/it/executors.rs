//! Executors: one per session at work, found out when they die, ended when they are not needed.

use grove_core_api::rest::messages::{Body, ToolState};
use grove_core_api::rest::sessions::RunState;
use grove_core_api::rest::tasks::TaskState;
use grove_tests::{Outcome, Process, World, eventually};
use nix::sys::signal::Signal;
use std::fs;

/// Executors of sessions: all but the keeper, which is the oldest.
fn of_sessions(world: &World) -> Vec<Process> {
    let mut all = world.grove.named("grove-executor");
    all.sort_by_key(|it| it.pid);
    if all.is_empty() { all } else { all.split_off(1) }
}

#[tokio::test]
async fn a_killed_executor_loses_its_turn_with_evidence_and_the_next_prompt_works() -> Outcome {
    World::on_each(async |world| {
        let session = world.session("Killed", "run echo begun; sleep 615").await?;
        eventually("the tool runs", async || {
            Ok((world.grove.named("sleep").len() == 1).then_some(()))
        })
        .await?;
        let executors = of_sessions(world);
        assert_eq!(executors.len(), 1, "{executors:?}");
        executors[0].signal(Signal::SIGKILL)?;
        let session = world.client.until_over(session.id).await?;
        assert_eq!(session.state, RunState::Lost, "{session:?}");
        assert!(!session.evidence.detail.is_empty() && session.evidence.at_ms > 0);
        let tasks = world.client.tasks(session.id).await?;
        assert_eq!(tasks[0].state, TaskState::Lost);
        assert!(tasks[0].failure.is_some());
        let messages = world.client.messages(session.id).await?;
        assert!(messages.iter().all(|it| !it.is_streaming), "{messages:#?}");
        let is_cancelled = |body: &Body| {
            matches!(body, Body::Tool { state: ToolState::Cancelled, .. })
        };
        assert!(messages.iter().any(|it| is_cancelled(&it.body)), "{messages:#?}");
        eventually("its tools die with it", async || {
            Ok(world.grove.named("sleep").is_empty().then_some(()))
        })
        .await?;
        world.client.prompt(session.id, "run cat README.md").await?;
        let session = world.client.until_over(session.id).await?;
        assert_eq!(session.state, RunState::Idle, "{session:?}");
        world.client.log(&format!("/sessions/{}", session.id)).await?;
        Ok(())
    })
    .await
}

#[tokio::test]
async fn a_killed_keeper_comes_back_with_the_next_thing_that_git_does() -> Outcome {
    let world = World::start().await?;
    let keeper = world.grove.named("grove-executor");
    assert_eq!(keeper.len(), 1);
    keeper[0].signal(Signal::SIGKILL)?;
    let session = eventually("a worktree can be made again", async || {
        Ok(world.client.new_session(world.repo.id, "After", Some("say hello")).await.ok())
    })
    .await?;
    assert_eq!(world.client.until_over(session.id).await?.state, RunState::Idle);
    world.end().await
}

#[tokio::test]
async fn sessions_work_side_by_side_each_in_its_own_process() -> Outcome {
    let world = World::start().await?;
    let gate = world.gate("side");
    let mut sessions = Vec::new();
    for number in 0..4 {
        let prompt = format!("gate {}", gate.display());
        sessions.push(world.session(&format!("Side {number}"), &prompt).await?.id);
    }
    for id in &sessions {
        world.client.until_state(*id, RunState::Running).await?;
    }
    assert_eq!(of_sessions(&world).len(), 4);
    fs::write(&gate, "")?;
    for id in &sessions {
        assert_eq!(world.client.until_over(*id).await?.state, RunState::Idle);
    }
    world.end().await
}

#[tokio::test]
async fn tools_get_little_of_the_environment_and_nothing_secret() -> Outcome {
    let setup = grove_tests::Setup::default().variable("GROVE_TEST_SECRET", "geheim-0815");
    let world = World::with(setup).await?;
    let session = world.finished("Environment", "run env | cut -d= -f1 | sort > names").await?;
    assert_eq!(session.state, RunState::Idle);
    let names = fs::read_to_string(world.directory(session.id).await?.join("names"))?;
    let allowed = [
        "HOME", "USER", "LOGNAME", "SHELL", "PATH", "LANG", "TMPDIR", "PWD", "OLDPWD", "SHLVL", "_",
        "GIT_AUTHOR_NAME", "GIT_AUTHOR_EMAIL", "GIT_COMMITTER_NAME", "GIT_COMMITTER_EMAIL",
        "GIT_TERMINAL_PROMPT",
    ];
    let others: Vec<_> = names.lines().filter(|name| !allowed.contains(name)).collect();
    assert!(others.is_empty(), "{others:?}");
    world.end().await
}

//! Executors: one per session at work, found out when they die, ended when they are not needed.

use anyhow::{Context, ensure};
use grove_core_api::isolation::ExecutorLimits;
use grove_core_api::monitor::ExecutorRole;
use grove_core_api::rest::executors::{Executor, ExecutorState};
use grove_core_api::rest::messages::{Body, ToolState};
use grove_core_api::rest::sessions::RunState;
use grove_core_api::rest::tasks::TaskState;
use grove_core_api::{ErrorCode, Page, SessionId};
use grove_sandbox::cgroup::Cgroups;
use grove_tests::{
    Outcome, Process, Setup, World, eventually, is_code, program, run, say, variable,
};
use nix::sys::signal::Signal;
use nix::unistd::geteuid;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::fs;

/// Executors as the monitor knows them: in a process namespace each has a first process above it.
fn executors(world: &World) -> Vec<Process> {
    let mut all = world.grove.named("grove-executor");
    let pids: Vec<i32> = all.iter().map(|it| it.pid).collect();
    all.retain(|it| parent(it.pid).is_some_and(|parent| !pids.contains(&parent)));
    all.sort_by_key(|it| it.pid);
    all
}

/// The parent of a process that lives (field 4 of `/proc/<pid>/stat`).
fn parent(pid: i32) -> Option<i32> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (_, fields) = stat.rsplit_once(')')?;
    fields.split_whitespace().nth(1)?.parse().ok()
}

/// Executors of sessions: all but the keeper, which is the oldest.
fn of_sessions(world: &World) -> Vec<Process> {
    let mut all = executors(world);
    if all.is_empty() { all } else { all.split_off(1) }
}

/// What the registry knows of a session's executors, newest first.
async fn registered(world: &World, session: SessionId) -> Outcome<Vec<Executor>> {
    let path = format!("/executors?session_id={session}");
    Ok(world.client.get::<Page<Executor>>(path).await?.items)
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
        // The registry knows the process that the monitor started: the first one of its namespace.
        let first = world.grove.named("grove-init").first().map(|it| it.pid);
        executors[0].signal(Signal::SIGKILL)?;
        let session = world.client.until_over(session.id).await?;
        assert_eq!(session.state, RunState::Lost, "{session:?}");
        assert_eq!(session.evidence.fact, "executor_gone");
        assert_eq!(session.evidence.detail, "the executor ended: killed by SIGKILL");
        let shown = session.executor.clone().context("the session shows its executor")?;
        assert_eq!(shown.state, ExecutorState::Degraded);
        assert!(shown.retry_at_ms.is_some_and(|at| at > session.evidence.at_ms), "{shown:?}");
        let end = shown.end.context("how it ended")?;
        assert!(end.is_crash && !end.is_out_of_memory && end.how == "killed by SIGKILL", "{end:?}");
        let tasks = world.client.tasks(session.id).await?;
        assert_eq!(tasks[0].state, TaskState::Lost);
        assert!(tasks[0].failure.is_some());
        let messages = world.client.messages(session.id).await?;
        assert!(messages.iter().all(|it| !it.is_streaming), "{messages:#?}");
        let is_cancelled =
            |body: &Body| matches!(body, Body::Tool { state: ToolState::Cancelled, .. });
        assert!(messages.iter().any(|it| is_cancelled(&it.body)), "{messages:#?}");
        eventually("its tools die with it", async || {
            Ok(world.grove.named("sleep").is_empty().then_some(()))
        })
        .await?;
        world.client.prompt(session.id, "run cat README.md").await?;
        let session = world.client.until_over(session.id).await?;
        assert_eq!(session.state, RunState::Idle, "{session:?}");
        let fresh = session.executor.context("the session shows its executor")?;
        assert_eq!((fresh.state, fresh.restarts), (ExecutorState::Degraded, 1), "{fresh:?}");
        let all = registered(world, session.id).await?;
        assert_eq!(all.len(), 2, "{all:#?}");
        assert_eq!((all[0].id, all[0].restarts, all[0].end.is_none()), (fresh.id, 1, true));
        assert_eq!(all[1].end.as_ref().map(|it| it.how.as_str()), Some("killed by SIGKILL"));
        assert_eq!(all[1].pid, Some(first.unwrap_or(executors[0].pid)));
        world.client.log(&format!("/sessions/{}", session.id)).await?;
        Ok(())
    })
    .await
}

/// Keepers in the registry, newest first.
async fn keepers(world: &World) -> Outcome<Vec<Executor>> {
    let mut all = world.client.get::<Page<Executor>>("/executors").await?.items;
    all.retain(|it| it.role == ExecutorRole::Keeper);
    Ok(all)
}

#[tokio::test]
async fn a_killed_keeper_comes_back_with_the_next_thing_that_git_does_and_both_are_known() -> Outcome
{
    World::on_each(async |world| {
        let keeper = executors(world);
        assert_eq!(keeper.len(), 1);
        let known = keepers(world).await?;
        assert_eq!(known.len(), 1, "{known:?}");
        let first = &known[0];
        assert_eq!((first.state, first.pid), (ExecutorState::Healthy, Some(keeper[0].pid)));
        assert_eq!((first.session_id, first.restarts, &first.end), (None, 0, &None));
        let report = first.report.as_ref().context("how it is kept in its place")?;
        assert_eq!((&first.account, first.uid), (&report.account, geteuid().as_raw()));
        keeper[0].signal(Signal::SIGKILL)?;
        let session = eventually("a worktree can be made again", async || {
            Ok(world.client.new_session(world.repo.id, "After", Some("say hello")).await.ok())
        })
        .await?;
        assert_eq!(world.client.until_over(session.id).await?.state, RunState::Idle);
        let known = keepers(world).await?;
        assert_eq!(known.len(), 2, "{known:#?}");
        let (second, first) = (&known[0], &known[1]);
        assert_eq!((second.state, second.restarts), (ExecutorState::Degraded, 1), "{second:?}");
        assert!(second.pid.is_some() && second.end.is_none() && second.pid != first.pid);
        let end = first.end.as_ref().context("how the first one ended")?;
        assert!(end.is_crash && end.how == "killed by SIGKILL", "{end:?}");
        assert!(first.ended_at_ms.is_some_and(|at| at <= second.started_at_ms), "{known:#?}");
        let path = format!("/executors/{}/restart", second.id);
        let refused =
            is_code(world.client.post::<Executor>(&path, json!({})).await, ErrorCode::Conflict)?;
        assert!(refused.detail.contains("by itself"));
        Ok(())
    })
    .await
}

#[tokio::test]
async fn the_keepers_of_a_daemon_that_died_are_told_as_ended_by_the_next_one() -> Outcome {
    let world = World::start().await?;
    let before = keepers(&world).await?.remove(0);
    world.grove.kill_daemon().await?;
    let mut known = keepers(&world).await?;
    let told = known.pop().context("the first one")?;
    assert_eq!((told.id, told.state), (before.id, ExecutorState::Ended));
    let end = told.end.context("how it ended")?;
    assert!(!end.is_crash && end.how.contains("daemon"), "{end:?}");
    // Whoever looks at the branches has a fresh one started.
    let _: Value = world.client.get(format!("/repos/{}/branches", world.repo.id)).await?;
    let fresh = keepers(&world).await?.remove(0);
    assert!(fresh.id != before.id && fresh.end.is_none() && fresh.restarts == 0, "{fresh:?}");
    let mut command = program(world.grove.programs().join("grove"));
    command.args(["--url", world.grove.url(), "executor", "ls"]);
    let listed = run(&mut command)?;
    let line = listed.stdout.lines().find(|it| it.contains(&fresh.id.short()));
    let line = line.context("the command line lists it")?;
    assert!(line.contains("keeper") && line.contains(&fresh.account), "{listed:?}");
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
    let setup = Setup::default().variable("GROVE_TEST_SECRET", "geheim-0815");
    let world = World::with(setup).await?;
    let session = world.finished("Environment", "run env | cut -d= -f1 | sort > names").await?;
    assert_eq!(session.state, RunState::Idle);
    let names = fs::read_to_string(world.directory(session.id).await?.join("names"))?;
    let allowed = [
        "HOME",
        "USER",
        "LOGNAME",
        "SHELL",
        "PATH",
        "LANG",
        "TMPDIR",
        "PWD",
        "OLDPWD",
        "SHLVL",
        "_",
        "GIT_AUTHOR_NAME",
        "GIT_AUTHOR_EMAIL",
        "GIT_COMMITTER_NAME",
        "GIT_COMMITTER_EMAIL",
        "GIT_TERMINAL_PROMPT",
    ];
    let others: Vec<_> = names.lines().filter(|name| !allowed.contains(name)).collect();
    assert!(others.is_empty(), "{others:?}");
    world.end().await
}

#[tokio::test]
async fn a_session_says_what_keeps_its_executor_in_its_place() -> Outcome {
    World::on_each(async |world| {
        let session = world.client.new_session(world.repo.id, "Kept", None).await?;
        assert!(session.executor.is_none() && session.sandbox.is_none());
        let topic = format!("session:{}", session.id);
        let mut socket = world.grove.socket().await?;
        socket.subscribe(&topic).await?;
        world.client.prompt(session.id, "say hello").await?;
        let id = session.id.to_string();
        let told = socket
            .until("the sandbox", |it| {
                it.views.get(&topic)?.property(&id, "sandbox").filter(|it| !it.is_null()).cloned()
            })
            .await?;
        let session = world.client.until_over(session.id).await?;
        let report = session.sandbox.context("a report")?;
        assert_eq!(told["mode"], json!(report.mode.name()));
        let shown = session.executor.context("an executor")?;
        assert_eq!(shown.state, ExecutorState::Healthy);
        let executor: Executor = world.client.get(format!("/executors/{}", shown.id)).await?;
        assert_eq!(executor.report, Some(report));
        assert_eq!(executor.limits.processes, Some(512));
        assert!(executor.pid.is_some() && executor.end.is_none(), "{executor:?}");
        let missing = world.client.get::<Value>(format!("/executors/{}", world.board.id)).await;
        is_code(missing, ErrorCode::NotFound)?;
        Ok(())
    })
    .await
}

#[tokio::test]
async fn an_executor_that_crashes_again_and_again_stays_down_until_somebody_restarts_it() -> Outcome
{
    let world = World::start().await?;
    let session = world.client.new_session(world.repo.id, "Crash", None).await?.id;
    let crash = async || {
        world.client.prompt(session, "run echo begun; sleep 617").await?;
        let process = eventually("a fresh executor works", async || {
            let is_at_work = world.grove.named("sleep").len() == 1;
            Ok(of_sessions(&world).pop().filter(|_| is_at_work))
        })
        .await?;
        process.signal(Signal::SIGKILL)?;
        eventually("the tools are gone", async || {
            Ok(world.grove.named("sleep").is_empty().then_some(()))
        })
        .await?;
        world.client.until_over(session).await
    };
    // The pauses of the first three are waited for; those after them are long, so somebody helps.
    for restarts in 0..3 {
        let lost = crash().await?;
        assert_eq!(lost.state, RunState::Lost);
        let executor = lost.executor.context("an executor")?;
        assert_eq!((executor.state, executor.restarts), (ExecutorState::Degraded, restarts));
        let pause = executor.retry_at_ms.context("a pause")? - lost.evidence.at_ms;
        assert_eq!(pause, 1_000 << restarts, "pauses double");
    }
    let store = world.grove.store().await?;
    let columns = store.uuid(session.0);
    // As after two more crashes.
    let set = "UPDATE sessions SET data = json_set(data, '$.health.restarts', 5) WHERE id =";
    store.execute(&format!("{set} {columns}")).await?;
    drop(store);
    let failed = crash().await?;
    assert_eq!(failed.state, RunState::Failed, "{failed:?}");
    assert_eq!(failed.evidence.fact, "executor_given_up");
    assert!(failed.evidence.detail.contains("6 times"), "{:?}", failed.evidence);
    assert!(failed.evidence.detail.contains("killed by SIGKILL"), "{:?}", failed.evidence);
    let down = failed.executor.context("an executor")?;
    assert_eq!((down.state, down.retry_at_ms), (ExecutorState::Failed, None));
    let refused = is_code(world.client.prompt(session, "say no").await, ErrorCode::Conflict)?;
    assert!(refused.hint.is_some_and(|it| it.contains("restart")));
    let path = format!("/executors/{}/restart", down.id);
    let fresh: Executor = world.client.post(&path, json!({})).await?;
    assert_eq!((fresh.state, fresh.restarts), (ExecutorState::Healthy, 0), "{fresh:?}");
    assert!(fresh.pid.is_some() && fresh.id != down.id);
    world.client.prompt(session, "say yes").await?;
    let session = world.client.until_over(session).await?;
    assert_eq!(session.state, RunState::Idle, "{session:?}");
    assert_eq!(session.executor.map(|it| it.id), Some(fresh.id));
    world.end().await
}

#[tokio::test]
async fn a_restart_waits_for_nobody_and_ends_nothing_that_works() -> Outcome {
    let world = World::start().await?;
    let gate = world.gate("restart");
    let session = world.session("Busy", &format!("gate {}", gate.display())).await?.id;
    let busy = world.client.until_state(session, RunState::Running).await?;
    let id = busy.executor.context("an executor")?.id;
    let path = format!("/executors/{id}/restart");
    is_code(world.client.post::<Executor>(&path, json!({})).await, ErrorCode::Conflict)?;
    fs::write(&gate, "")?;
    world.client.until_over(session).await?;
    let fresh: Executor = world.client.post(&path, json!({})).await?;
    assert_ne!(fresh.id, id);
    let old: Executor = world.client.get(format!("/executors/{id}")).await?;
    let end = old.end.context("it ended")?;
    assert!(!end.is_crash && end.how == "somebody restarted it", "{end:?}");
    assert_eq!(old.state, ExecutorState::Ended);
    assert_eq!(of_sessions(&world).len(), 1);
    world.end().await
}

#[tokio::test]
async fn an_executor_that_ends_while_no_daemon_lives_is_told_of_truthfully() -> Outcome {
    let mut world = World::start().await?;
    let gate = world.gate("away");
    let session = world.session("Away", &format!("gate {}", gate.display())).await?.id;
    world.client.until_state(session, RunState::Running).await?;
    // With the monitor goes whoever could know.
    world.grove.kill_everything()?;
    world.grove.launch().await?;
    let lost = world.client.until_over(session).await?;
    assert_eq!(lost.state, RunState::Lost);
    assert!(lost.evidence.detail.contains("how is not known"), "{:?}", lost.evidence);
    let executor = lost.executor.context("an executor")?;
    assert_eq!(executor.state, ExecutorState::Ended, "nobody knows that it crashed");
    let unended: Vec<_> = registered(&world, session)
        .await?
        .into_iter()
        .filter(|it| it.ended_at_ms.is_none())
        .collect();
    assert!(unended.is_empty(), "{unended:?}");
    world.client.prompt(session, "say again").await?;
    assert_eq!(world.client.until_over(session).await?.state, RunState::Idle);
    world.end().await
}

#[tokio::test]
async fn a_worktree_that_grows_above_its_limit_stops_the_task_and_keeps_every_file() -> Outcome {
    let setup = Setup::default().config("[limits]\ndisk_mib = 4\n");
    let world = World::with(setup).await?;
    let fill = "run head -c 9000000 /dev/zero > big; sleep 618";
    let session = world.session("Fill", fill).await?.id;
    let full = world.client.until_over(session).await?;
    assert_eq!(full.state, RunState::Failed, "{full:?}");
    assert_eq!(full.evidence.fact, "disk_limit");
    let detail = &full.evidence.detail;
    assert!(
        detail.starts_with("the worktree uses 8.") && detail.contains("limit is 4 MiB"),
        "{detail}"
    );
    let task = world.client.tasks(session).await?.remove(0);
    assert_eq!((task.state, task.failure.as_ref()), (TaskState::Failed, Some(detail)));
    let big = world.directory(session).await?.join("big");
    assert_eq!(fs::metadata(&big)?.len(), 9_000_000);
    // What is too large already may be cleaned up.
    world.client.prompt(session, "run rm big").await?;
    assert_eq!(world.client.until_over(session).await?.state, RunState::Idle);
    assert!(!big.exists());
    world.end().await
}

#[tokio::test]
async fn a_policy_narrows_what_executors_of_a_repository_may_use() -> Outcome {
    World::on_each(async |world| {
        let path = format!("/repos/{}", world.repo.id);
        for policy in [
            json!({ "limits": { "processes": 100_000 } }),
            json!({ "limits": { "processes": 513 } }),
            json!({ "limits": { "memory_mib": 1 } }),
            json!({ "limits": { "threads": 1 } }),
            json!({ "network": "all" }),
            json!({ "isolation": "off" }),
        ] {
            let refused = world.client.patch::<Value>(&path, json!({ "policy": policy })).await;
            is_code(refused, ErrorCode::InvalidRequest)?;
        }
        let policy = json!({ "limits": { "processes": 200, "disk_mib": 50 } });
        let repo: Value = world.client.patch(&path, json!({ "policy": policy })).await?;
        assert_eq!(repo["policy"], policy);
        let renamed: Value = world.client.patch(&path, json!({})).await?;
        assert_eq!(renamed["policy"], policy, "an absent policy stays");
        let session = world.finished("Narrow", "say hello").await?;
        let limits = registered(world, session.id).await?.remove(0).limits;
        assert_eq!((limits.processes, limits.disk_mib), (Some(200), Some(50)));
        assert_eq!(limits.memory_mib, Some(4_096), "as the instance");
        Ok(())
    })
    .await
}

#[tokio::test]
async fn an_interrupt_stops_what_runs_and_the_queue_goes_on() -> Outcome {
    let world = World::start().await?;
    let gate = world.gate("never");
    let session = world.session("Interrupt", &format!("gate {}", gate.display())).await?.id;
    world.client.until_state(session, RunState::Running).await?;
    world.client.prompt(session, "say next").await?;
    let path = format!("/sessions/{session}/interrupt");
    let stopping: Value = world.client.post(&path, json!({})).await?;
    assert_eq!(stopping["state"], "stopping");
    assert_eq!(world.client.until_over(session).await?.state, RunState::Idle);
    let mut states: Vec<_> =
        world.client.tasks(session).await?.into_iter().map(|it| (it.index, it.state)).collect();
    states.sort_by_key(|it| it.0);
    assert_eq!(states, [(1, TaskState::Cancelled), (2, TaskState::Completed)]);
    world.end().await
}

#[tokio::test]
async fn expired_session_tokens_are_swept() -> Outcome {
    let mut world = World::start().await?;
    let session = world.client.new_session(world.repo.id, "Tokens", None).await?;
    let kept = world.grove.session_token(session.id).await?;
    let expired = world.grove.session_token(session.id).await?;
    world.grove.stop()?;
    let store = world.grove.store().await?;
    let hash = hex::encode(Sha256::digest(expired.as_bytes()));
    let past = format!("UPDATE session_tokens SET expires_at_ms = 1 WHERE hash = '{hash}'");
    store.execute(&past).await?;
    world.grove.launch().await?;
    eventually("the expired one is gone", async || {
        let left = store.text("SELECT count(*) FROM session_tokens").await?;
        Ok((left == "1").then_some(()))
    })
    .await?;
    drop(store);
    assert!(world.client.with_token(&kept).me().await.is_ok());
    world.end().await
}

#[tokio::test]
async fn a_session_whose_tool_eats_memory_ends_and_says_so() -> Outcome {
    if !has_memory_limits() {
        say("SKIPPED, needs control groups: a_session_whose_tool_eats_memory_ends_and_says_so");
        ensure!(variable("ISOLATION").is_none_or(|it| it != "require"), "this run must not skip");
        return Ok(());
    }
    let world = World::with(Setup::default().config("[limits]\nmemory_mib = 128\n")).await?;
    // `tail` keeps the only line that there is, so it holds all of it.
    let hungry = "run head -c 400000000 /dev/zero | tail -n 1 > big; echo went on";
    let session = world.session("Hungry", hungry).await?.id;
    let ended = world.client.until_over(session).await?;
    assert_eq!(ended.state, RunState::Failed, "{ended:?}");
    assert!(ended.evidence.detail.starts_with("out of memory"), "{:?}", ended.evidence);
    let task = world.client.tasks(session).await?.remove(0);
    assert_eq!((task.state, task.failure), (TaskState::Failed, Some(ended.evidence.detail)));
    // Who did nothing wrong goes on: the executor lives, and works again.
    world.client.prompt(session, "run echo small").await?;
    let again = world.client.until_over(session).await?;
    assert_eq!(again.state, RunState::Idle, "{again:?}");
    let executor = again.executor.context("an executor")?.id;
    // Its calm end later is not told as one for want of memory.
    world.client.post::<Executor>(&format!("/executors/{executor}/restart"), json!({})).await?;
    let old: Executor = world.client.get(format!("/executors/{executor}")).await?;
    let end = old.end.context("it ended")?;
    assert!(!end.is_out_of_memory && !end.is_crash, "{end:?}");
    world.end().await
}

/// Whether this run can make control groups that limit memory.
fn has_memory_limits() -> bool {
    let limits = ExecutorLimits { memory_bytes: Some(64 << 20), ..ExecutorLimits::default() };
    let groups = Cgroups::detect(&format!("/grove-test-memory-{}", std::process::id()));
    let group = groups.create("memory", &limits);
    let has = group.is_ok_and(|it| it.limits().iter().any(|name| name.ends_with("of memory")));
    groups.close();
    has
}

//! Sessions end to end: a real repository, the scripted model, real tools.

use grove_core_api::agent::Decision;
use grove_core_api::event::Op;
use grove_core_api::rest::messages::{Body, Message, Permission, ToolState};
use grove_core_api::rest::sessions::{RunState, Session, SessionResult};
use grove_core_api::rest::tasks::{Task, TaskState};
use grove_core_api::rest::worktrees::{Diff, Worktree, WorktreeState};
use grove_core_api::{ErrorCode, Page, SessionId};
use grove_tests::{Outcome, Repo, World, eventually, is_code};
use serde_json::{Value, json};
use std::fs;
use std::time::{Duration, Instant};

#[tokio::test]
async fn a_prompt_is_worked_on_in_a_worktree_of_its_own_and_nowhere_else() -> Outcome {
    World::on_each(async |world| {
        let before = world.source.fingerprint()?;
        let session = world.finished("Add a file", "run echo hello > new.txt").await?;
        assert_eq!(session.state, RunState::Idle, "{session:?}");
        assert_eq!(session.branch, "grove/add-a-file");
        assert!(session.usage.input_tokens > 0 && session.usage.output_tokens > 0);
        let directory = world.directory(session.id).await?;
        assert_eq!(fs::read_to_string(directory.join("new.txt"))?, "hello\n");
        let diff: Diff = world.client.get(format!("/sessions/{}/diff", session.id)).await?;
        let files: Vec<_> = diff.files.iter().map(|it| it.path.as_str()).collect();
        assert!(diff.is_dirty && files == ["new.txt"], "{diff:?}");
        let result: SessionResult =
            world.client.get(format!("/sessions/{}/result", session.id)).await?;
        assert_eq!(result.text, "The command has ended.");
        assert_eq!(result.changed_files, ["new.txt"]);
        assert_eq!(world.source.fingerprint()?, before, "the person's repository is untouched");
        let mirror = world.grove.home.join(format!("mirror/{}.git", world.repo.id));
        let heads = Repo::git_in(&mirror, &["for-each-ref", "--format=%(refname)"])?;
        assert_eq!(heads, "refs/heads/main", "the mirror is untouched");
        Ok(())
    })
    .await
}

#[tokio::test]
async fn the_log_of_a_turn_runs_from_queued_over_running_to_idle() -> Outcome {
    World::on_each(async |world| {
        let session = world.finished("States", "say hello").await?;
        let log = world.client.log(&format!("/sessions/{}", session.id)).await?;
        let own = session.id.to_string();
        let state = |op: &Op| match op {
            Op::Set { id, k, v, .. } if *id == own && k == "state" => v.as_str().map(str::to_owned),
            Op::Set { .. } | Op::Put { .. } | Op::Del { .. } => None,
        };
        let states: Vec<_> = log.iter().flat_map(|event| &event.ops).filter_map(state).collect();
        // The session is made and prompted at once; the daemon may start before anybody looks.
        assert_eq!(states, ["queued", "starting", "running", "idle"], "{log:#?}");
        assert_eq!(session.evidence.fact, "task_completed", "{:?}", session.evidence);
        world.client.log(&format!("/boards/{}", world.board.id)).await?;
        Ok(())
    })
    .await
}

#[tokio::test]
async fn facts_of_a_task_are_the_repositorys_facts() -> Outcome {
    World::on_each(async |world| {
        let command = "run echo a > a.txt && git add a.txt && git commit -q -m made && echo b > b";
        let session = world.finished("Facts", command).await?;
        let directory = world.directory(session.id).await?;
        let base = world.source.git(&["rev-parse", "main"])?;
        let head = Repo::git_in(&directory, &["rev-parse", "HEAD"])?;
        let tasks = world.client.tasks(session.id).await?;
        let task = &tasks[0];
        assert_eq!((task.state, task.index), (TaskState::Completed, 1));
        let start = task.start.clone().unwrap_or_default();
        let end = task.end.clone().unwrap_or_default();
        assert_eq!((start.commit, start.is_dirty), (base, false));
        assert_eq!((end.commit, end.is_dirty), (head, true));
        let (made, begun, over) = (task.created_at_ms, task.started_at_ms, task.ended_at_ms);
        assert!(begun >= Some(made) && over >= begun, "{task:?}");
        let before = task.snapshot_before.clone().unwrap_or_default();
        let after = task.snapshot_after.clone().unwrap_or_default();
        assert!(Repo::git_in(&directory, &["cat-file", "-e", &format!("{before}:b")]).is_err());
        let kept = Repo::git_in(&directory, &["show", &format!("{after}:b")])?;
        assert_eq!(kept, "b", "the snapshot holds what is not committed");
        let author = Repo::git_in(&directory, &["log", "-1", "--format=%an"])?;
        assert_eq!(author, world.client.me().await?.name);
        Ok(())
    })
    .await
}

#[tokio::test]
async fn prompts_of_a_busy_session_wait_their_turn_in_order() -> Outcome {
    World::on_each(async |world| {
        let gate = world.gate("queue");
        let session = world.session("Queue", &format!("gate {}", gate.display())).await?;
        for number in 1..=3 {
            let task =
                world.client.prompt(session.id, &format!("run echo {number} >> order")).await?;
            assert_eq!((task.state, task.index), (TaskState::Queued, number + 1));
        }
        fs::write(&gate, "")?;
        let session = world.client.until_over(session.id).await?;
        assert_eq!((session.state, session.task_count), (RunState::Idle, 4));
        let order = fs::read_to_string(world.directory(session.id).await?.join("order"))?;
        assert_eq!(order, "1\n2\n3\n");
        let messages = world.client.messages(session.id).await?;
        let prompts: Vec<_> =
            messages.iter().filter(|it| it.body == Body::Prompt).map(|it| it.task_id).collect();
        let tasks: Vec<_> = world.client.tasks(session.id).await?.iter().map(|it| it.id).collect();
        assert_eq!(prompts, tasks, "prompts stand in the history where their turns began");
        Ok(())
    })
    .await
}

#[tokio::test]
async fn stopping_ends_the_turn_its_tools_and_the_queue_within_a_second() -> Outcome {
    let world = World::start().await?;
    let command = "run (setsid sleep 613 & ) ; sleep 614; true";
    let session = world.session("Stop", command).await?;
    let waiting = world.client.prompt(session.id, "say never").await?;
    eventually(
        "its child runs",
        async || Ok((world.grove.named("sleep").len() == 2).then_some(())),
    )
    .await?;
    let asked = Instant::now();
    let stopping: Session =
        world.client.post(format!("/sessions/{}/stop", session.id), json!({})).await?;
    assert!(matches!(stopping.state, RunState::Stopping | RunState::Idle), "{stopping:?}");
    let session = world.client.until_over(session.id).await?;
    let took = asked.elapsed();
    assert!(took < Duration::from_secs(1), "it took {took:?}");
    assert_eq!(session.state, RunState::Idle);
    assert!(world.grove.named("bash").is_empty(), "the tool lives");
    assert!(world.grove.named("sleep").is_empty(), "what the tool left behind lives");
    let tasks = world.client.tasks(session.id).await?;
    let states: Vec<_> = tasks.iter().map(|task| task.state).collect();
    assert_eq!(states, [TaskState::Cancelled, TaskState::Cancelled]);
    assert_eq!(tasks[1].id, waiting.id);
    let messages = world.client.messages(session.id).await?;
    let tool = messages.iter().find_map(tool_state);
    assert_eq!(tool, Some(ToolState::Cancelled));
    assert!(messages.iter().all(|it| !it.is_streaming));
    // And it goes on as if nothing had happened.
    world.client.prompt(session.id, "say again").await?;
    assert_eq!(world.client.until_over(session.id).await?.state, RunState::Idle);
    world.end().await
}

fn tool_state(message: &Message) -> Option<ToolState> {
    if let Body::Tool { state, .. } = &message.body { Some(*state) } else { None }
}

#[tokio::test]
async fn stopping_a_session_that_does_nothing_changes_nothing() -> Outcome {
    let world = World::start().await?;
    let session = world.finished("Idle", "say hello").await?;
    let stopped: Session =
        world.client.post(format!("/sessions/{}/stop", session.id), json!({})).await?;
    assert_eq!(stopped.state, RunState::Idle);
    assert_eq!(world.client.tasks(session.id).await?[0].state, TaskState::Completed);
    world.end().await
}

#[tokio::test]
async fn a_failing_turn_says_why_and_the_next_one_works() -> Outcome {
    World::on_each(async |world| {
        for (prompt, why) in [("fail", "does not know this key"), ("expect nothing", "wanted")] {
            let session = world.finished("Fails", prompt).await?;
            assert_eq!(session.state, RunState::Failed, "{session:?}");
            assert!(!session.evidence.detail.is_empty() && !session.line.is_empty());
            let tasks = world.client.tasks(session.id).await?;
            assert_eq!(tasks[0].state, TaskState::Failed);
            assert!(tasks[0].failure.as_deref().is_some_and(|it| it.contains(why)), "{tasks:?}");
            let messages = world.client.messages(session.id).await?;
            let shown = messages
                .iter()
                .any(|it| matches!(it.body, Body::Error { .. }) && it.text.contains(why));
            assert!(shown, "{messages:#?}");
            world.client.prompt(session.id, "say better").await?;
            assert_eq!(world.client.until_over(session.id).await?.state, RunState::Idle);
        }
        Ok(())
    })
    .await
}

async fn pending(world: &World, session: SessionId) -> Outcome<(Message, Permission)> {
    world.client.until_state(session, RunState::AwaitingApproval).await?;
    let messages = world.client.messages(session).await?;
    let asks = |message: Message| {
        let Body::Tool { permission: Some(permission), state, .. } = &message.body else {
            return None;
        };
        assert_eq!(*state, ToolState::AwaitingApproval);
        let permission = permission.clone();
        Some((message, permission))
    };
    let found = messages.into_iter().find_map(asks);
    found.ok_or_else(|| anyhow::anyhow!("no message asks for permission"))
}

#[tokio::test]
async fn an_allowed_command_runs_only_after_the_answer() -> Outcome {
    World::on_each(async |world| {
        let session = world.session("Ask", "ask echo yes > answer").await?;
        let (message, permission) = pending(world, session.id).await?;
        assert_eq!((permission.decision, permission.reason.as_str()), (None, "the prompt says so"));
        let file = world.directory(session.id).await?.join("answer");
        assert!(!file.exists(), "nothing runs before the answer");
        let result: SessionResult =
            world.client.get(format!("/sessions/{}/result", session.id)).await?;
        assert_eq!(result.pending_permissions, [permission.id]);
        let path = format!("/sessions/{}/permissions/{}", session.id, permission.id);
        let agent = world.client.with_token(&world.grove.session_token(session.id).await?);
        let yes = json!({ "decision": "allow" });
        is_code(agent.post::<Message>(&path, &yes).await, ErrorCode::Forbidden)?;
        let (ana, user) = world.client.named("Ana").await?;
        let answered: Message = ana.post(&path, &yes).await?;
        assert_eq!(answered.id, message.id);
        let Body::Tool { permission: Some(given), .. } = answered.body else {
            anyhow::bail!("no permission: {answered:?}");
        };
        assert_eq!((given.decision, given.answered_by), (Some(Decision::Allow), Some(user.id)));
        is_code(world.client.post::<Message>(&path, &yes).await, ErrorCode::Conflict)?;
        assert_eq!(world.client.until_over(session.id).await?.state, RunState::Idle);
        assert_eq!(fs::read_to_string(file)?, "yes\n");
        Ok(())
    })
    .await
}

#[tokio::test]
async fn a_denied_command_does_not_run_and_the_agent_is_told_why() -> Outcome {
    World::on_each(async |world| {
        let session = world.session("Ask", "ask echo yes > answer").await?;
        let (message, permission) = pending(world, session.id).await?;
        let path = format!("/sessions/{}/permissions/{}", session.id, permission.id);
        let no = json!({ "decision": "deny", "reason": "not on a Friday" });
        let _: Message = world.client.post(&path, no).await?;
        assert_eq!(world.client.until_over(session.id).await?.state, RunState::Idle);
        assert!(!world.directory(session.id).await?.join("answer").exists());
        let messages = world.client.messages(session.id).await?;
        let told = messages.iter().find(|it| it.id == message.id);
        assert_eq!(told.and_then(tool_state), Some(ToolState::Denied));
        assert!(told.is_some_and(|it| it.text.contains("not on a Friday")), "{told:?}");
        assert_eq!(messages.last().map(|it| it.text.as_str()), Some("That was the answer."));
        Ok(())
    })
    .await
}

#[tokio::test]
async fn stopping_withdraws_a_question_and_a_late_answer_is_refused() -> Outcome {
    let world = World::start().await?;
    let session = world.session("Ask", "ask echo yes > answer").await?;
    let (_, permission) = pending(&world, session.id).await?;
    let _: Session = world.client.post(format!("/sessions/{}/stop", session.id), json!({})).await?;
    world.client.until_over(session.id).await?;
    let path = format!("/sessions/{}/permissions/{}", session.id, permission.id);
    let late = world.client.post::<Message>(&path, json!({ "decision": "allow" })).await;
    is_code(late, ErrorCode::Conflict)?;
    assert!(!world.directory(session.id).await?.join("answer").exists());
    world.end().await
}

#[tokio::test]
async fn a_session_is_renamed_archived_and_brought_back() -> Outcome {
    World::on_each(async |world| {
        let session = world.finished("First", "say hello").await?;
        let path = format!("/sessions/{}", session.id);
        let renamed: Session = world.client.patch(&path, json!({ "title": "Second" })).await?;
        assert_eq!(renamed.title, "Second");
        let archived: Session = world.client.patch(&path, json!({ "is_archived": true })).await?;
        assert_eq!(archived.state, RunState::Archived);
        let listed: Page<Session> = world.client.get("/sessions").await?;
        let all: Page<Session> = world.client.get("/sessions?include_archived=true").await?;
        assert_eq!((listed.items.len(), all.items.len()), (0, 1));
        is_code(world.client.prompt(session.id, "say more").await, ErrorCode::Gone)?;
        let back: Session = world.client.patch(&path, json!({ "is_archived": false })).await?;
        assert_eq!(back.state, RunState::Idle);
        world.client.prompt(session.id, "say more").await?;
        assert_eq!(world.client.until_over(session.id).await?.task_count, 2);
        Ok(())
    })
    .await
}

#[tokio::test]
async fn a_removed_session_stops_and_its_work_can_be_had_back() -> Outcome {
    World::on_each(async |world| {
        let gate = world.gate("remove");
        let session = world.finished("Remove", "run echo precious > work.txt").await?;
        world.client.prompt(session.id, &format!("gate {}", gate.display())).await?;
        world.client.until_state(session.id, RunState::Running).await?;
        let busy = world
            .client
            .patch::<Session>(format!("/sessions/{}", session.id), json!({ "is_archived": true }));
        is_code(busy.await, ErrorCode::Conflict)?;
        let directory = world.directory(session.id).await?;
        let removed: Session = world.client.delete(format!("/sessions/{}", session.id)).await?;
        assert_eq!(removed.state, RunState::Archived);
        assert!(!directory.exists());
        let worktree: Worktree = world.worktree(session.id).await?;
        assert_eq!(worktree.state, WorktreeState::Trashed);
        let folder = world.grove.home.join("git");
        let account = fs::read_dir(folder)?.flatten().next().map(|it| it.path());
        let private = account.unwrap_or_default().join(format!("{}.git", world.repo.id));
        let file = format!("{}:work.txt", worktree.trash_snapshot.unwrap_or_default());
        assert_eq!(Repo::git_in(&private, &["show", &file])?, "precious");
        let executors = world.grove.named("grove-executor");
        assert_eq!(executors.len(), 1, "only the keeper is left: {executors:?}");
        Ok(())
    })
    .await
}

#[tokio::test]
async fn lists_are_filtered_by_board_state_and_parent() -> Outcome {
    World::on_each(async |world| {
        let client = &world.client;
        let other = client.new_board("Other").await?;
        let first = world.finished("First", "say hello").await?;
        let body = json!({ "repo_id": world.repo.id, "board_id": other.id, "prompt": "fail" });
        let second: Session = client.post("/sessions", body).await?;
        client.until_over(second.id).await?;
        let body = json!({ "prompt": "say hello" });
        let child: Session = client.post(format!("/sessions/{}/spawn", first.id), body).await?;
        client.until_over(child.id).await?;
        for (query, wanted) in [
            (format!("board_id={}", other.id), vec![second.id]),
            ("state=failed".to_owned(), vec![second.id]),
            ("state=idle".to_owned(), vec![child.id, first.id]),
            (format!("parent_id={}", first.id), vec![child.id]),
            (format!("parent_id={}&state=failed", first.id), vec![]),
        ] {
            let page: Page<Session> = client.get(format!("/sessions?{query}")).await?;
            let ids: Vec<_> = page.items.iter().map(|it| it.id).collect();
            assert_eq!(ids, wanted, "{query}");
        }
        Ok(())
    })
    .await
}

#[tokio::test]
async fn two_sessions_may_share_a_worktree_and_the_last_one_out_trashes_it() -> Outcome {
    let world = World::start().await?;
    let first = world.finished("First", "run echo 1 > one").await?;
    let body = json!({ "worktree_id": first.worktree_id, "prompt": "run cat one" });
    let second: Session = world.client.post("/sessions", body).await?;
    let second = world.client.until_over(second.id).await?;
    assert_eq!(second.state, RunState::Idle);
    let directory = world.directory(first.id).await?;
    let _: Value = world.client.delete(format!("/sessions/{}", first.id)).await?;
    assert!(directory.exists(), "the other one works in it");
    let _: Value = world.client.delete(format!("/sessions/{}", second.id)).await?;
    assert!(!directory.exists());
    world.end().await
}

#[tokio::test]
async fn a_queue_holds_fifty_prompts_and_no_more() -> Outcome {
    let world = World::start().await?;
    let gate = world.gate("full");
    let session = world.session("Full", &format!("gate {}", gate.display())).await?;
    world.client.until_state(session.id, RunState::Running).await?;
    for _ in 0..50 {
        let _: Task = world.client.prompt(session.id, "say hello").await?;
    }
    is_code(world.client.prompt(session.id, "say hello").await, ErrorCode::Conflict)?;
    let _: Session = world.client.post(format!("/sessions/{}/stop", session.id), json!({})).await?;
    assert_eq!(world.client.until_over(session.id).await?.state, RunState::Idle);
    world.end().await
}

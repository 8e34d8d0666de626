//! Sudden ends: the daemon, or all of Grove, killed with SIGKILL in the middle of work.

use grove_core_api::rest::boards::BoardObject;
use grove_core_api::rest::messages::{Body, Message};
use grove_core_api::rest::sessions::{RunState, SessionResult};
use grove_core_api::rest::tasks::TaskState;
use grove_core_api::{BoardObjectId, ErrorCode, SessionId};
use grove_tests::{Backend, Client, Outcome, Setup, World, eventually, is_code};
use serde_json::{Value, json};
use std::fs;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Board objects that are written while everything is killed.
const WRITES: usize = 200;
/// Answers that are awaited before the kill.
const BEFORE: usize = 40;

async fn texts(client: &Client, session: SessionId) -> Outcome<Vec<String>> {
    let messages = client.messages(session).await?;
    Ok(messages.into_iter().filter(|it| it.body == Body::Text).map(|it| it.text).collect())
}

#[tokio::test]
async fn a_daemon_killed_in_the_middle_of_a_stream_loses_and_doubles_nothing() -> Outcome {
    World::on_each(async |world| {
        let session = world.client.new_session(world.repo.id, "Stream", None).await?;
        let (path, topic) = (format!("/sessions/{}", session.id), format!("session:{}", session.id));
        let mut socket = world.grove.socket().await?;
        socket.subscribe(&topic).await?;
        let executors_before = world.grove.named("grove-executor").len();
        world.client.prompt(session.id, "stream words").await?;
        socket
            .until("some words", |it| {
                it.views.get(&topic)?.texts.values().any(|text| text.len() > 60).then_some(())
            })
            .await?;
        world.grove.kill_daemon().await?;
        let mut back = world.grove.socket().await?;
        assert_ne!(back.boot, socket.boot, "another daemon");
        back.inherit(&socket);
        back.subscribe(&topic).await?;
        assert!(back.view(&topic)?.is_resumed, "a restart is a resume (RT-03)");
        let id = session.id.to_string();
        back.until("the end", |it| {
            (it.views.get(&topic)?.property(&id, "state")? == "idle").then_some(())
        })
        .await?;
        let task = world.client.tasks(session.id).await?.remove(0);
        assert_eq!(task.state, TaskState::Completed, "{task:?}");
        let said = texts(&world.client, session.id).await?;
        let words: Vec<&str> = said.iter().flat_map(|it| it.split(' ')).collect();
        assert_eq!(said.len(), 1, "one message: {said:?}");
        assert_eq!(words.len(), 100, "each word once: {said:?}");
        assert!(words[0] == "word1" && words[99] == "word100ü.", "{said:?}");
        world.client.log(&path).await?;
        world.client.log(&format!("/boards/{}", world.board.id)).await?;
        assert_eq!(world.grove.named("grove-executor").len(), executors_before + 1);
        Ok(())
    })
    .await
}

#[tokio::test]
async fn a_turn_goes_on_while_no_daemon_lives_and_the_queue_after_it() -> Outcome {
    World::on_each(async |world| {
        let gate = world.gate("crash");
        let session = world.session("Gate", &format!("gate {}", gate.display())).await?;
        world.client.until_state(session.id, RunState::Running).await?;
        world.client.prompt(session.id, "say next").await?;
        fs::write(&gate, "")?;
        world.grove.kill_daemon().await?;
        let session = world.client.until_over(session.id).await?;
        assert_eq!((session.state, session.task_count), (RunState::Idle, 2));
        let said = texts(&world.client, session.id).await?.concat();
        let wanted = "Before the gate: ünï ✓ 🌱. After the gate: 🌳 done.next";
        assert_eq!(said, wanted);
        world.client.log(&format!("/sessions/{}", session.id)).await?;
        Ok(())
    })
    .await
}

#[tokio::test]
async fn a_question_from_before_the_crash_is_answered_after_it() -> Outcome {
    World::on_each(async |world| {
        let session = world.session("Ask", "ask echo yes > answer").await?;
        world.client.until_state(session.id, RunState::AwaitingApproval).await?;
        let path = format!("/sessions/{}", session.id);
        let before: SessionResult = world.client.get(format!("{path}/result")).await?;
        world.grove.kill_daemon().await?;
        let after: SessionResult = world.client.get(format!("{path}/result")).await?;
        assert_eq!(after.pending_permissions, before.pending_permissions);
        let answer = format!("{path}/permissions/{}", after.pending_permissions[0]);
        let _: Message = world.client.post(&answer, json!({ "decision": "allow" })).await?;
        let again = world.client.post::<Message>(&answer, json!({ "decision": "deny" })).await;
        is_code(again, ErrorCode::Conflict)?;
        assert_eq!(world.client.until_over(session.id).await?.state, RunState::Idle);
        let file = world.directory(session.id).await?.join("answer");
        assert_eq!(fs::read_to_string(file)?, "yes\n");
        Ok(())
    })
    .await
}

#[tokio::test]
async fn a_daemon_that_is_killed_again_and_again_comes_back_with_the_same_sessions() -> Outcome {
    let world = World::start().await?;
    let gate = world.gate("again");
    let session = world.session("Again", &format!("gate {}", gate.display())).await?;
    world.client.until_state(session.id, RunState::Running).await?;
    for _ in 0..3 {
        world.grove.kill_daemon().await?;
        assert_eq!(world.client.session(session.id).await?.state, RunState::Running);
    }
    fs::write(&gate, "")?;
    assert_eq!(world.client.until_over(session.id).await?.state, RunState::Idle);
    let said = texts(&world.client, session.id).await?.concat();
    assert_eq!(said, "Before the gate: ünï ✓ 🌱. After the gate: 🌳 done.");
    world.end().await
}

#[tokio::test]
async fn every_acknowledged_write_survives_the_death_of_everything() -> Outcome {
    for backend in Backend::all()? {
        let mut world = World::with(Setup::default().on(backend)).await?;
        let path = format!("/boards/{}/objects", world.board.id);
        let gate = world.gate("never");
        let busy = world.session("Busy", &format!("gate {}", gate.display())).await?;
        world.client.until_state(busy.id, RunState::Running).await?;
        let acknowledged = AtomicUsize::new(0);
        let client = world.client.clone();
        let write = async |number: usize| -> Option<BoardObjectId> {
            let body = json!({ "kind": "note", "pos": [0, 0], "text": number.to_string() });
            let made = client.post::<BoardObject>(&path, body).await.ok()?;
            acknowledged.fetch_add(1, Ordering::Relaxed);
            Some(made.id)
        };
        let writing = futures_util::future::join_all((0..WRITES).map(write));
        let killing = async {
            eventually("some writes are acknowledged", async || {
                Ok((acknowledged.load(Ordering::Relaxed) >= BEFORE).then_some(()))
            })
            .await?;
            world.grove.kill_everything()
        };
        let (made, killed) = futures_util::future::join(writing, killing).await;
        killed?;
        let made: Vec<_> = made.into_iter().flatten().collect();
        if backend == Backend::LibSql {
            let store = world.grove.store().await?;
            assert_eq!(store.text("PRAGMA integrity_check").await?, "ok");
            assert!(store.text("PRAGMA foreign_key_check").await.is_err(), "dangling rows");
        }
        world.grove.launch().await?;
        for id in &made {
            let _: BoardObject = world.client.get(format!("{path}/{id}")).await?;
        }
        world.client.log(&format!("/boards/{}", world.board.id)).await?;
        let lost = world.client.until_over(busy.id).await?;
        assert_eq!(lost.state, RunState::Lost, "{lost:?}");
        assert!(!lost.evidence.detail.is_empty());
        world.client.prompt(busy.id, "say again").await?;
        assert_eq!(world.client.until_over(busy.id).await?.state, RunState::Idle);
        world.end().await?;
    }
    Ok(())
}

#[tokio::test]
async fn a_clone_that_a_restart_interrupts_is_taken_up_again() -> Outcome {
    let mut world = World::start().await?;
    let id = world.repo.id;
    world.grove.stop()?;
    let store = world.grove.store().await?;
    let columns = store.uuid(id.0);
    store.execute(&format!("UPDATE repos SET state = 'cloning' WHERE id = {columns}")).await?;
    drop(store);
    fs::remove_dir_all(world.grove.home.join(format!("mirror/{id}.git")))?;
    world.grove.launch().await?;
    world.client.until_cloned(id).await?;
    let session = world.finished("After", "say hello").await?;
    assert_eq!(session.state, RunState::Idle);
    let facts: Value = world.client.get(format!("/repos/{id}")).await?;
    assert_eq!(facts["state"], "ready");
    world.end().await
}

//! Children of sessions: over REST by a person, over MCP by an agent.

use grove_core_api::rest::messages::Body;
use grove_core_api::rest::sessions::{Relation, RunState, Session};
use grove_core_api::{ErrorCode, Page, SessionId, limits};
use grove_tests::{Outcome, World, eventually, is_code};
use serde_json::json;
use std::fs;

async fn spawn(world: &World, parent: SessionId, prompt: &str) -> Outcome<Session> {
    let body = json!({ "prompt": prompt });
    let child: Session = world.client.post(format!("/sessions/{parent}/spawn"), body).await?;
    world.client.until_over(child.id).await
}

#[tokio::test]
async fn a_child_starts_at_its_parents_present_state_in_its_own_worktree() -> Outcome {
    World::on_each(async |world| {
        let command = "run echo saved > saved && git add saved && git commit -qm saved && \
                       echo dirty > unsaved && echo more >> README.md";
        let parent = world.finished("Parent", command).await?;
        let child = spawn(world, parent.id, "run echo child > own && cat saved unsaved").await?;
        assert_eq!(child.state, RunState::Idle, "{child:?}");
        assert_eq!((child.parent_id, child.relation), (Some(parent.id), Some(Relation::Spawn)));
        assert_eq!((child.depth, child.board_id), (1, parent.board_id));
        assert!(child.branch != parent.branch && child.worktree_id != parent.worktree_id);
        let (ours, theirs) =
            (world.directory(child.id).await?, world.directory(parent.id).await?);
        assert_eq!(fs::read_to_string(ours.join("unsaved"))?, "dirty\n");
        assert_eq!(fs::read_to_string(ours.join("README.md"))?, "# A repository\nmore\n");
        assert!(!theirs.join("own").exists(), "the parent's worktree is untouched");
        let messages = world.client.messages(child.id).await?;
        assert!(messages.iter().any(|it| it.text.contains("saved\ndirty")), "{messages:#?}");
        Ok(())
    })
    .await
}

#[tokio::test]
async fn an_agent_spawns_a_child_with_the_tool_and_both_finish() -> Outcome {
    World::on_each(async |world| {
        let parent = world.finished("Parent", "spawn run echo from-the-child > note").await?;
        assert_eq!(parent.state, RunState::Idle, "{parent:?}");
        let path = format!("/sessions?parent_id={}", parent.id);
        let child = eventually("the child has finished", async || {
            let page: Page<Session> = world.client.get(&path).await?;
            Ok(page.items.into_iter().find(|it| it.state == RunState::Idle && it.task_count == 1))
        })
        .await?;
        assert_eq!((child.title.as_str(), child.depth), ("Child", 1));
        let note = world.directory(child.id).await?.join("note");
        assert_eq!(fs::read_to_string(note)?, "from-the-child\n");
        let tasks = world.client.tasks(child.id).await?;
        assert_eq!(tasks[0].via, format!("mcp:{}", parent.id));
        let messages = world.client.messages(parent.id).await?;
        let call = messages.iter().find(|it| matches!(it.body, Body::Tool { .. }));
        assert!(call.is_some_and(|it| it.text.contains(&child.id.to_string())), "{messages:#?}");
        Ok(())
    })
    .await
}

#[tokio::test]
async fn a_genealogy_is_five_levels_deep_and_no_deeper() -> Outcome {
    let world = World::start().await?;
    let mut last = world.finished("Root", "say root").await?;
    for depth in 1..=limits::SPAWN_DEPTH {
        last = spawn(&world, last.id, "say on").await?;
        assert_eq!(u32::try_from(last.depth)?, depth);
    }
    let body = json!({ "prompt": "say too deep" });
    let path = format!("/sessions/{}/spawn", last.id);
    is_code(world.client.post::<Session>(path, body).await, ErrorCode::Conflict)?;
    world.end().await
}

#[tokio::test]
async fn a_session_has_twenty_children_and_no_more() -> Outcome {
    let world = World::start().await?;
    let parent = world.client.new_session(world.repo.id, "Parent", None).await?;
    let path = format!("/sessions/{}/spawn", parent.id);
    // Children fail at once, so that they cost no executor for long; they count all the same.
    let body = json!({ "prompt": "fail" });
    let mut made = 0_u64;
    let refused = loop {
        match world.client.post::<Session>(&path, &body).await {
            Ok(_) if made < limits::SPAWN_FAN_OUT => made += 1,
            other => break other,
        }
    };
    is_code(refused, ErrorCode::Conflict)?;
    assert_eq!(made, limits::SPAWN_FAN_OUT);
    let children: Page<Session> =
        world.client.get(format!("/sessions?parent_id={}&limit=200", parent.id)).await?;
    assert_eq!(u64::try_from(children.items.len())?, made);
    for child in children.items {
        world.client.until_over(child.id).await?;
    }
    world.end().await
}

#[tokio::test]
async fn an_archived_session_has_no_more_children() -> Outcome {
    let world = World::start().await?;
    let parent = world.finished("Parent", "say hello").await?;
    let path = format!("/sessions/{}", parent.id);
    let _: Session = world.client.patch(&path, json!({ "is_archived": true })).await?;
    let body = json!({ "prompt": "say hello" });
    let refused = world.client.post::<Session>(format!("{path}/spawn"), body).await;
    is_code(refused, ErrorCode::Gone)?;
    world.end().await
}

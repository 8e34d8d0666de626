//! Tasks: one prompt's turn, read alone and in lists.

use grove_core_api::rest::messages::MessageList;
use grove_core_api::rest::tasks::{Task, TaskState};
use grove_core_api::{Page, TaskId};
use grove_tests::{Outcome, World};

#[tokio::test]
async fn tasks_are_listed_by_session_and_state_page_by_page() -> Outcome {
    World::on_each(async |world| {
        let client = &world.client;
        let session = world.finished("One", "say 1").await?;
        for number in 2..=5 {
            client.prompt(session.id, &format!("say {number}")).await?;
        }
        client.until_over(session.id).await?;
        world.finished("Other", "fail").await?;
        let mut indices = Vec::new();
        let mut cursor = String::new();
        loop {
            let path = format!("/tasks?session_id={}&limit=2{cursor}", session.id);
            let page: Page<Task> = client.get(path).await?;
            indices.extend(page.items.iter().map(|task| task.index));
            let Some(next) = page.next_cursor else { break };
            cursor = format!("&cursor={next}");
        }
        assert_eq!(indices, [5, 4, 3, 2, 1]);
        let failed: Page<Task> = client.get("/tasks?state=failed").await?;
        assert_eq!(failed.items.len(), 1);
        assert_eq!(failed.items[0].prompt, "fail");
        Ok(())
    })
    .await
}

#[tokio::test]
async fn a_task_knows_its_own_messages_and_through_what_it_came() -> Outcome {
    World::on_each(async |world| {
        let client = &world.client;
        let session = world.finished("One", "say first").await?;
        let second = client.prompt(session.id, "say second").await?;
        client.until_over(session.id).await?;
        let task: Task = client.get(format!("/tasks/{}", second.id.short())).await?;
        assert_eq!((task.id, task.via.as_str()), (second.id, "api"));
        assert_eq!(task.state, TaskState::Completed);
        let list: MessageList = client.get(format!("/tasks/{}/messages", second.id)).await?;
        let texts: Vec<_> = list.items.iter().map(|it| it.text.as_str()).collect();
        assert_eq!(texts, ["say second", "second"]);
        assert!(list.items.iter().all(|it| it.task_id == second.id));
        let usage = client.session(session.id).await?.usage;
        let all = client.tasks(session.id).await?;
        let sum = all.iter().map(|it| it.usage).reduce(|sum, it| sum.plus(it));
        assert_eq!(sum, Some(usage), "a session's usage is the sum of its tasks'");
        Ok(())
    })
    .await
}

#[tokio::test]
async fn a_task_that_is_not_there_is_not_found() -> Outcome {
    let world = World::start().await?;
    let nobody = TaskId(uuid::Uuid::now_v7());
    let code = grove_core_api::ErrorCode::NotFound;
    grove_tests::is_code(world.client.get::<Task>(format!("/tasks/{nobody}")).await, code)?;
    let messages = world.client.get::<MessageList>(format!("/tasks/{nobody}/messages")).await;
    grove_tests::is_code(messages, code)?;
    world.end().await
}

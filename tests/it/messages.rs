//! Messages: the history in order, and stretches of it.

use grove_core_api::rest::messages::{Body, MessageList, Role};
use grove_core_api::{ErrorCode, limits};
use grove_tests::{Outcome, World, is_code};

#[tokio::test]
async fn the_history_reads_in_the_order_in_which_it_came_about() -> Outcome {
    World::on_each(async |world| {
        let session = world.finished("Order", "run echo out; echo err >&2").await?;
        world.client.prompt(session.id, "say bye").await?;
        world.client.until_over(session.id).await?;
        let messages = world.client.messages(session.id).await?;
        let indices: Vec<_> = messages.iter().map(|it| it.index).collect();
        assert_eq!(indices, (1..=5).collect::<Vec<_>>());
        let roles: Vec<_> = messages.iter().map(|it| it.role).collect();
        let (user, agent) = (Role::User, Role::Assistant);
        assert_eq!(roles, [user, agent, agent, user, agent]);
        assert!(messages.iter().all(|it| !it.is_streaming));
        assert_eq!(messages[0].author, Some(world.client.me().await?.id));
        let Body::Tool { tool, title, change, duration_ms, .. } = &messages[1].body else {
            anyhow::bail!("not a tool call: {:?}", messages[1]);
        };
        assert_eq!((tool.as_str(), change, duration_ms.is_some()), ("bash", &None, true));
        assert!(title.contains("echo out"), "{title}");
        assert!(messages[1].text.contains("out") && messages[1].text.contains("err"));
        assert_eq!(messages[4].text, "bye");
        Ok(())
    })
    .await
}

#[tokio::test]
async fn stretches_of_the_history_fit_together() -> Outcome {
    World::on_each(async |world| {
        let session = world.finished("Long", "say 1").await?;
        for number in 2..=6 {
            world.client.prompt(session.id, &format!("say {number}")).await?;
        }
        world.client.until_over(session.id).await?;
        let path = format!("/sessions/{}/messages", session.id);
        let newest: MessageList = world.client.get(format!("{path}?limit=5")).await?;
        let indices = |list: &MessageList| list.items.iter().map(|it| it.index).collect::<Vec<_>>();
        assert_eq!(indices(&newest), [8, 9, 10, 11, 12]);
        assert!(newest.has_before && !newest.has_after);
        let older: MessageList = world.client.get(format!("{path}?before=8&limit=5")).await?;
        assert_eq!(indices(&older), [3, 4, 5, 6, 7]);
        assert!(older.has_before && older.has_after);
        let first: MessageList = world.client.get(format!("{path}?after=0&limit=2")).await?;
        assert_eq!(indices(&first), [1, 2]);
        assert!(!first.has_before && first.has_after);
        for query in ["limit=0", "limit=201", "before=x"] {
            let list = world.client.get::<MessageList>(format!("{path}?{query}")).await;
            is_code(list, ErrorCode::InvalidRequest)?;
        }
        Ok(())
    })
    .await
}

#[tokio::test]
async fn the_output_of_a_tool_is_bounded_and_says_so() -> Outcome {
    let world = World::start().await?;
    let session = world.finished("Flood", "run seq 1 200000; echo THE-END").await?;
    let messages = world.client.messages(session.id).await?;
    let output = &messages[1].text;
    assert!(output.len() <= limits::TOOL_OUTPUT_BYTES + 1_024, "{} bytes", output.len());
    assert!(output.starts_with("1\n2\n") && output.contains("THE-END"), "both ends are kept");
    world.end().await
}

#[tokio::test]
async fn words_of_any_script_survive() -> Outcome {
    World::on_each(async |world| {
        let text = "Grüße, 世界, שלום, 👩‍👩‍👧‍👦 and \"quotes\" \\ and <b>tags</b>";
        let session = world.finished("Scripts", &format!("say {text}")).await?;
        let messages = world.client.messages(session.id).await?;
        assert_eq!(messages.last().map(|it| it.text.as_str()), Some(text));
        Ok(())
    })
    .await
}

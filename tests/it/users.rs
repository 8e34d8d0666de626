//! People.

use grove_core_api::rest::users::User;
use grove_core_api::{ErrorCode, Page};
use grove_tests::{Instance, Outcome, is_code};
use serde_json::json;

#[tokio::test]
async fn the_owner_is_named_after_the_account_and_may_take_another_name() -> Outcome {
    Instance::on_each(async |grove| {
        let client = grove.client()?;
        let owner = client.me().await?;
        assert!(!owner.name.is_empty() && (0..12).contains(&owner.slot), "{owner:?}");
        let body = json!({ "name": "Ana", "emoji": "🦊" });
        let renamed: User = client.patch("/users/me", body).await?;
        assert_eq!((renamed.name.as_str(), renamed.emoji.as_str()), ("Ana", "🦊"));
        assert_eq!(renamed.id, owner.id);
        assert_eq!(client.get::<User>(format!("/users/{}", owner.id.short())).await?, renamed);
        Ok(())
    })
    .await
}

#[tokio::test]
async fn two_windows_with_two_names_are_two_people() -> Outcome {
    Instance::on_each(async |grove| {
        let client = grove.client()?;
        let (ana, first) = client.named("Ana").await?;
        let (ben, second) = client.named("Ben").await?;
        let (again, third) = client.named("Ana").await?;
        assert!(first.id != second.id && first.id == third.id);
        assert_ne!(first.slot, second.slot);
        assert_eq!(ana.me().await?, again.me().await?);
        assert_eq!(ben.me().await?.name, "Ben");
        let taken = ben.patch::<User>("/users/me", json!({ "name": "Ana" })).await;
        is_code(taken, ErrorCode::Conflict)?;
        let people: Page<User> = client.get("/users").await?;
        assert_eq!(people.items.len(), 3, "{people:?}");
        Ok(())
    })
    .await
}

#[tokio::test]
async fn who_did_it_is_noted_with_what_was_done() -> Outcome {
    Instance::on_each(async |grove| {
        let (ana, user) = grove.client()?.named("Ana").await?;
        let board = ana.new_board("Hers").await?;
        assert_eq!(board.created_by, user.id);
        let note = json!({ "kind": "note", "pos": [0, 0] });
        ana.post::<serde_json::Value>(format!("/boards/{}/objects", board.id), note).await?;
        let log = ana.log(&format!("/boards/{}", board.id)).await?;
        assert_eq!(log[0].by.as_deref(), Some(user.id.to_string().as_str()));
        assert_eq!(log[0].via, "web");
        Ok(())
    })
    .await
}

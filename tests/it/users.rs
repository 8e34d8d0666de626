//! People.

use grove_core_api::rest::auth::LoginSession;
use grove_core_api::rest::sessions::RunState;
use grove_core_api::rest::users::{NewPersonalToken, PersonalToken, User, UserRole};
use grove_core_api::{ErrorCode, Page};
use grove_tests::{Instance, Outcome, World, eventually, is_code};
use reqwest::Method;
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

#[tokio::test]
async fn a_personal_token_stands_for_its_person_until_it_is_revoked() -> Outcome {
    Instance::on_each(async |grove| {
        let client = grove.client()?;
        let (ana, user) = client.named("Ana").await?;
        let tokens = format!("/users/{}/tokens", user.id);
        let made: NewPersonalToken =
            ana.post(&tokens, json!({ "name": "laptop", "expires_in_days": 7 })).await?;
        assert!(made.token.starts_with("grove_pat_"), "{}", made.token);
        let program = client.with_token(&made.token);
        assert_eq!(program.me().await?.id, user.id);
        let listed: Vec<PersonalToken> = program.get(&tokens).await?;
        assert_eq!(listed.iter().map(|it| it.id).collect::<Vec<_>>(), [made.entry.id]);
        eventually("the use is noted", async || {
            let listed: Vec<PersonalToken> = program.get(&tokens).await?;
            Ok(listed.iter().any(|it| it.last_used_at_ms.is_some()).then_some(()))
        })
        .await?;
        for days in [0, 4_000] {
            let body = json!({ "name": "x", "expires_in_days": days });
            is_code(ana.post::<NewPersonalToken>(&tokens, body).await, ErrorCode::InvalidRequest)?;
        }
        ana.delete::<()>(format!("{tokens}/{}", made.entry.id.short())).await?;
        is_code(program.me().await, ErrorCode::Unauthenticated)?;
        let again = ana.delete::<()>(format!("{tokens}/{}", made.entry.id)).await;
        is_code(again, ErrorCode::NotFound)?;
        Ok(())
    })
    .await
}

#[tokio::test]
async fn owner_and_admins_add_and_retire_people_and_members_do_not() -> Outcome {
    Instance::on_each(async |grove| {
        let owner = grove.client()?;
        let me = owner.me().await?;
        assert_eq!((me.role, me.unix_account), (UserRole::Owner, None));
        let ben: User = owner.post("/users", json!({ "name": "Ben", "role": "admin" })).await?;
        assert_eq!((ben.role, &ben.unix_account), (UserRole::Admin, &None));
        let again = owner.post::<User>("/users", json!({ "name": "Ben" })).await;
        is_code(again, ErrorCode::Conflict)?;
        let (ben_web, _) = owner.named("Ben").await?;
        let (ana, member) = owner.named("Ana").await?;
        let body = json!({ "name": "Eve" });
        is_code(ana.post::<User>("/users", &body).await, ErrorCode::Forbidden)?;
        let eve: User = ben_web.post("/users", &body).await?;
        let of_ana = json!({ "name": "for Ana" });
        let path = format!("/users/{}/tokens", member.id);
        let token: NewPersonalToken = ben_web.post(&path, &of_ana).await?;
        let path = format!("/users/{}/tokens", eve.id);
        is_code(ana.post::<NewPersonalToken>(&path, &of_ana).await, ErrorCode::Forbidden)?;
        let path = format!("/users/{}/tokens", me.id);
        is_code(ben_web.post::<NewPersonalToken>(&path, &of_ana).await, ErrorCode::Forbidden)?;

        let path = format!("/users/{}", member.id.short());
        is_code(ana.delete::<User>(&path).await, ErrorCode::Forbidden)?;
        let gone: User = ben_web.delete(&path).await?;
        assert!(gone.retired_at_ms.is_some() && gone.name == "Ana", "{gone:?}");
        let program = owner.with_token(&token.token);
        is_code(program.me().await, ErrorCode::Unauthenticated)?;
        let same = owner.request(Method::POST, "/login-sessions").json(&json!({ "name": "Ana" }));
        is_code(owner.send::<LoginSession>(same).await, ErrorCode::Conflict)?;
        assert_eq!(owner.get::<User>(&path).await?.name, "Ana");
        is_code(owner.delete::<User>(format!("/users/{}", me.id)).await, ErrorCode::Conflict)?;
        Ok(())
    })
    .await
}

#[tokio::test]
async fn who_is_retired_leaves_no_agent_at_work() -> Outcome {
    let world = World::start().await?;
    let (ana, user) = world.client.named("Ana").await?;
    let gate = world.gate("never");
    let prompt = format!("gate {}", gate.display());
    let session = ana.new_session(world.repo.id, "Hers", Some(&prompt)).await?;
    world.client.until_state(session.id, RunState::Running).await?;
    world.client.delete::<User>(format!("/users/{}", user.id)).await?;
    let ended = world.client.until_over(session.id).await?;
    assert!(!ended.state.is_busy(), "{ended:?}");
    eventually("no agent is left", async || {
        let keepers = world.grove.named("grove-executor").len();
        Ok((keepers <= 1).then_some(()))
    })
    .await?;
    world.end().await
}

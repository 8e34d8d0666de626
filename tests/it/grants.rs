//! Rights on boards, groups and roles: giving, taking, asking why, and what happens at once.

use grove_core_api::event::Op;
use grove_core_api::rest::boards::Board;
use grove_core_api::rest::grants::{
    BoardGrant, BoardRight, BoardRights, Group, RightCap, RightSource, SubjectKind,
};
use grove_core_api::rest::notices::UserBoard;
use grove_core_api::rest::sessions::{RunState, Session};
use grove_core_api::rest::tasks::{Task, TaskState};
use grove_core_api::rest::users::{User, UserRole};
use grove_core_api::{BoardId, ErrorCode, Page};
use grove_tests::{Client, Instance, Mutated, Outcome, Socket, World, eventually, is_code};
use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

async fn private_board(client: &Client) -> Outcome<Board> {
    let body = json!({ "name": "Private", "visibility": "private" });
    Ok(client.post("/boards", body).await?)
}

async fn give(by: &Client, board: BoardId, whom: impl std::fmt::Display, right: &str) -> Outcome {
    let path = format!("/boards/{board}/grants/{whom}");
    let request = by.request(Method::PUT, path).json(&json!({ "right": right }));
    let given: BoardGrant = by.send(request).await?;
    assert_eq!(given.right.name(), right);
    Ok(())
}

async fn take(by: &Client, board: BoardId, whom: impl std::fmt::Display) -> Outcome {
    Ok(by.delete::<()>(format!("/boards/{board}/grants/{whom}")).await?)
}

fn note() -> Outcome<Vec<Op>> {
    let op = json!({ "op": "put", "id": Uuid::now_v7(), "kind": "note", "v": { "pos": [0, 0] } });
    Ok(vec![serde_json::from_value(op)?])
}

#[tokio::test]
async fn a_private_board_is_nobody_elses_until_it_is_given() -> Outcome {
    Instance::on_each(async |grove| {
        let base = grove.client()?;
        let (ana, _) = base.named("Ana").await?;
        let (ben, ben_user) = base.named("Ben").await?;
        let board = private_board(&ana).await?;
        let path = format!("/boards/{}", board.id);
        is_code(ben.get::<Board>(&path).await, ErrorCode::NotFound)?;
        // The end of an id finds it no more than the whole one, and does not tell the whole one.
        let short = format!("/boards/{}", board.id.short());
        let refused = is_code(ben.get::<Board>(short).await, ErrorCode::NotFound)?;
        assert!(!refused.detail.contains(&board.id.to_string()), "{refused:?}");
        let listed: Page<Board> = ben.get("/boards").await?;
        assert!(listed.items.iter().all(|it| it.id != board.id), "{listed:?}");

        give(&ana, board.id, ben_user.id, "view").await?;
        assert_eq!(ben.get::<Board>(&path).await?.id, board.id);
        let body = json!({ "kind": "note", "pos": [0, 0] });
        let refused = ben.post::<Value>(format!("{path}/objects"), &body).await;
        let refused = is_code(refused, ErrorCode::Forbidden)?;
        let missing = refused.missing.clone().expect("it says what is missing");
        assert_eq!((missing.have, missing.need), (BoardRight::View, BoardRight::Prompt));
        assert_eq!(missing.givers, ["Ana"]);
        give(&ana, board.id, ben_user.id, "prompt").await?;
        ben.post::<Value>(format!("{path}/objects"), &body).await?;
        let grants: Page<BoardGrant> = ben.get(format!("{path}/grants")).await?;
        assert_eq!(grants.items.len(), 1, "a second grant takes the place of the first");
        assert_eq!(grants.items[0].subject_name, "Ben");
        let other = ben.delete::<()>(format!("{path}/grants/{}", ben_user.id)).await;
        is_code(other, ErrorCode::Forbidden)?;
        take(&ana, board.id, ben_user.id).await?;
        is_code(ben.get::<Board>(&path).await, ErrorCode::NotFound)?;
        let again = ana.delete::<()>(format!("{path}/grants/{}", ben_user.id)).await;
        is_code(again, ErrorCode::NotFound)?;
        Ok(())
    })
    .await
}

#[tokio::test]
async fn a_group_is_given_rights_as_one() -> Outcome {
    Instance::on_each(async |grove| {
        let owner = grove.client()?;
        let (ana, _) = owner.named("Ana").await?;
        let (ben, ben_user) = owner.named("Ben").await?;
        let board = private_board(&ana).await?;
        let path = format!("/boards/{}", board.id);
        is_code(ana.post::<Group>("/groups", json!({ "name": "x" })).await, ErrorCode::Forbidden)?;
        let team: Group = owner.post("/groups", json!({ "name": "team" })).await?;
        let twice = owner.post::<Group>("/groups", json!({ "name": "team" })).await;
        is_code(twice, ErrorCode::Conflict)?;
        give(&ana, board.id, team.id, "comment").await?;
        is_code(ben.get::<Board>(&path).await, ErrorCode::NotFound)?;
        let member = format!("/groups/{}/members/{}", team.id, ben_user.id);
        let joined: Group = owner.send(owner.request(Method::PUT, &member)).await?;
        assert_eq!(joined.members, [ben_user.id]);
        let rights: BoardRights = ben.get(format!("{path}/rights")).await?;
        assert_eq!(rights.right, Some(BoardRight::Comment));
        let reason = rights.reasons.first().expect("a reason");
        assert_eq!((reason.source, reason.group_id), (RightSource::Group, Some(team.id)));
        assert!(reason.text.contains("team"), "{reason:?}");
        let renamed: Group =
            owner.patch(format!("/groups/{}", team.id), json!({ "name": "crew" })).await?;
        assert_eq!(ben.get::<Group>(format!("/groups/{}", team.id)).await?, renamed);
        let left: Group = owner.delete(&member).await?;
        assert!(left.members.is_empty());
        is_code(ben.get::<Board>(&path).await, ErrorCode::NotFound)?;
        owner.send::<Group>(owner.request(Method::PUT, &member)).await?;
        ben.get::<Board>(&path).await?;
        // A group that goes takes what it was given along.
        owner.delete::<()>(format!("/groups/{}", team.id)).await?;
        is_code(ben.get::<Board>(&path).await, ErrorCode::NotFound)?;
        let grants: Page<BoardGrant> = ana.get(format!("{path}/grants")).await?;
        assert!(grants.items.iter().all(|it| it.subject_kind == SubjectKind::User), "{grants:?}");
        let groups: Page<Group> = ben.get("/groups").await?;
        assert!(groups.items.is_empty(), "{groups:?}");
        Ok(())
    })
    .await
}

#[tokio::test]
async fn the_explainer_names_every_reason_and_every_limit() -> Outcome {
    Instance::on_each(async |grove| {
        let owner = grove.client()?;
        let (ana, ana_user) = owner.named("Ana").await?;
        let (ben, ben_user) = owner.named("Ben").await?;
        let board = ana.new_board("Open").await?;
        let path = format!("/boards/{}/rights", board.id);
        let of_ana: BoardRights = ana.get(&path).await?;
        let sources: Vec<_> = of_ana.reasons.iter().map(|it| (it.source, it.right)).collect();
        let wanted = [
            (RightSource::Ownership, BoardRight::Admin),
            (RightSource::Members, BoardRight::Steer),
        ];
        assert_eq!((of_ana.right, &sources[..]), (Some(BoardRight::Admin), &wanted[..]));
        assert_eq!(of_ana.givers, [ana_user.id]);

        give(&ana, board.id, ben_user.id, "admin").await?;
        let viewer = json!({ "role": "viewer" });
        owner.patch::<User>(format!("/users/{}", ben_user.id), viewer).await?;
        let of_ben: BoardRights = ana.get(format!("{path}?user={}", ben_user.id)).await?;
        assert_eq!((of_ben.right, of_ben.role), (Some(BoardRight::View), UserRole::Viewer));
        assert_eq!(of_ben.limits.first().map(|it| it.cap), Some(RightCap::ViewerRole));
        let refused = ben.get::<BoardRights>(format!("{path}?user={}", ana_user.id)).await;
        is_code(refused, ErrorCode::Forbidden)?;
        is_code(ben.new_board("Mine").await, ErrorCode::Forbidden)?;
        Ok(())
    })
    .await
}

#[tokio::test]
async fn a_board_is_shared_closed_and_handed_over() -> Outcome {
    Instance::on_each(async |grove| {
        let base = grove.client()?;
        let (ana, ana_user) = base.named("Ana").await?;
        let (ben, ben_user) = base.named("Ben").await?;
        let board = ana.new_board("Open").await?;
        let path = format!("/boards/{}", board.id);
        let rename = json!({ "name": "His" });
        is_code(ben.patch::<Board>(&path, &rename).await, ErrorCode::Forbidden)?;
        let look = json!({ "members_right": "view" });
        let closed: Board = ana.patch(&path, look).await?;
        assert_eq!(closed.members_right, BoardRight::View);
        let body = json!({ "kind": "note", "pos": [0, 0] });
        let refused = ben.post::<Value>(format!("{path}/objects"), body).await;
        is_code(refused, ErrorCode::Forbidden)?;
        let handed: Board = ana.patch(&path, json!({ "owner": ben_user.id })).await?;
        assert_eq!(handed.owner, ben_user.id);
        ben.patch::<Board>(&path, &rename).await?;
        // Who had it keeps admin by a grant, which the new owner can take away.
        ben.patch::<Board>(&path, json!({ "visibility": "private" })).await?;
        ana.get::<Board>(&path).await?;
        take(&ben, board.id, ana_user.id).await?;
        is_code(ana.get::<Board>(&path).await, ErrorCode::NotFound)?;
        Ok(())
    })
    .await
}

#[tokio::test]
async fn the_instance_always_has_an_owner() -> Outcome {
    Instance::on_each(async |grove| {
        let owner = grove.client()?;
        let me = owner.me().await?;
        let (ana, ana_user) = owner.named("Ana").await?;
        let (ben, ben_user) = owner.named("Ben").await?;
        let of = |user: &User| format!("/users/{}", user.id);
        let admin = json!({ "role": "admin" });
        is_code(ana.patch::<User>(of(&ana_user), &admin).await, ErrorCode::Forbidden)?;
        let raised: User = owner.patch(of(&ana_user), &admin).await?;
        assert_eq!(raised.role, UserRole::Admin);
        // Neither an admin nor the owner lowers the owner, and nobody is made a second one.
        is_code(
            ana.patch::<User>(of(&me), json!({ "role": "member" })).await,
            ErrorCode::Conflict,
        )?;
        is_code(owner.patch::<User>(of(&me), &admin).await, ErrorCode::Conflict)?;
        is_code(owner.delete::<User>(of(&me)).await, ErrorCode::Conflict)?;
        let second = json!({ "role": "owner" });
        is_code(ana.patch::<User>(of(&ana_user), second).await, ErrorCode::InvalidRequest)?;
        let path = format!("{}/owner", of(&ben_user));
        is_code(ana.send::<User>(ana.request(Method::POST, &path)).await, ErrorCode::Forbidden)?;
        let handed: User = owner.send(owner.request(Method::POST, &path)).await?;
        assert_eq!((handed.id, handed.role), (ben_user.id, UserRole::Owner));
        assert_eq!(ben.get::<User>(of(&me)).await?.role, UserRole::Admin);
        // Who comes without a credential is the new owner.
        assert_eq!(owner.me().await?.id, ben_user.id);
        Ok(())
    })
    .await
}

#[tokio::test]
async fn rt12_a_right_that_is_taken_ends_open_topics_and_presence_at_once() -> Outcome {
    Instance::on_each(async |grove| {
        let base = grove.client()?;
        let (ana, _) = base.named("Ana").await?;
        let (ben, ben_user) = base.named("Ben").await?;
        let board = private_board(&ana).await?;
        give(&ana, board.id, ben_user.id, "prompt").await?;
        let topic = format!("board:{}", board.id);
        let mut watching = Socket::of(grove.url(), &ana).await?;
        let mut open = Socket::of(grove.url(), &ben).await?;
        open.subscribe("user:me").await?;
        open.subscribe(&topic).await?;
        watching.subscribe(&topic).await?;
        let peer = open.peer.clone();
        watching.until("Ben is there", |it| it.peers.contains_key(&peer).then_some(())).await?;
        assert!(matches!(open.mutate(&topic, "m1", note()?).await?, Mutated::Done(_)));
        let shown = |it: &Socket| {
            let boards = &it.views.get("user:me")?.objects;
            let value = boards.get(&board.id.to_string())?.v.clone();
            serde_json::from_value::<UserBoard>(Value::Object(value)).ok()
        };
        assert_eq!(shown(&open).map(|it| it.right), Some(BoardRight::Prompt));

        give(&ana, board.id, ben_user.id, "view").await?;
        open.until("the lower right", |it| {
            (shown(it).map(|it| it.right) == Some(BoardRight::View)).then_some(())
        })
        .await?;
        assert!(matches!(open.mutate(&topic, "m2", note()?).await?, Mutated::Refused(_)));

        take(&ana, board.id, ben_user.id).await?;
        open.until("the end of the topic", |it| {
            it.doc_errors.contains(&(topic.clone(), ErrorCode::Forbidden)).then_some(())
        })
        .await?;
        open.until("the board is gone", |it| shown(it).is_none().then_some(())).await?;
        watching.until("Ben is gone", |it| it.gone.contains(&peer).then_some(())).await?;
        let mut again = Socket::of(grove.url(), &ben).await?;
        assert!(!again.joins(&topic).await?);
        Ok(())
    })
    .await
}

#[tokio::test]
async fn turns_of_who_may_not_prompt_any_more_are_stopped_and_refused() -> Outcome {
    let world = World::start().await?;
    let (ana, _) = world.client.named("Ana").await?;
    let (ben, ben_user) = world.client.named("Ben").await?;
    let board = private_board(&ana).await?;
    give(&ana, board.id, ben_user.id, "prompt").await?;
    let body = json!({ "board_id": board.id, "repo_id": world.repo.id, "title": "Shared" });
    let session: Session = ana.post("/sessions", body).await?;
    let gate = world.gate("never");
    let running = ben.prompt(session.id, &format!("gate {}", gate.display())).await?;
    ana.until_state(session.id, RunState::Running).await?;
    let waiting = ben.prompt(session.id, "hello").await?;
    let hers = ana.prompt(session.id, "hello").await?;
    // With `prompt` one stops one's own turns: here Ana's would be dropped too.
    let stop = ben.request(Method::POST, format!("/sessions/{}/stop", session.id));
    is_code(ben.send::<Session>(stop).await, ErrorCode::Forbidden)?;

    give(&ana, board.id, ben_user.id, "comment").await?;
    let of = async |task: &Task| ana.get::<Task>(format!("/tasks/{}", task.id)).await;
    eventually("all three are over", async || {
        let mut ended = true;
        for task in [&running, &waiting, &hers] {
            ended &= of(task).await?.ended_at_ms.is_some();
        }
        Ok(ended.then_some(()))
    })
    .await?;
    for task in [&running, &waiting] {
        let task = of(task).await?;
        assert_eq!(task.state, TaskState::Failed, "{task:?}");
        assert!(task.failure.unwrap_or_default().contains("may not prompt"));
    }
    assert_eq!(of(&hers).await?.state, TaskState::Completed);
    is_code(ben.prompt(session.id, "hello").await, ErrorCode::Forbidden)?;
    world.end().await
}

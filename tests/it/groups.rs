//! Groups.

use grove_core_api::rest::boards::Board;
use grove_core_api::rest::grants::{
    BoardGrant, BoardRight, BoardRights, Group, RightSource, SubjectKind,
};
use grove_core_api::{ErrorCode, Page};
use grove_tests::{Instance, Outcome, is_code};
use reqwest::Method;
use serde_json::json;

#[tokio::test]
async fn a_group_is_given_rights_as_one() -> Outcome {
    Instance::on_each(async |grove| {
        let owner = grove.client()?;
        let (ana, _) = owner.named("Ana").await?;
        let (ben, ben_user) = owner.named("Ben").await?;
        let body = json!({ "name": "Private", "visibility": "private" });
        let board: Board = ana.post("/boards", body).await?;
        let path = format!("/boards/{}", board.id);
        is_code(ana.post::<Group>("/groups", json!({ "name": "x" })).await, ErrorCode::Forbidden)?;
        let team: Group = owner.post("/groups", json!({ "name": "team" })).await?;
        let twice = owner.post::<Group>("/groups", json!({ "name": "team" })).await;
        is_code(twice, ErrorCode::Conflict)?;
        let grant = ana.request(Method::PUT, format!("{path}/grants/{}", team.id));
        ana.send::<BoardGrant>(grant.json(&json!({ "right": "comment" }))).await?;
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

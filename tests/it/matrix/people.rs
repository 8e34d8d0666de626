//! The callers, and the board that they are asked about with everything that lies on it.

use anyhow::Context;
use grove_core_api::rest::auth::AccessToken;
use grove_core_api::rest::boards::{Board, BoardImage, BoardObject};
use grove_core_api::rest::comments::Comment;
use grove_core_api::rest::executors::Executor;
use grove_core_api::rest::grants::{BoardRight, Group, TokenScope};
use grove_core_api::rest::sessions::Session;
use grove_core_api::rest::users::{NewPersonalToken, User, UserRole};
use grove_core_api::{
    BoardId, BoardObjectId, CommentId, ExecutorId, GroupId, Page, RepoId, SessionId, TaskId,
    UserId, WorktreeId,
};
use grove_tests::{Client, Outcome, World};
use reqwest::Method;
use serde_json::{Value, json};

const PNG: &str = "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000d4944415478\
9c6360000002000001e221bc330000000049454e44ae426082";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// The credential is worth something.
    Known,
    /// It is not.
    Nobody,
}

/// One kind of caller.
pub(super) struct Principal {
    pub(super) name: &'static str,
    pub(super) client: Client,
    /// The bearer token, when it has one.
    pub(super) token: Option<String>,
    pub(super) standing: Standing,
    pub(super) role: UserRole,
    /// What it was given on the private board, before anything lowers it.
    pub(super) right: Option<BoardRight>,
    pub(super) scope: TokenScope,
    /// For an agent: whether the private board is that of its session.
    pub(super) agent: Option<bool>,
}

/// The board with what lies on it, and who asks.
pub(super) struct House {
    pub(super) owner: Client,
    pub(super) olga: Client,
    pub(super) olga_id: UserId,
    pub(super) board: BoardId,
    pub(super) note: BoardObjectId,
    pub(super) comment: CommentId,
    pub(super) image: String,
    pub(super) repo: RepoId,
    pub(super) session: SessionId,
    pub(super) worktree: WorktreeId,
    pub(super) task: TaskId,
    pub(super) executor: ExecutorId,
    pub(super) group: GroupId,
    pub(super) people: Vec<Principal>,
}

fn person(
    name: &'static str,
    client: Client,
    role: UserRole,
    right: Option<BoardRight>,
) -> Principal {
    let (token, standing, scope) = (None, Standing::Known, TokenScope::Full);
    Principal { name, client, token, standing, role, right, scope, agent: None }
}

impl House {
    pub(super) async fn build(world: &World) -> Outcome<Self> {
        let owner = world.client.clone();
        let (olga, olga_user) = owner.named("olga").await?;
        let body = json!({ "name": "Private", "visibility": "private" });
        let board: Board = olga.post("/boards", body).await?;
        let path = format!("/boards/{}", board.id);
        let body = json!({ "kind": "note", "pos": [0, 0], "text": "a note" });
        let note: BoardObject = olga.post(format!("{path}/objects"), body).await?;
        let anchor = json!({ "kind": "point", "board": board.id, "pos": [1, 1] });
        let body = json!({ "anchor": anchor, "text": "a word" });
        let comment: Comment = olga.post("/comments", body).await?;
        let body = json!({ "board_id": board.id, "repo_id": world.repo.id, "title": "Hers" });
        let session: Session = olga.post("/sessions", body).await?;
        olga.prompt(session.id, "hello").await?;
        olga.until_over(session.id).await?;
        let task = olga.tasks(session.id).await?.first().context("a task")?.id;
        // Restarting an executor ends its session's tokens: it is that of a session beside.
        let body = json!({ "board_id": board.id, "worktree_id": session.worktree_id });
        let beside: Session = olga.post("/sessions", body).await?;
        olga.prompt(beside.id, "hello").await?;
        olga.until_over(beside.id).await?;
        let executors: Page<Executor> =
            olga.get(format!("/executors?session_id={}", beside.id)).await?;
        let executor = executors.items.first().context("an executor")?.id;
        let group: Group = owner.post("/groups", json!({ "name": "team" })).await?;
        let house = Self {
            image: send_image(&olga, board.id).await?,
            olga_id: olga_user.id,
            board: board.id,
            note: note.id,
            comment: comment.id,
            repo: world.repo.id,
            session: session.id,
            worktree: session.worktree_id,
            task,
            executor,
            group: group.id,
            people: Vec::new(),
            owner,
            olga,
        };
        house.with_people(world).await
    }

    async fn with_people(mut self, world: &World) -> Outcome<Self> {
        let admin = Some(BoardRight::Admin);
        self.people.push(person("owner", self.owner.clone(), UserRole::Owner, admin));
        let body = json!({ "name": "admin", "role": "admin" });
        self.owner.post::<User>("/users", body).await?;
        let (client, _) = self.owner.named("admin").await?;
        self.people.push(person("admin", client, UserRole::Admin, admin));
        self.people.push(person("olga", self.olga.clone(), UserRole::Member, admin));
        self.members().await?;
        self.agents(world).await?;
        self.tokens(world).await?;
        Ok(self)
    }

    async fn grant(&self, subject: impl std::fmt::Display, right: BoardRight) -> Outcome {
        let path = format!("/boards/{}/grants/{subject}", self.board);
        let request = self.olga.request(Method::PUT, path).json(&json!({ "right": right }));
        self.olga.send::<Value>(request).await?;
        Ok(())
    }

    async fn members(&mut self) -> Outcome {
        let rights = [
            ("with view", BoardRight::View),
            ("with comment", BoardRight::Comment),
            ("with prompt", BoardRight::Prompt),
            ("with steer", BoardRight::Steer),
            ("with admin", BoardRight::Admin),
        ];
        for (name, right) in rights {
            let (client, user) = self.owner.named(name).await?;
            self.grant(user.id, right).await?;
            self.people.push(person(name, client, UserRole::Member, Some(right)));
        }
        let (client, _) = self.owner.named("stranger").await?;
        self.people.push(person("stranger", client, UserRole::Member, None));
        let (client, user) = self.owner.named("in a group").await?;
        let path = format!("/groups/{}/members/{}", self.group, user.id);
        self.owner.send::<Value>(self.owner.request(Method::PUT, path)).await?;
        self.grant(self.group, BoardRight::Prompt).await?;
        self.people.push(person("in a group", client, UserRole::Member, Some(BoardRight::Prompt)));
        let (client, user) = self.owner.named("viewer").await?;
        self.grant(user.id, BoardRight::Admin).await?;
        let viewer = json!({ "role": "viewer" });
        self.owner.patch::<User>(format!("/users/{}", user.id), viewer).await?;
        self.people.push(person("viewer", client, UserRole::Viewer, Some(BoardRight::Admin)));
        Ok(())
    }

    /// Agents of Olga on the board and elsewhere, and one of somebody who does not see the board.
    async fn agents(&mut self, world: &World) -> Outcome {
        let elsewhere = self.owner.new_board("Elsewhere").await?;
        let body = json!({ "board_id": elsewhere.id, "repo_id": self.repo, "title": "There" });
        let there: Session = self.owner.post("/sessions", body).await?;
        let (_, stranger) = self.owner.named("stranger").await?;
        let store = world.grove.store().await?;
        let admin = Some(BoardRight::Admin);
        for (name, user, session, right, own) in [
            ("agent", self.olga_id, self.session, admin, true),
            ("agent elsewhere", self.olga_id, there.id, admin, false),
            ("agent of a stranger", stranger.id, there.id, None, false),
        ] {
            let token = store.session_token(user, session).await?;
            let client = self.owner.with_token(&token);
            let caller = person(name, client, UserRole::Member, right);
            self.people.push(Principal { token: Some(token), agent: Some(own), ..caller });
        }
        Ok(())
    }

    /// Tokens of somebody with every right on the board, and tokens that are worth nothing.
    async fn tokens(&mut self, world: &World) -> Outcome {
        let (client, user) = self.owner.named("with tokens").await?;
        self.grant(user.id, BoardRight::Admin).await?;
        let path = format!("/users/{}/tokens", user.id);
        let made: NewPersonalToken = client.post(&path, json!({ "name": "all" })).await?;
        let granted: AccessToken = client.post("/access-tokens", json!({})).await?;
        for (name, token) in [("token", made.token), ("access token", granted.access_token)] {
            let caller = self.owner.with_token(&token);
            let it = person(name, caller, UserRole::Member, Some(BoardRight::Admin));
            self.people.push(Principal { token: Some(token), ..it });
        }
        let body = json!({ "name": "expired" });
        let expired: NewPersonalToken = client.post(&path, &body).await?;
        let store = world.grove.store().await?;
        let id = store.uuid(expired.entry.id.0);
        store
            .execute(&format!(
                "UPDATE personal_access_tokens SET expires_at_ms = 1 WHERE id = {id}"
            ))
            .await?;
        let revoked: NewPersonalToken = client.post(&path, &body).await?;
        client.delete::<()>(format!("{path}/{}", revoked.entry.id)).await?;
        let nonsense = "0".repeat(64);
        for (name, token) in [
            ("expired token", expired.token),
            ("revoked token", revoked.token),
            ("token of nobody", nonsense),
        ] {
            let caller = self.owner.with_token(&token);
            let it = person(name, caller, UserRole::Member, Some(BoardRight::Admin));
            let standing = Standing::Nobody;
            self.people.push(Principal { token: Some(token), standing, ..it });
        }
        Ok(())
    }

    pub(super) fn token_of(&self, name: &str) -> Outcome<String> {
        let caller = self.people.iter().find(|it| it.name == name).context("the caller")?;
        caller.token.clone().context("a token")
    }

    /// A session of Olga's beside the others, in the same worktree.
    pub(super) async fn fresh_session(&self) -> Outcome<SessionId> {
        let body =
            json!({ "board_id": self.board, "worktree_id": self.worktree, "title": "Beside" });
        Ok(self.olga.post::<Session>("/sessions", body).await?.id)
    }
}

async fn send_image(client: &Client, board: BoardId) -> Outcome<String> {
    let content = hex::decode(PNG)?;
    let request = client
        .request(Method::POST, format!("/boards/{board}/images"))
        .header("content-type", "image/png")
        .body(content);
    Ok(client.send::<BoardImage>(request).await?.id)
}

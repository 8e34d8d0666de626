//! `Idempotency-Key`: sent twice, done once.

use grove_core_api::rest::boards::Board;
use grove_core_api::rest::sessions::Session;
use grove_core_api::{ErrorCode, Page};
use grove_tests::{CallError, Client, Instance, Outcome, World, eventually, is_code};
use reqwest::Method;
use serde_json::{Value, json};

async fn keyed<T: serde::de::DeserializeOwned>(
    client: &Client,
    path: &str,
    key: &str,
    body: &Value,
) -> Result<T, CallError> {
    let request = client.request(Method::POST, path).header("idempotency-key", key).json(body);
    client.send(request).await
}

#[tokio::test]
async fn one_key_makes_one_session_and_gives_the_same_answer_again() -> Outcome {
    World::on_each(async |world| {
        let client = &world.client;
        let body = json!({ "repo_id": world.repo.id, "title": "Once" });
        let first: Session = keyed(client, "/sessions", "k1", &body).await?;
        let again: Session = keyed(client, "/sessions", "k1", &body).await?;
        assert_eq!(first, again);
        let other = json!({ "repo_id": world.repo.id, "title": "Twice" });
        let refused = keyed::<Session>(client, "/sessions", "k1", &other).await;
        is_code(refused, ErrorCode::IdempotencyMismatch)?;
        let all: Page<Session> = client.get("/sessions").await?;
        assert_eq!(all.items.len(), 1);
        Ok(())
    })
    .await
}

#[tokio::test]
async fn one_key_sent_many_times_at_once_is_done_once() -> Outcome {
    Instance::on_each(async |grove| {
        let client = grove.client()?;
        let body = json!({ "name": "Once" });
        let calls = (0..8).map(|_| keyed::<Board>(&client, "/boards", "k2", &body));
        let mut made = Vec::new();
        for answer in futures_util::future::join_all(calls).await {
            match answer {
                Ok(board) => made.push(board.id),
                // The first is still at work: the caller is told to come back.
                refused => drop(is_code(refused, ErrorCode::Conflict)?),
            }
        }
        let again = eventually("the answer is kept", async || {
            Ok(keyed::<Board>(&client, "/boards", "k2", &body).await.ok())
        })
        .await?;
        assert!(made.iter().all(|id| *id == again.id), "{made:?}");
        assert_eq!(client.get::<Page<Board>>("/boards").await?.items.len(), 1);
        Ok(())
    })
    .await
}

#[tokio::test]
async fn a_key_belongs_to_its_caller_and_must_be_printable() -> Outcome {
    Instance::on_each(async |grove| {
        let client = grove.client()?;
        let (ana, _) = client.named("Ana").await?;
        let body = json!({ "name": "Mine" });
        let ours: Board = keyed(&client, "/boards", "k3", &body).await?;
        let hers: Board = keyed(&ana, "/boards", "k3", &body).await?;
        assert_ne!(ours.id, hers.id);
        let long = "x".repeat(129);
        let refused = keyed::<Board>(&client, "/boards", &long, &body).await;
        is_code(refused, ErrorCode::InvalidRequest)?;
        Ok(())
    })
    .await
}

#[tokio::test]
async fn a_refusal_is_kept_too() -> Outcome {
    Instance::on_each(async |grove| {
        let client = grove.client()?;
        let body = json!({ "name": "" });
        for _ in 0..2 {
            let refused = keyed::<Board>(&client, "/boards", "k4", &body).await;
            is_code(refused, ErrorCode::InvalidRequest)?;
        }
        Ok(())
    })
    .await
}

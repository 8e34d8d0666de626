//! The audit: every call leaves an entry, nothing secret is in it, and damage is found.

use anyhow::{Context, ensure};
use grove_core_api::ipc::method::{METHODS, NOTIFICATIONS};
use grove_core_api::rest::audit::{AuditDirection, AuditEntry, AuditKind, AuditVerification};
use grove_core_api::rest::messages::Message;
use grove_core_api::rest::sessions::{RunState, SessionResult};
use grove_core_api::{ErrorCode, Page, SessionId};
use grove_tests::{Client, Outcome, Setup, World, eventually, is_code, program, run};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::fs;

/// Everything that is in the audit, in order.
async fn entries(client: &Client) -> Outcome<Vec<AuditEntry>> {
    let mut all: Vec<AuditEntry> = Vec::new();
    loop {
        let after = all.last().map_or(0, |entry| entry.seq);
        let page: Page<AuditEntry> = client.get(format!("/audit?after={after}&limit=200")).await?;
        all.extend(page.items);
        if page.next_cursor.is_none() {
            return Ok(all);
        }
    }
}

async fn verify(client: &Client) -> Outcome<AuditVerification> {
    Ok(client.get("/audit/verify").await?)
}

/// A turn in which an agent asks for permission, is stopped in another, and everything that git
/// does for it.
async fn whole_life(world: &World) -> Outcome<SessionId> {
    let session = world.session("Ask", "ask echo yes > answer").await?;
    world.client.until_state(session.id, RunState::AwaitingApproval).await?;
    let path = format!("/sessions/{}", session.id);
    let result: SessionResult = world.client.get(format!("{path}/result")).await?;
    let asked = result.pending_permissions.first().context("nothing is asked")?;
    let answer = format!("{path}/permissions/{asked}");
    let body = json!({ "decision": "allow", "reason": "because" });
    let _: Message = world.client.post(&answer, body).await?;
    world.client.until_over(session.id).await?;
    let _: Value = world.client.get(format!("{path}/diff")).await?;
    let gate = world.gate("audit");
    world.client.prompt(session.id, &format!("gate {}", gate.display())).await?;
    world.client.until_state(session.id, RunState::Running).await?;
    let _: Value = world.client.post(format!("{path}/stop"), json!({})).await?;
    world.client.until_over(session.id).await?;
    let _: Value = world.client.get(format!("/repos/{}/branches", world.repo.id)).await?;
    let _: Value = world.client.delete(&path).await?;
    Ok(session.id)
}

#[tokio::test]
async fn every_method_that_is_called_leaves_an_entry_and_the_chain_is_whole() -> Outcome {
    World::on_each(async |world| {
        let session = whole_life(world).await?;
        let all = eventually("what the executor sent is counted", async || {
            let all = entries(&world.client).await?;
            let is_counted =
                all.iter().any(|it| it.session_id == Some(session) && it.method == "session.event");
            // The last thing that git does comes after the answer to the removal.
            let is_removed = all.iter().any(|it| it.method == "git.worktree_remove");
            Ok((is_counted && is_removed).then_some(all))
        })
        .await?;
        for (index, entry) in all.iter().enumerate() {
            assert_eq!(entry.seq, i64::try_from(index)? + 1, "no holes");
        }
        let seen: BTreeSet<&str> = all
            .iter()
            .filter(|it| it.kind == AuditKind::Ipc)
            .map(|it| it.method.as_str())
            .collect();
        // Counted ones of a connection that lives come later: the keeper's, at the end of Grove.
        let later = ["ping", "git.progress", "$/cancel"];
        // Called by nothing that this test does: bundles are for shared hosts, tunnels for executors
        // without a network.
        let never = [
            "git.snapshot",
            "git.bundle_create",
            "git.bundle_read",
            "git.bundle_write",
            "git.bundle_import",
            "git.publish",
            "tunnel.open",
            "tunnel.data",
            "tunnel.credit",
            "tunnel.close",
            // Only agents of a provider ask for keys: `no_secret_is_in_the_database`.
            "credential.get",
        ];
        let missing: Vec<_> = METHODS
            .iter()
            .chain(NOTIFICATIONS)
            .filter(|it| !seen.contains(**it) && !later.contains(it) && !never.contains(it))
            .collect();
        assert!(missing.is_empty(), "{missing:?} of {seen:?}");
        assert!(!seen.contains("unknown"), "{seen:?}");
        let monitor: BTreeSet<&str> = all
            .iter()
            .filter(|it| it.kind == AuditKind::Monitor)
            .map(|it| it.method.as_str())
            .collect();
        assert!(monitor.contains("spawn") && monitor.contains("ready"), "{monitor:?}");
        let me = world.client.me().await?.id;
        let prompts: Vec<_> = all.iter().filter(|it| it.method == "session.prompt").collect();
        assert_eq!(prompts.len(), 2, "{prompts:#?}");
        for prompt in prompts {
            assert_eq!((prompt.session_id, prompt.user_id), (Some(session), Some(me)));
            assert_eq!((prompt.direction, prompt.outcome.as_str()), (AuditDirection::Out, "ok"));
            assert!(prompt.executor_id.is_some() && prompt.account.is_some() && prompt.bytes > 100);
            assert!(prompt.params_sha256.as_ref().is_some_and(|it| it.len() == 64), "{prompt:?}");
            assert_eq!(prompt.detail, json!({}), "prompts are not repeated");
        }
        let answer = all.iter().find(|it| it.method == "permission.answer").context("no answer")?;
        assert_eq!(answer.detail["reason"], "because", "{answer:?}");
        let spawned = all.iter().find(|it| it.method == "spawn").context("no spawn")?;
        assert_eq!(spawned.detail["token"], "[redacted]", "{spawned:?}");
        let events = all.iter().find(|it| it.method == "session.event").context("no events")?;
        assert_eq!((events.direction, events.outcome.as_str()), (AuditDirection::In, "counted"));
        assert!(events.detail["count"].as_u64() > Some(3), "{events:?}");
        let found = verify(&world.client).await?;
        assert!(found.is_intact && found.entries >= i64::try_from(all.len())?, "{found:?}");
        Ok(())
    })
    .await
}

#[tokio::test]
async fn pages_go_both_ways_and_are_filtered_and_agents_see_none() -> Outcome {
    World::on_each(async |world| {
        let session = world.finished("Pages", "say hello").await?;
        let all = entries(&world.client).await?;
        let newest: Page<AuditEntry> = world.client.get("/audit?limit=3").await?;
        let seqs: Vec<i64> = newest.items.iter().map(|it| it.seq).collect();
        assert_eq!((seqs.len(), seqs[1] - seqs[0], seqs[2] - seqs[1]), (3, 1, 1), "{seqs:?}");
        let cursor = newest.next_cursor.context("there are more")?;
        let older: Page<AuditEntry> =
            world.client.get(format!("/audit?limit=3&before={cursor}")).await?;
        assert_eq!(older.items.last().map(|it| it.seq + 1), Some(seqs[0]));
        let own: Page<AuditEntry> =
            world.client.get(format!("/audit?session_id={}&kind=ipc", session.id)).await?;
        assert!(!own.items.is_empty() && own.items.len() < all.len());
        assert!(own.items.iter().all(|it| it.session_id == Some(session.id)));
        let executor = own.items[0].executor_id.context("no executor")?;
        let of_it: Page<AuditEntry> =
            world.client.get(format!("/audit?executor_id={executor}&kind=monitor")).await?;
        assert!(of_it.items.iter().any(|it| it.method == "spawn"), "{of_it:?}");
        let both = world.client.get::<Value>("/audit?after=1&before=5").await;
        is_code(both, ErrorCode::InvalidRequest)?;
        let agent = world.client.with_token(&world.grove.session_token(session.id).await?);
        is_code(agent.get::<Value>("/audit").await, ErrorCode::Forbidden)?;
        is_code(agent.get::<Value>("/audit/verify").await, ErrorCode::Forbidden)?;
        Ok(())
    })
    .await
}

#[tokio::test]
async fn a_changed_entry_is_found_over_rest_and_by_the_command_line() -> Outcome {
    World::on_each(async |world| {
        world.finished("Damage", "say hello").await?;
        let grove = || {
            let mut command = program(world.grove.programs().join("grove"));
            command.args(["--url", world.grove.url(), "audit"]);
            command
        };
        let whole = run(grove().arg("verify"))?;
        assert_eq!(whole.code, 0, "{whole:?}");
        let listed = run(grove().args(["ls", "--kind", "monitor", "--json"]))?;
        let listed: Page<AuditEntry> = serde_json::from_str(&listed.stdout)?;
        assert!(listed.items.iter().any(|it| it.method == "spawn"));
        let store = world.grove.store().await?;
        store.execute("UPDATE audit_entries SET method = 'ping' WHERE seq = 3").await?;
        let found = verify(&world.client).await?;
        assert_eq!((found.is_intact, found.broken_at), (false, Some(3)), "{found:?}");
        let broken = run(grove().arg("verify"))?;
        assert!(broken.code == 1 && broken.stdout.contains("entry 3"), "{broken:?}");
        let broken = run(grove().args(["verify", "--json"]))?;
        let found: AuditVerification = serde_json::from_str(&broken.stdout)?;
        assert!(broken.code == 1 && found.broken_at == Some(3), "{broken:?}");
        Ok(())
    })
    .await
}

#[tokio::test]
async fn no_secret_is_in_the_database() -> Outcome {
    let key = "sk-0815-geheim-4711";
    let config = "[providers.far]\ndialect = 'openai'\nbase_url = 'http://127.0.0.1:9/'\n\
                  models = ['m']\napi_key_env = 'GROVE_TEST_KEY'\n[native]\napprovals = 'never'\n";
    let setup = Setup::default().config(config).variable("GROVE_TEST_KEY", key);
    let mut world = World::with(setup).await?;
    let body = json!({
        "repo_id": world.repo.id, "title": "Key", "prompt": "hello",
        "agent": "native", "model": "far/m",
    });
    let session: grove_core_api::rest::sessions::Session =
        world.client.post("/sessions", body).await?;
    world.client.until_over(session.id).await?;
    let prompted: Page<AuditEntry> =
        world.client.get(format!("/audit?session_id={}", session.id)).await?;
    ensure!(prompted.items.iter().any(|it| it.method == "session.prompt"), "{prompted:?}");
    // The task asked for the key, and what it asked for is kept; what it got is not.
    let given =
        prompted.items.iter().find(|it| it.method == "credential.get" && it.outcome == "ok");
    let detail = &given.context("the key was asked for")?.detail;
    let tasks = world.client.tasks(session.id).await?;
    assert_eq!(*detail, json!({ "task_id": tasks[0].id, "provider": "far" }));
    world.grove.stop()?;
    let mut looked = 0;
    for name in ["db/grove.db", "db/grove.db-wal", "logs/audit.head"] {
        let Ok(bytes) = fs::read(world.grove.home.join(name)) else { continue };
        looked += bytes.len();
        let is_there = bytes.windows(key.len()).any(|it| it == key.as_bytes());
        assert!(!is_there, "the key is in {name}");
    }
    assert!(looked > 10_000, "{looked} bytes");
    // The end of Grove stores what was counted, and the chain is whole after the next start.
    world.grove.launch().await?;
    let all = entries(&world.client).await?;
    assert!(all.iter().any(|it| it.method == "ping" && it.outcome == "counted"), "{all:#?}");
    let found = verify(&world.client).await?;
    assert!(found.is_intact, "{found:?}");
    world.end().await
}

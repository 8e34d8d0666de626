//! What was taken over and turns against Grove: an executor that asks for what is not its own, over
//! its real connection and in its real sandbox; and a repository that makes git run programs.

use anyhow::Context;
use grove_core_api::ipc::frame;
use grove_core_api::rest::audit::AuditEntry;
use grove_core_api::rest::sessions::{RunState, Session};
use grove_core_api::{Page, SessionId, limits};
use grove_tests::{Outcome, Repo, Setup, World, eventually, programs};
use serde_json::{Value, json};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use tempfile::TempDir;

const FAR: &str = "sk-far-0815-geheim";
const NEAR: &str = "sk-near-4711-geheim";
const CONFIG: &str = "[providers.far]\ndialect = 'openai'\nbase_url = 'http://127.0.0.1:9/'\n\
                      models = ['m']\napi_key_env = 'GROVE_TEST_FAR'\n\
                      [providers.near]\ndialect = 'openai'\nbase_url = 'http://127.0.0.1:9/'\n\
                      models = ['m']\napi_key_env = 'GROVE_TEST_NEAR'\n\
                      [native]\napprovals = 'never'\n";

/// Grove's programs with a hostile executor among them, and a world that runs on them.
struct Taken {
    world: World,
    _programs: TempDir,
}

fn place(from: &Path, to: &Path) -> Outcome {
    if fs::hard_link(from, to).is_err() {
        fs::copy(from, to)?;
    }
    Ok(())
}

impl Taken {
    async fn start() -> Outcome<Self> {
        let folder = tempfile::Builder::new().prefix("grove-it-hostile-").tempdir()?;
        fs::create_dir(folder.path().join("real"))?;
        let built = programs()?;
        for name in ["grove-monitor", "groved", "grove"] {
            place(&built.join(name), &folder.path().join(name))?;
        }
        place(&built.join("grove-executor"), &folder.path().join("real/grove-executor"))?;
        let hostile = Path::new(env!("CARGO_BIN_EXE_hostile"));
        place(hostile, &folder.path().join("grove-executor"))?;
        let setup = Setup::default()
            .config(CONFIG)
            .programs(folder.path())
            .variable("GROVE_TEST_FAR", FAR)
            .variable("GROVE_TEST_NEAR", NEAR);
        Ok(Self { world: World::with(setup).await?, _programs: folder })
    }

    /// A session whose executor takes these steps.
    async fn session(&self, title: &str, model: &str, steps: Value) -> Outcome<SessionId> {
        let body = json!({
            "repo_id": self.world.repo.id, "title": title, "prompt": steps.to_string(),
            "agent": "native", "model": model,
        });
        Ok(self.world.client.post::<Session>("/sessions", body).await?.id)
    }

    /// What it was answered, once there are so many answers.
    async fn answers(&self, session: SessionId, count: usize) -> Outcome<Vec<Value>> {
        let file = self.world.directory(session).await?.join("answers");
        eventually("the answers", async || {
            let text = fs::read_to_string(&file).unwrap_or_default();
            if text.lines().count() < count {
                return Ok(None);
            }
            Ok(Some(text.lines().map(serde_json::from_str).collect::<Result<_, _>>()?))
        })
        .await
    }

    /// Its questions for keys, as the audit has them: outcome and parameters, oldest first.
    async fn audited(&self, session: SessionId, count: usize) -> Outcome<Vec<(String, Value)>> {
        eventually("the entries", async || {
            let mut found: Vec<AuditEntry> = Vec::new();
            let mut path = format!("/audit?session_id={session}&limit=200");
            loop {
                let page: Page<AuditEntry> = self.world.client.get(&path).await?;
                found.extend(page.items);
                let Some(cursor) = page.next_cursor else { break };
                path = format!("/audit?session_id={session}&limit=200&before={cursor}");
            }
            found.retain(|it| it.method == "credential.get");
            found.sort_by_key(|it| it.seq);
            let all = found.into_iter().map(|it| (it.outcome, it.detail)).collect::<Vec<_>>();
            Ok((all.len() >= count).then_some(all))
        })
        .await
    }

    /// Ends everything; afterwards neither log nor database knows a key.
    async fn end(mut self) -> Outcome {
        let log = self.world.grove.log();
        self.world.grove.stop()?;
        let mut places = vec![("the log".to_owned(), log.into_bytes())];
        for name in ["db/grove.db", "db/grove.db-wal", "logs/audit.head"] {
            if let Ok(bytes) = fs::read(self.world.grove.home.join(name)) {
                places.push((name.to_owned(), bytes));
            }
        }
        assert!(places.len() > 2, "the database is found");
        for key in [FAR, NEAR] {
            for (name, bytes) in &places {
                let is_there = bytes.windows(key.len()).any(|it| it == key.as_bytes());
                assert!(!is_there, "a key is in {name}");
            }
        }
        self.world.end().await
    }
}

fn key(answer: &Value) -> Option<&str> {
    answer["result"]["key"].as_str()
}

/// That an answer is a refusal with this code, and that no key is in it.
#[track_caller]
fn assert_refused(answer: &Value, code: i32, word: &str) {
    assert_eq!(answer["error"]["code"], code, "{answer}");
    let text = answer.to_string();
    assert!(text.contains(word) && !text.contains(FAR) && !text.contains(NEAR), "{answer}");
}

#[tokio::test]
async fn a_key_is_for_the_own_task_while_it_runs_and_for_the_provider_of_its_model_only() -> Outcome
{
    let taken = Taken::start().await?;
    // Another session works at the same time, with a provider of its own.
    let other = taken.session("Other", "near/m", json!([{ "do": "begin" }])).await?;
    taken.world.client.until_state(other, RunState::Running).await?;
    let theirs = taken.world.client.tasks(other).await?[0].id;
    let never = "01920000-0000-7000-8000-000000000000";
    let ask = |provider: &str, task: Option<&str>| json!({ "do": "ask", "provider": provider, "task_id": task, "times": 1 });
    let steps = json!([
        { "do": "begin" },
        ask("far", None),
        ask("near", Some(&theirs.to_string())),
        ask("far", Some(&theirs.to_string())),
        ask("far", Some(never)),
        ask("near", None),
        ask("far/m", None),
        ask("", None),
        { "do": "request", "method": "credential.get", "params": { "provider": "far" } },
        { "do": "request", "method": "credential.list", "params": {} },
        { "do": "request", "method": "session.prompt", "params": {} },
        { "do": "end" },
        ask("far", None),
    ]);
    let session = taken.session("Hostile", "far/m", steps).await?;
    let ended = taken.world.client.until_over(session).await?;
    assert_eq!(ended.state, RunState::Idle, "{ended:?}");
    let answers = taken.answers(session, 11).await?;
    assert_eq!(key(&answers[0]), Some(FAR), "its own, so that the others mean something");
    for answer in &answers[1..4] {
        assert_refused(answer, frame::DENIED, "does not run in this session");
    }
    for answer in &answers[4..7] {
        assert_refused(answer, frame::DENIED, "not the provider");
    }
    assert_refused(&answers[7], frame::INVALID_PARAMS, "");
    assert_refused(&answers[8], frame::METHOD_NOT_FOUND, "");
    assert_refused(&answers[9], frame::METHOD_NOT_FOUND, "");
    assert_refused(&answers[10], frame::DENIED, "does not run in this session");
    let own = taken.world.client.tasks(session).await?[0].id;
    let audited = taken.audited(session, 9).await?;
    let outcomes: Vec<&str> = audited.iter().map(|(outcome, _)| outcome.as_str()).collect();
    let denied = ["denied"; 6];
    assert_eq!(outcomes[0], "ok");
    assert_eq!(outcomes[1..7], denied);
    assert_eq!(outcomes[7..], ["invalid_params", "denied"]);
    assert_eq!(audited[1].1, json!({ "task_id": theirs, "provider": "near" }));
    assert_eq!(audited[4].1, json!({ "task_id": own, "provider": "near" }));
    // What it asked for under its own name never shows up at the other one's.
    let path = format!("/audit?session_id={other}&limit=200");
    let entries: Page<AuditEntry> = taken.world.client.get(path).await?;
    assert!(entries.items.iter().all(|it| it.method != "credential.get"), "{entries:?}");
    let stop = format!("/sessions/{other}/stop");
    let _: Value = taken.world.client.post(&stop, json!({})).await?;
    taken.world.client.until_over(other).await?;
    taken.end().await
}

/// What a worktree's repository can make git run: a filter, a file system monitor, hooks. Each says
/// that it ran, and tries to get out.
const PAYLOAD: &str = r#"#!/bin/sh
name=$(basename "$0")
touch ran-$name
cat OTHER/README.md HOME/db/grove.db > stolen-$name 2>/dev/null
for file in HOME/mirror/*/HEAD OTHER/planted HOME/planted; do
  (echo planted >> "$file") 2>/dev/null
done
[ "$name" != filter ] || exec cat
"#;

#[tokio::test]
async fn what_a_repository_makes_git_run_reaches_no_more_than_its_worktree() -> Outcome {
    let world = World::start().await?;
    let other = world.finished("Other", "run echo theirs > theirs").await?;
    let other = world.directory(other.id).await?;
    let session = world.finished("Armed", "say hello").await?.id;
    let tree = world.directory(session).await?;
    let git_dir = Repo::git_in(&tree, &["rev-parse", "--git-common-dir"])?;
    let home = world.grove.home.display().to_string();
    let payload = PAYLOAD.replace("OTHER", &other.display().to_string()).replace("HOME", &home);
    let hooks = tree.join(git_dir).join("hooks");
    fs::create_dir_all(&hooks)?;
    for name in ["post-checkout", "post-index-change", "pre-commit", "reference-transaction"] {
        executable(&hooks.join(name), &payload)?;
    }
    for name in ["filter", "monitor", "textconv"] {
        executable(&tree.join(name), &payload)?;
    }
    fs::write(tree.join(".gitattributes"), "README.md filter=evil diff=evil\n")?;
    let program = |name: &str| tree.join(name).display().to_string();
    for (key, value) in [
        ("filter.evil.clean", program("filter")),
        ("diff.evil.textconv", program("textconv")),
        ("core.fsmonitor", program("monitor")),
        ("core.hooksPath", hooks.display().to_string()),
    ] {
        Repo::git_in(&tree, &["config", key, &value])?;
    }
    fs::write(tree.join("README.md"), "changed")?;
    // The keeper compares, which cleans; and takes the last snapshot at the removal.
    let _: Value = world.client.get(format!("/sessions/{session}/diff")).await?;
    assert!(tree.join("ran-filter").exists(), "the filter ran, so that the rest means something");
    assert_eq!(fs::read_to_string(tree.join("stolen-filter"))?, "", "and read nothing");
    let ran: Vec<_> = fs::read_dir(&tree)?
        .filter_map(|it| it.ok()?.file_name().into_string().ok())
        .filter(|it| it.starts_with("ran-"))
        .collect();
    assert_eq!(ran, ["ran-filter"], "hooks, monitors and text converters are never run");
    for place in [&other, &world.grove.home] {
        assert!(!place.join("planted").exists(), "{}", place.display());
    }
    let mut mirrors = 0;
    for mirror in fs::read_dir(world.grove.home.join("mirror"))? {
        let head = mirror?.path().join("HEAD");
        assert!(!fs::read_to_string(head)?.contains("planted"));
        mirrors += 1;
    }
    assert_eq!(mirrors, 1);
    world.end().await
}

fn executable(path: &Path, text: &str) -> Outcome {
    fs::write(path, text)?;
    Ok(fs::set_permissions(path, fs::Permissions::from_mode(0o755))?)
}

#[tokio::test]
async fn who_asks_for_keys_too_often_gets_none_until_later() -> Outcome {
    let taken = Taken::start().await?;
    let most = limits::CREDENTIALS_PER_MINUTE;
    let more = 40;
    let ask = json!({ "do": "ask", "provider": "far", "task_id": null, "times": most + more });
    let steps = json!([{ "do": "begin" }, ask, { "do": "end" }]);
    let session = taken.session("Greedy", "far/m", steps).await?;
    let ended = taken.world.client.until_over(session).await?;
    assert_eq!(ended.state, RunState::Idle, "the session itself goes on: {ended:?}");
    let (most, all) = (usize::try_from(most)?, usize::try_from(most + more)?);
    let answers = taken.answers(session, all).await?;
    let given = answers.iter().filter(|it| key(it) == Some(FAR)).count();
    // On a slow machine the next minute may begin meanwhile.
    assert!(given >= most && given < all, "{given} of {all}");
    for answer in answers.iter().filter(|it| key(it).is_none()) {
        assert_refused(answer, frame::BUSY, "too often");
    }
    assert!(answers[..most].iter().all(|it| key(it).is_some()), "the first ones are given");
    let audited = taken.audited(session, all).await?;
    let busy = audited.iter().filter(|(outcome, _)| outcome == "busy").count();
    assert_eq!((audited.len(), busy), (all, all - given), "each one is an entry");
    taken.end().await
}

#[tokio::test]
async fn what_an_executor_says_is_bounded_and_harmless_in_the_log() -> Outcome {
    let taken = Taken::start().await?;
    let steps = json!([{ "do": "begin" }, { "do": "speak", "lines": 100_000 }, { "do": "end" }]);
    let session = taken.session("Loud", "far/m", steps).await?;
    let ended = taken.world.client.until_over(session).await?;
    assert_eq!(ended.state, RunState::Idle, "nobody waits for the log: {ended:?}");
    let id = ended.executor.context("an executor")?.id.to_string();
    let log = eventually("its lines", async || {
        let log = taken.world.grove.log();
        Ok(log.contains("it says too much").then_some(log))
    })
    .await?;
    let own: Vec<&str> =
        log.lines().filter(|it| it.contains(&id) && it.contains("line ")).collect();
    let most = usize::try_from(limits::EXECUTOR_LOG_LINES)?;
    assert!(!own.is_empty() && own.len() <= most, "{} lines", own.len());
    assert!(own.iter().all(|it| !it.contains("\u{1b}[31m")), "{own:?}");
    let pid = taken.world.grove.daemon()?.pid;
    let errors = fs::metadata(format!("/proc/{pid}/fd/2"))?;
    assert!(errors.is_file(), "groved's log is a file, which no executor has open");
    for executor in taken.world.grove.named("grove-executor") {
        let errors = fs::read_link(format!("/proc/{}/fd/2", executor.pid))?;
        assert!(errors.to_string_lossy().starts_with("pipe:"), "{errors:?}");
    }
    taken.end().await
}

//! `grove watch`: the real program follows a real instance through restarts.

use anyhow::{Context, ensure};
use grove_core_api::event::Op;
use grove_tests::{Instance, Outcome, World, eventually, program};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::{Value, json};
use std::fs::{self, File};
use std::path::PathBuf;
use std::process::Child;
use uuid::Uuid;

/// A `grove watch` that runs.
struct Watch {
    child: Child,
    out: PathBuf,
    err: PathBuf,
}

impl Watch {
    fn start(grove: &Instance, arguments: &[&str]) -> Outcome<Self> {
        let name = Uuid::new_v4().simple().to_string();
        let (out, err) = (grove.scratch().join(&name), grove.scratch().join(name + ".err"));
        let mut command = program(grove.programs().join("grove"));
        command.args(["--url", grove.url(), "watch"]).args(arguments);
        command.env("HOME", grove.scratch()).env_remove("GROVE_TOKEN");
        command.stdout(File::create(&out)?).stderr(File::create(&err)?);
        Ok(Self { child: command.spawn()?, out, err })
    }

    fn text(&self) -> String {
        fs::read_to_string(&self.out).unwrap_or_default()
    }

    /// The first line of `--json` that fits.
    async fn line(&mut self, what: &str, fits: impl Fn(&Value) -> bool) -> Outcome<Value> {
        eventually(what, async || {
            let text = self.text();
            let whole = text.rsplit_once('\n').map_or("", |(whole, _)| whole);
            let lines: Result<Vec<Value>, _> = whole.lines().map(serde_json::from_str).collect();
            let lines = lines.with_context(|| format!("not JSON lines: {text}"))?;
            if let Some(found) = lines.into_iter().find(|line| fits(line)) {
                return Ok(Some(found));
            }
            let ended = self.child.try_wait()?;
            ensure!(ended.is_none(), "it ended ({ended:?}): {}", fs::read_to_string(&self.err)?);
            Ok(None)
        })
        .await
    }

    async fn code(&mut self) -> Outcome<Option<i32>> {
        let ended = eventually("grove watch ends", async || Ok(self.child.try_wait()?)).await?;
        Ok(ended.code())
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        // It may have ended by itself.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn note(text: &str) -> Outcome<Vec<Op>> {
    let v = serde_json::from_value(json!({ "pos": [0, 0], "text": text }))?;
    Ok(vec![Op::Put { id: Uuid::now_v7().to_string(), kind: "note".to_owned(), v }])
}

fn is_event(line: &Value, seq: i64) -> bool {
    line["t"] == "event" && line["event"]["seq"] == seq
}

#[tokio::test]
async fn a_board_is_followed_across_a_restart_until_ctrl_c() -> Outcome {
    let grove = Instance::start().await?;
    let board = grove.client()?.new_board("Plans").await?;
    let topic = format!("board:{}", board.id);
    let mut watch = Watch::start(&grove, &["Plans", "--json"])?;
    watch.line("the snapshot", |it| it["t"] == "snapshot" && it["topic"] == topic.as_str()).await?;
    let mut ana = grove.socket().await?;
    ana.subscribe(&topic).await?;
    ana.mutate(&topic, "m1", note("before")?).await?;
    let seen = watch.line("the first note", |it| is_event(it, 1)).await?;
    assert_eq!(seen["event"]["ops"][0]["v"]["text"], "before");
    grove.kill_daemon().await?;
    let mut ben = grove.socket().await?;
    ben.subscribe(&topic).await?;
    ben.mutate(&topic, "m2", note("after")?).await?;
    watch.line("the note after the restart", |it| is_event(it, 2)).await?;
    watch.line("the loss", |it| it["t"] == "lost").await?;
    watch.line("the resumption", |it| it["t"] == "resumed").await?;
    let snapshots = watch.text().matches("\"t\":\"snapshot\"").count();
    assert_eq!(snapshots, 1, "a restart is a resume: {}", watch.text());
    kill(Pid::from_raw(i32::try_from(watch.child.id())?), Signal::SIGINT)?;
    assert_eq!(watch.code().await?, Some(130));
    grove.end().await
}

#[tokio::test]
async fn a_session_is_read_along_and_its_end_ends_the_watching() -> Outcome {
    let world = World::start().await?;
    let session = world.client.new_session(world.repo.id, "Words", None).await?;
    let id = session.id.to_string();
    let short = &id[id.len() - 8..];
    let watch = Watch::start(&world.grove, &[short])?;
    eventually("it is there", async || Ok(watch.text().contains(&id).then_some(()))).await?;
    world.client.prompt(session.id, "stream words").await?;
    eventually("the last word", async || Ok(watch.text().contains("word100ü.").then_some(())))
        .await?;
    let text = watch.text();
    assert!(text.contains("word1 word2 word3"), "the words are joined: {text}");
    assert!(text.contains("session.") && text.contains("state=running"), "and events: {text}");
    drop(watch);
    let mut counted = Watch::start(&world.grove, &["Board", "--events", "1", "--json"])?;
    counted.line("the snapshot", |it| it["t"] == "snapshot").await?;
    world.client.prompt(session.id, "say more").await?;
    assert_eq!(counted.code().await?, Some(0));
    world.end().await
}

#[tokio::test]
async fn what_is_not_there_is_told_with_its_exit_code() -> Outcome {
    let grove = Instance::start().await?;
    for (arguments, code) in [(["Nowhere"], 3), (["0badf00d"], 3), (["session:0badf00d"], 3)] {
        let mut watch = Watch::start(&grove, &arguments)?;
        assert_eq!(watch.code().await?, Some(code), "{arguments:?}");
    }
    grove.end().await
}

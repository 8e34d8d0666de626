//! Starting where something is in the way: a clear message, an exit code, nothing half-made.

use grove_core_api::rest::boards::Board;
use grove_core_api::rest::instance::Readiness;
use grove_core_api::{ErrorCode, Page};
use grove_tests::{CallError, Instance, Outcome, Repo, Setup, is_code, program, run, say};
use reqwest::Method;
use serde_json::{Value, json};
use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};

async fn fails(setup: Setup, words: &[&str]) -> Outcome {
    let (code, text) = setup.fail_to_start().await?;
    assert!(code > 0, "exit code {code}: {text}");
    for word in words {
        assert!(text.contains(word), "`{word}` is not said: {text}");
    }
    Ok(())
}

#[tokio::test]
async fn a_port_in_use_is_named() -> Outcome {
    let taken = TcpListener::bind("127.0.0.1:0")?;
    let address = taken.local_addr()?.to_string();
    fails(Setup::default().bind(&address), &[&address, "in use"]).await
}

#[tokio::test]
async fn an_address_that_others_can_reach_is_refused() -> Outcome {
    fails(Setup::default().bind("0.0.0.0:0"), &["0.0.0.0", "without accounts"]).await
}

#[tokio::test]
async fn a_second_grove_on_one_home_is_refused_and_the_first_goes_on() -> Outcome {
    let grove = Instance::start().await?;
    fails(Setup::default().home(&grove.home), &["already"]).await?;
    assert!(grove.client()?.is_healthy().await);
    grove.end().await
}

#[tokio::test]
async fn a_configuration_with_a_mistake_names_the_known_keys() -> Outcome {
    let setup = Setup::default().config("default_agnet = 'native'\n");
    fails(setup, &["grove.toml", "default_agnet", "default_agent"]).await
}

#[tokio::test]
async fn limits_that_cannot_be_kept_are_refused_with_their_range() -> Outcome {
    let setup = Setup::default().config("[limits]\nmemory_mib = 1\n");
    fails(setup, &["grove.toml", "memory_mib", "[limits]", "64 to"]).await?;
    let setup = Setup::default().config("[limits]\nmemory = 1\n");
    fails(setup, &["grove.toml", "memory_mib"]).await?;
    let setup = Setup::default().config("[isolation]\nnetwork = 'everything'\n");
    fails(setup, &["grove.toml", "everything", "shared"]).await
}

#[tokio::test]
async fn a_home_that_is_a_file_is_refused() -> Outcome {
    let folder = tempfile::tempdir()?;
    let home = folder.path().join("home");
    fs::write(&home, "")?;
    fails(Setup::default().home(&home), &["home"]).await
}

#[tokio::test]
async fn a_database_of_a_newer_grove_is_left_alone() -> Outcome {
    let folder = tempfile::tempdir()?;
    let home = folder.path().join("home");
    let mut grove = Setup::default().home(&home).start().await?;
    grove.client()?.new_board("Kept").await?;
    grove.stop()?;
    let store = grove.store().await?;
    store.execute("INSERT INTO seaql_migrations VALUES ('m29990101_000001_future', 0)").await?;
    fails(Setup::default().home(&home), &["newer", "m29990101_000001_future"]).await?;
    store.execute("DELETE FROM seaql_migrations WHERE version LIKE 'm2999%'").await?;
    grove.launch().await?;
    assert_eq!(grove.client()?.get::<Page<Board>>("/boards").await?.items[0].name, "Kept");
    grove.end().await
}

#[tokio::test]
async fn without_git_grove_runs_and_says_what_is_missing() -> Outcome {
    let folder = tempfile::tempdir()?;
    let setup = Setup::default().variable("PATH", folder.path().display().to_string());
    let grove = setup.start().await?;
    let client = grove.client()?;
    client.new_board("Works all the same").await?;
    let source = Repo::new("shop")?;
    let made = client.post::<Value>("/repos", json!({ "source": source.source() })).await;
    let problem = is_code(made, ErrorCode::GitMissing)?;
    assert!(problem.hint.is_some() || problem.detail.contains("install"), "{problem:?}");
    assert!(client.get::<Page<Value>>("/repos").await?.items.is_empty());
    grove.end().await
}

/// A file system of its own, when this test may mount one.
struct Mount {
    path: PathBuf,
    _folder: tempfile::TempDir,
}

impl Mount {
    fn new(options: &str) -> Outcome<Option<Self>> {
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("disk");
        fs::create_dir(&path)?;
        let mut command = program("mount");
        command.args(["-t", "tmpfs", "-o", options, "none"]).arg(&path);
        if run(&mut command).is_ok_and(|output| output.code == 0) {
            return Ok(Some(Self { path, _folder: folder }));
        }
        say("NOT TESTED: full and read-only disks, because no file system may be mounted here");
        Ok(None)
    }

    fn remount(&self, options: &str) -> Outcome {
        let mut command = program("mount");
        command.args(["-o", &format!("remount,{options}")]).arg(&self.path);
        assert_eq!(run(&mut command)?.code, 0);
        Ok(())
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        let mut command = program("umount");
        // It is in memory; what cannot be unmounted goes with the machine.
        drop(run(command.arg("-l").arg(&self.path)));
    }
}

#[tokio::test]
async fn a_read_only_home_is_refused() -> Outcome {
    let Some(disk) = Mount::new("size=1m")? else { return Ok(()) };
    let home = disk.path.join("home");
    fs::create_dir(&home)?;
    disk.remount("ro")?;
    fails(Setup::default().home(&home), &["home"]).await
}

/// Writes until nothing fits any more.
fn fill(path: &Path) {
    let mut size = 1024 * 1024;
    let mut number = 0;
    while size >= 512 {
        number += 1;
        if fs::write(path.join(format!("ballast-{number}")), vec![7_u8; size]).is_err() {
            size /= 2;
        }
    }
}

fn empty(path: &Path) -> Outcome {
    for entry in fs::read_dir(path)?.flatten() {
        if entry.file_name().to_string_lossy().starts_with("ballast-") {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

#[tokio::test]
async fn on_a_full_disk_writes_are_refused_and_nothing_is_lost() -> Outcome {
    let Some(disk) = Mount::new("size=24m")? else { return Ok(()) };
    let home = disk.path.join("home");
    let grove = Setup::default().home(&home).start().await?;
    let client = grove.client()?;
    let kept = client.new_board("Before").await?;
    let path = format!("/boards/{}/objects", kept.id);
    fill(&disk.path);
    let large = json!({ "kind": "note", "pos": [0, 0], "text": "x".repeat(60_000) });
    let mut stored = 0_usize;
    let refused = loop {
        match client.post::<Value>(&path, &large).await {
            Ok(_) if stored < 2_000 => stored += 1,
            other => break other,
        }
    };
    is_code(refused, ErrorCode::StorageFull)?;
    assert_eq!(client.get::<Board>(format!("/boards/{}", kept.id)).await?, kept, "reading works");
    empty(&disk.path)?;
    let after = client.new_board("After").await;
    assert!(after.is_ok(), "{after:?}");
    assert_eq!(client.log(&format!("/boards/{}", kept.id)).await?.len(), stored);
    let ready = client.send::<Readiness>(client.request_at(Method::GET, "/readyz")).await;
    assert!(matches!(ready, Ok(_) | Err(CallError::Broken(_))));
    assert!(client.is_healthy().await);
    grove.end().await
}

//! The command line against real instances: what it prints, and its exit codes.

use anyhow::{Context, ensure};
use grove_tests::{Instance, Outcome, Output, Process, Repo, program, run, settled};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tempfile::TempDir;

/// A home that is managed with `grove` alone.
struct Cli {
    root: TempDir,
    programs: PathBuf,
    home: PathBuf,
}

impl Cli {
    fn new() -> Outcome<Self> {
        let root = tempfile::tempdir()?;
        let programs = grove_tests::programs()?;
        let home = root.path().join("home");
        std::fs::create_dir(root.path().join("tmp"))?;
        Ok(Self { root, programs, home })
    }

    fn run(&self, arguments: &[&str]) -> Outcome<Output> {
        let mut command = program(self.programs.join("grove"));
        command.arg("--home").arg(&self.home).args(arguments).current_dir(self.root.path());
        command.env("TMPDIR", self.root.path().join("tmp")).env("HOME", self.root.path());
        let scenarios = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios");
        command.env("GROVE_REHEARSAL_DIRECTORY", scenarios).env_remove("GROVE_URL");
        command.env_remove("DATABASE_URL");
        run(&mut command)
    }

    /// Runs a command that must work and reads its JSON.
    fn json(&self, arguments: &[&str]) -> Outcome<Value> {
        let output = self.run(&[arguments, &["--json"]].concat())?;
        ensure!(output.code == 0, "{arguments:?}: {output:?}");
        serde_json::from_str(&output.stdout).with_context(|| format!("{arguments:?}: {output:?}"))
    }

    /// Runs a command that must fail with this exit code and returns the problem's code.
    fn refusal(&self, exit: i32, arguments: &[&str]) -> Outcome<String> {
        let output = self.run(&[arguments, &["--json"]].concat())?;
        ensure!(output.code == exit && output.stdout.is_empty(), "{arguments:?}: {output:?}");
        let problem: Value = serde_json::from_str(&output.stderr)
            .with_context(|| format!("{arguments:?}: {output:?}"))?;
        Ok(problem["code"].as_str().unwrap_or_default().to_owned())
    }

    fn processes(&self) -> Vec<Process> {
        let entry = format!("TMPDIR={}", self.root.path().join("tmp").display());
        Process::with_environment(&entry)
    }
}

impl Drop for Cli {
    fn drop(&mut self) {
        for process in self.processes() {
            // A test that failed left it; who is gone already is gone.
            drop(process.signal(nix::sys::signal::Signal::SIGKILL));
        }
    }
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

#[test]
fn a_day_with_the_command_line() -> Outcome {
    let (cli, repo) = (Cli::new()?, Repo::new("shop")?);
    assert_eq!(cli.run(&["status"])?.code, 8, "nothing runs yet");
    assert_eq!(cli.run(&["session", "ls"])?.code, 8);
    let up = cli.json(&["up", "--no-open", "--port", "0"])?;
    assert_eq!(up["is_new"], true);
    assert!(text(&up["url"]).starts_with("http://127.0.0.1:"), "{up}");
    let again = cli.json(&["up", "--no-open", "--port", "0"])?;
    assert_eq!((&again["is_new"], &again["url"]), (&Value::Bool(false), &up["url"]));
    assert_eq!(cli.run(&["status"])?.code, 0);
    let added = cli.json(&["repo", "add", &repo.source()])?;
    assert_eq!((text(&added["name"]), text(&added["state"])), ("shop", "ready"));
    let board = cli.json(&["board", "new", "Plans"])?;
    assert_eq!(board["name"], "Plans");
    let prompt = "run echo hello > new.txt";
    let new =
        ["session", "new", "--repo", "shop", "--title", "First", "--prompt", prompt, "--wait"];
    cli.json(&new)?;
    let listed = cli.json(&["session", "ls"])?;
    let session = text(&listed["items"][0]["id"]).to_owned();
    let short = session[session.len() - 8..].to_owned();
    assert_eq!(cli.json(&["session", "show", &short])?["id"], session.as_str());
    let result = cli.json(&["session", "result", &short])?;
    assert_eq!(result["changed_files"], serde_json::json!(["new.txt"]));
    assert!(cli.run(&["session", "diff", &short])?.stdout.contains("+hello"));
    cli.json(&["session", "prompt", &short, "say more", "--wait"])?;
    let shown = cli.run(&["session", "show", &short])?.stdout;
    assert!(shown.contains("isolation") && shown.contains("executor"), "{shown}");
    let executors = cli.json(&["executor", "ls", "--session", &short])?;
    let executor = text(&executors["items"][0]["id"]).to_owned();
    let fresh = cli.json(&["executor", "restart", &executor])?;
    assert_eq!(fresh["state"], "healthy");
    let ended = cli.run(&["executor", "show", &executor])?.stdout;
    assert!(ended.contains("somebody restarted it"), "{ended}");
    cli.json(&["repo", "policy", "shop", "--memory-mib", "512"])?;
    let policy = cli.run(&["repo", "policy", "shop"])?.stdout;
    assert!(policy.contains("512 MiB memory"), "{policy}");
    let wide = ["repo", "policy", "shop", "--processes", "60000"];
    assert_eq!(cli.refusal(2, &wide)?, "invalid_request");
    cli.json(&["session", "interrupt", &short])?;
    cli.json(&["session", "stop", &short])?;
    cli.json(&["session", "rm", &short])?;
    assert_eq!(cli.json(&["session", "ls"])?["items"], serde_json::json!([]));
    assert_eq!(cli.run(&["down"])?.code, 0);
    let is_empty = settled(Duration::from_secs(10), || cli.processes().is_empty());
    assert!(is_empty, "left: {:?}", cli.processes());
    assert_eq!(cli.run(&["status"])?.code, 8);
    Ok(())
}

#[test]
fn exit_codes_tell_what_went_wrong() -> Outcome {
    let (cli, repo) = (Cli::new()?, Repo::new("shop")?);
    cli.json(&["up", "--no-open", "--port", "0"])?;
    assert_eq!(cli.refusal(3, &["session", "show", "0badf00d"])?, "not_found");
    assert_eq!(cli.refusal(2, &["repo", "add", "/no/such/place"])?, "invalid_request");
    assert_eq!(cli.refusal(5, &["repo", "add", "file:///no/such/place"])?, "repo_unreachable");
    cli.json(&["repo", "add", &repo.source()])?;
    assert_eq!(cli.refusal(5, &["repo", "add", &repo.source()])?, "conflict");
    cli.json(&["board", "new", "Plans"])?;
    assert_eq!(cli.refusal(2, &["board", "new", ""])?, "invalid_request");
    let bad = ["session", "new", "--repo", "shop", "--branch", "-x"];
    assert_eq!(cli.run(&bad)?.code, 2);
    let branch = ["session", "new", "--repo", "shop", "--branch", "a..b"];
    assert_eq!(cli.refusal(2, &branch)?, "invalid_branch_name");
    let failing = ["session", "new", "--repo", "shop", "--prompt", "fail", "--wait"];
    assert_eq!(cli.run(&failing)?.code, 5, "the turn did not complete");
    assert_eq!(cli.run(&["nonsense"])?.code, 2);
    assert_eq!(cli.run(&["down"])?.code, 0);
    Ok(())
}

#[tokio::test]
async fn an_instance_elsewhere_is_reached_by_its_url() -> Outcome {
    let grove = Instance::start().await?;
    let cli = Cli::new()?;
    let url = grove.url().to_owned();
    let board = cli.json(&["--url", &url, "board", "new", "Far away"])?;
    assert_eq!(board["name"], "Far away");
    let me = cli.json(&["--url", &url, "user", "me"])?;
    assert_eq!(me["id"], grove.client()?.me().await?.id.to_string());
    let dead = cli.run(&["--url", "http://127.0.0.1:9", "status"])?;
    assert!(dead.code == 7 || dead.code == 8, "{dead:?}");
    grove.end().await
}

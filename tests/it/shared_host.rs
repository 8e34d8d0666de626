//! A shared host: real accounts, the monitor as root, the daemon without privilege, two people.
//!
//! Needs root. Without it the test says that it was skipped; `ISOLATION=require` makes that a failure.

use anyhow::{Context, ensure};
use grove_core_api::ErrorCode;
use grove_core_api::isolation::{IsolationMode, Layer};
use grove_core_api::rest::messages::Body;
use grove_core_api::rest::repos::Repo;
use grove_core_api::rest::sessions::{RunState, Session};
use grove_core_api::rest::users::{NewPersonalToken, User};
use grove_core_api::rest::worktrees::Worktree;
use grove_tests::{Client, Instance, Outcome, Setup, is_code, program, programs, say, variable};
use nix::unistd::geteuid;
use serde_json::json;
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::path::{Path, PathBuf};

/// Accounts and directories of one run; gone when it is dropped.
struct Host {
    name: String,
    root: PathBuf,
}

fn tool(name: &str, arguments: &[&str]) -> Outcome {
    let output = program(name).args(arguments).output()?;
    ensure!(output.status.success(), "{name}: {}", String::from_utf8_lossy(&output.stderr));
    Ok(())
}

impl Host {
    fn make() -> Outcome<Self> {
        // Named like the accounts of the isolation suite, which sweeps what killed runs leave.
        let name = format!("grovet_{}", std::process::id());
        let root = PathBuf::from("/var/lib").join(&name);
        let host = Self { name, root };
        tool("groupadd", &["--system", &host.group()])?;
        let home = host.root.display().to_string();
        let system = ["--system", "--no-create-home", "--home-dir", &home, &host.service()];
        tool("useradd", &system)?;
        let bin = host.root.join("bin");
        fs::create_dir_all(&bin)?;
        for program in ["grove-monitor", "groved", "grove-executor"] {
            let (from, to) = (programs()?.join(program), bin.join(program));
            // The daemon's account has to reach them, wherever they were built.
            if fs::hard_link(&from, &to).is_err() {
                fs::copy(from, to)?;
            }
        }
        Ok(host)
    }

    fn group(&self) -> String {
        format!("{}-all", self.name)
    }

    fn service(&self) -> String {
        format!("{}_svc", self.name)
    }

    fn prefix(&self) -> String {
        format!("{}_", self.name)
    }

    async fn start(&self) -> Outcome<Instance> {
        let setup = Setup::default()
            .home(&self.root.join("home"))
            .programs(&self.root.join("bin"))
            .argument("--isolation=strict")
            .argument(format!("--service-account={}", self.service()))
            .argument(format!("--account-group={}", self.group()))
            .argument(format!("--account-prefix={}", self.prefix()))
            .variable("GROVE_REHEARSAL_DIRECTORY", self.root.join("scenarios").to_string_lossy());
        let scenarios = self.root.join("scenarios");
        fs::create_dir_all(&scenarios)?;
        fs::write(scenarios.join("run.toml"), include_str!("../scenarios/run.toml"))?;
        setup.start().await
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        let passwd = fs::read_to_string("/etc/passwd").unwrap_or_default();
        let ours = passwd.lines().filter_map(|line| line.split(':').next());
        for account in ours.filter(|it| it.starts_with(&self.name)) {
            // What stays is swept by the next run of the isolation suite.
            tool("userdel", &[account]).ok();
        }
        tool("groupdel", &[&self.group()]).ok();
        fs::remove_dir_all(&self.root).ok();
    }
}

/// A person with an account, a token and a repository that only they can read.
struct Person {
    client: Client,
    user: User,
    account: String,
    uid: u32,
    home: PathBuf,
}

impl Person {
    async fn add(owner: &Client, base: &Client, name: &str, homes: &Path) -> Outcome<Self> {
        let user: User = owner.post("/users", json!({ "name": name })).await?;
        let token: NewPersonalToken =
            owner.post(format!("/users/{}/tokens", user.id), json!({ "name": "test" })).await?;
        let account = user.unix_account.clone().context("an account")?;
        let (account, uid) = (account.name, account.uid);
        let home = homes.join(&account);
        ensure!(fs::metadata(&home)?.uid() == uid, "the home belongs to its account");
        Ok(Self { client: base.with_token(&token.token), user, account, uid, home })
    }

    /// Has an agent run a command in a session of this person; returns what it printed.
    async fn run(&self, repo: &Repo, title: &str, command: &str) -> Outcome<(Session, String)> {
        let prompt = format!("run {command}");
        let session = self.client.new_session(repo.id, title, Some(&prompt)).await?;
        let session = self.client.until_over(session.id).await?;
        ensure!(session.state == RunState::Idle, "{:?}", session.evidence);
        let messages = self.client.messages(session.id).await?;
        let tool = messages.into_iter().find(|it| matches!(it.body, Body::Tool { .. }));
        Ok((session, tool.context("a tool ran")?.text))
    }

    async fn directory(&self, session: &Session) -> Outcome<PathBuf> {
        let worktree: Worktree =
            self.client.get(format!("/worktrees/{}", session.worktree_id)).await?;
        Ok(worktree.path.into())
    }
}

fn give(path: &Path, uid: u32) -> Outcome {
    for entry in fs::read_dir(path)? {
        let path = entry?.path();
        if path.is_dir() {
            give(&path, uid)?;
        } else {
            chown(&path, Some(uid), Some(uid))?;
        }
    }
    Ok(chown(path, Some(uid), Some(uid))?)
}

/// A repository in a person's home, as they would have cloned it.
fn repository(person: &Person) -> Outcome<PathBuf> {
    let source = grove_tests::Repo::new("shop")?;
    let path = person.home.join("shop");
    tool("cp", &["-r", &source.source(), &path.to_string_lossy()])?;
    give(&path, person.uid)?;
    Ok(path)
}

#[tokio::test]
async fn two_people_on_one_host_are_kept_apart() -> Outcome {
    if !geteuid().is_root() {
        say("SKIPPED, needs root: two_people_on_one_host_are_kept_apart");
        ensure!(variable("ISOLATION").is_none_or(|it| it != "require"), "this run must not skip");
        return Ok(());
    }
    let host = Host::make()?;
    let grove = host.start().await?;
    let base = grove.client()?;
    is_code(base.get::<User>("/users/me").await, ErrorCode::Unauthenticated)?;
    let token = fs::read_to_string(grove.home.join("keys/owner.token"))?;
    let owner = base.with_token(token.trim());
    owner.new_board("Board").await?;
    let homes = grove.home.join("home");
    let alice = Person::add(&owner, &base, "Alice", &homes).await?;
    let bob = Person::add(&owner, &base, "Bob", &homes).await?;
    is_code(
        bob.client.post::<User>("/users", json!({ "name": "Mallory" })).await,
        ErrorCode::Forbidden,
    )?;

    let source = repository(&alice)?;
    let made: Repo = alice.client.post("/repos", json!({ "source": source })).await?;
    let repo = alice.client.until_cloned(made.id).await?;

    let (first, said) = alice
        .run(&repo, "First", "id -un; echo $HOME; git var GIT_AUTHOR_IDENT; echo 1 > mine")
        .await?;
    let mut lines = said.lines();
    assert_eq!(lines.next(), Some(alice.account.as_str()));
    assert_eq!(lines.next(), alice.home.to_str());
    assert!(lines.next().is_some_and(|it| it.starts_with("Alice <")), "{said}");
    let tree = alice.directory(&first).await?;
    assert_eq!(fs::metadata(tree.join("mine"))?.uid(), alice.uid);
    assert_eq!(fs::metadata(&tree)?.permissions().mode() & 0o777, 0o700);
    let report = first.sandbox.context("the session shows its sandbox")?;
    assert_eq!((report.mode, report.uid), (IsolationMode::Strict, alice.uid));
    for layer in [Layer::Account, Layer::Landlock, Layer::Namespaces, Layer::Seccomp, Layer::Limits]
    {
        assert!(report.holds(layer), "{layer:?}: {report:?}");
    }

    let executor = first.executor.context("an executor")?;
    let pid = owner
        .get::<serde_json::Value>(format!("/executors/{}", executor.id))
        .await?
        .get("pid")
        .and_then(serde_json::Value::as_i64)
        .context("its process")?;
    fs::write(alice.home.join("key"), "alice's key")?;
    chown(alice.home.join("key"), Some(alice.uid), Some(alice.uid))?;
    let attempts = [
        format!("cat {}/README.md", tree.display()),
        format!("ls {}", tree.display()),
        format!("touch {}/planted", tree.display()),
        format!("cat {}/key", alice.home.display()),
        format!("ls {}/git/{}", grove.home.display(), alice.account),
        format!("kill -0 {pid}"),
        format!("cat /proc/{pid}/environ"),
        format!("cat {}/db/grove.db", grove.home.display()),
        format!("cat {}/keys/owner.token", grove.home.display()),
        format!("touch {}/mirror/planted", grove.home.display()),
        format!("curl -sf {}/api/v1/boards", grove.url()),
    ];
    let script = attempts.join(" && echo ESCAPED; ");
    let script = format!("id -un; {script} && echo ESCAPED; echo done");
    let (second, said) = bob.run(&repo, "Second", &script).await?;
    assert_eq!(said.lines().next(), Some(bob.account.as_str()));
    assert!(said.contains("done") && !said.contains("ESCAPED"), "{said}");
    assert!(!said.contains("alice's key") && !said.contains("grove_pat_"), "{said}");
    assert!(!tree.join("planted").exists());
    let other = bob.directory(&second).await?;
    assert_eq!(fs::metadata(&other)?.uid(), bob.uid);
    assert_ne!(alice.uid, bob.uid);

    // A retired person leaves nothing that the next account with this number could find.
    let retired: User = owner.delete(format!("/users/{}", bob.user.id)).await?;
    assert!(retired.retired_at_ms.is_some());
    assert!(!other.exists() && !bob.home.exists());
    is_code(bob.client.get::<User>("/users/me").await, ErrorCode::Unauthenticated)?;
    grove.end().await
}

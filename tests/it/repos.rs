//! Repositories and their mirrors.

use grove_core_api::rest::repos::{Branches, Repo as RepoBody, RepoState};
use grove_core_api::rest::worktrees::Worktree;
use grove_core_api::{ErrorCode, Page};
use grove_tests::{Instance, Outcome, Repo, World, eventually, is_code};
use serde_json::{Value, json};
use std::fs;

#[tokio::test]
async fn a_local_path_becomes_a_mirror_and_stays_as_it_was() -> Outcome {
    Instance::on_each(async |grove| {
        let client = grove.client()?;
        let source = Repo::new("My shop")?;
        source.git(&["branch", "side"])?;
        source.file("not yet.txt", "dirty")?;
        let before = source.fingerprint()?;
        let body = json!({ "source": source.source() });
        let made: RepoBody = client.post("/repos", body).await?;
        assert_eq!((made.name.as_str(), made.default_branch.as_str()), ("My-shop", "main"));
        let ready = client.until_cloned(made.id).await?;
        assert_eq!((ready.progress_percent, ready.failure), (None, None));
        let mirror = grove.home.join(format!("mirror/{}.git", made.id));
        assert_eq!(
            Repo::git_in(&mirror, &["rev-parse", "main"])?,
            source.git(&["rev-parse", "HEAD"])?
        );
        let branches: Branches = client.get(format!("/repos/{}/branches", made.id)).await?;
        let mut names = branches.names;
        names.sort();
        assert_eq!(names, ["main", "side"]);
        assert_eq!(source.fingerprint()?, before, "the person's repository is not touched");
        Ok(())
    })
    .await
}

#[tokio::test]
async fn a_file_url_is_cloned_like_any_other() -> Outcome {
    let grove = Instance::start().await?;
    let client = grove.client()?;
    let source = Repo::new("shop")?;
    let url = format!("file://{}", source.source());
    let made: RepoBody = client.post("/repos", json!({ "source": url, "name": "far" })).await?;
    let ready = client.until_cloned(made.id).await?;
    assert_eq!((ready.name.as_str(), ready.source.as_str()), ("far", url.as_str()));
    grove.end().await
}

#[tokio::test]
async fn a_name_is_taken_once() -> Outcome {
    World::on_each(async |world| {
        let body = json!({ "source": world.source.source() });
        let refused = world.client.post::<RepoBody>("/repos", &body).await;
        let problem = is_code(refused, ErrorCode::Conflict)?;
        assert!(problem.hint.is_some(), "{problem:?}");
        let body = json!({ "source": world.source.source(), "name": "second" });
        let second: RepoBody = world.client.post("/repos", body).await?;
        world.client.until_cloned(second.id).await?;
        assert_eq!(world.client.get::<Page<RepoBody>>("/repos").await?.items.len(), 2);
        Ok(())
    })
    .await
}

#[tokio::test]
async fn a_detached_head_works() -> Outcome {
    let grove = Instance::start().await?;
    let client = grove.client()?;
    client.new_board("Board").await?;
    let source = Repo::new("shop")?;
    source.file("second", "2")?;
    source.commit("second")?;
    source.git(&["checkout", "-q", "--detach", "HEAD~1"])?;
    let repo = client.add_repo(&source).await?;
    let session = client.new_session(repo.id, "Detached", None).await?;
    let worktree: Worktree = client.get(format!("/worktrees/{}", session.worktree_id)).await?;
    assert_eq!(worktree.base_commit.len(), 40);
    assert!(fs::exists(format!("{}/README.md", worktree.path))?);
    grove.end().await
}

#[tokio::test]
async fn a_repository_without_any_branch_works_from_its_commit() -> Outcome {
    let grove = Instance::start().await?;
    let client = grove.client()?;
    client.new_board("Board").await?;
    let source = Repo::new("shop")?;
    let commit = source.git(&["rev-parse", "HEAD"])?;
    source.git(&["checkout", "-q", "--detach"])?;
    source.git(&["branch", "-q", "-D", "main"])?;
    let repo = client.add_repo(&source).await?;
    let session = client.new_session(repo.id, "Bare", None).await?;
    let worktree: Worktree = client.get(format!("/worktrees/{}", session.worktree_id)).await?;
    assert_eq!(worktree.base_commit, commit);
    grove.end().await
}

#[tokio::test]
async fn fetching_brings_new_commits_and_drops_old_branches() -> Outcome {
    World::on_each(async |world| {
        let (client, id) = (&world.client, world.repo.id);
        world.source.git(&["branch", "soon"])?;
        world.source.file("new.txt", "new")?;
        let newest = world.source.commit("second")?;
        let _: RepoBody = client.post(format!("/repos/{id}/fetch"), json!({})).await?;
        eventually("the new branch is there", async || {
            let branches: Branches = client.get(format!("/repos/{id}/branches")).await?;
            Ok(branches.names.contains(&"soon".to_owned()).then_some(()))
        })
        .await?;
        let session = client.new_session(id, "Newest", None).await?;
        assert_eq!(world.worktree(session.id).await?.base_commit, newest);
        Ok(())
    })
    .await
}

#[tokio::test]
async fn a_clone_that_fails_says_why_and_can_be_repeated() -> Outcome {
    let grove = Instance::start().await?;
    let client = grove.client()?;
    let source = Repo::new("shop")?;
    // git looks at such a repository but refuses to clone it.
    let link = source.path().join(".git/objects/linked");
    std::os::unix::fs::symlink("/nowhere", &link)?;
    let url = format!("file://{}", source.source());
    let made: RepoBody = client.post("/repos", json!({ "source": url })).await?;
    let failed = client.until_settled(made.id).await?;
    assert_eq!(failed.state, RepoState::Failed);
    assert!(failed.failure.is_some_and(|why| !why.is_empty()));
    let mirror = grove.home.join(format!("mirror/{}.git", made.id));
    assert!(!mirror.exists(), "nothing half-made is left");
    let early = client.new_session(made.id, "Too early", None).await;
    assert!(early.is_err(), "{early:?}");
    fs::remove_file(&link)?;
    let _: RepoBody = client.post(format!("/repos/{}/fetch", made.id), json!({})).await?;
    client.until_cloned(made.id).await?;
    grove.end().await
}

#[tokio::test]
async fn the_default_branch_can_be_changed_to_one_that_is_there() -> Outcome {
    World::on_each(async |world| {
        let (client, path) = (&world.client, format!("/repos/{}", world.repo.id));
        world.source.git(&["branch", "next"])?;
        let _: RepoBody = client.post(format!("{path}/fetch"), json!({})).await?;
        let changed: RepoBody = eventually("the branch is known", async || {
            Ok(client.patch(&path, json!({ "default_branch": "next" })).await.ok())
        })
        .await?;
        assert_eq!(changed.default_branch, "next");
        let missing = client.patch::<RepoBody>(&path, json!({ "default_branch": "no" })).await;
        is_code(missing, ErrorCode::UnknownReference)?;
        let archived: RepoBody = client.patch(&path, json!({ "is_archived": true })).await?;
        assert!(archived.archived_at_ms.is_some());
        let gone = client.post::<Value>("/sessions", json!({ "repo_id": world.repo.id })).await;
        is_code(gone, ErrorCode::Gone)?;
        Ok(())
    })
    .await
}

#[tokio::test]
async fn credentials_of_a_url_are_neither_kept_nor_shown() -> Outcome {
    let grove = Instance::start().await?;
    let client = grove.client()?;
    let url = "https://ana:geheim-4711@127.0.0.1:9/shop.git";
    let refused = client.post::<RepoBody>("/repos", json!({ "source": url })).await;
    let problem = is_code(refused, ErrorCode::RepoUnreachable)?;
    assert!(!serde_json::to_string(&problem)?.contains("geheim"), "{problem:?}");
    assert!(!grove.log().contains("geheim"), "the log holds the password");
    grove.end().await
}

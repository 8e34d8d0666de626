//! Worktrees: one directory and one branch each.

use grove_core_api::rest::worktrees::{Diff, FileStatus, Published, Worktree, WorktreeState};
use grove_core_api::{ErrorCode, Page};
use grove_tests::{Outcome, Repo, World, is_code};
use serde_json::{Value, json};
use std::fs;
use std::path::{Path, PathBuf};

async fn create(world: &World, name: &str) -> Outcome<Worktree> {
    let body = json!({ "repo_id": world.repo.id, "name": name });
    Ok(world.client.post("/worktrees", body).await?)
}

fn private(world: &World) -> Outcome<PathBuf> {
    let accounts = fs::read_dir(world.grove.home.join("git"))?;
    let account = accounts.into_iter().flatten().next().map(|it| it.path()).unwrap_or_default();
    Ok(account.join(format!("{}.git", world.repo.id)))
}

#[tokio::test]
async fn a_worktree_is_a_checkout_on_a_branch_of_its_own() -> Outcome {
    World::on_each(async |world| {
        let before = world.source.fingerprint()?;
        let worktree = create(world, "first").await?;
        assert_eq!(worktree.state, WorktreeState::Ready);
        assert_eq!(worktree.branch, "grove/first");
        assert_eq!(worktree.base_commit, world.source.git(&["rev-parse", "main"])?);
        let directory = Path::new(&worktree.path);
        assert_eq!(fs::read_to_string(directory.join("README.md"))?, "# A repository\n");
        assert_eq!(Repo::git_in(directory, &["branch", "--show-current"])?, "grove/first");
        let mirror = world.grove.home.join(format!("mirror/{}.git", world.repo.id));
        let heads = Repo::git_in(&mirror, &["for-each-ref", "--format=%(refname)"])?;
        assert_eq!(heads, "refs/heads/main", "the mirror has no branch of it");
        assert_eq!(world.source.fingerprint()?, before);
        Ok(())
    })
    .await
}

#[tokio::test]
async fn a_name_is_taken_until_its_worktree_is_in_the_trash() -> Outcome {
    World::on_each(async |world| {
        let first = create(world, "one").await?;
        let body = json!({ "repo_id": world.repo.id, "name": "one", "branch": "other" });
        is_code(world.client.post::<Worktree>("/worktrees", &body).await, ErrorCode::Conflict)?;
        let _: Value = world.client.delete(format!("/worktrees/{}", first.id)).await?;
        let second: Worktree = world.client.post("/worktrees", &body).await?;
        assert_eq!(second.state, WorktreeState::Ready);
        for name in ["", "../up", "a/b", "-x", ".git", "a b"] {
            let body = json!({ "repo_id": world.repo.id, "name": name });
            let made = world.client.post::<Worktree>("/worktrees", body).await;
            is_code(made, ErrorCode::InvalidRequest)?;
        }
        Ok(())
    })
    .await
}

#[tokio::test]
async fn a_diff_shows_new_changed_moved_and_removed_files_committed_or_not() -> Outcome {
    let world = World::start().await?;
    world.source.file("gone.txt", "one\ntwo\nthree\nfour\n")?;
    world.source.file("keep me.txt", "line one\nline two\nline three\nline four\n")?;
    world.source.commit("more")?;
    let _: Value = world.client.post(format!("/repos/{}/fetch", world.repo.id), json!({})).await?;
    let newest = world.source.git(&["rev-parse", "HEAD"])?;
    let body = json!({ "repo_id": world.repo.id, "name": "diff", "base_ref": newest });
    let worktree: Worktree = grove_tests::eventually("the commit is fetched", async || {
        Ok(world.client.post("/worktrees", &body).await.ok())
    })
    .await?;
    let directory = Path::new(&worktree.path);
    fs::write(directory.join("README.md"), "# A repository\nmore\n")?;
    fs::write(directory.join("ünï 🌱.txt"), "new\n")?;
    fs::write(directory.join("data.bin"), [0_u8, 1, 2, 255])?;
    fs::remove_file(directory.join("gone.txt"))?;
    fs::rename(directory.join("keep me.txt"), directory.join("kept.txt"))?;
    let index = fs::read(git_dir(directory)?.join("index"))?;
    let diff: Diff = world.client.get(format!("/worktrees/{}/diff", worktree.id)).await?;
    let files: Vec<_> = diff.files.iter().map(|it| (it.path.as_str(), it.status)).collect();
    let wanted = [
        ("README.md", FileStatus::Modified),
        ("data.bin", FileStatus::Added),
        ("gone.txt", FileStatus::Deleted),
        ("kept.txt", FileStatus::Renamed),
        ("ünï 🌱.txt", FileStatus::Added),
    ];
    assert_eq!(files, wanted);
    assert!(diff.is_dirty && diff.files[1].is_binary && diff.files[1].patch.is_empty());
    assert!(diff.files[0].patch.contains("+more"), "{}", diff.files[0].patch);
    assert_eq!(diff.files[3].old_path.as_deref(), Some("keep me.txt"));
    assert_eq!(fs::read(git_dir(directory)?.join("index"))?, index, "the index is not touched");
    world.end().await
}

fn git_dir(directory: &Path) -> Outcome<PathBuf> {
    Ok(PathBuf::from(Repo::git_in(directory, &["rev-parse", "--absolute-git-dir"])?))
}

#[tokio::test]
async fn what_was_removed_can_be_had_back_from_its_snapshot() -> Outcome {
    World::on_each(async |world| {
        let worktree = create(world, "gone").await?;
        let path = format!("/worktrees/{}", worktree.id);
        fs::write(Path::new(&worktree.path).join("unsaved.txt"), "precious")?;
        let removed: Worktree = world.client.delete(&path).await?;
        assert_eq!(removed.state, WorktreeState::Trashed);
        assert!(!fs::exists(&worktree.path)?, "the directory is gone");
        let snapshot = removed.trash_snapshot.unwrap_or_default();
        let file = format!("{snapshot}:unsaved.txt");
        assert_eq!(Repo::git_in(&private(world)?, &["show", &file])?, "precious");
        let again: Worktree = world.client.delete(&path).await?;
        assert_eq!(again.state, WorktreeState::Trashed);
        is_code(world.client.get::<Diff>(format!("{path}/diff")).await, ErrorCode::Gone)?;
        let listed: Page<Worktree> = world.client.get("/worktrees").await?;
        let all: Page<Worktree> = world.client.get("/worktrees?include_trashed=true").await?;
        assert_eq!((listed.items.len(), all.items.len()), (0, 1));
        Ok(())
    })
    .await
}

#[tokio::test]
async fn notes_and_addresses_of_a_worktree_are_kept_and_cleared() -> Outcome {
    World::on_each(async |world| {
        let path = format!("/worktrees/{}", create(world, "notes").await?.id);
        let url = "https://example.org/issues/1";
        let body = json!({ "issue_url": url, "pull_request_url": url, "notes": "see there" });
        let changed: Worktree = world.client.patch(&path, body).await?;
        assert_eq!(
            (changed.issue_url.as_deref(), changed.notes.as_str()),
            (Some(url), "see there")
        );
        let cleared: Worktree = world.client.patch(&path, json!({ "issue_url": "" })).await?;
        assert_eq!((cleared.issue_url, cleared.pull_request_url.as_deref()), (None, Some(url)));
        for bad in ["javascript:alert(1)", "ftp://x", "http://a b"] {
            let patched = world.client.patch::<Worktree>(&path, json!({ "issue_url": bad })).await;
            is_code(patched, ErrorCode::InvalidRequest)?;
        }
        Ok(())
    })
    .await
}

#[tokio::test]
async fn a_worktree_in_which_somebody_works_is_not_removed() -> Outcome {
    let world = World::start().await?;
    let gate = world.gate("busy");
    let session = world.session("Busy", &format!("gate {}", gate.display())).await?;
    let path = format!("/worktrees/{}", session.worktree_id);
    is_code(world.client.delete::<Value>(&path).await, ErrorCode::Conflict)?;
    fs::write(&gate, "")?;
    world.client.until_over(session.id).await?;
    let removed: Worktree = world.client.delete(&path).await?;
    assert_eq!(removed.state, WorktreeState::Trashed);
    world.end().await
}

#[tokio::test]
async fn a_published_branch_is_where_others_start() -> Outcome {
    World::on_each(async |world| {
        let first = create(world, "first").await?;
        let directory = Path::new(&first.path);
        fs::write(directory.join("mine.txt"), "mine\n")?;
        Repo::git_in(directory, &["add", "."])?;
        let author = ["-c", "user.name=T", "-c", "user.email=t@example.org"];
        Repo::git_in(directory, &[&author[..], &["commit", "-qm", "mine"]].concat())?;
        let commit = Repo::git_in(directory, &["rev-parse", "HEAD"])?;
        let path = format!("/worktrees/{}/publish", first.id);
        let published: Published = world.client.post(&path, json!({})).await?;
        assert_eq!(published.commit, commit);
        assert!(published.reference.ends_with("/grove/first"), "{published:?}");
        let mirror = world.grove.home.join(format!("mirror/{}.git", world.repo.id));
        assert_eq!(Repo::git_in(&mirror, &["rev-parse", &published.reference])?, commit);
        // Once more without news, and a second worktree from there.
        assert_eq!(world.client.post::<Published>(&path, json!({})).await?, published);
        let body = json!({
            "repo_id": world.repo.id, "name": "second", "base_ref": published.reference,
        });
        let second: Worktree = world.client.post("/worktrees", body).await?;
        assert_eq!(second.base_commit, commit);
        for place in [mirror.parent(), private(world)?.parent()] {
            let bundles = place.map(|it| it.join(".bundles")).unwrap_or_default();
            let left = fs::read_dir(bundles).into_iter().flatten().count();
            assert_eq!(left, 0, "nothing of a bundle stays");
        }
        let _: Value = world.client.delete(format!("/worktrees/{}", first.id)).await?;
        is_code(world.client.post::<Published>(&path, json!({})).await, ErrorCode::Gone)?;
        Ok(())
    })
    .await
}

//! git as it is, in temporary directories.

use super::*;
use crate::process;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use grove_core_api::ErrorCode;
use grove_core_api::ipc::RpcError;
use grove_core_api::ipc::bundle::{
    CreateBundle, ImportBundle, ImportKind, PublishBranch, ReadBundle, RefValue, WriteBundle,
};
use grove_core_api::ipc::method::{AddWorktree, WorktreeAdded};
use grove_core_api::rest::worktrees::FileStatus;
use std::fs;
use std::path::{Path, PathBuf};

async fn git(at: &Path, args: &[&str]) -> String {
    let mut command = process::command("git");
    command.current_dir(at).args(args).env("GIT_CONFIG_NOSYSTEM", "1");
    command.env("GIT_CONFIG_GLOBAL", "/dev/null");
    for role in ["AUTHOR", "COMMITTER"] {
        command.env(format!("GIT_{role}_NAME"), "T").env(format!("GIT_{role}_EMAIL"), "t@e.x");
    }
    let output = command.output().await.expect("git runs");
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "git {args:?}: {stderr}");
    String::from_utf8_lossy(&output.stdout).trim_end().to_owned()
}

/// A repository with two branches in a directory with a blank and an umlaut, and where things go.
struct Place {
    root: tempfile::TempDir,
    source: PathBuf,
}

impl Place {
    async fn new() -> Self {
        let root = tempfile::tempdir().expect("a directory");
        let source = root.path().join("my repö");
        fs::create_dir(&source).expect("made");
        git(&source, &["init", "-q", "-b", "main"]).await;
        fs::write(source.join("a.txt"), "one\ntwo\n").expect("written");
        fs::write(source.join(".gitignore"), "*.log\n").expect("written");
        git(&source, &["add", "."]).await;
        git(&source, &["commit", "-qm", "first"]).await;
        git(&source, &["branch", "side"]).await;
        Self { root, source }
    }

    fn mirror(&self) -> PathBuf {
        self.root.path().join("mirror/x.git")
    }

    fn private(&self) -> PathBuf {
        self.root.path().join("git/ana/x.git")
    }

    fn wanted(&self, name: &str, base: &str) -> AddWorktree {
        AddWorktree {
            mirror: self.mirror().display().to_string(),
            private: self.private().display().to_string(),
            path: self.root.path().join("wt").join(name).display().to_string(),
            branch: format!("grove/{name}"),
            base_ref: base.to_owned(),
        }
    }

    async fn mirrored(self) -> Self {
        mirror(&self.source.display().to_string(), &self.mirror(), &mut |_| {})
            .await
            .expect("mirrored");
        self
    }

    async fn worktree(&self, name: &str) -> PathBuf {
        let wanted = self.wanted(name, "main");
        add(&wanted).await.expect("added");
        PathBuf::from(wanted.path)
    }
}

fn code<T>(outcome: Result<T, RpcError>) -> Option<ErrorCode> {
    outcome.err().and_then(|error| error.data)
}

#[tokio::test]
async fn a_mirror_is_made_whole_and_refreshed_with_prune() {
    let place = Place::new().await;
    let source = place.source.display().to_string();
    let mut percents = Vec::new();
    let facts = mirror(&source, &place.mirror(), &mut |it| percents.push(it)).await;
    let facts = facts.expect("mirrored");
    assert_eq!(facts.default_branch, "main");
    assert_eq!(facts.head_commit, git(&place.source, &["rev-parse", "main"]).await);
    assert_eq!(percents.last(), Some(&100));
    assert!(percents.is_sorted());
    git(&place.source, &["branch", "-D", "side"]).await;
    git(&place.source, &["commit", "-qm", "second", "--allow-empty"]).await;
    let facts = mirror(&source, &place.mirror(), &mut |_| {}).await.expect("refreshed");
    assert_eq!(facts.head_commit, git(&place.source, &["rev-parse", "main"]).await);
    assert_eq!(branches(&place.mirror()).await.expect("lists").names, ["main"]);
    let left: Vec<_> = fs::read_dir(place.root.path().join("mirror")).expect("reads").collect();
    assert_eq!(left.len(), 1, "{left:?}");
}

#[tokio::test]
async fn inspect_says_what_is_wrong_with_a_source() {
    let place = Place::new().await;
    let root = place.root.path();
    let missing = root.join("nowhere").display().to_string();
    assert_eq!(code(inspect(&missing).await), Some(ErrorCode::RepoUnreachable));
    let plain = tempfile::tempdir().expect("a directory");
    let plain = plain.path().display().to_string();
    assert_eq!(code(inspect(&plain).await), Some(ErrorCode::NotARepository));
    let empty = root.join("empty");
    fs::create_dir(&empty).expect("made");
    git(&empty, &["init", "-q"]).await;
    let empty = empty.display().to_string();
    assert_eq!(code(inspect(&empty).await), Some(ErrorCode::EmptyRepository));
    let failed = mirror(&empty, &place.mirror(), &mut |_| {}).await;
    assert_eq!(code(failed), Some(ErrorCode::EmptyRepository));
    assert!(!place.mirror().exists());
    for refused in
        ["-oProxyCommand=x", "ext::sh -c id", "relative/path", "ftp://h/x", "https://", ""]
    {
        assert_eq!(code(inspect(refused).await), Some(ErrorCode::InvalidRequest), "{refused}");
    }
    let closed = inspect("http://127.0.0.1:9/x.git").await;
    assert_eq!(code(closed), Some(ErrorCode::RepoUnreachable));
}

#[tokio::test]
async fn a_detached_head_stands_for_the_newest_branch() {
    let place = Place::new().await;
    git(&place.source, &["checkout", "-q", "-b", "newer"]).await;
    let mut commit = process::command("git");
    commit.current_dir(&place.source).args(["-c", "user.name=T", "-c", "user.email=t@e.x"]);
    commit.args(["commit", "-qm", "later", "--allow-empty"]);
    commit.env("GIT_COMMITTER_DATE", "2090-01-01T00:00:00Z");
    assert!(commit.status().await.expect("runs").success());
    git(&place.source, &["checkout", "-q", "--detach", "main"]).await;
    let facts = inspect(&place.source.display().to_string()).await.expect("facts");
    assert_eq!(facts.default_branch, "newer");
    git(&place.source, &["branch", "-D", "newer", "main", "side"]).await;
    let facts = inspect(&place.source.display().to_string()).await.expect("facts");
    assert_eq!(facts.default_branch, "HEAD");
}

#[tokio::test]
async fn a_worktree_borrows_the_mirrors_objects() {
    let place = Place::new().await.mirrored().await;
    let first = place.worktree("one").await;
    let second = place.worktree("two").await;
    for path in [&first, &second] {
        assert_eq!(fs::read_to_string(path.join("a.txt")).expect("reads"), "one\ntwo\n");
    }
    assert_eq!(git(&first, &["branch", "--show-current"]).await, "grove/one");
    let main = git(&place.source, &["rev-parse", "main"]).await;
    assert_eq!(git(&first, &["rev-parse", "origin/main"]).await, main);
    let count = git(&place.private(), &["count-objects"]).await;
    assert!(count.starts_with("0 objects"), "{count}");
}

#[tokio::test]
async fn a_worktree_that_cannot_be_made_leaves_nothing() {
    let place = Place::new().await.mirrored().await;
    place.worktree("one").await;
    let refs = git(&place.private(), &["for-each-ref"]).await;
    let cases: [(AddWorktree, ErrorCode); 8] = [
        (
            AddWorktree { branch: "grove/one".into(), ..place.wanted("again", "main") },
            ErrorCode::BranchExists,
        ),
        (
            AddWorktree { branch: "side".into(), ..place.wanted("again", "main") },
            ErrorCode::BranchExists,
        ),
        (
            AddWorktree { branch: "grove/one/below".into(), ..place.wanted("again", "main") },
            ErrorCode::BranchExists,
        ),
        (
            AddWorktree { branch: "-x".into(), ..place.wanted("again", "main") },
            ErrorCode::InvalidBranchName,
        ),
        (
            AddWorktree { branch: "a..b".into(), ..place.wanted("again", "main") },
            ErrorCode::InvalidBranchName,
        ),
        (
            AddWorktree { branch: "a b".into(), ..place.wanted("again", "main") },
            ErrorCode::InvalidBranchName,
        ),
        (place.wanted("again", "nothing"), ErrorCode::UnknownReference),
        (place.wanted("again", "--upload-pack=x"), ErrorCode::UnknownReference),
    ];
    for (wanted, expected) in cases {
        let outcome = add(&wanted).await;
        assert_eq!(code(outcome), Some(expected), "{wanted:?}");
        assert!(!Path::new(&wanted.path).exists(), "{wanted:?}");
        assert_eq!(git(&place.private(), &["for-each-ref"]).await, refs, "{wanted:?}");
    }
    let listed = git(&place.private(), &["worktree", "list", "--porcelain"]).await;
    assert_eq!(listed.matches("\nworktree ").count(), 1, "{listed}");
    let again = add(&place.wanted("again", "main")).await.map(|it: WorktreeAdded| it.base_commit);
    assert_eq!(again.ok(), Some(git(&place.source, &["rev-parse", "main"]).await));
}

#[tokio::test]
async fn a_snapshot_holds_everything_and_changes_nothing() {
    let place = Place::new().await.mirrored().await;
    let path = place.worktree("one").await;
    let head = git(&path, &["rev-parse", "HEAD"]).await;
    let clean = take(&path, "refs/grove/snap/t/before").await.expect("taken");
    assert_eq!(clean.snapshot.commit, head);
    assert!(!clean.git.is_dirty);

    fs::write(path.join("a.txt"), "one\nTWO\n").expect("written");
    git(&path, &["add", "a.txt"]).await;
    fs::write(path.join("a.txt"), "one\nthree\n").expect("written");
    fs::write(path.join("new file\n.txt"), "new").expect("written");
    fs::write(path.join("x.log"), "ignored").expect("written");
    let index = git(&path, &["rev-parse", "--absolute-git-dir"]).await;
    let index = Path::new(&index).join("index");
    let before = fs::read(&index).expect("reads");
    let dirty = take(&path, "refs/grove/snap/t/after").await.expect("taken");
    assert_eq!(fs::read(&index).expect("reads"), before);
    assert!(dirty.git.is_dirty);
    assert_eq!(dirty.git.commit, head);
    assert_eq!(git(&path, &["rev-parse", "HEAD"]).await, head);
    assert_eq!(
        git(&path, &["show", &format!("{}:a.txt", dirty.snapshot.commit)]).await,
        "one\nthree"
    );
    let files = git(&path, &["ls-tree", "-z", "--name-only", &dirty.snapshot.commit]).await;
    assert!(files.contains("new file\n.txt") && !files.contains("x.log"), "{files:?}");
    let refused = take(&path, "refs/heads/main").await;
    assert_eq!(code(refused), Some(ErrorCode::InvalidRequest));
    // A session can start from a snapshot of another.
    let child = place.wanted("child", "refs/grove/snap/t/after");
    add(&child).await.expect("added");
    let text = fs::read_to_string(Path::new(&child.path).join("a.txt")).expect("reads");
    assert_eq!(text, "one\nthree\n");
    let left = fs::read_dir(index.parent().expect("a parent")).expect("reads").flatten();
    assert_eq!(
        left.filter(|it| it.file_name().to_string_lossy().contains("grove-index")).count(),
        0
    );
}

#[tokio::test]
async fn a_removed_worktree_keeps_its_snapshot_and_branch() {
    let place = Place::new().await.mirrored().await;
    let path = place.worktree("one").await;
    fs::write(path.join("kept.txt"), "kept").expect("written");
    let kept = remove(&place.private(), &path, "refs/grove/trash/one").await.expect("removed");
    assert!(!path.exists());
    let show = format!("{}:kept.txt", kept.commit);
    assert_eq!(git(&place.private(), &["show", &show]).await, "kept");
    git(&place.private(), &["rev-parse", "--verify", "refs/heads/grove/one"]).await;
    let again = remove(&place.private(), &path, "refs/grove/trash/one").await;
    assert_eq!(code(again), Some(ErrorCode::RepoUnreachable));
}

#[tokio::test]
async fn a_diff_tells_of_every_kind_of_change() {
    let place = Place::new().await;
    fs::write(place.source.join("moved from.txt"), "1\n2\n3\n4\n5\n6\n").expect("written");
    fs::write(place.source.join("gone.txt"), "gone\n").expect("written");
    fs::write(place.source.join("turns.txt"), "text\n").expect("written");
    git(&place.source, &["add", "."]).await;
    git(&place.source, &["commit", "-qm", "more"]).await;
    let place = place.mirrored().await;
    let path = place.worktree("one").await;
    let base = git(&path, &["rev-parse", "HEAD"]).await;
    fs::rename(path.join("moved from.txt"), path.join("moved to.txt")).expect("moved");
    fs::remove_file(path.join("gone.txt")).expect("removed");
    fs::remove_file(path.join("turns.txt")).expect("removed");
    std::os::unix::fs::symlink("a.txt", path.join("turns.txt")).expect("linked");
    fs::write(path.join("a.txt"), "one\ndiff --git a/x b/x\ntwo\n").expect("written");
    git(&path, &["commit", "-qam", "committed"]).await;
    fs::write(path.join("b\tü.txt"), "new\n").expect("written");
    fs::write(path.join("c.bin"), [0_u8, 159, 146, 150]).expect("written");
    fs::write(path.join("x.log"), "ignored").expect("written");
    let changed = diff(&path, &base).await.expect("a diff");
    assert!(changed.is_dirty);
    assert_ne!(changed.head_commit, base);
    let shown: Vec<_> = changed
        .files
        .iter()
        .map(|it| (it.path.as_str(), it.status, it.additions, it.deletions, it.is_binary))
        .collect();
    assert_eq!(
        shown,
        [
            ("a.txt", FileStatus::Modified, 1, 0, false),
            ("b\tü.txt", FileStatus::Added, 1, 0, false),
            ("c.bin", FileStatus::Added, 0, 0, true),
            ("gone.txt", FileStatus::Deleted, 0, 1, false),
            ("moved to.txt", FileStatus::Renamed, 0, 0, false),
            ("turns.txt", FileStatus::Modified, 1, 1, false),
        ]
    );
    let file = |name: &str| changed.files.iter().find(|it| it.path == name).expect("listed");
    assert_eq!(file("moved to.txt").old_path.as_deref(), Some("moved from.txt"));
    assert!(file("a.txt").patch.contains("\n+diff --git a/x b/x\n"));
    assert!(file("gone.txt").patch.contains("\n-gone\n"));
    assert!(file("turns.txt").patch.contains("new file mode 120000"));
    assert!(file("c.bin").patch.is_empty());
    let unknown = diff(&path, "0000000000000000000000000000000000000000").await;
    assert_eq!(code(unknown), Some(ErrorCode::UnknownReference));
}

#[tokio::test]
async fn a_large_patch_is_cut_and_says_so() {
    let place = Place::new().await.mirrored().await;
    let path = place.worktree("one").await;
    fs::write(path.join("large.txt"), "0123456789abcde\n".repeat(40_000)).expect("written");
    fs::write(path.join("small.txt"), "small\n").expect("written");
    let diff = diff(&path, "HEAD").await.expect("a diff");
    let file = |name: &str| diff.files.iter().find(|it| it.path == name).expect("listed");
    assert!(file("large.txt").is_truncated);
    assert!(file("large.txt").patch.len() <= grove_core_api::limits::DIFF_FILE_BYTES);
    assert_eq!(file("large.txt").additions, 40_000);
    assert!(file("small.txt").patch.contains("+small"));
}

/// The two files through which a bundle travels.
fn ways(place: &Place) -> (String, String) {
    let path = |name: &str| place.root.path().join(name).display().to_string();
    (path("git/ana/.bundles/x.bundle"), path("mirror/.bundles/x.bundle"))
}

/// Packs the source for the mirror, carries the bundle over and takes it in.
async fn relay(place: &Place) -> Result<(u64, Vec<i32>), RpcError> {
    let (outgoing, incoming) = ways(place);
    let wanted = CreateBundle {
        source: place.source.display().to_string(),
        mirror: place.mirror().display().to_string(),
        bundle: outgoing.clone(),
        progress: String::new(),
    };
    let mut percents = Vec::new();
    let made = create(&wanted, &mut |percent| percents.push(percent)).await?;
    carry(&outgoing, &incoming, made.bytes)?;
    let wanted = ImportBundle {
        bundle: (made.bytes > 0).then(|| incoming.clone()),
        mirror: wanted.mirror,
        kind: ImportKind::Mirror,
        refs: made.refs,
        default_branch: made.facts.default_branch,
    };
    let imported = import(&wanted).await;
    discard(Path::new(&outgoing))?;
    discard(Path::new(&incoming))?;
    imported.map(|_| (made.bytes, percents))
}

fn carry(outgoing: &str, incoming: &str, bytes: u64) -> Result<(), RpcError> {
    let mut offset = 0;
    while offset < bytes {
        let piece = read(&ReadBundle { bundle: outgoing.to_owned(), offset })?;
        let size = STANDARD.decode(&piece.data).expect("base64").len();
        assert!(size > 0, "a piece is never empty");
        write(&WriteBundle { bundle: incoming.to_owned(), offset, data: piece.data })?;
        offset += u64::try_from(size).expect("small");
        assert_eq!(piece.is_last, offset == bytes);
    }
    Ok(())
}

#[tokio::test]
async fn a_bundle_makes_a_mirror_and_brings_it_up_to_date() {
    let place = Place::new().await;
    // More than one piece.
    let mixed = |it: u32| it.wrapping_mul(2_654_435_761).to_le_bytes()[2];
    let noise: Vec<u8> = (0..3_000_000).map(mixed).collect();
    fs::write(place.source.join("noise"), noise).expect("written");
    git(&place.source, &["add", "."]).await;
    git(&place.source, &["commit", "-qm", "noise"]).await;
    let (bytes, percents) = relay(&place).await.expect("relayed");
    assert!(bytes > 0 && percents.iter().all(|percent| (0..=90).contains(percent)));
    let mirror = place.mirror();
    assert_eq!(branches(&mirror).await.expect("branches").names.len(), 2);
    let head = git(&place.source, &["rev-parse", "main"]).await;
    assert_eq!(git(&mirror, &["rev-parse", "HEAD"]).await, head);

    git(&place.source, &["branch", "-D", "side"]).await;
    git(&place.source, &["tag", "-a", "v1", "-m", "one"]).await;
    fs::write(place.source.join("a.txt"), "three\n").expect("written");
    git(&place.source, &["commit", "-qam", "second"]).await;
    let (second, _) = relay(&place).await.expect("relayed");
    assert!(second > 0 && second < bytes / 10, "only what is new travels: {second}");
    assert_eq!(branches(&mirror).await.expect("branches").names, ["main"]);
    let tag = git(&place.source, &["rev-parse", "v1"]).await;
    assert_eq!(git(&mirror, &["rev-parse", "v1"]).await, tag);
    git(&mirror, &["fsck", "--strict"]).await;

    // Nothing new: only the names are compared.
    git(&place.source, &["branch", "again"]).await;
    assert_eq!(relay(&place).await.expect("relayed").0, 0);
    assert!(branches(&mirror).await.expect("branches").names.contains(&"again".to_owned()));
    let left = fs::read_dir(place.root.path().join("git/ana/.bundles")).expect("read").count();
    assert_eq!(left, 0, "nothing of a bundle stays");
}

#[tokio::test]
async fn others_may_read_a_mirror_that_came_by_bundle() {
    use std::os::unix::fs::PermissionsExt;
    let place = Place::new().await;
    relay(&place).await.expect("relayed");
    let mut folders = vec![place.mirror()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("read").map(|it| it.expect("entry").path()) {
            let mode = fs::metadata(&entry).expect("there").permissions().mode();
            let wanted = if entry.is_dir() { 0o005 } else { 0o004 };
            assert_eq!(mode & wanted, wanted, "{}", entry.display());
            if entry.is_dir() {
                folders.push(entry);
            }
        }
    }
}

#[tokio::test]
async fn an_object_that_could_harm_is_refused_and_no_mirror_is_made() {
    let place = Place::new().await;
    let blob = git(&place.source, &["rev-parse", "HEAD:a.txt"]).await;
    let listing = place.root.path().join("listing");
    fs::write(&listing, format!("100644 blob {blob}\t.git\n")).expect("written");
    let mut command = process::command("git");
    command.current_dir(&place.source).arg("mktree");
    command.stdin(fs::File::open(&listing).expect("open"));
    let output = command.output().await.expect("git runs");
    let tree = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    let commit = git(&place.source, &["commit-tree", "-m", "evil", &tree]).await;
    git(&place.source, &["update-ref", "refs/heads/evil", &commit]).await;
    let refused = relay(&place).await.expect_err("refused");
    assert_eq!(refused.data, Some(ErrorCode::GitFailed), "{refused}");
    assert!(!place.mirror().exists());
    let (outgoing, incoming) = ways(&place);
    discard(Path::new(&outgoing)).expect("removed");
    discard(Path::new(&incoming)).expect("removed");
    let left: Vec<_> = fs::read_dir(place.root.path().join("mirror"))
        .expect("read")
        .map(|it| it.expect("entry").file_name())
        .filter(|name| name != ".bundles")
        .collect();
    assert!(left.is_empty(), "{left:?}");
}

#[tokio::test]
async fn an_import_writes_only_where_it_may_and_only_what_is_there() {
    let place = Place::new().await;
    relay(&place).await.expect("relayed");
    let head = git(&place.mirror(), &["rev-parse", "HEAD"]).await;
    let wanted = |kind, name: &str, commit: &str| ImportBundle {
        bundle: None,
        mirror: place.mirror().display().to_string(),
        kind,
        refs: vec![RefValue { name: name.to_owned(), commit: commit.to_owned() }],
        default_branch: "main".to_owned(),
    };
    let missing = "1234567890".repeat(4);
    for (kind, name, commit) in [
        (ImportKind::Mirror, "HEAD", head.as_str()),
        (ImportKind::Mirror, "refs/users/ana/x", &head),
        (ImportKind::Mirror, "refs/heads/../../config", &head),
        (ImportKind::Mirror, "refs/heads/x\0refs/heads/y", &head),
        (ImportKind::Mirror, "refs/heads/x", "main"),
        (ImportKind::Publish, "refs/heads/main", &head),
        (ImportKind::Publish, "refs/users/ana/x", &missing),
    ] {
        let refused = import(&wanted(kind, name, commit)).await;
        assert!(refused.is_err(), "{name:?} {commit}");
    }
    assert_eq!(branches(&place.mirror()).await.expect("branches").names.len(), 2);
    import(&wanted(ImportKind::Publish, "refs/users/ana/x", &head)).await.expect("published");
}

#[tokio::test]
async fn pieces_of_a_bundle_come_in_order() {
    let place = Place::new().await;
    let (_, incoming) = ways(&place);
    let piece = |offset, text: &str| {
        write(&WriteBundle { bundle: incoming.clone(), offset, data: STANDARD.encode(text) })
    };
    assert!(piece(3, "def").is_err(), "the first one is missing");
    piece(0, "abc").expect("first");
    assert!(piece(0, "abc").is_err() && piece(5, "x").is_err());
    piece(3, "def").expect("second");
    assert_eq!(fs::read(&incoming).expect("read"), b"abcdef");
    let broken = WriteBundle { bundle: incoming.clone(), offset: 6, data: "!".to_owned() };
    assert!(write(&broken).is_err());
}

#[tokio::test]
async fn a_branch_is_published_without_what_the_mirror_has() {
    let place = Place::new().await;
    relay(&place).await.expect("relayed");
    let wanted = place.wanted("one", "main");
    add(&wanted).await.expect("added");
    let path = Path::new(&wanted.path);
    fs::write(path.join("b.txt"), "new\n").expect("written");
    git(path, &["add", "."]).await;
    git(path, &["commit", "-qm", "mine"]).await;
    let (outgoing, incoming) = ways(&place);
    let call = PublishBranch {
        mirror: wanted.mirror.clone(),
        private: wanted.private.clone(),
        branch: wanted.branch.clone(),
        bundle: outgoing.clone(),
    };
    let made = publish(&call).await.expect("packed");
    let commit = git(path, &["rev-parse", "HEAD"]).await;
    assert_eq!(made.refs[0].commit, commit);
    carry(&outgoing, &incoming, made.bytes).expect("carried");
    let refs =
        vec![RefValue { name: "refs/users/ana/grove/one".to_owned(), commit: commit.clone() }];
    let taken = ImportBundle {
        bundle: Some(incoming),
        mirror: wanted.mirror.clone(),
        kind: ImportKind::Publish,
        refs,
        default_branch: "main".to_owned(),
    };
    import(&taken).await.expect("taken in");
    let named = git(&place.mirror(), &["rev-parse", "refs/users/ana/grove/one"]).await;
    assert_eq!(named, commit);
    // Others start from it.
    let mut other = place.wanted("two", "refs/users/ana/grove/one");
    other.private = place.root.path().join("git/ben/x.git").display().to_string();
    assert_eq!(add(&other).await.expect("added").base_commit, commit);
    let unknown = PublishBranch { branch: "nothing".to_owned(), ..call };
    let refused = publish(&unknown).await.expect_err("refused");
    assert_eq!(refused.data, Some(ErrorCode::UnknownReference));
}

#[tokio::test]
async fn a_worktree_is_made_in_an_empty_directory_and_in_no_other() {
    let place = Place::new().await;
    relay(&place).await.expect("relayed");
    let wanted = place.wanted("one", "main");
    fs::create_dir_all(&wanted.path).expect("made");
    add(&wanted).await.expect("added");
    assert!(Path::new(&wanted.path).join("a.txt").exists());
    let full = place.wanted("two", "main");
    fs::create_dir_all(Path::new(&full.path).join("something")).expect("made");
    let refused = add(&full).await.expect_err("refused");
    assert_eq!(refused.data, Some(ErrorCode::Conflict));
    assert!(Path::new(&full.path).join("something").exists(), "what was there stays");
}

//! Bundles: how a repository comes into a mirror that another account keeps.
//!
//! The keeper of a person packs what the person can read; the keeper of the mirrors takes it in. The
//! second trusts nothing of it: git checks every object, links included, and only names below
//! `refs/heads/`, `refs/tags/` or `refs/users/` are written.

use super::command::Git;
use super::inspect;
use super::mirror::{Meter, Scratch, storage};
use super::names::{self, Source};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use grove_core_api::ipc::RpcError;
use grove_core_api::ipc::bundle::{
    BundleMade, BundlePiece, CreateBundle, ImportBundle, ImportKind, PublishBranch, ReadBundle,
    RefValue, WriteBundle,
};
use grove_core_api::ipc::method::RepoFacts;
use grove_core_api::{ErrorCode, limits};
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// Longest head of a bundle: its references and what it builds on.
const HEAD_BYTES: u64 = 16 * 1024 * 1024;
/// Share of a clone's progress that packing takes; the rest is taking it in.
const PACKED_PERCENT: i32 = 90;

/// Packs what a source has and the mirror has not.
///
/// # Errors
/// As [`inspect::inspect`]; `TooLarge` when it is over a limit.
///
/// # Cancel safety
/// Dropping the future kills git; what is left goes with [`discard`].
pub(crate) async fn create(
    wanted: &CreateBundle,
    progress: &mut (dyn FnMut(i32) + Send),
) -> Result<BundleMade, RpcError> {
    let origin = match names::source(&wanted.source)? {
        Source::Path(path) => inspect::local(path).await?,
        Source::Url(url) => PathBuf::from(url),
    };
    let (bundle, mirror) = (Path::new(&wanted.bundle), Path::new(&wanted.mirror));
    let folder = make_folder(bundle)?;
    let scratch = beside(bundle);
    let mut meter = Meter::default();
    let mut watch = |piece: &str| {
        if let Some(percent) = meter.feed(piece) {
            progress(percent * PACKED_PERCENT / 100);
        }
    };
    let clone = Git::at(folder).trusting(&origin).trusting(&origin.join(".git")).remote();
    let mut clone = clone.trusting(mirror).args(["clone", "--bare", "--progress"]);
    if mirror.join("objects").is_dir() {
        clone = clone.args(["--reference"]).path(mirror);
    }
    let clone = clone.args(["--"]).path(&origin).path(&scratch);
    clone.run_watched(&mut watch).await?;
    let facts = inspect::facts(&scratch).await?;
    let refs = list(&scratch).await?;
    let bytes = pack(&scratch, mirror, bundle, &["--branches", "--tags"]).await?;
    remove(&scratch).map_err(|error| storage(&error))?;
    Ok(BundleMade { bytes, refs, facts })
}

/// Packs a branch of a private repository, without what the mirror has.
///
/// # Errors
/// `UnknownReference` when there is no such branch, or what git says.
pub(crate) async fn publish(wanted: &PublishBranch) -> Result<BundleMade, RpcError> {
    let (private, mirror) = (Path::new(&wanted.private), Path::new(&wanted.mirror));
    let bundle = Path::new(&wanted.bundle);
    make_folder(bundle)?;
    let name = format!("refs/heads/{}", wanted.branch);
    let commit = inspect::commit(private, &name).await?;
    let commit = commit.ok_or_else(|| names::unknown(&wanted.branch))?;
    let bytes = pack(private, mirror, bundle, &[&name]).await?;
    let facts = RepoFacts { default_branch: wanted.branch.clone(), head_commit: commit.clone() };
    Ok(BundleMade { bytes, refs: vec![RefValue { name, commit }], facts })
}

/// Writes a bundle of `tips` without what the alternate has. 0 bytes: it has everything.
async fn pack(at: &Path, mirror: &Path, bundle: &Path, tips: &[&str]) -> Result<u64, RpcError> {
    let git = Git::at(at).trusting(mirror).remote().args(["bundle", "create", "--quiet"]);
    let output = git.path(bundle).args(tips).args(["--not", "--alternate-refs"]);
    let output = output.output(&mut |_| {}).await?;
    if output.code != Some(0) {
        if output.stderr.contains("empty bundle") {
            return Ok(0);
        }
        return Err(super::command::failure(&output.stderr));
    }
    let bytes = fs::metadata(bundle).map_err(|error| storage(&error))?.len();
    if bytes > limits::BUNDLE_BYTES {
        let message = "the repository is larger than Grove takes over from another account";
        return Err(RpcError::failed(ErrorCode::TooLarge, message));
    }
    Ok(bytes)
}

/// Branches and tags of a repository.
async fn list(at: &Path) -> Result<Vec<RefValue>, RpcError> {
    let count = format!("--count={}", limits::BUNDLE_REFS + 1);
    let args =
        ["for-each-ref", &count, "--format=%(objectname) %(refname)", "refs/heads", "refs/tags"];
    let output = Git::at(at).reading().args(args).run().await?;
    let entry = |line: &str| {
        let (commit, name) = line.split_once(' ')?;
        Some(RefValue { name: name.to_owned(), commit: commit.to_owned() })
    };
    let refs: Vec<RefValue> = output.text().lines().filter_map(entry).collect();
    check_count(&refs)?;
    Ok(refs)
}

fn check_count(refs: &[RefValue]) -> Result<(), RpcError> {
    if refs.len() <= limits::BUNDLE_REFS {
        return Ok(());
    }
    let message = format!("the repository has more than {} branches and tags", limits::BUNDLE_REFS);
    Err(RpcError::failed(ErrorCode::TooLarge, message))
}

/// Reads a piece of a bundle.
///
/// # Errors
/// `GitFailed` when the file cannot be read.
pub(crate) fn read(wanted: &ReadBundle) -> Result<BundlePiece, RpcError> {
    let most = u64::try_from(limits::BUNDLE_PIECE_BYTES).unwrap_or(u64::MAX);
    let piece = || -> io::Result<BundlePiece> {
        let mut file = File::open(&wanted.bundle)?;
        let bytes = file.metadata()?.len();
        file.seek(SeekFrom::Start(wanted.offset))?;
        let mut data = Vec::new();
        file.take(most).read_to_end(&mut data)?;
        let end = wanted.offset + u64::try_from(data.len()).unwrap_or(u64::MAX);
        Ok(BundlePiece { data: STANDARD.encode(&data), is_last: end >= bytes })
    };
    piece().map_err(|error| storage(&error))
}

/// Appends a piece to a bundle.
///
/// # Errors
/// `InvalidRequest` when it is not the next piece or too large, `StorageFull`.
pub(crate) fn write(wanted: &WriteBundle) -> Result<(), RpcError> {
    let refused = |message: &str| RpcError::failed(ErrorCode::InvalidRequest, message);
    let path = Path::new(&wanted.bundle);
    make_folder(path)?;
    let data = STANDARD.decode(&wanted.data).map_err(|error| refused(&error.to_string()))?;
    let end = wanted.offset + u64::try_from(data.len()).unwrap_or(u64::MAX);
    if data.len() > limits::BUNDLE_PIECE_BYTES || end > limits::BUNDLE_BYTES {
        return Err(refused("the piece or the bundle is too large"));
    }
    let is_first = wanted.offset == 0;
    let append = || -> io::Result<bool> {
        let mut options = OpenOptions::new();
        options.append(true).create(is_first).mode(0o600);
        let mut file = options.open(path)?;
        if file.metadata()?.len() != wanted.offset {
            return Ok(false);
        }
        file.write_all(&data)?;
        Ok(true)
    };
    match append() {
        Ok(true) => Ok(()),
        Ok(false) => Err(refused("this is not the next piece of the bundle")),
        Err(error) => Err(storage(&error)),
    }
}

/// Removes a bundle, or a folder of them, with what was needed to make it.
///
/// # Errors
/// `GitFailed` when something stays.
pub(crate) fn discard(bundle: &Path) -> Result<(), RpcError> {
    remove(&beside(bundle)).and_then(|()| remove(bundle)).map_err(|error| storage(&error))
}

fn remove(path: &Path) -> io::Result<()> {
    let removed = match path.symlink_metadata() {
        Ok(found) if found.is_dir() => fs::remove_dir_all(path),
        Ok(_) => fs::remove_file(path),
        Err(error) => Err(error),
    };
    match removed {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        Ok(()) | Err(_) => Ok(()),
    }
}

/// The repository in which a bundle is gathered.
fn beside(bundle: &Path) -> PathBuf {
    bundle.with_extension("git")
}

fn make_folder(bundle: &Path) -> Result<&Path, RpcError> {
    let folder = bundle.parent().unwrap_or(Path::new("/"));
    fs::create_dir_all(folder).map_err(|error| storage(&error))?;
    Ok(folder)
}

/// Takes a bundle into the mirror, every object checked. A new mirror appears whole or not at all.
///
/// # Errors
/// `InvalidRequest` for names that may not be written, `NotARepository` when something is to be added
/// to a mirror that is not there, `GitFailed` when an object is broken or missing.
///
/// # Cancel safety
/// Not cancel safe: run it to its end on a task of its own.
pub(crate) async fn import(wanted: &ImportBundle) -> Result<RepoFacts, RpcError> {
    check_count(&wanted.refs)?;
    for value in &wanted.refs {
        check(value, wanted.kind)?;
    }
    let mirror = Path::new(&wanted.mirror);
    if mirror.join("objects").is_dir() {
        take_in(mirror, wanted).await?;
        return inspect::facts(mirror).await;
    }
    if wanted.kind != ImportKind::Mirror {
        let message = "the repository's mirror is missing; fetch the repository and try again";
        return Err(RpcError::failed(ErrorCode::NotARepository, message));
    }
    let made = Scratch::beside(mirror)?;
    let parent = mirror.parent().unwrap_or(Path::new("/"));
    let is_long = wanted.refs.first().is_some_and(|it| it.commit.len() == 64);
    let format = format!("--object-format={}", if is_long { "sha256" } else { "sha1" });
    // Other accounts borrow from it: they may read, whatever the umask says.
    let init = ["init", "--quiet", "--bare", "--shared=0644", "--template=", &format, "--"];
    Git::at(parent).args(init).path(made.path()).run().await?;
    // Objects must stay: private repositories borrow them.
    Git::at(made.path()).args(["config", "gc.auto", "0"]).run().await?;
    take_in(made.path(), wanted).await?;
    let head = format!("refs/heads/{}", wanted.default_branch);
    if wanted.refs.iter().any(|value| value.name == head) {
        Git::at(made.path()).args(["symbolic-ref", "HEAD", &head]).run().await?;
    }
    let facts = inspect::facts(made.path()).await?;
    made.keep_as(mirror)?;
    Ok(facts)
}

/// Checks a name that an account gave before git sees it.
fn check(value: &RefValue, kind: ImportKind) -> Result<(), RpcError> {
    let is_object = matches!(value.commit.len(), 40 | 64)
        && value.commit.bytes().all(|byte| byte.is_ascii_hexdigit());
    let places: &[&str] = match kind {
        ImportKind::Mirror => &["refs/heads/", "refs/tags/"],
        ImportKind::Publish => &["refs/users/"],
    };
    let is_place = places.iter().any(|place| value.name.starts_with(place));
    let is_plain = !value.name.chars().any(|it| it.is_control() || it.is_whitespace());
    if is_object && is_place && is_plain && !value.name.contains("..") {
        return Ok(());
    }
    let shown: String = value.name.chars().take(80).collect();
    let message = format!("`{}` may not be written", shown.escape_debug());
    Err(RpcError::failed(ErrorCode::InvalidRequest, message))
}

async fn take_in(at: &Path, wanted: &ImportBundle) -> Result<(), RpcError> {
    if let Some(bundle) = &wanted.bundle {
        let pack = open_pack(Path::new(bundle)).map_err(|error| storage(&error))?;
        // `git fetch` would check a bundle's objects only from 2.46 on.
        let index = ["index-pack", "--stdin", "--fix-thin", "--strict"];
        let indexed = Git::at(at).remote().args(index).input_file(pack).run().await;
        if let Err(error) = indexed {
            sweep(at);
            return Err(error);
        }
    }
    // Every object that the names need is there, not only those that came along.
    let tips: String = wanted.refs.iter().map(|value| format!("{}\n", value.commit)).collect();
    let walk = ["rev-list", "--objects", "--quiet", "--stdin", "--not", "--all"];
    Git::at(at).remote().args(walk).input(tips).run().await?;
    if wanted.kind == ImportKind::Mirror {
        let gone = gone(at, &wanted.refs).await?;
        let commands = gone.iter().map(|name| format!("delete {name}\0\0")).collect();
        update(at, commands).await?;
    }
    let command = |value: &RefValue| format!("update {}\0{}\0\0", value.name, value.commit);
    update(at, wanted.refs.iter().map(command).collect()).await
}

/// Branches of the mirror that the source has no more; tags stay, as with `git fetch`.
async fn gone(at: &Path, refs: &[RefValue]) -> Result<Vec<String>, RpcError> {
    let args = ["for-each-ref", "--format=%(refname)", "refs/heads"];
    let known = Git::at(at).reading().args(args).run().await?.text();
    let named: std::collections::HashSet<&str> = refs.iter().map(|it| it.name.as_str()).collect();
    Ok(known.lines().filter(|name| !named.contains(name)).map(str::to_owned).collect())
}

/// Changes references, all or none.
async fn update(at: &Path, commands: String) -> Result<(), RpcError> {
    if commands.is_empty() {
        return Ok(());
    }
    Git::at(at).args(["update-ref", "--stdin", "-z"]).input(commands).run().await.map(|_| ())
}

/// Opens a bundle where its pack begins: after the first empty line.
fn open_pack(bundle: &Path) -> io::Result<File> {
    let mut file = File::open(bundle)?;
    let mut reader = BufReader::new((&file).take(HEAD_BYTES));
    let (mut line, mut start, mut is_first) = (Vec::new(), 0_u64, true);
    loop {
        line.clear();
        let count = reader.read_until(b'\n', &mut line)?;
        let is_head =
            !is_first || line.starts_with(b"# v2 git bundle") || line.starts_with(b"# v3");
        if count == 0 || !line.ends_with(b"\n") || !is_head {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "this is no bundle"));
        }
        is_first = false;
        start += u64::try_from(count).unwrap_or(0);
        if line == b"\n" {
            break;
        }
    }
    drop(reader);
    file.seek(SeekFrom::Start(start))?;
    Ok(file)
}

/// Removes packs that git began and refused.
fn sweep(at: &Path) {
    let Ok(entries) = fs::read_dir(at.join("objects/pack")) else { return };
    for entry in entries.flatten() {
        let is_half = entry.file_name().to_string_lossy().starts_with("tmp_");
        if is_half && let Err(error) = fs::remove_file(entry.path()) {
            tracing::warn!(%error, "failed to remove a half-made pack");
        }
    }
}

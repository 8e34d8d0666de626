//! What a worktree changed since a commit: committed or not, new files included, ignored ones not.

use super::command::Git;
use super::names;
use super::snapshot::Staged;
use grove_core_api::ipc::RpcError;
use grove_core_api::limits;
use grove_core_api::rest::worktrees::{Diff, DiffFile, FileStatus};
use std::collections::HashMap;
use std::path::Path;

/// Options that make the output the same for everybody: no external programs, no colours.
const OPTIONS: [&str; 7] = [
    "diff",
    "--cached",
    "--find-renames",
    "--no-ext-diff",
    "--no-textconv",
    "--no-color",
    "--ignore-submodules=none",
];

/// Compares a worktree with a commit.
///
/// # Errors
/// `UnknownReference` when there is no such commit, `NotARepository`, `StorageFull`, or what git says.
pub(crate) async fn diff(worktree: &Path, base: &str) -> Result<Diff, RpcError> {
    names::check_base(base)?;
    let base_commit = super::inspect::commit(worktree, base).await?;
    let base_commit = base_commit.ok_or_else(|| names::unknown(base))?;
    let staged = Staged::of(worktree).await?;
    let git = || Git::at(worktree).env("GIT_INDEX_FILE", staged.index()).args(OPTIONS);
    let list = git().args(["--raw", "--numstat", "--abbrev=40", "-z", &base_commit, "--"]);
    let listed = read_list(&list.run().await?.stdout);
    let is_truncated = listed.len() > limits::DIFF_FILES;
    let mut files: Vec<DiffFile> = Vec::new();
    if !listed.is_empty() {
        let all = git().args(["--patch", "--src-prefix=a/", "--dst-prefix=b/", &base_commit, "--"]);
        // What is left out later must be read too, to know where the next file begins.
        let output = all.cut_after(limits::DIFF_TOTAL_BYTES * 4).run().await?;
        let mut patches = Patches::new(&output.stdout, output.is_cut);
        let mut total = 0;
        for entry in listed.into_iter().take(limits::DIFF_FILES) {
            files.push(with_patch(entry, &mut patches, &mut total));
        }
    }
    files.sort_by(|left, right| left.path.cmp(&right.path));
    let state = staged.git_state();
    Ok(Diff {
        base_commit,
        head_commit: state.commit,
        is_dirty: state.is_dirty,
        files,
        is_truncated,
    })
}

/// One file as `--raw` and `--numstat` tell of it.
struct Listed {
    file: DiffFile,
    /// A change of type (file to link) is two patches to git.
    patches: usize,
}

/// Reads `--raw -z` followed by `--numstat -z`.
///
/// Raw: `:<modes> <names> <status>NUL<path>NUL[<new path>NUL]`. Numstat:
/// `<added>TAB<removed>TAB<path>NUL`, or, for a rename, an empty path and then both paths.
fn read_list(bytes: &[u8]) -> Vec<Listed> {
    let mut fields = bytes.split(|byte| *byte == 0).peekable();
    let mut listed = Vec::new();
    let mut places = HashMap::new();
    while let Some(field) = fields.peek() {
        if !field.starts_with(b":") {
            break;
        }
        let status = field.rsplit(|byte| *byte == b' ').next().and_then(|it| it.first()).copied();
        fields.next();
        let is_pair = matches!(status, Some(b'R' | b'C'));
        let old_path = if is_pair { fields.next().map(lossy) } else { None };
        let Some(raw_path) = fields.next() else { break };
        places.insert(raw_path.to_vec(), listed.len());
        listed.push(new_entry(status, raw_path, old_path));
    }
    while let Some(field) = fields.next() {
        let mut parts = field.splitn(3, |byte| *byte == b'\t');
        let (Some(added), Some(removed), Some(mut path)) =
            (parts.next(), parts.next(), parts.next())
        else {
            continue;
        };
        if path.is_empty() {
            fields.next();
            let Some(new_path) = fields.next() else { break };
            path = new_path;
        }
        let Some(entry) = places.get(path).and_then(|place| listed.get_mut(*place)) else {
            continue;
        };
        entry.file.is_binary = added == b"-";
        entry.file.additions = number(added);
        entry.file.deletions = number(removed);
    }
    listed
}

fn new_entry(status: Option<u8>, path: &[u8], old_path: Option<String>) -> Listed {
    let kind = match status {
        Some(b'A' | b'C') => FileStatus::Added,
        Some(b'D') => FileStatus::Deleted,
        Some(b'R') => FileStatus::Renamed,
        _ => FileStatus::Modified,
    };
    let file = DiffFile {
        path: lossy(path),
        old_path,
        status: kind,
        additions: 0,
        deletions: 0,
        is_binary: false,
        patch: String::new(),
        is_truncated: false,
    };
    Listed { file, patches: if status == Some(b'T') { 2 } else { 1 } }
}

fn lossy(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn number(bytes: &[u8]) -> i64 {
    std::str::from_utf8(bytes).ok().and_then(|text| text.parse().ok()).unwrap_or(0)
}

/// The patches of `git diff --patch` in their order. Inside a patch no line begins with `diff --git`:
/// each line of a file stands behind a blank, `+` or `-`.
struct Patches<'a> {
    rest: &'a [u8],
    is_cut: bool,
}

const HEAD: &[u8] = b"diff --git ";

impl<'a> Patches<'a> {
    fn new(rest: &'a [u8], is_cut: bool) -> Self {
        Self { rest, is_cut }
    }

    /// Takes the next patch and whether it is whole.
    fn next(&mut self) -> (&'a [u8], bool) {
        let end = next_head(self.rest);
        let (patch, rest) = self.rest.split_at(end.unwrap_or(self.rest.len()));
        self.rest = rest;
        let is_whole = end.is_some() || !self.is_cut;
        (patch, is_whole)
    }
}

fn next_head(bytes: &[u8]) -> Option<usize> {
    let mut from = 0;
    while let Some(offset) = bytes.get(from..)?.iter().position(|byte| *byte == b'\n') {
        from += offset + 1;
        if bytes.get(from..)?.starts_with(HEAD) {
            return Some(from);
        }
    }
    None
}

fn with_patch(entry: Listed, patches: &mut Patches<'_>, total: &mut usize) -> DiffFile {
    let mut file = entry.file;
    let mut patch = Vec::new();
    let mut is_whole = true;
    for _ in 0..entry.patches {
        let (part, part_is_whole) = patches.next();
        patch.extend_from_slice(part);
        is_whole &= part_is_whole;
    }
    if file.is_binary {
        return file;
    }
    let room = limits::DIFF_TOTAL_BYTES.saturating_sub(*total);
    if patch.len() > room {
        file.is_truncated = true;
        return file;
    }
    file.is_truncated = !is_whole || patch.len() > limits::DIFF_FILE_BYTES;
    if patch.len() > limits::DIFF_FILE_BYTES {
        let cut = patch.get(..limits::DIFF_FILE_BYTES).unwrap_or_default();
        let line_end = cut.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
        patch.truncate(line_end);
    }
    *total += patch.len();
    file.patch = lossy(&patch);
    file
}

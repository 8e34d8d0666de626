//! The file tools: read, write, edit, list, all beneath the worktree.

use super::beneath::Beneath;
use super::{Outcome, patch};
use grove_core_api::limits;
use nix::dir::Type;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::path::{Component, Path, PathBuf};

/// The files of one worktree.
pub(super) struct Files {
    beneath: Beneath,
    root: PathBuf,
}

type Answer = Result<Outcome, Outcome>;

fn failed(path: &str, doing: &str, error: &io::Error) -> Outcome {
    let why = match error.raw_os_error() {
        Some(libc::EXDEV | libc::ELOOP) => "it is outside of the worktree".to_owned(),
        Some(libc::ENOENT) => "there is no such file".to_owned(),
        Some(libc::EISDIR) => "it is a directory".to_owned(),
        _ => error.to_string(),
    };
    Outcome::failed(format!("Failed to {doing} {path}: {why}."))
}

impl Files {
    /// Opens the worktree.
    pub(super) fn of(root: &Path) -> Result<Self, Outcome> {
        let beneath = Beneath::new(root)
            .map_err(|error| Outcome::failed(format!("The worktree cannot be opened: {error}.")))?;
        Ok(Self { beneath, root: root.to_owned() })
    }

    /// Makes a path relative: models like to name the worktree in full.
    fn inside(&self, path: &str) -> PathBuf {
        let path = Path::new(path);
        let path = path.strip_prefix(&self.root).unwrap_or(path);
        if path.as_os_str().is_empty() { PathBuf::from(".") } else { path.to_owned() }
    }

    /// A path that may be written: git's own files are not the agent's.
    fn writable(&self, path: &str) -> Result<PathBuf, Outcome> {
        let inside = self.inside(path);
        let first = inside.components().find(|part| *part != Component::CurDir);
        if first.is_some_and(|part| part.as_os_str().eq_ignore_ascii_case(".git")) {
            return Err(Outcome::failed("The files of git itself are not written by hand."));
        }
        Ok(inside)
    }

    /// Reads lines from `offset` (1 is the first).
    pub(super) fn read(&self, path: &str, offset: usize, limit: usize) -> Answer {
        let error = |error: &io::Error| failed(path, "read", error);
        let file = self.beneath.read(&self.inside(path)).map_err(|it| error(&it))?;
        let mut lines = BufReader::new(file);
        let mut line = Vec::new();
        let mut text = Vec::new();
        let mut number = 0;
        loop {
            line.clear();
            // A line may be as long as the file, so it is read piece by piece.
            let most = u64::try_from(limits::TOOL_OUTPUT_BYTES).unwrap_or(u64::MAX);
            let read =
                (&mut lines).take(most).read_until(b'\n', &mut line).map_err(|it| error(&it))?;
            if read == 0 {
                break;
            }
            number += 1;
            if number < offset.max(1) {
                continue;
            }
            let is_full = text.len() + line.len() > limits::TOOL_OUTPUT_BYTES - 256;
            if number - offset.max(1) >= limit || (is_full && !text.is_empty()) {
                let note = format!("[more lines follow; read on with offset {number}]");
                text.extend_from_slice(note.as_bytes());
                break;
            }
            text.extend_from_slice(&line);
        }
        Ok(Outcome::ok(String::from_utf8_lossy(&text)))
    }

    /// The whole text of a file that is to be changed.
    fn text(&self, path: &Path) -> io::Result<String> {
        let mut text = String::new();
        let most = u64::try_from(limits::TOOL_EDIT_BYTES).unwrap_or(u64::MAX);
        let file = self.beneath.read(path)?;
        file.take(most + 1).read_to_string(&mut text)?;
        if text.len() > limits::TOOL_EDIT_BYTES {
            return Err(io::Error::new(io::ErrorKind::FileTooLarge, "the file is too large"));
        }
        Ok(text)
    }

    fn put(&self, shown: &str, path: &Path, old: Option<&str>, new: &str) -> Answer {
        let write = || self.beneath.write(path)?.write_all(new.as_bytes());
        write().map_err(|error| failed(shown, "write", &error))?;
        let change = patch::change(&path.display().to_string(), old, new);
        let lines = new.lines().count();
        Ok(Outcome {
            change: Some(change),
            ..Outcome::ok(format!("Wrote {} ({lines} lines).", path.display()))
        })
    }

    /// Writes a whole file.
    pub(super) fn write(&self, path: &str, content: &str) -> Answer {
        let inside = self.writable(path)?;
        let old = match self.text(&inside) {
            Ok(old) => Some(old),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            // A large or binary file may be replaced all the same; its diff shows only the new text.
            Err(error)
                if matches!(
                    error.kind(),
                    io::ErrorKind::InvalidData | io::ErrorKind::FileTooLarge
                ) =>
            {
                None
            }
            Err(error) => return Err(failed(path, "write", &error)),
        };
        self.put(path, &inside, old.as_deref(), content)
    }

    /// Replaces text in a file.
    pub(super) fn edit(&self, path: &str, old: &str, new: &str, replace_all: bool) -> Answer {
        let inside = self.writable(path)?;
        let text = self.text(&inside).map_err(|error| failed(path, "edit", &error))?;
        if old.is_empty() {
            return Err(Outcome::failed("`old` is empty; use the write tool for new files."));
        }
        let count = text.matches(old).count();
        match count {
            0 => {
                return Err(Outcome::failed(format!(
                    "`old` is not in {path}; read the file again."
                )));
            }
            1 => {}
            _ if replace_all => {}
            _ => {
                return Err(Outcome::failed(format!(
                    "`old` is in {path} {count} times; add more lines around it or set `replace_all`."
                )));
            }
        }
        let changed = text.replace(old, new);
        self.put(path, &inside, Some(&text), &changed)
    }

    /// Lists a directory, directories with a slash at their end.
    pub(super) fn list(&self, path: &str) -> Answer {
        let error = |error: &io::Error| failed(path, "list", error);
        let mut directory = self.beneath.directory(&self.inside(path)).map_err(|it| error(&it))?;
        let mut names = Vec::new();
        for entry in directory.iter() {
            let entry = entry.map_err(|it| error(&it.into()))?;
            let name = entry.file_name().to_string_lossy();
            if name == "." || name == ".." {
                continue;
            }
            let slash = if entry.file_type() == Some(Type::Directory) { "/" } else { "" };
            names.push(format!("{name}{slash}"));
        }
        names.sort();
        let count = names.len();
        names.truncate(limits::TOOL_LIST_ENTRIES);
        if count > names.len() {
            names.push(format!("[{} more]", count - names.len()));
        }
        Ok(Outcome::ok(if names.is_empty() { "[empty]".to_owned() } else { names.join("\n") }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn place() -> (tempfile::TempDir, Files) {
        let root = tempfile::tempdir().expect("a directory");
        fs::create_dir(root.path().join("tree")).expect("made");
        fs::write(root.path().join("secret"), "secret").expect("written");
        fs::write(root.path().join("tree/a.txt"), "one\ntwo\nthree\n").expect("written");
        let files = Files::of(&root.path().join("tree")).map_err(|it| it.output).expect("opens");
        (root, files)
    }

    fn said(answer: Answer) -> (bool, String) {
        match answer {
            Ok(outcome) | Err(outcome) => (outcome.is_ok, outcome.output),
        }
    }

    #[test]
    fn nothing_outside_of_the_worktree_can_be_reached() {
        let (root, files) = place();
        let tree = root.path().join("tree");
        std::os::unix::fs::symlink("../secret", tree.join("link")).expect("linked");
        std::os::unix::fs::symlink("..", tree.join("up")).expect("linked");
        std::os::unix::fs::symlink(root.path(), tree.join("absolute")).expect("linked");
        let outside =
            ["../secret", "link", "up/secret", "absolute/secret", "/etc/passwd", "a/../../secret"];
        for path in outside {
            assert!(!said(files.read(path, 1, 9)).0, "read {path}");
            assert!(!said(files.write(path, "x")).0, "write {path}");
            assert!(!said(files.edit(path, "secret", "x", false)).0, "edit {path}");
        }
        for path in ["..", "up", "absolute", "/"] {
            assert!(!said(files.list(path)).0, "list {path}");
        }
        for path in ["../new", "up/new", "up/new/deep", "absolute/new/deep"] {
            assert!(!said(files.write(path, "x")).0, "write {path}");
        }
        assert!(!root.path().join("new").exists());
        assert_eq!(fs::read_to_string(root.path().join("secret")).expect("reads"), "secret");
        for path in [".git", "./.git/config", ".GIT/hooks/x"] {
            assert!(!said(files.write(path, "x")).0, "write {path}");
        }
    }

    #[test]
    fn links_inside_of_the_worktree_work() {
        let (root, files) = place();
        std::os::unix::fs::symlink("a.txt", root.path().join("tree/b.txt")).expect("linked");
        assert_eq!(
            said(files.read("b.txt", 1, 1)).1,
            "one\n[more lines follow; read on with offset 2]"
        );
    }

    #[test]
    fn reading_starts_and_ends_where_it_is_told() {
        let (root, files) = place();
        assert_eq!(said(files.read("a.txt", 2, 9)), (true, "two\nthree\n".to_owned()));
        let whole = root.path().join("tree/a.txt").display().to_string();
        assert_eq!(said(files.read(&whole, 1, 9)).1, "one\ntwo\nthree\n");
        assert!(!said(files.read("missing", 1, 9)).0);
        nix::unistd::mkfifo(&root.path().join("tree/pipe"), nix::sys::stat::Mode::S_IRWXU)
            .expect("made");
        assert!(!said(files.read("pipe", 1, 9)).0);
    }

    #[test]
    fn an_edit_must_be_unambiguous() {
        let (root, files) = place();
        let path = root.path().join("tree/a.txt");
        assert!(!said(files.edit("a.txt", "t", "T", false)).0);
        assert!(!said(files.edit("a.txt", "four", "4", false)).0);
        assert_eq!(fs::read_to_string(&path).expect("reads"), "one\ntwo\nthree\n");
        let outcome =
            files.edit("a.txt", "two", "2", false).map_err(|it| it.output).expect("edited");
        let change = outcome.change.expect("a change");
        assert_eq!(change.path, "a.txt");
        assert!(change.patch.contains("-two\n+2\n"), "{}", change.patch);
        assert!(said(files.edit("a.txt", "e", "E", true)).0);
        assert_eq!(fs::read_to_string(&path).expect("reads"), "onE\n2\nthrEE\n");
    }

    #[test]
    fn writing_makes_directories_and_shortens_files() {
        let (root, files) = place();
        assert!(said(files.write("x/y/z.txt", "new\n")).0);
        assert_eq!(fs::read_to_string(root.path().join("tree/x/y/z.txt")).expect("reads"), "new\n");
        assert!(said(files.write("a.txt", "1")).0);
        assert_eq!(fs::read_to_string(root.path().join("tree/a.txt")).expect("reads"), "1");
        assert_eq!(said(files.list(".")).1, "a.txt\nx/");
    }
}

//! What an agent sees of the home of the person that it works for, where both are one account.
//!
//! On a shared host an account is Grove's own and its home belongs to its agents. On somebody's own
//! machine the home holds keys and browsers too: there everything is readable but what is known to
//! hold secrets, and only the caches of build tools can be written.

use std::fs;
use std::path::{Path, PathBuf};

/// What holds secrets, below the home.
const SECRETS: [&str; 31] = [
    ".ssh",
    ".gnupg",
    ".aws",
    ".azure",
    ".kube",
    ".docker",
    ".netrc",
    ".git-credentials",
    ".npmrc",
    ".pypirc",
    ".pgpass",
    ".my.cnf",
    ".password-store",
    ".vault-token",
    ".mozilla",
    ".thunderbird",
    ".bash_history",
    ".zsh_history",
    ".python_history",
    ".psql_history",
    ".sqlite_history",
    ".cargo/credentials",
    ".cargo/credentials.toml",
    ".config/gcloud",
    ".config/gh",
    ".config/google-chrome",
    ".config/chromium",
    ".config/op",
    ".local/share/keyrings",
    ".local/state",
    ".terraform.d",
];
/// Caches of build tools: what one session writes there the next one may use.
const CACHES: [&str; 8] = [
    ".cache",
    ".npm",
    ".cargo/registry",
    ".cargo/git",
    "go/pkg",
    ".gradle/caches",
    ".m2/repository",
    ".local/share/pnpm",
];
/// Entries that are granted one by one; the rest of a fuller home stays shut.
const ENTRIES: usize = 1_024;

/// Grants in a person's home.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Grants {
    /// Caches of build tools.
    pub write: Vec<PathBuf>,
    /// Everything but secrets.
    pub read: Vec<PathBuf>,
    /// Directories with secrets.
    pub cover: Vec<PathBuf>,
}

/// Looks through a home. `grove` is Grove's own home, which counts as a secret.
#[must_use]
pub fn grants(home: &Path, grove: &Path) -> Grants {
    let mut secrets: Vec<PathBuf> = SECRETS.iter().map(|name| home.join(name)).collect();
    secrets.push(grove.to_owned());
    let mut grants = Grants::default();
    // A home that is the root of the file system is nobody's.
    if home.parent().is_some() && home.is_dir() {
        walk(home, &secrets, &mut grants.read);
    }
    let caches = CACHES.iter().map(|name| home.join(name));
    grants.write = caches.filter(|path| is_real_directory(path)).collect();
    grants.cover = secrets.into_iter().filter(|path| is_real_directory(path)).collect();
    grants
}

fn walk(directory: &Path, secrets: &[PathBuf], granted: &mut Vec<PathBuf>) {
    let Ok(entries) = fs::read_dir(directory) else { return };
    for entry in entries.flatten().take(ENTRIES) {
        let path = entry.path();
        // A link may lead anywhere; what it leads to is granted where it lies, or not at all.
        let is_link = entry.file_type().is_ok_and(|kind| kind.is_symlink());
        if is_link || granted.len() >= ENTRIES || secrets.contains(&path) {
            continue;
        }
        if secrets.iter().any(|secret| secret.starts_with(&path)) {
            walk(&path, secrets, granted);
        } else {
            granted.push(path);
        }
    }
}

fn is_real_directory(path: &Path) -> bool {
    path.symlink_metadata().is_ok_and(|it| it.is_dir())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    #[test]
    fn secrets_stay_shut_and_what_lies_beside_them_opens() {
        let directory = tempfile::tempdir().unwrap();
        let home = directory.path();
        for name in [".ssh", ".cargo/bin", ".cargo/registry", ".config/gh", ".config/nvim", "code"]
        {
            fs::create_dir_all(home.join(name)).unwrap();
        }
        fs::create_dir_all(home.join(".grove/db")).unwrap();
        for name in [".gitconfig", ".netrc", ".cargo/credentials.toml"] {
            fs::write(home.join(name), "").unwrap();
        }
        symlink(home.join(".ssh"), home.join("keys")).unwrap();
        let mut found = grants(home, &home.join(".grove"));
        found.read.sort();
        let at =
            |names: &[&str]| -> Vec<PathBuf> { names.iter().map(|it| home.join(it)).collect() };
        let read = [".cargo/bin", ".cargo/registry", ".config/nvim", ".gitconfig", "code"];
        assert_eq!(found.read, at(&read));
        assert_eq!(found.write, at(&[".cargo/registry"]));
        assert_eq!(found.cover, at(&[".ssh", ".config/gh", ".grove"]));
        assert_eq!(grants(Path::new("/"), home).read, Vec::<PathBuf>::new());
    }
}

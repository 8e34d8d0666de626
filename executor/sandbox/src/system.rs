//! What of `/etc` is open to a process that stays root.
//!
//! Elsewhere the modes of files decide. Root owns what others may not read, the hashes of passwords
//! among it, and needs no capability for that: so only what everybody may read is granted, as it is
//! when the process starts.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

/// Entries that are looked at; what lies behind stays shut.
const ENTRIES: usize = 16_384;
/// Reading, for others.
const READ: u32 = 0o004;
/// Reading and entering, for others.
const ENTER: u32 = 0o005;

/// Files and directories of `/etc` that everybody may read, each as large as possible.
pub(crate) fn public_settings() -> Vec<PathBuf> {
    let mut open = Vec::new();
    walk(Path::new("/etc"), &mut open, &mut 0);
    open
}

/// Adds what is open in a directory; says whether everything in it is.
fn walk(directory: &Path, open: &mut Vec<PathBuf>, seen: &mut usize) -> bool {
    let Ok(entries) = fs::read_dir(directory) else { return false };
    let mut is_all_open = true;
    for path in entries.flatten().map(|entry| entry.path()) {
        *seen += 1;
        let Ok(facts) = path.symlink_metadata() else { continue };
        // What a link leads to counts where it lies.
        if facts.is_symlink() {
            continue;
        }
        let before = open.len();
        let wanted = if facts.is_dir() { ENTER } else { READ };
        let is_open = *seen <= ENTRIES && facts.mode() & wanted == wanted;
        let is_whole = is_open && (!facts.is_dir() || walk(&path, open, seen));
        if is_whole {
            open.truncate(before);
            open.push(path);
        }
        is_all_open &= is_whole;
    }
    is_all_open
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::{PermissionsExt, symlink};

    #[test]
    fn what_others_may_not_read_stays_shut_and_the_rest_opens() {
        let folder = tempfile::tempdir().unwrap();
        let etc = folder.path();
        for (path, mode) in [
            ("passwd", 0o644),
            ("shadow", 0o640),
            ("ssl/certs/a.pem", 0o644),
            ("ssl/certs/b.pem", 0o644),
            ("ssl/private/key", 0o644),
            ("ssh/config", 0o644),
            ("ssh/host_key", 0o600),
        ] {
            let path = etc.join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, "").unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        }
        fs::set_permissions(etc.join("ssl/private"), fs::Permissions::from_mode(0o710)).unwrap();
        symlink("shadow", etc.join("link")).unwrap();
        let mut open = Vec::new();
        assert!(!walk(etc, &mut open, &mut 0));
        open.sort();
        let expected = ["passwd", "ssh/config", "ssl/certs"].map(|it| etc.join(it));
        assert_eq!(open, expected);
        let mut none = Vec::new();
        assert!(!walk(etc, &mut none, &mut ENTRIES.clone()));
        assert_eq!(none, Vec::<PathBuf>::new());
    }
}

//! How much the files below a directory take up on the disk.
//!
//! Links are not followed, other file systems are not entered, and a file with several names counts
//! once. The walk has a bound in entries and in time; behind it the sum is a lower bound.

use grove_core_api::ipc::method::DiskUsage;
use grove_core_api::limits;
use std::collections::HashSet;
use std::fs::{self, Metadata};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Bytes of a block, whatever the file system (`st_blocks` of stat(2)).
const BLOCK_BYTES: u64 = 512;
/// Names of files with several names that are remembered; behind it they count more than once.
const LINKED_FILES: usize = 100_000;

/// Measures a directory. Blocks the thread for at most `limits::DISK_WALK_MS`.
pub(crate) fn measure(directory: &Path) -> DiskUsage {
    measure_within(directory, limits::DISK_ENTRIES, Duration::from_millis(limits::DISK_WALK_MS))
}

struct Walk {
    usage: DiskUsage,
    linked: HashSet<u64>,
    device: u64,
}

impl Walk {
    /// Counts one entry; a directory of the same file system is to be entered.
    fn count(&mut self, facts: &Metadata) -> bool {
        self.usage.entries += 1;
        let has_names = facts.nlink() > 1 && !facts.is_dir();
        let is_new =
            !has_names || self.linked.len() >= LINKED_FILES || self.linked.insert(facts.ino());
        if is_new && facts.dev() == self.device {
            self.usage.bytes += facts.blocks().saturating_mul(BLOCK_BYTES);
        }
        facts.is_dir() && facts.dev() == self.device
    }
}

fn measure_within(directory: &Path, entries: u64, time: Duration) -> DiskUsage {
    let start = Instant::now();
    let mut waiting: Vec<PathBuf> = vec![directory.to_owned()];
    let device = fs::symlink_metadata(directory).map_or(0, |facts| facts.dev());
    let mut walk = Walk { usage: DiskUsage::default(), linked: HashSet::new(), device };
    while let Some(next) = waiting.pop() {
        // What vanishes while we look takes up nothing.
        let Ok(inside) = fs::read_dir(&next) else { continue };
        for entry in inside.flatten() {
            if walk.usage.entries >= entries || start.elapsed() >= time {
                return walk.usage;
            }
            let Ok(facts) = entry.metadata() else { continue };
            if walk.count(&facts) {
                waiting.push(entry.path());
            }
        }
    }
    walk.usage.is_complete = true;
    walk.usage
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    const LONG: Duration = Duration::from_secs(30);

    #[test]
    fn files_count_once_links_not_at_all_and_what_they_name_neither() {
        let home = tempfile::tempdir().unwrap();
        let (inside, outside) = (home.path().join("in"), home.path().join("out"));
        fs::create_dir_all(inside.join("deep/er")).unwrap();
        fs::create_dir(&outside).unwrap();
        let empty = measure_within(&inside, 1_000, LONG);
        assert!(empty.is_complete && empty.entries == 2, "{empty:?}");
        fs::write(outside.join("big"), vec![7; 4 << 20]).unwrap();
        symlink(&outside, inside.join("link")).unwrap();
        fs::write(inside.join("deep/er/file"), vec![7; 1 << 20]).unwrap();
        fs::hard_link(inside.join("deep/er/file"), inside.join("again")).unwrap();
        let full = measure_within(&inside, 1_000, LONG);
        assert_eq!(full.entries, 5);
        let grown = full.bytes - empty.bytes;
        assert!(((1 << 20)..(2 << 20)).contains(&grown), "{grown}");
    }

    #[test]
    fn a_walk_that_comes_to_its_bound_says_so() {
        let home = tempfile::tempdir().unwrap();
        for number in 0..20 {
            fs::write(home.path().join(number.to_string()), "x").unwrap();
        }
        let cut = measure_within(home.path(), 10, LONG);
        assert!(!cut.is_complete && cut.entries == 10, "{cut:?}");
        assert!(!measure_within(home.path(), 1_000, Duration::ZERO).is_complete);
        assert!(measure_within(&home.path().join("none"), 10, LONG).is_complete);
    }
}

//! The environment that git and tools get: seven names, nothing else of the executor's own.

use std::ffi::OsString;

/// Names that are handed on when they are set.
const KEPT: [&str; 7] = ["HOME", "USER", "LOGNAME", "SHELL", "PATH", "LANG", "TMPDIR"];

/// Returns the names and values that every process of ours starts with.
pub(crate) fn base() -> Vec<(&'static str, OsString)> {
    KEPT.iter().filter_map(|name| std::env::var_os(name).map(|value| (*name, value))).collect()
}

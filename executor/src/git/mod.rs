//! Everything that Grove does with git: mirrors, private repositories, worktrees, snapshots, diffs.
//!
//! Only the `git` program, only argument vectors, never a shell. `command` starts it; nobody else does.

mod bundle;
mod command;
mod diff;
mod inspect;
mod mirror;
mod names;
mod snapshot;
mod worktree;

pub(crate) use bundle::{create, discard, import, publish, read, write};
pub(crate) use diff::diff;
pub(crate) use inspect::{branches, inspect};
pub(crate) use mirror::mirror;
pub(crate) use snapshot::{Taken, take};
pub(crate) use worktree::{add, remove};

#[cfg(test)]
mod tests;

//! Everything between a decision and a confined process.
//!
//! [`start`] makes a process that is in its place before its program begins: control group, mount,
//! process and network namespaces, account, capabilities, Landlock, seccomp, in that order. Used by
//! the monitor; executors use [`inner`] for what agents start. Synchronous, for a process with one
//! thread: between clone and exec the child runs ordinary code. Deliberately absent: policy,
//! requests, async, any knowledge of sessions.

pub mod account;
pub mod cgroup;
mod enter;
pub mod environment;
pub mod inner;
mod landlock;
mod layers;
mod mounts;
pub mod person;
pub mod pidfd;
pub mod places;
pub mod probe;
pub mod promptness;
mod seccomp;
mod start;
mod sys;
mod system;
pub mod tree;

pub use layers::LayerSet;
pub use start::{Plan, StartError, Started, can_have_namespaces, seal_descriptors, start};

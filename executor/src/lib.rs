//! The executor: one process that runs one session's agent, or git for one user.
//!
//! Started by the monitor, asked by the daemon. It owns the running task, its processes and the events
//! that the daemon has not stored yet. Deliberately absent: databases, accounts, any decision about who
//! may do what, and any connection that the monitor did not hand over.

mod environment;
mod git;
mod process;
mod sys;

//! A client of `/ws` that keeps the promises of `docs/realtime.md`.
//!
//! The pure half takes frames, wishes and the time, and returns what to send and what to tell:
//! [`View`] is the confirmed state of one topic, [`Core`] everything that one client knows (where to
//! resume, which mutations are unanswered). The other half moves bytes: [`Link`] is one connection,
//! [`Client`] a core with a link that is made anew when it breaks.
//!
//! Deliberately not here: REST, the optimistic picture on a screen, and storage; what is unanswered
//! is lost with the process.

mod client;
mod core;
mod link;
mod view;

pub use client::{Client, Ended};
pub use core::{Core, Effect, Notice, Rejected};
pub use link::{Credential, Link, LinkError, Place};
pub use view::{Taken, View};

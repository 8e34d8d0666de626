//! The harness of Grove's integration tests: real programs, real git, real databases.
//!
//! A test starts an [`Instance`] (monitor, daemon and executors in a home of its own), speaks to it
//! through [`Client`], [`Socket`] and [`mcp`], and ends it. Whatever waits, waits for a condition
//! ([`eventually`]). Deliberately absent: the tests themselves (`it/`) and any knowledge of how the
//! daemon works inside.

mod client;
mod doc;
mod instance;
pub mod mcp;
mod nats;
mod postgres;
mod process;
mod repo;
mod socket;
mod store;
mod wait;
mod world;

pub use client::{CallError, Client, Refusal, is_code};
pub use doc::SharedText;
pub use instance::{Instance, Setup};
pub use nats::NatsServer;
pub use postgres::Backend;
pub use process::{Output, Process, program, programs, run};
pub use repo::Repo;
pub use socket::{Mutated, Socket, View};
pub use store::Store;
pub use wait::{PATIENCE, eventually, never, settled};
pub use world::World;

/// What a test returns.
pub type Outcome<T = ()> = anyhow::Result<T>;

/// Reads a variable of the test's own environment.
#[must_use]
pub fn variable(name: &str) -> Option<String> {
    #[expect(clippy::disallowed_methods, reason = "the harness is configured by its environment")]
    let value = std::env::var(name);
    value.ok().filter(|value| !value.is_empty())
}

/// Tells the person who runs the tests something that must not go unseen.
#[expect(clippy::print_stderr, reason = "it is for the person who runs the tests")]
pub fn say(text: &str) {
    eprintln!("{text}");
}

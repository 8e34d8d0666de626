//! Grove's daemon: the process that serves the board, and the monitor that starts it.
//!
//! The map is ARCHITECTURE.md. A slice (a folder named after a noun) has the same rooms everywhere:
//! `routes` and `tools` translate, `service` holds the rules, `store` the queries, `model` what is
//! pure. REST, WebSocket, MCP and CLI end in the same service function.

mod app;
mod audit;
mod auth;
mod boards;
pub mod bus;
mod clock;
mod comments;
pub mod config;
mod context;
mod db;
mod docs;
mod egress;
mod error;
mod events;
mod executor_pool;
mod executors;
mod grants;
mod groups;
mod http;
mod instance;
mod lookup;
mod mcp;
mod messages;
mod notices;
mod patch_ops;
mod paths;
pub mod privileged;
pub mod realtime;
mod repos;
mod room_backend;
mod router;
pub mod server;
mod sessions;
mod settings;
mod tasks;
mod topic_state;
mod users;
mod validate;
mod worktrees;

pub use router::openapi;

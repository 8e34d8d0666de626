//! Integration tests: the real programs, seen from outside. One file per slice, same name.
//!
//! Names are sentences of behaviour. What only one function decides is tested beside that function,
//! not here.

mod audit;
mod auth;
mod bad_input;
mod board_log;
mod board_past;
mod boards;
mod cli;
mod comments;
mod crash;
mod deploy;
mod docs;
mod events;
mod executors;
mod grants;
mod hostile;
mod idempotency;
mod instance;
mod matrix;
mod mcp;
mod messages;
mod notices;
mod openapi;
mod peer_findings;
mod plans;
mod realtime;
mod repos;
mod sessions;
mod settings;
mod shared_host;
mod spawn;
mod start;
mod tasks;
mod two_nodes;
mod users;
mod watch;
mod worktrees;

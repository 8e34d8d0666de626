//! Bodies of REST requests and answers, one file per noun.
//!
//! Requests refuse unknown fields; answers may gain fields in any version.

pub mod audit;
pub mod auth;
pub mod boards;
pub mod comments;
pub mod docs;
pub mod executors;
pub mod grants;
pub mod instance;
pub mod messages;
pub mod notices;
pub mod repos;
pub mod sessions;
pub mod tasks;
pub mod users;
pub mod worktrees;

//! `/mcp`: the same services for agents and other MCP clients (rmcp, streamable HTTP).
//!
//! Tools live in the slices (`tools.rs`); here is what carries them: who calls (`guard`), how
//! errors look, which tools there are (`server`). Only bearer tokens count, never the cookie.

mod guard;
mod server;

pub(crate) use server::{Mcp, ToolError, router};

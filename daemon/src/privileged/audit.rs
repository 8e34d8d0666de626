//! One line per request on standard error: who was started, attached, killed, and what was refused.
//!
//! Never in a line: tokens, directories, the text of malformed datagrams.

use grove_core_api::ExecutorId;
use serde::Serialize;
use std::io::{self, Write};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

/// One line of the audit.
#[derive(Debug, Default, Serialize)]
pub(super) struct Line<'a> {
    /// Milliseconds since 1970.
    at_ms: u64,
    /// Always `monitor`.
    target: &'static str,
    /// Kind of the request or event.
    kind: &'a str,
    /// The executor that it is about.
    #[serde(rename = "executor.id", skip_serializing_if = "Option::is_none")]
    executor_id: Option<ExecutorId>,
    /// How it ended: `done`, `started`, a refusal's name, or what happened.
    outcome: &'a str,
    /// The process that it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pid: Option<i32>,
    /// How long it took.
    #[serde(skip_serializing_if = "Option::is_none")]
    duration_us: Option<u64>,
}

impl<'a> Line<'a> {
    pub(super) fn new(kind: &'a str, outcome: &'a str) -> Self {
        Self { at_ms: now_ms(), target: "monitor", kind, outcome, ..Self::default() }
    }

    pub(super) fn executor(mut self, id: Option<ExecutorId>) -> Self {
        self.executor_id = id;
        self
    }

    pub(super) fn pid(mut self, pid: Option<i32>) -> Self {
        self.pid = pid;
        self
    }

    pub(super) fn since(mut self, start: Instant) -> Self {
        self.duration_us = u64::try_from(start.elapsed().as_micros()).ok();
        self
    }

    /// Writes the line.
    pub(super) fn write(&self) {
        let Ok(mut text) = serde_json::to_string(self) else { return };
        text.push('\n');
        // When standard error is closed there is nobody left to tell, and work must go on.
        drop(io::stderr().lock().write_all(text.as_bytes()));
    }
}

#[expect(clippy::disallowed_methods, reason = "the monitor's one clock; it stamps audit lines")]
pub(super) fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

//! The executor's own words: one line for each event, without a time, to standard error.
//!
//! Whoever reads them knows who speaks and when. Deliberately small: an executor that waits for work
//! should take little memory, and a registry of spans alone is more than the rest of its heap.

use std::fmt::{self, Write as _};
use std::io::Write as _;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Metadata, Subscriber};

/// Libraries that log whole answers, and so what people and models said.
const SILENT: [&str; 2] = ["genai", "rmcp"];

/// Writes every event from `INFO` on.
#[derive(Debug)]
pub struct Log;

impl Log {
    /// Takes all events of this process from now on; once.
    pub fn begin() {
        if tracing::subscriber::set_global_default(Self).is_err() {
            tracing::debug!("somebody takes the events already");
        }
    }
}

/// Whether a target is told of.
fn is_told(target: &str) -> bool {
    let root = target.split("::").next().unwrap_or_default();
    !SILENT.contains(&root)
}

/// Text of one event: its message, then its fields.
#[derive(Default)]
struct Line {
    message: String,
    fields: String,
}

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        // Writing to a string does not fail.
        if field.name() == "message" {
            write!(self.message, "{value:?}").ok();
        } else {
            write!(self.fields, " {}={value:?}", field.name()).ok();
        }
    }
}

impl Subscriber for Log {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        *metadata.level() <= Level::INFO && metadata.is_event() && is_told(metadata.target())
    }

    fn max_level_hint(&self) -> Option<tracing::level_filters::LevelFilter> {
        Some(tracing::level_filters::LevelFilter::INFO)
    }

    fn new_span(&self, _span: &Attributes<'_>) -> Id {
        // No span is enabled; all of them are one.
        Id::from_u64(1)
    }

    fn record(&self, _span: &Id, _values: &Record<'_>) {}

    fn record_follows_from(&self, _span: &Id, _follows: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut line = Line::default();
        event.record(&mut line);
        let (level, target) = (event.metadata().level(), event.metadata().target());
        let Line { message, fields } = line;
        // One event is one line, whatever is in it. One that nobody can take is lost.
        let text = format!("{level} {target}: {message}{fields}").replace(['\n', '\r'], " ");
        std::io::stderr().lock().write_all(format!("{text}\n").as_bytes()).ok();
    }

    fn enter(&self, _span: &Id) {}

    fn exit(&self, _span: &Id) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_people_and_models_said_stays_out() {
        for silent in ["genai", "genai::webc::client", "rmcp::service"] {
            assert!(!is_told(silent), "{silent}");
        }
        for told in ["grove_executor", "grove_executor::unit", "hyper::proto", "genailike"] {
            assert!(is_told(told), "{told}");
        }
    }
}

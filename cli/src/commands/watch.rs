//! `grove watch`: a board or a session, live.

use crate::args::Watch;
use crate::client::{connect, place, topic};
use crate::config::Config;
use crate::error::{CliError, Exit};
use crate::output::{Output, cut};
use grove_client::{Client, Ended, LinkError, Notice};
use grove_core_api::event::{Event, Op};
use grove_core_api::realtime::close;
use grove_core_api::{ErrorCode, Problem};
use serde_json::json;
use std::process::ExitCode;

/// Letters of a value that a line shows.
const SHOWN_CHARS: usize = 60;

pub(super) async fn run(
    arguments: &Watch,
    config: &Config,
    output: &Output,
) -> Result<ExitCode, CliError> {
    let topic = topic(&connect(config)?, &arguments.what).await?.to_string();
    let mut client = Client::new(vec![place(config)?], "grove watch");
    client.subscribe(&topic);
    let mut lines = Lines { output, is_text_open: false };
    let mut left = arguments.events;
    while left != Some(0) {
        let notice = tokio::select! {
            notice = client.next() => notice.map_err(ended)?,
            signal = tokio::signal::ctrl_c() => {
                signal.map_err(|error| CliError::defect(format!("failed to wait: {error}")))?;
                return Ok(ExitCode::from(Exit::Interrupted.code()));
            }
        };
        if let Notice::Denied { code, message, .. } = notice {
            return Err(CliError::api(Problem::new(code, message)));
        }
        if matches!(notice, Notice::Event { .. }) {
            left = left.map(|left| left - 1);
        }
        let is_read = if output.is_json() {
            lines.json(&client, &notice)?
        } else {
            lines.people(&client, &notice)?
        };
        if !is_read {
            break;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Writes what comes; every method says whether somebody still reads it.
struct Lines<'a> {
    output: &'a Output,
    /// Whether the last line is streamed text that has no line end yet.
    is_text_open: bool,
}

impl Lines<'_> {
    fn json(&self, client: &Client, notice: &Notice) -> Result<bool, CliError> {
        let value = match notice {
            Notice::Snapshot { topic, seq } => {
                let state = client.core().view(topic).map(|view| &view.objects);
                json!({ "t": "snapshot", "topic": topic, "seq": seq, "state": state })
            }
            Notice::Resumed { topic, seq } => json!({ "t": "resumed", "topic": topic, "seq": seq }),
            Notice::Event { topic, event } => {
                json!({ "t": "event", "topic": topic, "event": event })
            }
            Notice::Text { topic, message, offset, text } => json!({
                "t": "text", "topic": topic, "message": message, "offset": offset, "text": text
            }),
            Notice::Joined { topic, peers } => {
                json!({ "t": "joined", "topic": topic, "peers": peers })
            }
            Notice::Presence { topic, changes, gone } => {
                json!({ "t": "presence", "topic": topic, "changes": changes, "gone": gone })
            }
            Notice::Lost(code) => json!({ "t": "lost", "code": code }),
            Notice::Greeted { .. }
            | Notice::Denied { .. }
            | Notice::Stored { .. }
            | Notice::Refused { .. }
            | Notice::Error { .. }
            | Notice::Stray(_) => return Ok(true),
        };
        self.output.piece(&format!("{value}\n"))
    }

    fn people(&mut self, client: &Client, notice: &Notice) -> Result<bool, CliError> {
        match notice {
            Notice::Snapshot { topic, seq } => {
                let count = client.core().view(topic).map_or(0, |view| view.objects.len());
                self.line(&format!("{topic} at {seq}: {count} objects"))
            }
            Notice::Resumed { seq, .. } => {
                self.output.note(&format!("Connected again, at {seq}."));
                Ok(true)
            }
            Notice::Lost(_) => {
                self.output.note("The connection is lost; trying again.");
                Ok(true)
            }
            Notice::Event { event, .. } => self.line(&line_of(event)),
            Notice::Text { text, .. } => {
                self.is_text_open = !text.ends_with('\n');
                self.output.piece(text)
            }
            Notice::Greeted { .. }
            | Notice::Denied { .. }
            | Notice::Stored { .. }
            | Notice::Refused { .. }
            | Notice::Joined { .. }
            | Notice::Presence { .. }
            | Notice::Error { .. }
            | Notice::Stray(_) => Ok(true),
        }
    }

    fn line(&mut self, text: &str) -> Result<bool, CliError> {
        let start = if std::mem::take(&mut self.is_text_open) { "\n" } else { "" };
        self.output.piece(&format!("{start}{text}\n"))
    }
}

/// One line of an event: when, its number, what happened, through what, and what changed.
fn line_of(event: &Event) -> String {
    let changes: Vec<String> = event.ops.iter().map(change_of).collect();
    let (clock, changes) = (clock(event.at), changes.join(", "));
    format!("{clock} #{} {} ({}): {changes}", event.seq, event.kind, event.via)
}

fn change_of(op: &Op) -> String {
    let short = op.id().get(op.id().len().saturating_sub(8)..).unwrap_or(op.id());
    match op {
        Op::Put { kind, .. } => format!("+{kind} {short}"),
        Op::Set { k, v, .. } => {
            let value = v.as_str().map_or_else(|| v.to_string(), str::to_owned);
            let value = value.replace(char::is_control, " ");
            format!("{short} {k}={}", cut(&value, SHOWN_CHARS))
        }
        Op::Del { .. } => format!("-{short}"),
    }
}

/// The time of day in UTC.
fn clock(at_ms: i64) -> String {
    let secs = at_ms.div_euclid(1_000).rem_euclid(86_400);
    format!("{:02}:{:02}:{:02}Z", secs / 3_600, secs / 60 % 60, secs % 60)
}

fn ended(ended: Ended) -> CliError {
    let problem = |code, message: String| CliError::api(Problem::new(code, message));
    match &ended {
        Ended::Closed(close::UNAUTHENTICATED) => {
            problem(ErrorCode::Unauthenticated, "you are not signed in any more".to_owned())
        }
        Ended::Refused(LinkError::Refused(status)) if status.as_u16() == 401 => {
            problem(ErrorCode::Unauthenticated, "you are not signed in".to_owned())
        }
        Ended::Closed(close::FORBIDDEN) | Ended::Refused(LinkError::Refused(_)) => {
            problem(ErrorCode::Forbidden, ended.to_string())
        }
        Ended::Closed(_) | Ended::Refused(_) => CliError::new(
            Exit::Unavailable,
            format!("the instance cannot be followed: {ended}"),
            "Use the `grove` of the same version as the instance.",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_one_line() {
        let id = "01920000-0000-7000-8000-0000deadbeef".to_owned();
        let set = |k: &str, v: serde_json::Value| Op::Set {
            id: id.clone(),
            k: k.to_owned(),
            v,
            if_seq: None,
        };
        let event = Event {
            seq: 7,
            at: 3_723_004,
            by: None,
            via: "web".to_owned(),
            kind: "board.changed".to_owned(),
            mid: None,
            ops: vec![
                Op::Put { id: id.clone(), kind: "note".to_owned(), v: serde_json::Map::new() },
                set("text", "two\nlines \u{1b}[31m".into()),
                set("pos", json!([1, 2])),
                Op::del(&id),
            ],
        };
        assert_eq!(
            line_of(&event),
            "01:02:03Z #7 board.changed (web): +note deadbeef, deadbeef text=two lines  [31m, \
             deadbeef pos=[1,2], -deadbeef"
        );
    }
}

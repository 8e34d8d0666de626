//! The `bash` tool: a command in a session of its own, its output streamed, its end certain.

use super::Outcome;
use super::bounded::Gathered;
use crate::agent::{Piece, Pieces};
use crate::process::{self, Family};
use grove_core_api::ipc::method::GitAuthor;
use grove_core_api::limits;
use std::io;
use std::path::Path;
use std::process::ExitStatus;
use std::time::Duration;
use tokio::io::AsyncReadExt;
use tokio::net::unix::pipe;

/// Longest time to read what is still in the pipe after the command and all its processes have ended.
const DRAIN_MS: u64 = 1_000;

/// A command that the model wants to run.
pub(super) struct Wanted<'a> {
    pub(super) command: String,
    pub(super) timeout_ms: Option<u64>,
    pub(super) environment: &'a [(&'static str, String)],
}

/// Runs the command.
///
/// # Cancel safety
/// Dropping the future kills the command and everything that it started.
pub(super) async fn run(
    directory: &Path,
    author: &GitAuthor,
    wanted: Wanted<'_>,
    pieces: &Pieces,
) -> Outcome {
    let time_ms = wanted.timeout_ms.unwrap_or(limits::TOOL_BASH_MS);
    let time = Duration::from_millis(time_ms.clamp(1, limits::TOOL_BASH_MAX_MS));
    let (family, output) = match start(directory, author, &wanted) {
        Ok(started) => started,
        Err(error) => {
            return Outcome::failed(format!("The command could not be started: {error}."));
        }
    };
    let mut reader = Reader { pipe: output, pending: Vec::new(), gathered: Gathered::default() };
    let ended = attend(family, &mut reader, pieces, time).await;
    let (is_ok, end) = match ended {
        Ok(Some(status)) => (status.success(), describe(status)),
        Ok(None) => (false, format!("[stopped after {} s]", time.as_secs_f64())),
        Err(error) => (false, format!("[failed to wait for the command: {error}]")),
    };
    let rest = reader.rest();
    reader.show(&rest, pieces).await;
    let mut output = reader.gathered.finish();
    if !output.is_empty() && !output.ends_with('\n') {
        output.push('\n');
    }
    output.push_str(&end);
    Outcome { is_ok, output, change: None }
}

fn describe(status: ExitStatus) -> String {
    use std::os::unix::process::ExitStatusExt;
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("[exit code {code}]"),
        (None, Some(signal)) => format!("[ended by signal {signal}]"),
        (None, None) => "[ended]".to_owned(),
    }
}

/// Starts the command with one pipe for both of its outputs, so that their order is kept.
fn start(
    directory: &Path,
    author: &GitAuthor,
    wanted: &Wanted<'_>,
) -> io::Result<(Family, pipe::Receiver)> {
    let (reader, writer) = io::pipe()?;
    let mut command = process::command("bash");
    command
        .arg("-c")
        .arg(&wanted.command)
        .current_dir(directory)
        .envs(wanted.environment.iter().map(|(name, value)| (name, value)))
        .env("GIT_TERMINAL_PROMPT", "0")
        .env("GIT_AUTHOR_NAME", &author.name)
        .env("GIT_AUTHOR_EMAIL", &author.email)
        .env("GIT_COMMITTER_NAME", &author.name)
        .env("GIT_COMMITTER_EMAIL", &author.email)
        .stdout(writer.try_clone()?)
        .stderr(writer);
    let family = Family::start(command)?;
    let output = pipe::Receiver::from_owned_fd(reader.into())?;
    Ok((family, output))
}

/// Reads until the command has ended or its time is over; then nothing of it is left. `None` when the
/// time was over.
async fn attend(
    mut family: Family,
    reader: &mut Reader,
    pieces: &Pieces,
    time: Duration,
) -> io::Result<Option<ExitStatus>> {
    let deadline = tokio::time::Instant::now() + time;
    let status = loop {
        tokio::select! {
            status = family.wait() => break Some(status?),
            () = tokio::time::sleep_until(deadline) => break None,
            is_open = reader.read(pieces) => {
                if !is_open {
                    // Nobody writes any more, but the command may still run.
                    break tokio::time::timeout_at(deadline, family.wait()).await.ok().transpose()?;
                }
            }
        }
    };
    drop(family);
    let drain = async { while reader.read(pieces).await {} };
    if tokio::time::timeout(Duration::from_millis(DRAIN_MS), drain).await.is_err() {
        tracing::warn!("somebody keeps the output of an ended command open");
    }
    Ok(status)
}

/// The output as it comes: letters that are cut in two wait for their other half.
struct Reader {
    pipe: pipe::Receiver,
    pending: Vec<u8>,
    gathered: Gathered,
}

impl Reader {
    /// Reads once; `false` at the end.
    ///
    /// # Cancel safety
    /// Cancel safe while it waits for the pipe; what was read is kept before anything else is awaited.
    async fn read(&mut self, pieces: &Pieces) -> bool {
        let mut buffer = [0_u8; 8_192];
        let count = match self.pipe.read(&mut buffer).await {
            Ok(0) => return false,
            Ok(count) => count,
            Err(error) => {
                tracing::debug!(%error, "failed to read a command's output");
                return false;
            }
        };
        self.pending.extend_from_slice(buffer.get(..count).unwrap_or_default());
        let text = take_text(&mut self.pending);
        self.show(&text, pieces).await;
        true
    }

    async fn show(&mut self, text: &str, pieces: &Pieces) {
        let shown = self.gathered.add(text);
        if !shown.is_empty() && pieces.send(Piece::Tool(shown)).await.is_err() {
            tracing::debug!("nobody listens to the command");
        }
    }

    fn rest(&mut self) -> String {
        String::from_utf8_lossy(&std::mem::take(&mut self.pending)).into_owned()
    }
}

/// Takes all whole letters; bytes that are no UTF-8 become replacement characters.
fn take_text(bytes: &mut Vec<u8>) -> String {
    let mut text = String::new();
    let mut end = 0;
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        end += chunk.valid().len();
        let is_last = end + chunk.invalid().len() == bytes.len();
        let may_go_on = is_last
            && std::str::from_utf8(chunk.invalid()).is_err_and(|error| error.error_len().is_none());
        if may_go_on {
            break;
        }
        if !chunk.invalid().is_empty() {
            text.push(char::REPLACEMENT_CHARACTER);
            end += chunk.invalid().len();
        }
    }
    bytes.drain(..end);
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn letters_survive_any_cut(text in "[aé✓🌳\n]{0,60}", cuts in prop::collection::vec(1_usize..5, 1..20)) {
            let (mut pending, mut read) = (Vec::new(), String::new());
            let mut rest = text.as_bytes();
            for cut in cuts.iter().cycle() {
                if rest.is_empty() { break }
                let (piece, after) = rest.split_at((*cut).min(rest.len()));
                pending.extend_from_slice(piece);
                read.push_str(&take_text(&mut pending));
                rest = after;
            }
            prop_assert!(pending.is_empty());
            prop_assert_eq!(read, text);
        }
    }

    #[test]
    fn bytes_that_are_no_letters_are_replaced() {
        let mut bytes = b"a\xff\xfeb\xe2\x9c".to_vec();
        assert_eq!(take_text(&mut bytes), "a\u{fffd}\u{fffd}b");
        assert_eq!(bytes, b"\xe2\x9c");
    }
}

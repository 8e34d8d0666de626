//! The task's output as numbered blocks of events; streamed text is gathered (rule IPC-19).

use crate::replay::Replay;
use grove_core_api::agent::{AgentEvent, FileChange, StreamKind};
use grove_core_api::{PermissionId, TaskId, limits};
use serde_json::Value;
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::Instant;

/// Pieces that may wait between whoever makes them and the events.
const PIECES: usize = 64;

/// A piece of streamed text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Piece {
    /// Words or reasoning of the model.
    Words(StreamKind, String),
    /// Output of the running tool.
    Tool(String),
}

/// Where streamed text goes.
pub(crate) type Pieces = mpsc::Sender<Piece>;

/// Text of one block: what there is and how much of it has been sent.
#[derive(Default)]
struct Stream {
    text: String,
    sent_bytes: usize,
    offset: u64,
    waits_since: Option<Instant>,
}

enum Open {
    Words { block: u32, kind: StreamKind, stream: Stream },
    Tool { block: u32, started: Instant, stream: Stream, question: Option<PermissionId> },
}

/// Makes the events of one task.
pub(crate) struct Output {
    replay: Arc<Replay>,
    task_id: TaskId,
    next_block: u32,
    open: Option<Open>,
    streamed: u64,
}

fn utf16_len(text: &str) -> u64 {
    text.chars().map(|letter| if letter.len_utf16() == 2 { 2 } else { 1 }).sum()
}

impl Output {
    pub(crate) fn new(replay: Arc<Replay>, task_id: TaskId) -> Self {
        Self { replay, task_id, next_block: 0, open: None, streamed: 0 }
    }

    /// Bytes of words that were streamed so far: tells whether an answer has begun.
    pub(crate) fn streamed(&self) -> u64 {
        self.streamed
    }

    /// Adds an event; waits while the daemon is behind.
    pub(crate) async fn emit(&self, event: AgentEvent) {
        if let Err(error) = self.replay.push(self.task_id, event).await {
            tracing::error!(%error, "an event could not be written");
        }
    }

    fn new_block(&mut self) -> u32 {
        let block = self.next_block;
        self.next_block += 1;
        block
    }

    /// Runs `work` and turns the pieces that it sends into events.
    ///
    /// # Cancel safety
    /// Cancel safe: [`Output::settle`] ends what is open.
    pub(crate) async fn pump<T, F>(&mut self, work: impl FnOnce(Pieces) -> F) -> T
    where
        F: Future<Output = T>,
    {
        let (pieces, mut incoming) = mpsc::channel(PIECES);
        let mut work = pin!(work(pieces));
        let done = loop {
            let deadline = self.deadline();
            tokio::select! {
                biased;
                Some(piece) = incoming.recv() => self.take(piece).await,
                done = &mut work => break done,
                () = wait_until(deadline) => self.flush().await,
            }
        };
        while let Ok(piece) = incoming.try_recv() {
            self.take(piece).await;
        }
        done
    }

    async fn take(&mut self, piece: Piece) {
        match piece {
            Piece::Words(_, text) | Piece::Tool(text) if text.is_empty() => {}
            Piece::Words(kind, text) => {
                self.streamed += u64::try_from(text.len()).unwrap_or(u64::MAX);
                self.begin_words(kind).await;
                self.append(&text).await;
            }
            Piece::Tool(text) => self.append(&text).await,
        }
    }

    async fn begin_words(&mut self, wanted: StreamKind) {
        if matches!(&self.open, Some(Open::Words { kind, .. }) if *kind == wanted) {
            return;
        }
        self.end_words().await;
        let block = self.new_block();
        self.open = Some(Open::Words { block, kind: wanted, stream: Stream::default() });
        self.emit(AgentEvent::BlockStarted { block, kind: wanted }).await;
    }

    async fn append(&mut self, text: &str) {
        let Some(Open::Words { stream, .. } | Open::Tool { stream, .. }) = &mut self.open else {
            return;
        };
        stream.text.push_str(text);
        stream.waits_since.get_or_insert_with(Instant::now);
        if stream.text.len() - stream.sent_bytes >= limits::STREAM_CHUNK_BYTES {
            self.flush().await;
        }
    }

    fn deadline(&self) -> Option<Instant> {
        let Some(Open::Words { stream, .. } | Open::Tool { stream, .. }) = &self.open else {
            return None;
        };
        stream.waits_since.map(|since| since + Duration::from_millis(limits::STREAM_TICK_MS))
    }

    /// Sends what waits.
    async fn flush(&mut self) {
        let (event, length, sent_bytes) = match &self.open {
            Some(Open::Words { block, stream, .. }) => {
                let Some(text) = stream.waiting() else { return };
                let length = utf16_len(&text);
                let (block, offset) = (*block, stream.offset);
                (AgentEvent::TextDelta { block, offset, text }, length, stream.text.len())
            }
            Some(Open::Tool { block, stream, .. }) => {
                let Some(text) = stream.waiting() else { return };
                let length = utf16_len(&text);
                let (block, offset) = (*block, stream.offset);
                (AgentEvent::ToolOutput { block, offset, text }, length, stream.text.len())
            }
            None => return,
        };
        self.emit(event).await;
        if let Some(Open::Words { stream, .. } | Open::Tool { stream, .. }) = &mut self.open {
            stream.offset += length;
            stream.sent_bytes = sent_bytes;
            stream.waits_since = None;
        }
    }

    /// Ends the block of words that is open, if one is.
    pub(crate) async fn end_words(&mut self) {
        if !matches!(self.open, Some(Open::Words { .. })) {
            return;
        }
        self.flush().await;
        if let Some(Open::Words { block, stream, .. }) = self.open.take() {
            self.emit(AgentEvent::BlockEnded { block, text: stream.text }).await;
        }
    }

    /// Begins the block of a tool call.
    pub(crate) async fn tool_started(
        &mut self,
        call_id: &str,
        tool: &str,
        title: &str,
        input: &Value,
    ) {
        self.end_words().await;
        let block = self.new_block();
        let stream = Stream::default();
        self.open = Some(Open::Tool { block, started: Instant::now(), stream, question: None });
        let event = AgentEvent::ToolStarted {
            block,
            call_id: call_id.to_owned(),
            tool: tool.to_owned(),
            title: title.to_owned(),
            input: input.clone(),
        };
        self.emit(event).await;
    }

    /// Asks for permission for the tool call that is open.
    pub(crate) async fn permission_requested(
        &mut self,
        request_id: PermissionId,
        (tool, title, reason): (&str, &str, &str),
        input: &Value,
    ) {
        let Some(Open::Tool { block, question, .. }) = &mut self.open else { return };
        *question = Some(request_id);
        let event = AgentEvent::PermissionRequested {
            block: *block,
            request_id,
            tool: tool.to_owned(),
            title: title.to_owned(),
            reason: reason.to_owned(),
            input: input.clone(),
        };
        self.emit(event).await;
    }

    /// Says how the question of the open tool call was answered; its time begins anew.
    pub(crate) async fn permission_resolved(&mut self, answer: Option<super::Answer>) {
        let Some(Open::Tool { block, question, started, .. }) = &mut self.open else { return };
        let Some(request_id) = question.take() else { return };
        *started = Instant::now();
        let block = *block;
        let (decision, reason) = answer.map_or((None, None), |(it, why)| (Some(it), why));
        self.emit(AgentEvent::PermissionResolved { block, request_id, decision, reason }).await;
    }

    /// Ends the block of the tool call.
    pub(crate) async fn tool_ended(
        &mut self,
        is_ok: bool,
        output: String,
        change: Option<FileChange>,
    ) {
        self.flush().await;
        let Some(Open::Tool { block, started, .. }) = self.open.take() else { return };
        let duration_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.emit(AgentEvent::ToolEnded { block, is_ok, output, change, duration_ms }).await;
    }

    /// Ends whatever is open, because the turn is over.
    pub(crate) async fn settle(&mut self) {
        self.end_words().await;
        self.permission_resolved(None).await;
        if let Some(Open::Tool { stream, .. }) = &self.open {
            let mut output = stream.text.clone();
            if !output.is_empty() && !output.ends_with('\n') {
                output.push('\n');
            }
            output.push_str("[stopped]");
            self.tool_ended(false, output, None).await;
        }
    }
}

impl Stream {
    fn waiting(&self) -> Option<String> {
        let text = self.text.get(self.sent_bytes..).unwrap_or_default();
        (!text.is_empty()).then(|| text.to_owned())
    }
}

async fn wait_until(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => tokio::time::sleep_until(deadline).await,
        None => std::future::pending().await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ipc19_offsets_count_utf16_units() {
        assert_eq!(utf16_len("aé✓"), 3);
        assert_eq!(utf16_len("🌳"), 2);
    }
}

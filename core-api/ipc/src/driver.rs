//! The driver of one connection: reads, writes, runs the handler. All of it in one future.

use crate::error::reason;
use crate::handler::{Handler, Raw};
use crate::observer::{Call, Direction};
use crate::outbox::Lane;
use crate::peer::Inner;
use futures_util::stream::{FuturesUnordered, StreamExt};
use futures_util::{FutureExt, future};
use grove_core_api::ErrorCode;
use grove_core_api::ipc::method::{self, CancelRequest};
use grove_core_api::ipc::{Frame, Notification, RpcError, frame};
use grove_core_api::limits;
use std::collections::HashMap;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio::sync::mpsc;
use tokio_util::codec::{FramedRead, LinesCodec, LinesCodecError};
use tokio_util::sync::CancellationToken;

/// Incoming calls between reader and handler: one, so that a waiting handler stops the reader.
const AHEAD: usize = 1;

/// Why a connection ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    /// The other side closed it.
    Eof,
    /// This side closed it.
    Closed,
    /// A line was longer than `limits::IPC_LINE_BYTES`.
    LineTooLong,
    /// More than `limits::IPC_BAD_LINES` lines were no JSON-RPC.
    BadLines,
    /// The socket failed.
    Io(String),
}

/// Fails what waits when the driver ends or is dropped.
pub(crate) struct EndOnDrop(pub(crate) Arc<Inner>);

impl Drop for EndOnDrop {
    fn drop(&mut self) {
        self.0.end();
    }
}

enum Incoming {
    Request { id: u64, method: String, params: Option<Raw> },
    Cancel { id: u64 },
}

struct Note {
    method: String,
    params: Option<Raw>,
}

pub(crate) async fn run<S, H>(ending: EndOnDrop, stream: S, handler: Arc<H>) -> End
where
    S: AsyncRead + AsyncWrite + Send + 'static,
    H: Handler,
{
    let inner = &*ending.0;
    let (reading, writing) = tokio::io::split(stream);
    let (note_sender, notes) = mpsc::channel(AHEAD);
    let (call_sender, calls) = mpsc::channel(AHEAD);
    let mut read = Box::pin(read(inner, reading, note_sender, call_sender));
    let mut write = Box::pin(write(inner, writing));
    let mut notes = Box::pin(take_notes(notes, &*handler));
    let mut calls = Box::pin(serve(inner, calls, &*handler));
    let end = tokio::select! {
        end = &mut read => end,
        end = &mut write => end,
        never = &mut notes => never,
        never = &mut calls => never,
        () = inner.closing.cancelled() => End::Closed,
    };
    // Without the reader both channels end, and so do their loops once they are empty.
    drop(read);
    if end == End::Closed {
        let last_words = async {
            let answers = async {
                calls.await;
                inner.outbox.close();
            };
            future::join(answers, write).await;
        };
        // Whoever does not read in time does not get the last words.
        let is_written =
            tokio::time::timeout(Duration::from_millis(limits::IPC_CLOSE_MS), last_words).await;
        tracing::trace!(is_written = is_written.is_ok(), "connection closed");
    } else {
        inner.end();
    }
    notes.await;
    end
}

async fn read<R: AsyncRead + Unpin>(
    inner: &Inner,
    reading: R,
    notes: mpsc::Sender<Note>,
    calls: mpsc::Sender<Incoming>,
) -> End {
    let codec = LinesCodec::new_with_max_length(inner.options.line_bytes);
    let mut lines = FramedRead::new(reading, codec);
    loop {
        let line = match lines.next().await {
            None => return End::Eof,
            Some(Ok(line)) => line,
            Some(Err(LinesCodecError::MaxLineLengthExceeded)) => return End::LineTooLong,
            Some(Err(LinesCodecError::Io(error))) => return End::Io(error.to_string()),
        };
        let frame = Frame::parse(&line);
        if let Ok(Frame::Notification { method, .. }) = &frame {
            inner.observer.notification(Direction::Incoming, method, line.len());
        }
        let is_taken = match frame {
            Ok(Frame::Response { id, outcome }) => {
                inner.resolve(id, outcome);
                true
            }
            Ok(Frame::Request { id, method, params }) => {
                calls.send(Incoming::Request { id, method, params }).await.is_ok()
            }
            Ok(Frame::Notification { method, params }) if method == CancelRequest::NAME => {
                match crate::handler::params::<CancelRequest>(params) {
                    Ok(cancel) => calls.send(Incoming::Cancel { id: cancel.id }).await.is_ok(),
                    Err(error) => is_tolerated(inner, &error.message),
                }
            }
            Ok(Frame::Notification { method, params }) => {
                notes.send(Note { method, params }).await.is_ok()
            }
            Err(error) => is_tolerated(inner, &error.to_string()),
        };
        if !is_taken {
            return End::BadLines;
        }
    }
}

/// Counts a bad line; `false` when it was one too many.
fn is_tolerated(inner: &Inner, problem: &str) -> bool {
    let count = inner.bad_lines.fetch_add(1, Ordering::Relaxed) + 1;
    tracing::warn!(problem, count, "line that is no JSON-RPC");
    count <= limits::IPC_BAD_LINES
}

async fn write<W: AsyncWrite + Unpin>(inner: &Inner, mut writing: W) -> End {
    let mut buffer = Vec::new();
    while inner.outbox.take(&mut buffer).await {
        if let Err(error) = writing.write_all(&buffer).await {
            return End::Io(error.to_string());
        }
        if let Err(error) = writing.flush().await {
            return End::Io(error.to_string());
        }
        if buffer.capacity() > inner.options.line_bytes / 8 {
            buffer = Vec::new();
        }
        buffer.clear();
    }
    // The other side sees the end even while this side's reading half lives.
    if let Err(error) = writing.shutdown().await {
        tracing::trace!(%error, "the socket was gone before it was closed");
    }
    End::Closed
}

async fn take_notes<H: Handler>(mut notes: mpsc::Receiver<Note>, handler: &H) -> End {
    while let Some(note) = notes.recv().await {
        let taken = AssertUnwindSafe(handler.notification(&note.method, note.params));
        if taken.catch_unwind().await.is_err() {
            tracing::error!(method = note.method, "handler of a notification panicked");
        }
    }
    End::Eof
}

async fn serve<H: Handler>(inner: &Inner, mut calls: mpsc::Receiver<Incoming>, handler: &H) -> End {
    let mut running = FuturesUnordered::new();
    let mut tokens: HashMap<u64, CancellationToken> = HashMap::new();
    let mut is_open = true;
    // Whoever asks by the rules has fewer requests open than this. Whoever has more does not read the
    // answers, which wait here: nothing more is read then.
    let most = inner.options.pending_requests.saturating_add(inner.options.running_requests);
    while is_open || !running.is_empty() {
        tokio::select! {
            Some(id) = running.next(), if !running.is_empty() => {
                tokens.remove(&id);
            }
            incoming = calls.recv(), if is_open && tokens.len() <= most => match incoming {
                None => is_open = false,
                Some(Incoming::Cancel { id }) => {
                    if let Some(token) = tokens.get(&id) {
                        token.cancel();
                    }
                }
                Some(Incoming::Request { id, .. }) if tokens.contains_key(&id) => {
                    // An answer could not say which of the two it is for.
                    is_tolerated(inner, "request number in use");
                }
                Some(Incoming::Request { id, method, params }) => {
                    let is_full = tokens.len() >= inner.options.running_requests;
                    let token = CancellationToken::new();
                    tokens.insert(id, token.clone());
                    let work = handle(inner, handler, (method, params), is_full);
                    running.push(reply(inner, id, token, work));
                }
            },
        }
    }
    End::Eof
}

async fn handle<H: Handler>(
    inner: &Inner,
    handler: &H,
    (method, params): (String, Option<Raw>),
    is_full: bool,
) -> Result<Raw, RpcError> {
    let text = params.as_ref().map_or("{}", |raw| raw.get());
    let observer = &inner.observer;
    let redacted =
        observer.wants_params().then(|| method::redacted_params(&method, text)).flatten();
    let call = Call {
        direction: Direction::Incoming,
        method: &method,
        params: redacted.as_deref(),
        bytes: text.len(),
    };
    let begin = observer.begin(call);
    // What is refused anyhow need not be kept meanwhile.
    let params = params.filter(|_| !is_full);
    let Some(ending) = begin.await else {
        return Err(RpcError::new(frame::DENIED, "no more requests are taken"));
    };
    let outcome = if is_full {
        Err(RpcError::new(frame::BUSY, "too many requests run already"))
    } else {
        let work = AssertUnwindSafe(handler.request(&method, params));
        work.catch_unwind().await.unwrap_or_else(|_panic| {
            tracing::error!(method, "handler of a request panicked");
            Err(RpcError::failed(ErrorCode::Internal, "a defect in the handler of this request"))
        })
    };
    ending.end(outcome.as_ref().map_or_else(reason, |_answer| "ok"));
    outcome
}

async fn reply(
    inner: &Inner,
    id: u64,
    token: CancellationToken,
    work: impl Future<Output = Result<Raw, RpcError>>,
) -> u64 {
    let outcome = tokio::select! {
        () = token.cancelled() => Err(RpcError::new(frame::CANCELLED, "cancelled by the caller")),
        outcome = work => outcome,
    };
    let line = print(id, outcome, inner.options.line_bytes);
    if inner.outbox.push(Lane::Urgent, line).await.is_err() {
        tracing::trace!(id, "answer after the end of the connection");
    }
    id
}

fn print(id: u64, outcome: Result<Raw, RpcError>, line_bytes: usize) -> String {
    let line = Frame::Response { id, outcome }.print();
    match line {
        Ok(line) if line.len() <= line_bytes => line,
        Ok(_) | Err(_) => {
            let error = RpcError::failed(ErrorCode::TooLarge, "the answer is too large to be sent");
            Frame::Response { id, outcome: Err(error) }.print().unwrap_or_default()
        }
    }
}

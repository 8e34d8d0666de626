//! The handle to a connection: asks, notifies, closes.

use crate::driver::{self, End};
use crate::error::CallError;
use crate::handler::{Handler, Raw};
use crate::observer::{Call, Direction, Observer};
use crate::outbox::{Lane, Outbox};
use grove_core_api::ipc::method::CancelRequest;
use grove_core_api::ipc::{Frame, Method, Notification, RpcError};
use grove_core_api::{limits, secret};
use serde::Serialize;
use std::collections::HashMap;
use std::fmt;
use std::future::Future;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;

/// Bounds of one connection; the defaults are those of `core_api::limits`.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Longest line in bytes, both ways.
    pub line_bytes: usize,
    /// Lines that may wait in each of the two outgoing queues.
    pub queue_lines: usize,
    /// Own requests that may wait for an answer.
    pub pending_requests: usize,
    /// Requests of the other side that are worked on at once.
    pub running_requests: usize,
    /// Time for one request in milliseconds, unless the call names another.
    pub request_ms: u64,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            line_bytes: limits::IPC_LINE_BYTES,
            queue_lines: limits::IPC_QUEUE_LINES,
            pending_requests: limits::IPC_PENDING_REQUESTS,
            running_requests: limits::IPC_RUNNING_REQUESTS,
            request_ms: limits::IPC_REQUEST_MS,
        }
    }
}

/// What went wrong on a connection without ending it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Lines that were no JSON-RPC 2.0.
    pub bad_lines: u64,
    /// Answers to no question that waits.
    pub unknown_answers: u64,
}

type Outcome = Result<Raw, RpcError>;

#[derive(Default)]
struct Pending {
    waiting: HashMap<u64, oneshot::Sender<Outcome>>,
    newest_id: u64,
    is_closed: bool,
}

pub(crate) struct Inner {
    pub(crate) options: Options,
    pub(crate) observer: Arc<dyn Observer>,
    pub(crate) outbox: Outbox,
    pub(crate) closing: CancellationToken,
    pub(crate) closed: CancellationToken,
    pub(crate) bad_lines: AtomicU64,
    unknown_answers: AtomicU64,
    pending: Mutex<Pending>,
}

impl Inner {
    fn pending(&self) -> MutexGuard<'_, Pending> {
        // The map is whole after each statement, so a poisoned lock can be used.
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Hands an answer to whoever waits for it.
    pub(crate) fn resolve(&self, id: u64, outcome: Outcome) {
        let waiting = self.pending().waiting.remove(&id);
        // The receiver may be gone in this very moment; then nobody wants the answer.
        let is_taken = waiting.is_some_and(|sender| sender.send(outcome).is_ok());
        if !is_taken {
            let count = self.unknown_answers.fetch_add(1, Ordering::Relaxed) + 1;
            tracing::debug!(id, count, "answer that nobody waits for");
        }
    }

    /// Ends everything: pending requests fail with `Closed`.
    pub(crate) fn end(&self) {
        self.outbox.close();
        let mut pending = self.pending();
        pending.is_closed = true;
        pending.waiting.clear();
        drop(pending);
        self.closed.cancel();
    }
}

/// One side of a connection. Clones share it.
#[derive(Clone)]
pub struct Peer {
    inner: Arc<Inner>,
}

impl fmt::Debug for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Peer").field("is_closed", &self.is_closed()).finish_non_exhaustive()
    }
}

/// Forgets a request that is not awaited any more, and tells the other side if it was sent.
struct Waiting<'a> {
    inner: &'a Inner,
    id: u64,
    is_sent: bool,
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        let was_waiting = self.inner.pending().waiting.remove(&self.id).is_some();
        if !(was_waiting && self.is_sent) {
            return;
        }
        let line = notification_line(&CancelRequest { id: self.id });
        let bytes = line.as_ref().map_or(0, String::len);
        self.inner.observer.notification(Direction::Outgoing, CancelRequest::NAME, bytes);
        // A closed connection needs no cancellation.
        if line.is_ok_and(|line| self.inner.outbox.push_without_slot(line).is_err()) {
            tracing::trace!(id = self.id, "cancellation after the end of the connection");
        }
    }
}

impl Peer {
    /// Starts a connection with the bounds of `core_api::limits`.
    ///
    /// Returns the handle and the driver, which the caller spawns; it ends with the connection. Nothing
    /// moves until the driver runs; when it is dropped, every waiting request fails with `Closed`. The
    /// observer sees every call of this connection in both directions: there is no way around it.
    pub fn start<S, H>(
        stream: S,
        handler: Arc<H>,
        observer: Arc<dyn Observer>,
    ) -> (Self, impl Future<Output = End> + Send)
    where
        S: AsyncRead + AsyncWrite + Send + 'static,
        H: Handler,
    {
        Self::start_with(stream, handler, observer, Options::default())
    }

    /// Starts a connection with bounds of the caller's choice.
    pub fn start_with<S, H>(
        stream: S,
        handler: Arc<H>,
        observer: Arc<dyn Observer>,
        options: Options,
    ) -> (Self, impl Future<Output = End> + Send)
    where
        S: AsyncRead + AsyncWrite + Send + 'static,
        H: Handler,
    {
        let inner = Arc::new(Inner {
            options,
            observer,
            outbox: Outbox::new(options.queue_lines),
            closing: CancellationToken::new(),
            closed: CancellationToken::new(),
            bad_lines: AtomicU64::new(0),
            unknown_answers: AtomicU64::new(0),
            pending: Mutex::default(),
        });
        let ending = driver::EndOnDrop(Arc::clone(&inner));
        (Self { inner }, driver::run(ending, stream, handler))
    }

    /// Asks and waits at most `limits::IPC_REQUEST_MS`.
    ///
    /// # Errors
    /// `Remote` with the other side's error; `Timeout`, `Closed`, `Busy`, `TooLarge`, `Shape` as they
    /// say.
    ///
    /// # Cancel safety
    /// Dropping the future sends `$/cancel`; the other side may have done the work all the same.
    pub async fn request<M: Method>(&self, params: M) -> Result<M::Answer, CallError> {
        self.request_within(params, Duration::from_millis(self.inner.options.request_ms)).await
    }

    /// Asks and waits at most `time`.
    ///
    /// # Errors
    /// As [`Peer::request`].
    ///
    /// # Cancel safety
    /// As [`Peer::request`].
    pub async fn request_within<M: Method>(
        &self,
        params: M,
        time: Duration,
    ) -> Result<M::Answer, CallError> {
        let written = raw(&params)?;
        let observer = &self.inner.observer;
        // Without the redacted form the call is observed all the same.
        let redacted =
            observer.wants_params().then(|| secret::to_redacted_json(&params).ok()).flatten();
        let began = Instant::now();
        let call = Call {
            direction: Direction::Outgoing,
            method: M::NAME,
            params: redacted.as_deref(),
            bytes: written.get().len(),
        };
        let too_late = || CallError::Timeout(u64::try_from(time.as_millis()).unwrap_or(u64::MAX));
        let begun = tokio::time::timeout(time, observer.begin(call)).await;
        let Some(ending) = begun.map_err(|_elapsed| too_late())? else {
            return Err(CallError::Closed);
        };
        let left = time.saturating_sub(began.elapsed());
        let outcome = match tokio::time::timeout(left, self.exchange(M::NAME, written)).await {
            Err(_elapsed) => Err(too_late()),
            Ok(outcome) => outcome.and_then(|answer| {
                serde_json::from_str(answer.get()).map_err(|it| CallError::Shape(it.to_string()))
            }),
        };
        ending.end(outcome.as_ref().map_or_else(CallError::reason, |_answer| "ok"));
        outcome
    }

    async fn exchange(&self, method: &str, params: Raw) -> Result<Raw, CallError> {
        let (sender, receiver) = oneshot::channel();
        let id = self.register(sender)?;
        let mut waiting = Waiting { inner: &self.inner, id, is_sent: false };
        let request = Frame::Request { id, method: method.to_owned(), params: Some(params) };
        let line = self.line(&request)?;
        self.inner.outbox.push(Lane::Urgent, line).await.map_err(|_shut| CallError::Closed)?;
        waiting.is_sent = true;
        match receiver.await {
            Ok(outcome) => outcome.map_err(CallError::Remote),
            Err(_dropped) => Err(CallError::Closed),
        }
    }

    fn register(&self, sender: oneshot::Sender<Outcome>) -> Result<u64, CallError> {
        let mut pending = self.inner.pending();
        if pending.is_closed {
            return Err(CallError::Closed);
        }
        if pending.waiting.len() >= self.inner.options.pending_requests {
            return Err(CallError::Busy);
        }
        pending.newest_id += 1;
        let id = pending.newest_id;
        pending.waiting.insert(id, sender);
        Ok(id)
    }

    /// Queues a notification; waits while the queue is full.
    ///
    /// # Errors
    /// `Closed` when the connection has ended, `TooLarge` and `Shape` when it cannot be sent.
    ///
    /// # Cancel safety
    /// Either the notification is queued or it is not.
    pub async fn notify<N: Notification>(&self, params: N) -> Result<(), CallError> {
        let line = notification_line(&params)?;
        self.notify_line::<N>(line).await
    }

    /// Queues a notification that was written before with [`Peer::notification_line`] of `N`.
    ///
    /// # Errors
    /// `Closed` when the connection has ended, `TooLarge` when it cannot be sent.
    ///
    /// # Cancel safety
    /// As [`Peer::notify`].
    pub async fn notify_line<N: Notification>(&self, line: String) -> Result<(), CallError> {
        if line.len() > self.inner.options.line_bytes {
            return Err(CallError::TooLarge(line.len()));
        }
        self.inner.observer.notification(Direction::Outgoing, N::NAME, line.len());
        self.inner.outbox.push(Lane::Bulk, line).await.map_err(|_shut| CallError::Closed)
    }

    /// Writes a notification as the line that [`Peer::notify_line`] sends, as often as needed.
    ///
    /// # Errors
    /// `Shape` when it cannot be written as JSON.
    pub fn notification_line<N: Notification>(params: &N) -> Result<String, CallError> {
        notification_line(params)
    }

    /// Queues bytes of a tunnel, or what must come after them; waits while the queue is full.
    pub(crate) async fn stream<N: Notification>(&self, params: &N) -> Result<(), CallError> {
        let line = notification_line(params)?;
        self.inner.observer.notification(Direction::Outgoing, N::NAME, line.len());
        self.inner.outbox.push(Lane::Stream, line).await.map_err(|_shut| CallError::Closed)
    }

    /// Queues a notification that cannot wait. The caller sees to it that there are few of them.
    pub(crate) fn notify_now<N: Notification>(&self, params: &N) {
        let line = notification_line(params);
        if let Ok(line) = &line {
            self.inner.observer.notification(Direction::Outgoing, N::NAME, line.len());
        }
        // A closed connection needs no word about its tunnels.
        if line.is_ok_and(|line| self.inner.outbox.push_without_slot(line).is_err()) {
            tracing::trace!(method = N::NAME, "notification after the end of the connection");
        }
    }

    /// Takes no more calls, writes what waits (at most `limits::IPC_CLOSE_MS`) and ends the connection.
    pub fn close(&self) {
        self.inner.closing.cancel();
    }

    /// Waits until the connection has ended.
    ///
    /// # Cancel safety
    /// Cancel safe.
    pub async fn closed(&self) {
        self.inner.closed.cancelled().await;
    }

    /// Whether the connection has ended.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.inner.closed.is_cancelled()
    }

    /// Returns what went wrong without ending the connection.
    #[must_use]
    pub fn counters(&self) -> Counters {
        Counters {
            bad_lines: self.inner.bad_lines.load(Ordering::Relaxed),
            unknown_answers: self.inner.unknown_answers.load(Ordering::Relaxed),
        }
    }

    fn line(&self, frame: &Frame) -> Result<String, CallError> {
        let line = frame.print().map_err(|error| CallError::Shape(error.to_string()))?;
        if line.len() > self.inner.options.line_bytes {
            return Err(CallError::TooLarge(line.len()));
        }
        Ok(line)
    }
}

fn raw<T: Serialize>(value: &T) -> Result<Raw, CallError> {
    serde_json::value::to_raw_value(value).map_err(|error| CallError::Shape(error.to_string()))
}

fn notification_line<N: Notification>(params: &N) -> Result<String, CallError> {
    let frame = Frame::Notification { method: N::NAME.to_owned(), params: Some(raw(params)?) };
    frame.print().map_err(|error| CallError::Shape(error.to_string()))
}

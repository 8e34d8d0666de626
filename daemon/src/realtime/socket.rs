//! One WebSocket: the upgrade, bounded writes, the closing handshake. The only door to axum here.
//!
//! Deliberately not here: what the frames mean, and the `Origin` check and TCP options (the server's).

use super::backend::Backend;
use super::hub::Hub;
use axum::extract::ws::{CloseFrame, Message, WebSocketUpgrade};
use axum::response::Response;
use bytes::Bytes;
use grove_core_api::{limits, realtime, version};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

pub(super) use axum::extract::ws::{Utf8Bytes as Frame, WebSocket};

/// RFC 6455 section 7.4.1: a frame is larger than the receiver takes.
const TOO_BIG: u16 = 1009;

/// Why a connection is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// The peer is gone; there is nobody to tell.
    Gone,
    /// The server ends it, with a close code and words.
    Close(u16, &'static str),
}

/// What came from the peer.
#[derive(Debug)]
pub(super) enum Inbound {
    /// A text frame.
    Text(Frame),
    /// A binary frame.
    Binary(Bytes),
    /// A ping or pong: the peer is alive.
    Alive,
}

/// Upgrades a request to a connection of the hub, spoken as `grove.v1`.
pub fn upgrade<B: Backend>(ws: WebSocketUpgrade, hub: Arc<Hub<B>>, caller: B::Caller) -> Response {
    ws.protocols([version::REALTIME_SUBPROTOCOL])
        .read_buffer_size(limits::WS_READ_BUFFER_BYTES)
        .write_buffer_size(0)
        .max_message_size(limits::WS_INBOUND_BYTES)
        .max_frame_size(limits::WS_INBOUND_BYTES)
        .on_upgrade(move |socket| hub.serve(socket, caller))
}

/// A WebSocket whose writes end in time.
#[derive(Debug)]
pub(super) struct Socket {
    ws: WebSocket,
    shutdown: CancellationToken,
}

impl Socket {
    /// Wraps an upgraded connection; `shutdown` interrupts a write that waits.
    pub(super) fn new(ws: WebSocket, shutdown: CancellationToken) -> Self {
        Self { ws, shutdown }
    }

    /// Sends a text frame.
    ///
    /// # Errors
    /// `End::Close` with 4408 when the peer does not take it in time (rule RT-08).
    ///
    /// # Cancel safety
    /// Not cancel safe: a dropped future may leave half a frame in the socket.
    pub(super) async fn send(&mut self, frame: Frame) -> Result<(), End> {
        self.write(Message::Text(frame)).await
    }

    /// Sends a binary frame.
    ///
    /// # Errors
    /// As [`Socket::send`].
    ///
    /// # Cancel safety
    /// As [`Socket::send`].
    pub(super) async fn send_binary(&mut self, frame: Bytes) -> Result<(), End> {
        self.write(Message::Binary(frame)).await
    }

    /// Sends a ping.
    ///
    /// # Errors
    /// As [`Socket::send`].
    ///
    /// # Cancel safety
    /// As [`Socket::send`].
    pub(super) async fn ping(&mut self) -> Result<(), End> {
        self.write(Message::Ping(Default::default())).await
    }

    async fn write(&mut self, message: Message) -> Result<(), End> {
        let write = timeout(Duration::from_millis(limits::WS_WRITE_MS), self.ws.send(message));
        tokio::select! {
            biased;
            written = write => match written {
                Ok(Ok(())) => Ok(()),
                Ok(Err(_)) => Err(End::Gone),
                Err(_) => Err(End::Close(realtime::close::TOO_SLOW, "too slow")),
            },
            () = self.shutdown.cancelled() => Err(RESTARTS),
        }
    }

    /// Waits for the next frame.
    ///
    /// # Errors
    /// Says how the connection ended.
    ///
    /// # Cancel safety
    /// Cancel safe: what was read stays in the socket's buffer.
    pub(super) async fn receive(&mut self) -> Result<Inbound, End> {
        match self.ws.recv().await {
            Some(Ok(Message::Text(text))) => Ok(Inbound::Text(text)),
            Some(Ok(Message::Binary(bytes))) => Ok(Inbound::Binary(bytes)),
            Some(Ok(Message::Ping(_) | Message::Pong(_))) => Ok(Inbound::Alive),
            Some(Ok(Message::Close(_))) | None => Err(End::Gone),
            Some(Err(error)) => Err(why_unreadable(&error)),
        }
    }

    /// Says why the connection ends and waits, for a bounded time, until the peer has taken it.
    pub(super) async fn close(mut self, code: u16, reason: &'static str) {
        let frame = CloseFrame { code, reason: Frame::from_static(reason) };
        let handshake = async {
            if self.ws.send(Message::Close(Some(frame))).await.is_ok() {
                while let Some(Ok(_)) = self.ws.recv().await {}
            }
        };
        // A peer that does not answer in time is cut off: there is nobody left to tell.
        timeout(Duration::from_millis(limits::WS_CLOSE_MS), handshake).await.ok();
    }
}

/// How connections end when the daemon stops.
pub(super) const RESTARTS: End = End::Close(realtime::close::RESTART, "restarting");

/// Tells a frame that is too large from a connection that broke.
///
/// axum does not name the library's error type, so its text must do; the test of rule RT-17 fails
/// when it changes.
fn why_unreadable(error: &axum::Error) -> End {
    if error.to_string().starts_with("Space limit exceeded") {
        End::Close(TOO_BIG, "frame too large")
    } else {
        End::Gone
    }
}

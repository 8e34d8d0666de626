//! One WebSocket: bounded writes, the closing handshake.
//!
//! The library reads, answers pings and closes. Messages are written around it: it would copy each
//! into a buffer of the connection's own, which then stays as large as the longest message ever sent.
//! Deliberately not here: what the frames mean, and the opening handshake (`upgrade`).

use bytes::buf::Chain;
use bytes::{Buf, Bytes};
use futures_util::{SinkExt, StreamExt};
use grove_core_api::{limits, realtime};
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use std::future::poll_fn;
use std::io::Cursor;
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;
use tokio::io::AsyncWriteExt;
use tokio::time::timeout;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Error as WsError;
use tokio_tungstenite::tungstenite::protocol::frame::FrameHeader;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{Data, OpCode};
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Message, Role, WebSocketConfig};
use tokio_util::sync::CancellationToken;

pub(super) use tokio_tungstenite::tungstenite::Utf8Bytes as Frame;

/// A connection after the opening handshake.
pub(super) type WebSocket = WebSocketStream<TokioIo<Upgraded>>;

/// RFC 6455 section 7.4.1: a frame is larger than the receiver takes.
const TOO_BIG: u16 = 1009;

/// Longest header of a frame that is not masked (RFC 6455 section 5.2).
const HEADER_BYTES: usize = 10;

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

/// Begins to speak on an upgraded connection.
pub(super) async fn open(io: TokioIo<Upgraded>) -> WebSocket {
    let config = WebSocketConfig::default()
        .read_buffer_size(limits::WS_READ_BUFFER_BYTES)
        // Each write goes out at once: what is worth joining was joined by the tick.
        .write_buffer_size(0)
        .max_message_size(Some(limits::WS_INBOUND_BYTES))
        .max_frame_size(Some(limits::WS_INBOUND_BYTES));
    WebSocketStream::from_raw_socket(io, Role::Server, Some(config)).await
}

/// A WebSocket whose writes end in time.
#[derive(Debug)]
pub(super) struct Socket {
    ws: WebSocket,
    shutdown: CancellationToken,
    /// What is left of a frame that was not taken in time.
    unsent: Option<Framed>,
}

/// A frame to be written: its header, at the end of its room, and its payload.
type Framed = Chain<Cursor<[u8; HEADER_BYTES]>, Bytes>;

impl Socket {
    /// Wraps an upgraded connection; `shutdown` interrupts a write that waits.
    pub(super) fn new(ws: WebSocket, shutdown: CancellationToken) -> Self {
        Self { ws, shutdown, unsent: None }
    }

    /// Sends a text message.
    ///
    /// # Errors
    /// `End::Close` with 4408 when the peer does not take it in time (rule RT-08).
    ///
    /// # Cancel safety
    /// Not cancel safe: a dropped future may leave half a frame in the socket.
    pub(super) async fn send(&mut self, frame: Frame) -> Result<(), End> {
        self.write(Data::Text, frame.into()).await
    }

    /// Sends a binary frame.
    ///
    /// # Errors
    /// As [`Socket::send`].
    ///
    /// # Cancel safety
    /// As [`Socket::send`].
    pub(super) async fn send_binary(&mut self, frame: Bytes) -> Result<(), End> {
        self.write(Data::Binary, frame).await
    }

    async fn write(&mut self, kind: Data, payload: Bytes) -> Result<(), End> {
        let mut frame = framed(kind, payload).map_err(|_too_long| End::Gone)?;
        let sent = in_time(&self.shutdown, write_all(&mut self.ws, &mut frame)).await;
        if sent.is_err() {
            self.unsent = Some(frame);
        }
        sent
    }

    /// Sends a ping.
    ///
    /// # Errors
    /// As [`Socket::send`].
    ///
    /// # Cancel safety
    /// As [`Socket::send`].
    pub(super) async fn ping(&mut self) -> Result<(), End> {
        in_time(&self.shutdown, self.ws.send(Message::Ping(Bytes::new()))).await
    }

    /// Waits for the next frame.
    ///
    /// # Errors
    /// Says how the connection ended.
    ///
    /// # Cancel safety
    /// Cancel safe: what was read stays in the socket's buffer.
    pub(super) async fn receive(&mut self) -> Result<Inbound, End> {
        match self.ws.next().await {
            Some(Ok(Message::Text(text))) => Ok(Inbound::Text(text)),
            Some(Ok(Message::Binary(bytes))) => Ok(Inbound::Binary(bytes)),
            Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => Ok(Inbound::Alive),
            Some(Ok(Message::Close(_))) | None => Err(End::Gone),
            Some(Err(WsError::Capacity(_))) => Err(End::Close(TOO_BIG, "frame too large")),
            Some(Err(_)) => Err(End::Gone),
        }
    }

    /// Says why the connection ends and waits, for a bounded time, until the peer has taken it.
    pub(super) async fn close(mut self, code: u16, reason: &'static str) {
        let frame = CloseFrame { code: code.into(), reason: Frame::from_static(reason) };
        let handshake = async {
            if let Some(mut rest) = self.unsent.take()
                && write_all(&mut self.ws, &mut rest).await.is_err()
            {
                return;
            }
            if self.ws.send(Message::Close(Some(frame))).await.is_ok() {
                while let Some(Ok(_)) = self.ws.next().await {}
            }
        };
        // A peer that does not answer in time is cut off: there is nobody left to tell.
        timeout(Duration::from_millis(limits::WS_CLOSE_MS), handshake).await.ok();
    }
}

/// How connections end when the daemon stops.
pub(super) const RESTARTS: End = End::Close(realtime::close::RESTART, "restarting");

/// Writes, and ends the connection when that takes too long or the daemon stops meanwhile.
async fn in_time(
    shutdown: &CancellationToken,
    write: impl Future<Output = Result<(), WsError>> + Send,
) -> Result<(), End> {
    let mut writing = pin!(write);
    // Nearly every write fits the kernel's buffer: no timer is made for those.
    let first = poll_fn(|context| Poll::Ready(writing.as_mut().poll(context))).await;
    let written = match first {
        Poll::Ready(written) => Ok(written),
        Poll::Pending => {
            let writing = timeout(Duration::from_millis(limits::WS_WRITE_MS), writing);
            tokio::select! {
                biased;
                written = writing => written,
                () = shutdown.cancelled() => return Err(RESTARTS),
            }
        }
    };
    match written {
        Ok(Ok(())) => Ok(()),
        Ok(Err(_)) => Err(End::Gone),
        Err(_) => Err(End::Close(realtime::close::TOO_SLOW, "too slow")),
    }
}

/// One message as one frame.
fn framed(kind: Data, payload: Bytes) -> Result<Framed, WsError> {
    let header = FrameHeader { opcode: OpCode::Data(kind), ..FrameHeader::default() };
    let mut bytes = [0; HEADER_BYTES];
    let mut free = bytes.as_mut_slice();
    header.format(u64::try_from(payload.len()).unwrap_or(u64::MAX), &mut free)?;
    let unused = free.len();
    bytes.rotate_right(unused);
    let mut header = Cursor::new(bytes);
    header.advance(unused);
    Ok(header.chain(payload))
}

/// Writes what is left of a frame, header and payload together.
async fn write_all(ws: &mut WebSocket, frame: &mut Framed) -> Result<(), WsError> {
    // A pong that the library could not write whole comes first.
    ws.flush().await?;
    ws.get_mut().write_all_buf(frame).await?;
    Ok(())
}

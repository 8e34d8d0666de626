//! Moves bytes between a tunnel and a stream until both directions are done.

use super::{Received, Tunnel};
use grove_core_api::limits::TUNNEL_PIECE_BYTES;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadHalf, WriteHalf};

/// Why a relay ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RelayEnd {
    /// Both sides have said all they had to say.
    Finished,
    /// Nothing moved for too long.
    Idle,
    /// The other end of the tunnel, or the connection that carries it, is gone.
    Reset,
    /// The stream failed.
    Stream(io::ErrorKind),
}

impl RelayEnd {
    /// In a word, for the log.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Finished => "finished",
            Self::Idle => "idle",
            Self::Reset => "reset",
            Self::Stream(_) => "connection_lost",
        }
    }
}

/// What went through a relay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Traffic {
    /// Bytes from the stream into the tunnel.
    pub sent: u64,
    /// Bytes from the tunnel into the stream.
    pub received: u64,
    /// How it ended.
    pub end: RelayEnd,
}

/// Moves bytes both ways. Ends when both directions have, when one fails, or when nothing moved for
/// `idle` (at most twice that).
///
/// # Cancel safety
/// Dropping the future resets the tunnel and closes the stream.
pub async fn relay<S>(tunnel: Tunnel, stream: S, idle: Duration) -> Traffic
where
    S: AsyncRead + AsyncWrite + Send,
{
    let (sent, received) = (AtomicU64::new(0), AtomicU64::new(0));
    let total = || sent.load(Ordering::Relaxed).wrapping_add(received.load(Ordering::Relaxed));
    let (reading, writing) = tokio::io::split(stream);
    let quiet = async {
        loop {
            let before = total();
            tokio::time::sleep(idle).await;
            if total() == before {
                break;
            }
        }
    };
    let both = async {
        tokio::try_join!(outwards(&tunnel, reading, &sent), inwards(&tunnel, writing, &received))
    };
    let end = tokio::select! {
        ended = both => ended.map_or_else(|end| end, |_| RelayEnd::Finished),
        () = quiet => RelayEnd::Idle,
        () = tunnel.broken() => RelayEnd::Reset,
    };
    let load = |it: &AtomicU64| it.load(Ordering::Relaxed);
    Traffic { sent: load(&sent), received: load(&received), end }
}

async fn outwards<S: AsyncRead>(
    tunnel: &Tunnel,
    mut reading: ReadHalf<S>,
    sent: &AtomicU64,
) -> Result<(), RelayEnd> {
    let mut buffer = vec![0; TUNNEL_PIECE_BYTES];
    loop {
        let room = tunnel.room().await.ok_or(RelayEnd::Reset)?;
        let part = buffer.get_mut(..room).unwrap_or_default();
        let size = reading.read(part).await.map_err(|error| RelayEnd::Stream(error.kind()))?;
        let read = buffer.get(..size).unwrap_or_default();
        if read.is_empty() {
            return tunnel.finish().await.map_err(|_closed| RelayEnd::Reset);
        }
        tunnel.send(read).await.map_err(|_closed| RelayEnd::Reset)?;
        count(sent, size);
    }
}

async fn inwards<S: AsyncWrite>(
    tunnel: &Tunnel,
    mut writing: WriteHalf<S>,
    received: &AtomicU64,
) -> Result<(), RelayEnd> {
    let failed = |error: io::Error| RelayEnd::Stream(error.kind());
    loop {
        match tunnel.receive().await {
            Received::Bytes(bytes) => {
                writing.write_all(&bytes).await.map_err(failed)?;
                writing.flush().await.map_err(failed)?;
                tunnel.passed(bytes.len());
                count(received, bytes.len());
            }
            Received::Finished => return writing.shutdown().await.map_err(failed),
            Received::Broken => return Err(RelayEnd::Reset),
        }
    }
}

fn count(total: &AtomicU64, bytes: usize) {
    total.fetch_add(u64::try_from(bytes).unwrap_or(u64::MAX), Ordering::Relaxed);
}

//! Descriptor 3: the monitor hands over connections until it ends (rule IPC-11).

use crate::sys;
use grove_core_api::limits;
use grove_core_api::monitor::ExecutorGreeting;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use tokio::io::unix::AsyncFd;
use tokio::net::UnixStream;

/// The control socket.
pub(crate) struct Control {
    socket: AsyncFd<OwnedFd>,
}

impl Control {
    /// Wraps the descriptor; call it inside the runtime.
    ///
    /// # Errors
    /// When the descriptor cannot be waited for.
    pub(crate) fn new(socket: OwnedFd) -> io::Result<Self> {
        Ok(Self { socket: sys::watch(socket)? })
    }

    /// Waits for the next connection; `None` when the monitor is gone.
    ///
    /// Datagrams that are no greeting are logged and skipped.
    ///
    /// # Cancel safety
    /// Cancel safe.
    pub(crate) async fn next(&self) -> Option<(ExecutorGreeting, UnixStream)> {
        loop {
            let mut ready = self.socket.readable().await.ok()?;
            let received =
                ready.try_io(|socket| sys::receive(socket.as_fd(), limits::MONITOR_DATAGRAM_BYTES));
            match received {
                Err(_would_block) => {}
                Ok(Ok(datagram)) if datagram.bytes.is_empty() => return None,
                Ok(Ok(datagram)) => match read(datagram) {
                    Ok(greeting) => return Some(greeting),
                    Err(problem) => tracing::warn!(problem, "datagram that is no greeting"),
                },
                Ok(Err(error)) if error.kind() == io::ErrorKind::InvalidData => {
                    tracing::warn!(%error, "datagram that is no greeting");
                }
                Ok(Err(error)) => {
                    tracing::warn!(%error, "the control socket failed");
                    return None;
                }
            }
        }
    }
}

fn read(datagram: sys::Datagram) -> Result<(ExecutorGreeting, UnixStream), String> {
    let greeting: ExecutorGreeting =
        serde_json::from_slice(&datagram.bytes).map_err(|error| error.to_string())?;
    let mut descriptors = datagram.descriptors.into_iter();
    let (Some(connection), None) = (descriptors.next(), descriptors.next()) else {
        return Err("it does not carry exactly one connection".to_owned());
    };
    let stream = std::os::unix::net::UnixStream::from(connection);
    stream.set_nonblocking(true).map_err(|error| error.to_string())?;
    let stream = UnixStream::from_std(stream).map_err(|error| error.to_string())?;
    Ok((greeting, stream))
}

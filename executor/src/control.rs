//! Descriptor 3: the monitor hands over connections until it ends (rule IPC-11).

use crate::sys;
use grove_core_api::limits;
use grove_core_api::monitor::ExecutorGreeting;
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use tokio::io::unix::AsyncFd;

/// A greeting and the connection that came with it.
pub(crate) type Arrival = (ExecutorGreeting, UnixStream);

/// Waits for the first connection, before there is a runtime; `None` when the monitor is gone.
///
/// # Errors
/// When the socket cannot be waited for.
pub(crate) fn first(socket: &OwnedFd) -> io::Result<Option<Arrival>> {
    loop {
        let mut polled = [PollFd::new(socket.as_fd(), PollFlags::POLLIN)];
        match poll(&mut polled, PollTimeout::NONE) {
            Ok(_) => {}
            Err(Errno::EINTR) => continue,
            Err(errno) => return Err(errno.into()),
        }
        match understand(sys::receive(socket.as_fd(), limits::MONITOR_DATAGRAM_BYTES)) {
            Step::Arrived(arrival) => return Ok(Some(*arrival)),
            Step::Skipped => {}
            Step::Over => return Ok(None),
        }
    }
}

/// What came of one attempt to receive.
enum Step {
    Arrived(Box<Arrival>),
    /// Nothing that means anything here.
    Skipped,
    /// The monitor is gone.
    Over,
}

fn understand(received: io::Result<sys::Datagram>) -> Step {
    match received {
        Ok(datagram) if datagram.bytes.is_empty() => Step::Over,
        Ok(datagram) => match read(datagram) {
            Ok(arrival) => Step::Arrived(Box::new(arrival)),
            Err(problem) => {
                tracing::warn!(problem, "datagram that is no greeting");
                Step::Skipped
            }
        },
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Step::Skipped,
        Err(error) if error.kind() == io::ErrorKind::InvalidData => {
            tracing::warn!(%error, "datagram that is no greeting");
            Step::Skipped
        }
        Err(error) => {
            tracing::warn!(%error, "the control socket failed");
            Step::Over
        }
    }
}

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
    pub(crate) async fn next(&self) -> Option<Arrival> {
        loop {
            let mut ready = self.socket.readable().await.ok()?;
            let received =
                ready.try_io(|socket| sys::receive(socket.as_fd(), limits::MONITOR_DATAGRAM_BYTES));
            match received.map(understand) {
                Err(_would_block) => {}
                Ok(Step::Arrived(arrival)) => return Some(*arrival),
                Ok(Step::Skipped) => {}
                Ok(Step::Over) => return None,
            }
        }
    }
}

fn read(datagram: sys::Datagram) -> Result<Arrival, String> {
    let greeting: ExecutorGreeting =
        serde_json::from_slice(&datagram.bytes).map_err(|error| error.to_string())?;
    let mut descriptors = datagram.descriptors.into_iter();
    let (Some(connection), None) = (descriptors.next(), descriptors.next()) else {
        return Err("it does not carry exactly one connection".to_owned());
    };
    let stream = UnixStream::from(connection);
    stream.set_nonblocking(true).map_err(|error| error.to_string())?;
    Ok((greeting, stream))
}

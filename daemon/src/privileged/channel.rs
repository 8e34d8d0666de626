//! Datagrams with descriptors between the monitor and its children.
//!
//! One JSON value is one datagram of a `SOCK_SEQPACKET` pair. Not here: what the values mean.

use super::sys;
use grove_core_api::limits::MONITOR_DATAGRAM_BYTES;
use nix::sys::socket::{
    AddressFamily, ControlMessage, MsgFlags, SockFlag, SockType, getsockopt, sendmsg, socketpair,
    sockopt,
};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::io::{self, IoSlice};
use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd, RawFd};

/// One datagram, or the end of the channel.
#[derive(Debug)]
pub enum Datagram {
    /// It fits the limit.
    Whole {
        /// The bytes.
        bytes: Vec<u8>,
        /// Descriptors that came along.
        fds: Vec<OwnedFd>,
    },
    /// It is longer than `limits::MONITOR_DATAGRAM_BYTES`; its content and descriptors are gone.
    TooLong,
    /// The other side has closed the channel.
    End,
}

/// Takes the channel that the monitor gave to this process as descriptor 3; once in its life.
///
/// # Errors
/// When there is none (the program was started by hand), or it was taken before.
pub fn inherited() -> io::Result<OwnedFd> {
    let by_hand = |error| io::Error::other(format!("not started by grove-monitor ({error})"));
    let channel = sys::take_channel().map_err(by_hand)?;
    check(&channel)?;
    Ok(channel)
}

/// Says whether a descriptor is a socket for datagrams, as [`datagram_pair`] makes them.
///
/// # Errors
/// When it is not.
pub fn check(channel: &OwnedFd) -> io::Result<()> {
    match getsockopt(channel, sockopt::SockType) {
        Ok(SockType::SeqPacket) => Ok(()),
        Ok(_) | Err(_) => Err(io::Error::other("descriptor 3 is not a channel to grove-monitor")),
    }
}

/// Makes a pair for datagrams, close-on-exec.
///
/// # Errors
/// When the operating system has no descriptors left.
pub fn datagram_pair() -> io::Result<(OwnedFd, OwnedFd)> {
    Ok(socketpair(AddressFamily::Unix, SockType::SeqPacket, None, SockFlag::SOCK_CLOEXEC)?)
}

/// Makes a pair for a byte stream, close-on-exec.
///
/// # Errors
/// When the operating system has no descriptors left.
pub fn stream_pair() -> io::Result<(OwnedFd, OwnedFd)> {
    Ok(socketpair(AddressFamily::Unix, SockType::Stream, None, SockFlag::SOCK_CLOEXEC)?)
}

/// Sends one value as one datagram, with descriptors.
///
/// # Errors
/// `WouldBlock` when a nonblocking socket has no room, `BrokenPipe` when the other side is gone,
/// `InvalidData` when the value is longer than a datagram may be.
pub fn send<T: Serialize>(
    socket: BorrowedFd<'_>,
    value: &T,
    fds: &[BorrowedFd<'_>],
) -> io::Result<()> {
    let bytes = serde_json::to_vec(value).map_err(io::Error::other)?;
    if bytes.len() > MONITOR_DATAGRAM_BYTES {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "the datagram is too long"));
    }
    let raw: Vec<RawFd> = fds.iter().map(AsRawFd::as_raw_fd).collect();
    let rights = [ControlMessage::ScmRights(&raw)];
    let control: &[ControlMessage<'_>] = if raw.is_empty() { &[] } else { &rights };
    let parts = [IoSlice::new(&bytes)];
    // A datagram is sent whole or not at all, so the count says nothing new.
    sendmsg::<()>(socket.as_raw_fd(), &parts, control, MsgFlags::MSG_NOSIGNAL, None)?;
    Ok(())
}

/// Receives one datagram.
///
/// # Errors
/// `WouldBlock` when a nonblocking socket has nothing; else what the operating system reports.
pub fn receive(socket: BorrowedFd<'_>) -> io::Result<Datagram> {
    let mut buffer = vec![0; MONITOR_DATAGRAM_BYTES];
    let received = match sys::receive(socket, &mut buffer) {
        Ok(received) => received,
        // More descriptors came than anybody may send: the kernel has closed them.
        Err(nix::errno::Errno::ENOBUFS) => return Ok(Datagram::TooLong),
        Err(errno) => return Err(errno.into()),
    };
    if received.is_truncated {
        return Ok(Datagram::TooLong);
    }
    if received.len == 0 {
        return Ok(Datagram::End);
    }
    buffer.truncate(received.len);
    Ok(Datagram::Whole { bytes: buffer, fds: received.fds })
}

/// Receives one value with its descriptors; `None` is the end of the channel.
///
/// # Errors
/// As [`receive`], and `InvalidData` when the datagram is too long or not such a value.
pub fn receive_value<T: DeserializeOwned>(
    socket: BorrowedFd<'_>,
) -> io::Result<Option<(T, Vec<OwnedFd>)>> {
    match receive(socket)? {
        Datagram::Whole { bytes, fds } => Ok(Some((serde_json::from_slice(&bytes)?, fds))),
        Datagram::TooLong => {
            Err(io::Error::new(io::ErrorKind::InvalidData, "the datagram is too long"))
        }
        Datagram::End => Ok(None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::fd::AsFd;

    #[test]
    fn descriptors_travel_with_their_datagram() {
        let (left, right) = datagram_pair().unwrap();
        let (passed, kept) = stream_pair().unwrap();
        send(left.as_fd(), &"hello", &[passed.as_fd()]).unwrap();
        drop(passed);
        let (text, fds) = receive_value::<String>(right.as_fd()).unwrap().unwrap();
        assert_eq!(text, "hello");
        assert_eq!(fds.len(), 1);
        nix::unistd::write(&fds[0], b"x").unwrap();
        let mut byte = [0; 1];
        assert_eq!(nix::unistd::read(&kept, &mut byte), Ok(1));
    }

    #[test]
    fn an_overlong_datagram_is_seen_as_such_and_the_next_one_is_whole() {
        let (left, right) = datagram_pair().unwrap();
        let long = vec![b' '; MONITOR_DATAGRAM_BYTES + 1];
        nix::unistd::write(&left, &long).unwrap();
        send(left.as_fd(), &7, &[]).unwrap();
        assert!(matches!(receive(right.as_fd()), Ok(Datagram::TooLong)));
        assert_eq!(receive_value::<i32>(right.as_fd()).unwrap().unwrap().0, 7);
        drop(left);
        assert!(matches!(receive(right.as_fd()), Ok(Datagram::End)));
    }
}

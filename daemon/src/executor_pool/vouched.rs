//! A connection on which the kernel says who wrote each piece.
//!
//! Having the descriptor and the one-time token is what lets an executor in. A descriptor can get into
//! other hands all the same, so what arrives is looked at too: it must come from the executor's own
//! account and process. Whoever else writes ends the connection.

use grove_core_api::isolation::{Layer, SandboxReport};
use nix::cmsg_space;
use nix::sys::socket::{
    ControlMessageOwned, MsgFlags, UnixCredentials, recvmsg, setsockopt, sockopt,
};
use std::io::{self, IoSliceMut};
use std::os::fd::AsRawFd;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncWrite, Interest, ReadBuf};
use tokio::net::UnixStream;

/// Who was seen that has no business on a connection; empty as long as there was nobody.
pub(super) type Stranger = Arc<OnceLock<String>>;

/// Whom the monitor started.
#[derive(Clone, Copy, Debug)]
pub(super) struct Expected {
    uid: u32,
    /// The process that it started.
    pid: i32,
    /// Whether that is the first process of a namespace, and the executor its child.
    is_init: bool,
}

impl Expected {
    /// As the monitor reports it.
    pub(super) fn of(pid: i32, report: &SandboxReport) -> Self {
        Self { uid: report.uid, pid, is_init: report.holds(Layer::Namespaces) }
    }

    /// Whether these are the executor's credentials.
    fn is(&self, writer: &UnixCredentials) -> bool {
        let pid = if self.is_init { parent(writer.pid()) } else { Some(writer.pid()) };
        writer.uid() == self.uid && pid == Some(self.pid)
    }
}

/// The parent of a process that lives (field 4 of `/proc/<pid>/stat`, the second behind the name).
fn parent(pid: i32) -> Option<i32> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (_, fields) = stat.rsplit_once(')')?;
    fields.split_ascii_whitespace().nth(1)?.parse().ok()
}

/// The stream.
pub(super) struct Vouched {
    stream: UnixStream,
    expected: Expected,
    /// Who wrote first and was found to be the executor; the rest must come from there too.
    known: Option<UnixCredentials>,
    stranger: Stranger,
    space: Vec<u8>,
}

impl Vouched {
    /// Has the kernel name the writer of everything from now on. Call it before the other side is
    /// asked for anything.
    ///
    /// # Errors
    /// When the socket cannot do that.
    pub(super) fn new(stream: UnixStream, expected: Expected) -> io::Result<(Self, Stranger)> {
        setsockopt(&stream, sockopt::PassCred, &true)?;
        let stranger = Stranger::default();
        let space = cmsg_space!(UnixCredentials);
        let seen = Arc::clone(&stranger);
        Ok((Self { stream, expected, known: None, stranger, space }, seen))
    }
}

/// Receives what one writer wrote, and who that was.
fn receive(
    stream: &UnixStream,
    bytes: &mut [u8],
    space: &mut [u8],
) -> io::Result<(usize, Option<UnixCredentials>)> {
    let mut parts = [IoSliceMut::new(bytes)];
    // There is no room for descriptors: the kernel drops those that somebody sends along, and says so.
    let flags = MsgFlags::MSG_CMSG_CLOEXEC | MsgFlags::MSG_DONTWAIT;
    let message = recvmsg::<()>(stream.as_raw_fd(), &mut parts, Some(space), flags)?;
    let writer = message.cmsgs()?.find_map(|it| {
        if let ControlMessageOwned::ScmCredentials(writer) = it { Some(writer) } else { None }
    });
    Ok((message.bytes, writer))
}

impl AsyncRead for Vouched {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let me = self.get_mut();
        loop {
            ready!(me.stream.poll_read_ready(context))?;
            let (stream, space) = (&me.stream, &mut me.space);
            let received = stream.try_io(Interest::READABLE, || {
                receive(stream, buffer.initialize_unfilled(), space)
            });
            let (count, writer) = match received {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => continue,
                other => other?,
            };
            if count > 0 {
                me.admit(writer)?;
                buffer.advance(count);
            }
            return Poll::Ready(Ok(()));
        }
    }
}

impl Vouched {
    /// Lets what the executor wrote through.
    fn admit(&mut self, writer: Option<UnixCredentials>) -> io::Result<()> {
        let is_its = match (&writer, &self.known) {
            (Some(writer), Some(known)) => writer == known,
            (Some(writer), None) => self.expected.is(writer),
            (None, _) => false,
        };
        if is_its {
            self.known = writer;
            return Ok(());
        }
        let who = writer.map_or_else(
            || "somebody whom the kernel does not name".to_owned(),
            |it| format!("process {} of account {}", it.pid(), it.uid()),
        );
        let text = format!("{who} wrote on the executor's connection");
        // The first one is told of.
        drop(self.stranger.set(text.clone()));
        Err(io::Error::new(io::ErrorKind::PermissionDenied, text))
    }
}

impl AsyncWrite for Vouched {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().stream).poll_write(context, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write as _;
    use std::os::unix::net::UnixStream as StdStream;
    use std::process::Stdio;
    use tokio::io::AsyncReadExt as _;

    fn me() -> Expected {
        let uid = nix::unistd::getuid().as_raw();
        Expected { uid, pid: nix::unistd::getpid().as_raw(), is_init: false }
    }

    fn pair(expected: Expected) -> (Vouched, Stranger, StdStream) {
        let (ours, theirs) = StdStream::pair().unwrap();
        ours.set_nonblocking(true).unwrap();
        let stream = UnixStream::from_std(ours).unwrap();
        let (vouched, stranger) = Vouched::new(stream, expected).unwrap();
        (vouched, stranger, theirs)
    }

    /// Somebody who got the descriptor: another process of the same account.
    fn stranger_writes(theirs: &StdStream) -> u32 {
        #[expect(clippy::disallowed_methods, reason = "a stranger is another process")]
        let mut child = std::process::Command::new("sh")
            .args(["-c", "echo '{\"jsonrpc\":\"2.0\"}'"])
            .stdout(Stdio::from(std::os::fd::OwnedFd::from(theirs.try_clone().unwrap())))
            .spawn()
            .unwrap();
        let pid = child.id();
        assert!(child.wait().unwrap().success());
        pid
    }

    #[tokio::test]
    async fn what_the_executor_writes_arrives() {
        let (mut vouched, stranger, mut theirs) = pair(me());
        let mut bytes = [0; 64];
        for word in ["first", "second"] {
            theirs.write_all(word.as_bytes()).unwrap();
            let count = vouched.read(&mut bytes).await.unwrap();
            assert_eq!(&bytes[..count], word.as_bytes());
        }
        drop(theirs);
        assert_eq!(vouched.read(&mut bytes).await.unwrap(), 0, "the end is nobody's message");
        assert!(stranger.get().is_none());
    }

    #[tokio::test]
    async fn a_stranger_with_the_descriptor_is_refused_from_the_first_message_on() {
        let (mut vouched, stranger, theirs) = pair(me());
        let pid = stranger_writes(&theirs);
        let error = vouched.read(&mut [0; 64]).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::PermissionDenied);
        assert!(stranger.get().unwrap().contains(&format!("process {pid} of account")));
    }

    #[tokio::test]
    async fn a_stranger_is_refused_after_the_executor_has_spoken_too() {
        let (mut vouched, stranger, mut theirs) = pair(me());
        let mut bytes = [0; 64];
        theirs.write_all(b"its own").unwrap();
        stranger_writes(&theirs);
        // The kernel never puts what two wrote into one piece.
        assert_eq!(vouched.read(&mut bytes).await.unwrap(), 7);
        assert!(vouched.read(&mut bytes).await.is_err());
        assert!(stranger.get().is_some());
    }

    #[tokio::test]
    async fn another_account_or_another_generation_is_a_stranger() {
        let own = me();
        let parent = nix::unistd::getppid().as_raw();
        for (expected, is_right) in [
            (Expected { uid: own.uid + 1, ..own }, false),
            (Expected { is_init: true, ..own }, false),
            (Expected { is_init: true, pid: parent, ..own }, true),
            (Expected { pid: parent, ..own }, false),
        ] {
            let (mut vouched, _, mut theirs) = pair(expected);
            theirs.write_all(b"x").unwrap();
            assert_eq!(vouched.read(&mut [0; 4]).await.is_ok(), is_right, "{expected:?}");
        }
    }
}

//! The daemon's half of the conversation with the monitor.
//!
//! The only file of the privileged half that knows an async runtime; it runs in the daemon's
//! process. Not here: what the daemon does with an executor's connection.

use super::channel;
use grove_core_api::ExecutorId;
use grove_core_api::isolation::{SandboxReport, UnixAccount};
use grove_core_api::monitor::{
    Launch, LiveExecutor, MonitorAnswer, MonitorRequest, Place, Refusal,
};
use grove_ipc::{Call, Direction, Observer};
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::Interest;
use tokio::net::UnixDatagram;
use tokio::sync::Mutex;
use tokio::time::timeout;

/// Longest time for one request, the wait for earlier ones included.
const REQUEST: Duration = Duration::from_secs(10);

/// Why the monitor did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum MonitorCallError {
    /// It said no.
    #[error("the monitor refused: {detail}")]
    Refused {
        /// Why, for programs.
        refusal: Refusal,
        /// Why, for people.
        detail: String,
    },
    /// The monitor is gone; the daemon cannot go on for long.
    #[error("the monitor is gone")]
    Gone,
    /// It did not answer in time.
    #[error("the monitor did not answer within {} seconds", REQUEST.as_secs())]
    Timeout,
    /// It answered with something else than was asked for.
    #[error("the monitor's answer does not fit the request")]
    Protocol,
    /// The channel failed.
    #[error("the channel to the monitor failed")]
    Channel(#[from] io::Error),
}

/// A fresh connection to an executor.
#[derive(Debug)]
pub struct ExecutorLink {
    /// Process id.
    pub pid: i32,
    /// Which layers of the sandbox hold.
    pub report: SandboxReport,
    /// The daemon's end of the connection; nonblocking, ready for `tokio::net::UnixStream::from_std`.
    pub connection: UnixStream,
    /// Where its standard error comes out: a pipe, the same one with each connection.
    pub said: OwnedFd,
}

/// How an executor ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExecutorOutcome {
    /// In words: `exit code 1`, `killed by SIGKILL`.
    pub how: String,
    /// Whether the kernel killed a process of it because its memory limit was reached.
    pub is_out_of_memory: bool,
}

/// What the monitor knows of a Unix account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountFacts {
    /// Name and number.
    pub account: UnixAccount,
    /// Its home directory.
    pub home: String,
    /// Whether Grove made it.
    pub is_managed: bool,
}

/// Asks the monitor, one request at a time.
#[derive(Debug)]
pub struct MonitorClient {
    /// The runtime has no type for `SOCK_SEQPACKET`; its datagram type only watches the descriptor,
    /// sending and receiving is done by `channel`.
    channel: UnixDatagram,
    /// A second descriptor of the same socket, so that waiting for the end takes nothing away from
    /// requests.
    end: UnixDatagram,
    /// Answers that are still to come. More than one after a request was dropped or timed out: the
    /// monitor answers in order, so those of earlier requests are skipped.
    owed: Mutex<u32>,
    /// Sees every request.
    observer: Arc<dyn Observer>,
}

impl MonitorClient {
    /// Takes the channel that the monitor gave to this process as descriptor 3.
    ///
    /// # Errors
    /// When there is none: the daemon was started by hand, or the client was made before.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    pub fn from_fd3(observer: Arc<dyn Observer>) -> io::Result<Self> {
        Self::over(channel::inherited()?, observer)
    }

    /// Uses a channel that is at hand. The observer sees every request; there is no way around it.
    ///
    /// # Errors
    /// When it is not a `SOCK_SEQPACKET` socket.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    pub fn over(channel: OwnedFd, observer: Arc<dyn Observer>) -> io::Result<Self> {
        channel::check(&channel)?;
        fcntl(&channel, FcntlArg::F_SETFL(OFlag::O_NONBLOCK))?;
        let watch = |fd: OwnedFd| UnixDatagram::from_std(fd.into());
        Ok(Self {
            end: watch(channel.try_clone()?)?,
            channel: watch(channel)?,
            owed: Mutex::new(0),
            observer,
        })
    }

    /// Says that the daemon listens. Once per daemon.
    ///
    /// # Errors
    /// See [`MonitorCallError`].
    pub async fn ready(&self, url: &str) -> Result<(), MonitorCallError> {
        self.done(MonitorRequest::Ready { url: url.to_owned() }).await
    }

    /// Starts an executor.
    ///
    /// # Errors
    /// See [`MonitorCallError`].
    ///
    /// # Cancel safety
    /// The executor may have been started when the future is dropped; it is listed then, and its
    /// connection is closed.
    pub async fn spawn(
        &self,
        id: ExecutorId,
        launch: Launch,
        token: &str,
    ) -> Result<ExecutorLink, MonitorCallError> {
        self.link(MonitorRequest::Spawn { id, launch, token: token.to_owned() }).await
    }

    /// Makes a fresh connection to an executor that lives.
    ///
    /// # Errors
    /// See [`MonitorCallError`].
    pub async fn attach(
        &self,
        id: ExecutorId,
        token: &str,
    ) -> Result<ExecutorLink, MonitorCallError> {
        self.link(MonitorRequest::Attach { id, token: token.to_owned() }).await
    }

    /// Kills an executor and everything it started; afterwards it is gone.
    ///
    /// # Errors
    /// See [`MonitorCallError`]; `Refused` with `Refusal::Unknown` when it has ended already.
    pub async fn kill(&self, id: ExecutorId) -> Result<(), MonitorCallError> {
        self.done(MonitorRequest::Kill { id }).await
    }

    /// Lists the executors that live.
    ///
    /// # Errors
    /// See [`MonitorCallError`].
    pub async fn list(&self) -> Result<Vec<LiveExecutor>, MonitorCallError> {
        match self.request(MonitorRequest::List).await? {
            (MonitorAnswer::Executors { executors }, _) => Ok(executors),
            (answer, _) => Err(unexpected(answer)),
        }
    }

    /// Says how an executor ended.
    ///
    /// # Errors
    /// See [`MonitorCallError`]; `Refused` with `Refusal::Unknown` when it lives, never lived, or
    /// ended too long ago.
    pub async fn outcome(&self, id: ExecutorId) -> Result<ExecutorOutcome, MonitorCallError> {
        match self.request(MonitorRequest::Outcome { id }).await? {
            (MonitorAnswer::Outcome { how, is_out_of_memory }, _) => {
                Ok(ExecutorOutcome { how, is_out_of_memory })
            }
            (answer, _) => Err(unexpected(answer)),
        }
    }

    /// Makes a Unix account, or takes the one that is there.
    ///
    /// # Errors
    /// See [`MonitorCallError`]; refused on a host that is not shared.
    pub async fn ensure_account(&self, name: &str) -> Result<AccountFacts, MonitorCallError> {
        match self.request(MonitorRequest::EnsureAccount { name: name.to_owned() }).await? {
            (MonitorAnswer::Account { account, home, is_managed }, _) => {
                Ok(AccountFacts { account, home, is_managed })
            }
            (answer, _) => Err(unexpected(answer)),
        }
    }

    /// Kills everything of an account that Grove made, puts its files out of reach and removes it.
    ///
    /// # Errors
    /// See [`MonitorCallError`]; refused on a host that is not shared.
    pub async fn retire_account(&self, account: UnixAccount) -> Result<(), MonitorCallError> {
        self.done(MonitorRequest::RetireAccount { account }).await
    }

    /// Makes a directory of an account; done when it is there already.
    ///
    /// # Errors
    /// See [`MonitorCallError`]; refused on a host that is not shared.
    pub async fn make_directory(
        &self,
        account: UnixAccount,
        place: Place,
    ) -> Result<(), MonitorCallError> {
        self.done(MonitorRequest::MakeDirectory { account, place }).await
    }

    /// Removes an empty directory of an account; done when it is gone already.
    ///
    /// # Errors
    /// See [`MonitorCallError`]; refused on a host that is not shared.
    pub async fn remove_directory(
        &self,
        account: UnixAccount,
        place: Place,
    ) -> Result<(), MonitorCallError> {
        self.done(MonitorRequest::RemoveDirectory { account, place }).await
    }

    /// Ends everything; the daemon gets SIGTERM soon after.
    ///
    /// # Errors
    /// See [`MonitorCallError`].
    pub async fn shutdown(&self) -> Result<(), MonitorCallError> {
        self.done(MonitorRequest::Shutdown).await
    }

    /// Waits until the monitor is gone.
    ///
    /// # Cancel safety
    /// Holds nothing; may be dropped and called again.
    pub async fn closed(&self) {
        while let Ok(ready) = self.end.ready(Interest::READABLE).await {
            if ready.is_read_closed() {
                return;
            }
            // An answer, which is somebody else's. Saying so clears the readiness; the next change
            // of the socket wakes again.
            let not_mine = || Err::<(), _>(io::ErrorKind::WouldBlock.into());
            self.end.try_io(Interest::READABLE, not_mine).ok();
        }
    }

    async fn done(&self, request: MonitorRequest) -> Result<(), MonitorCallError> {
        match self.request(request).await? {
            (MonitorAnswer::Done, _) => Ok(()),
            (answer, _) => Err(unexpected(answer)),
        }
    }

    async fn link(&self, request: MonitorRequest) -> Result<ExecutorLink, MonitorCallError> {
        let (answer, fds) = self.request(request).await?;
        let MonitorAnswer::Started { pid, report } = answer else { return Err(unexpected(answer)) };
        let mut fds = fds.into_iter();
        let (Some(connection), Some(said)) = (fds.next(), fds.next()) else {
            return Err(MonitorCallError::Protocol);
        };
        let connection = UnixStream::from(connection);
        connection.set_nonblocking(true)?;
        Ok(ExecutorLink { pid, report, connection, said })
    }

    async fn request(
        &self,
        request: MonitorRequest,
    ) -> Result<(MonitorAnswer, Vec<OwnedFd>), MonitorCallError> {
        let (kind, params) = observed(&request);
        let call = Call {
            direction: Direction::Outgoing,
            method: &kind,
            params: params.as_deref(),
            bytes: params.as_ref().map_or(0, String::len),
        };
        let Some(ending) = self.observer.begin(call).await else {
            return Err(MonitorCallError::Gone);
        };
        let result = match timeout(REQUEST, self.exchange(&request)).await {
            Ok(result) => result,
            // The elapsed time says nothing that the variant does not.
            Err(_elapsed) => Err(MonitorCallError::Timeout),
        };
        ending.end(outcome(&result));
        result
    }

    async fn exchange(
        &self,
        request: &MonitorRequest,
    ) -> Result<(MonitorAnswer, Vec<OwnedFd>), MonitorCallError> {
        let mut owed = self.owed.lock().await;
        self.channel
            .async_io(Interest::WRITABLE, || channel::send(self.channel.as_fd(), request, &[]))
            .await
            .map_err(gone)?;
        *owed += 1;
        loop {
            let received = self
                .channel
                .async_io(Interest::READABLE, || {
                    channel::receive_value::<MonitorAnswer>(self.channel.as_fd())
                })
                .await
                .map_err(gone)?;
            let Some(answer) = received else { return Err(MonitorCallError::Gone) };
            *owed = owed.saturating_sub(1);
            if *owed == 0 {
                return Ok(answer);
            }
        }
    }
}

/// The kind of a request, and its fields without the one-time token.
fn observed(request: &MonitorRequest) -> (String, Option<String>) {
    let Ok(mut fields) = serde_json::to_value(request) else { return ("unknown".into(), None) };
    let Some(object) = fields.as_object_mut() else { return ("unknown".into(), None) };
    let kind = object.remove("request");
    if let Some(token) = object.get_mut("token") {
        *token = "[redacted]".into();
    }
    let kind = kind.and_then(|kind| kind.as_str().map(str::to_owned));
    (kind.unwrap_or_else(|| "unknown".to_owned()), Some(fields.to_string()))
}

fn outcome(result: &Result<(MonitorAnswer, Vec<OwnedFd>), MonitorCallError>) -> &'static str {
    match result {
        Ok((MonitorAnswer::Refused { refusal, .. }, _)) => match refusal {
            Refusal::Malformed => "malformed",
            Refusal::NotPermitted => "not_permitted",
            Refusal::Invalid => "invalid",
            Refusal::Unknown => "unknown",
            Refusal::Busy => "busy",
            Refusal::Isolation => "isolation",
            Refusal::System => "system",
        },
        Ok(_) => "ok",
        Err(MonitorCallError::Refused { .. }) => "refused",
        Err(MonitorCallError::Gone) => "gone",
        Err(MonitorCallError::Timeout) => "timeout",
        Err(MonitorCallError::Protocol) => "protocol",
        Err(MonitorCallError::Channel(_)) => "channel",
    }
}

fn gone(error: io::Error) -> MonitorCallError {
    let is_gone =
        matches!(error.kind(), io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionReset);
    if is_gone { MonitorCallError::Gone } else { MonitorCallError::Channel(error) }
}

fn unexpected(answer: MonitorAnswer) -> MonitorCallError {
    if let MonitorAnswer::Refused { refusal, detail } = answer {
        return MonitorCallError::Refused { refusal, detail };
    }
    MonitorCallError::Protocol
}

#[cfg(test)]
mod tests {
    use super::*;
    use grove_ipc::Unobserved;
    use uuid::Uuid;

    const ID: ExecutorId = ExecutorId(Uuid::from_u128(7));

    fn pair() -> (MonitorClient, OwnedFd) {
        let (ours, theirs) = channel::datagram_pair().unwrap();
        (MonitorClient::over(ours, Arc::new(Unobserved)).unwrap(), theirs)
    }

    #[tokio::test]
    async fn an_answer_that_comes_too_late_is_not_taken_for_the_next_one() {
        let (client, monitor) = pair();
        let dropped = timeout(Duration::from_millis(5), client.list()).await;
        assert!(dropped.is_err());
        let late = MonitorAnswer::Executors { executors: Vec::new() };
        channel::send(monitor.as_fd(), &late, &[]).unwrap();
        channel::send(monitor.as_fd(), &MonitorAnswer::Done, &[]).unwrap();
        client.kill(ID).await.unwrap();
    }

    #[test]
    fn what_is_observed_of_a_request_has_no_token() {
        let token = "0123456789abcdef0123456789abcdef".to_owned();
        let (kind, params) = observed(&MonitorRequest::Attach { id: ID, token });
        let params = params.unwrap();
        assert_eq!(kind, "attach");
        assert!(
            params.contains(&ID.to_string()) && !params.contains("0123456789abcdef"),
            "{params}"
        );
        assert_eq!(observed(&MonitorRequest::List), ("list".to_owned(), Some("{}".to_owned())));
    }

    #[tokio::test]
    async fn a_refusal_comes_with_its_reason() {
        let (client, monitor) = pair();
        let answer =
            MonitorAnswer::Refused { refusal: Refusal::Unknown, detail: "no such".to_owned() };
        channel::send(monitor.as_fd(), &answer, &[]).unwrap();
        let error = client.kill(ID).await.unwrap_err();
        assert!(
            matches!(error, MonitorCallError::Refused { refusal: Refusal::Unknown, .. }),
            "{error}"
        );
    }

    #[tokio::test]
    async fn the_end_of_the_monitor_is_seen_with_and_without_a_request() {
        let (client, monitor) = pair();
        channel::send(monitor.as_fd(), &MonitorAnswer::Done, &[]).unwrap();
        let waits = client.closed();
        tokio::pin!(waits);
        assert!(timeout(Duration::from_millis(5), &mut waits).await.is_err());
        drop(monitor);
        waits.await;
        assert!(matches!(client.list().await, Err(MonitorCallError::Gone)));
    }

    #[tokio::test]
    async fn a_channel_of_another_kind_is_not_accepted() {
        let (stream, _other) = channel::stream_pair().unwrap();
        assert!(MonitorClient::over(stream, Arc::new(Unobserved)).is_err());
    }
}

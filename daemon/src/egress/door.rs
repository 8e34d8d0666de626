//! One executor's way out.

use super::Egress;
use super::address::is_public;
use super::allow::{self, Host};
use grove_core_api::ipc::method::Done;
use grove_core_api::ipc::tunnel::{OpenTunnel, TunnelTarget};
use grove_core_api::ipc::{Method, RpcError, frame};
use grove_core_api::isolation::NetworkProfile;
use grove_core_api::{ErrorCode, ExecutorId, SessionId, limits};
use grove_ipc::{OpenError, Peer, Raw, Traffic, Tunnel, Tunnels, call, relay};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout};

/// Letters of a host that is none, in an answer.
const SHOWN_CHARS: usize = 100;

/// Whose way out it is. All of it is what the daemon and the monitor know.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Who {
    pub(crate) session: SessionId,
    pub(crate) executor: ExecutorId,
    pub(crate) profile: NetworkProfile,
}

/// The tunnels of one connection to an executor.
pub(crate) struct Door {
    egress: Arc<Egress>,
    tunnels: Tunnels,
    who: Who,
}

/// The line that each attempt leaves in the log, whatever becomes of it.
struct Record {
    who: Who,
    host: String,
    port: u16,
    begun: Instant,
    sent: u64,
    received: u64,
    outcome: &'static str,
}

impl Record {
    /// Notes what went through, as the executor sees it: it sends what leaves its tunnel here.
    fn note(&mut self, Traffic { sent, received, end }: Traffic) {
        (self.sent, self.received, self.outcome) = (received, sent, end.name());
    }
}

impl Drop for Record {
    fn drop(&mut self) {
        tracing::info!(
            session.id = %self.who.session,
            executor.id = %self.who.executor,
            host = self.host,
            port = self.port,
            sent_bytes = self.sent,
            received_bytes = self.received,
            outcome = self.outcome,
            duration_ms = self.begun.elapsed().as_millis(),
            "egress"
        );
    }
}

fn refused(message: String) -> (&'static str, RpcError) {
    ("refused", RpcError::new(frame::DENIED, message))
}

fn failed(outcome: &'static str, message: String) -> (&'static str, RpcError) {
    (outcome, RpcError::failed(ErrorCode::Unavailable, message))
}

/// What came of an attempt, for the log and for the executor.
type Attempt<T> = Result<T, (&'static str, RpcError)>;

impl Door {
    pub(crate) fn new(egress: Arc<Egress>, who: Who) -> Self {
        Self { egress, tunnels: Tunnels::new(limits::TUNNELS), who }
    }

    /// Says which connection the tunnels use.
    pub(crate) fn bind(&self, peer: Peer) {
        self.tunnels.bind(peer);
    }

    /// Whether a request is for this door.
    pub(crate) fn is_for(method: &str) -> bool {
        method == OpenTunnel::NAME
    }

    /// Answers a request for a tunnel.
    ///
    /// # Errors
    /// `denied` when the instance does not permit it, `busy` when there are too many, `failed` when
    /// the host cannot be reached.
    ///
    /// # Cancel safety
    /// Either the tunnel is open or nothing is left of it.
    pub(crate) async fn request(&self, raw: Option<Raw>) -> Result<Raw, RpcError> {
        call::<OpenTunnel, _, _>(raw, |open| self.open(open)).await
    }

    /// Takes a notification when it is one of a tunnel.
    pub(crate) fn takes(&self, method: &str, raw: &mut Option<Raw>) -> bool {
        let is_theirs = Tunnels::is_theirs(method);
        if is_theirs {
            self.tunnels.take(method, raw.take());
        }
        is_theirs
    }

    async fn open(&self, open: OpenTunnel) -> Result<Done, RpcError> {
        let (host, port) = match &open.target {
            TunnelTarget::Grove => ("grove".to_owned(), 0),
            TunnelTarget::Host { host, port } => (shown(host), *port),
        };
        let mut record = Record {
            who: self.who,
            host,
            port,
            begun: Instant::now(),
            sent: 0,
            received: 0,
            outcome: "cancelled",
        };
        // Taken before anything is awaited: a reset that comes meanwhile finds it.
        let tunnel = match self.tunnels.add(open.tunnel) {
            Ok(tunnel) => tunnel,
            Err(error) => {
                record.outcome = "busy";
                return Err(too_many(&error));
            }
        };
        let time = Duration::from_millis(limits::TUNNEL_OPEN_MS);
        let attempt = match &open.target {
            TunnelTarget::Grove => match timeout(time, self.egress.grove()).await {
                Ok(Some(stream)) => {
                    self.serve(tunnel, stream, record);
                    return Ok(Done {});
                }
                _ => Err(failed("unavailable", "Grove is shutting down".to_owned())),
            },
            TunnelTarget::Host { host, port } => match timeout(time, self.reach(host, *port)).await
            {
                Ok(Ok(stream)) => {
                    self.serve(tunnel, stream, record);
                    return Ok(Done {});
                }
                Ok(Err(error)) => Err(error),
                Err(_elapsed) => Err(timed_out(&record.host, *port)),
            },
        };
        tunnel.forget();
        attempt.map_err(|(outcome, error)| {
            record.outcome = outcome;
            error
        })
    }

    /// Connects to a host when that is permitted.
    async fn reach(&self, text: &str, port: u16) -> Attempt<TcpStream> {
        let host = self.permitted(text, port)?;
        let addresses = self.addresses(&host, port).await?;
        let time = Duration::from_millis(limits::EGRESS_CONNECT_MS);
        let mut last = failed("no_address", format!("{host} has no address"));
        for address in addresses {
            match timeout(time, TcpStream::connect(SocketAddr::new(address, port))).await {
                Ok(Ok(stream)) => {
                    if let Err(error) = stream.set_nodelay(true) {
                        tracing::debug!(%error, "failed to set TCP_NODELAY");
                    }
                    return Ok(stream);
                }
                Ok(Err(error)) => {
                    last = failed("unreachable", format!("{host}:{port} does not accept: {error}"));
                }
                Err(_elapsed) => last = timed_out(&host.to_string(), port),
            }
        }
        Err(last)
    }

    fn permitted(&self, text: &str, port: u16) -> Attempt<Host> {
        match self.who.profile {
            NetworkProfile::Proxy => {}
            NetworkProfile::None => {
                return Err(refused(
                    "this session has no network: its profile is `none`".to_owned(),
                ));
            }
            NetworkProfile::Shared => {
                return Err(refused(
                    "this session uses the host's network: its profile is `shared`".to_owned(),
                ));
            }
        }
        let Some(host) = allow::host(text) else {
            return Err(refused(format!("`{}` is no host", shown(text))));
        };
        if !self.egress.allow.permits(&host, port) {
            return Err(refused(format!(
                "{host}:{port} is not permitted; whoever runs this Grove can add it to \
                 `allow` under `[egress]` in grove.toml"
            )));
        }
        Ok(host)
    }

    /// The addresses to connect to: checked, and used as they are.
    async fn addresses(&self, host: &Host, port: u16) -> Attempt<Vec<IpAddr>> {
        let found = match host {
            Host::Address(address) => vec![*address],
            Host::Name(name) => {
                let found = self.egress.resolver.addresses(name).await;
                found.map_err(|error| failed("unknown_name", format!("{name}: {error}")))?
            }
        };
        let allow = &self.egress.allow;
        let is_permitted = |it: &IpAddr| is_public(*it) || allow.permits_address(*it, port);
        let (permitted, others): (Vec<_>, Vec<_>) = found.into_iter().partition(is_permitted);
        match others.first() {
            Some(address) if permitted.is_empty() => Err(refused(format!(
                "{host} leads to {address}, which is not an address of the public internet; \
                 whoever runs this Grove can list `{}` itself in `allow` under `[egress]` in \
                 grove.toml",
                SocketAddr::new(*address, port)
            ))),
            _ => Ok(permitted.into_iter().take(limits::EGRESS_ADDRESSES).collect()),
        }
    }

    fn serve<S>(&self, tunnel: Tunnel, stream: S, mut record: Record)
    where
        S: AsyncRead + AsyncWrite + Send + 'static,
    {
        record.outcome = "shutdown";
        let shutdown = self.egress.shutdown.clone();
        self.egress.spawner.spawn(async move {
            let idle = Duration::from_millis(limits::TUNNEL_IDLE_MS);
            let relayed = tokio::select! {
                traffic = relay(tunnel, stream, idle) => Some(traffic),
                () = shutdown.cancelled() => None,
            };
            if let Some(traffic) = relayed {
                record.note(traffic);
            }
        });
    }
}

fn too_many(error: &OpenError) -> RpcError {
    RpcError::new(frame::BUSY, error.to_string())
}

fn timed_out(host: &str, port: u16) -> (&'static str, RpcError) {
    let message = format!("{host}:{port} does not answer");
    ("timeout", RpcError::failed(ErrorCode::Timeout, message))
}

/// A host as an executor wrote it, fit for the log.
fn shown(text: &str) -> String {
    match allow::host(text) {
        Some(host) => host.to_string(),
        None => text.chars().filter(|it| !it.is_control()).take(SHOWN_CHARS).collect(),
    }
}

//! The HTTP proxy for the agent and its tools: `CONNECT`, and plain requests with a whole URL.

use super::forward::accept;
use super::link::{Held, Link, NoTunnel};
use bytes::Bytes;
use grove_core_api::ipc::tunnel::TunnelTarget;
use grove_core_api::limits;
use grove_ipc::relay;
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Empty, Full};
use hyper::body::Incoming;
use hyper::header::{self, HeaderMap, HeaderName, HeaderValue};
use hyper::http::uri::{Authority, PathAndQuery, Scheme};
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode, Uri, client, server};
use hyper_util::rt::{TokioIo, TokioTimer};
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_util::task::TaskTracker;

/// Longest time for the head of a request.
const HEAD: Duration = Duration::from_secs(30);
const IDLE: Duration = Duration::from_millis(limits::TUNNEL_IDLE_MS);

/// Headers that concern one connection only (RFC 9110, 7.6.1), and the proxy's own.
const HOP_BY_HOP: [HeaderName; 9] = [
    header::CONNECTION,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
    header::PROXY_AUTHENTICATE,
    header::PROXY_AUTHORIZATION,
    header::TE,
    header::TRAILER,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
];

type Body = BoxBody<Bytes, hyper::Error>;

/// What each request needs.
#[derive(Clone)]
struct Proxy {
    link: Arc<Link>,
    spawner: TaskTracker,
}

/// Accepts for as long as the executor lives.
pub(super) async fn serve(listener: TcpListener, link: Arc<Link>, spawner: TaskTracker) {
    let places = Arc::new(Semaphore::new(limits::PROXY_CONNECTIONS));
    let proxy = Proxy { link, spawner };
    while let Some((stream, place)) = accept(&listener, &places).await {
        let connection = proxy.clone();
        proxy.spawner.spawn(async move {
            connection.attend(stream).await;
            drop(place);
        });
    }
}

impl Proxy {
    async fn attend(self, stream: TcpStream) {
        let answer = service_fn(|request| {
            let proxy = self.clone();
            async move { Ok::<_, Infallible>(proxy.answer(request).await) }
        });
        let served = server::conn::http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(HEAD)
            .serve_connection(TokioIo::new(stream), answer)
            .with_upgrades()
            .await;
        if let Err(error) = served {
            tracing::debug!(%error, "a connection to the proxy ended badly");
        }
    }

    async fn answer(&self, request: Request<Incoming>) -> Response<Body> {
        let answered = if request.method() == Method::CONNECT {
            self.connect(request).await
        } else {
            self.forward(request).await
        };
        answered.unwrap_or_else(|refusal| refusal)
    }

    async fn open(&self, authority: &Authority, port: u16) -> Result<Held, Response<Body>> {
        // Brackets are how URLs write addresses.
        let host = authority.host();
        let inner = host.strip_prefix('[').and_then(|it| it.strip_suffix(']'));
        let host = inner.unwrap_or(host).to_owned();
        self.link.open(TunnelTarget::Host { host, port }).await.map_err(|reason| refusal(&reason))
    }

    async fn connect(&self, request: Request<Incoming>) -> Result<Response<Body>, Response<Body>> {
        let authority = request.uri().authority().cloned();
        let wanted = authority.and_then(|it| it.port_u16().map(|port| (it, port)));
        let Some((authority, port)) = wanted else {
            let text = "CONNECT takes a host and a port, such as crates.io:443";
            return Err(plain(StatusCode::BAD_REQUEST, text.to_owned()));
        };
        let Held { tunnel, permit } = self.open(&authority, port).await?;
        self.spawner.spawn(async move {
            match hyper::upgrade::on(request).await {
                Ok(stream) => {
                    let traffic = relay(tunnel, TokioIo::new(stream), IDLE).await;
                    tracing::debug!(?traffic, "connection through the proxy ended");
                }
                Err(error) => tracing::debug!(%error, "nobody uses a tunnel that was asked for"),
            }
            drop(permit);
        });
        Ok(Response::new(Empty::new().map_err(|never| match never {}).boxed()))
    }

    async fn forward(
        &self,
        mut request: Request<Incoming>,
    ) -> Result<Response<Body>, Response<Body>> {
        let bad = |text: &str| plain(StatusCode::BAD_REQUEST, text.to_owned());
        let (Some(scheme), Some(authority)) = (request.uri().scheme(), request.uri().authority())
        else {
            return Err(bad("this is a proxy: it takes requests with a whole URL"));
        };
        if *scheme != Scheme::HTTP {
            return Err(bad("use CONNECT for anything but http://"));
        }
        let authority = authority.clone();
        let Held { tunnel, permit } =
            self.open(&authority, authority.port_u16().unwrap_or(80)).await?;
        let (near, far) = tokio::io::duplex(limits::TUNNEL_PIECE_BYTES);
        self.spawner.spawn(async move {
            let traffic = relay(tunnel, near, IDLE).await;
            tracing::debug!(?traffic, "request through the proxy ended");
            drop(permit);
        });
        let gone = |error: hyper::Error| {
            let text = format!("{authority} did not answer as it should: {error}");
            plain(StatusCode::BAD_GATEWAY, text)
        };
        let handshake = client::conn::http1::handshake(TokioIo::new(far)).await;
        let (mut sender, connection) = handshake.map_err(gone)?;
        self.spawner.spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(%error, "a forwarded request ended badly");
            }
        });
        readdress(&mut request, &authority).map_err(|text| bad(&text))?;
        let mut response = sender.send_request(request).await.map_err(gone)?;
        strip(response.headers_mut());
        Ok(response.map(BodyExt::boxed))
    }
}

/// Makes of a request to a proxy one to the host itself.
fn readdress(request: &mut Request<Incoming>, authority: &Authority) -> Result<(), String> {
    let path = request.uri().path_and_query().cloned();
    *request.uri_mut() = Uri::from(path.unwrap_or_else(|| PathAndQuery::from_static("/")));
    let named = authority.as_str().rsplit_once('@').map_or(authority.as_str(), |(_, it)| it);
    let host = HeaderValue::from_str(named).map_err(|error| error.to_string())?;
    strip(request.headers_mut());
    request.headers_mut().insert(header::HOST, host);
    // One connection for one request: nothing is shared between those who ask.
    request.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    Ok(())
}

fn strip(headers: &mut HeaderMap) {
    let named: Vec<HeaderName> = headers
        .get_all(header::CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|name| name.trim().parse().ok())
        .collect();
    for name in named.iter().chain(&HOP_BY_HOP) {
        headers.remove(name);
    }
}

fn refusal(reason: &NoTunnel) -> Response<Body> {
    let (status, text) = match reason {
        NoTunnel::Refused(text) => (StatusCode::FORBIDDEN, text),
        NoTunnel::Unreachable(text) => (StatusCode::BAD_GATEWAY, text),
        NoTunnel::Timeout(text) => (StatusCode::GATEWAY_TIMEOUT, text),
        NoTunnel::Unavailable(text) => (StatusCode::SERVICE_UNAVAILABLE, text),
    };
    plain(status, format!("Grove: {text}"))
}

fn plain(status: StatusCode, mut text: String) -> Response<Body> {
    text.push('\n');
    let body = Full::from(text).map_err(|never| match never {}).boxed();
    let mut response = Response::new(body);
    *response.status_mut() = status;
    let kind = HeaderValue::from_static("text/plain; charset=utf-8");
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    response
}

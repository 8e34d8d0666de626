//! One connection to `/ws`: text frames in and out.
//!
//! Deliberately not here: what the frames mean, and connecting anew. Grove serves plain HTTP on the
//! loopback interface, so nothing here speaks TLS.

use futures_util::{SinkExt, StreamExt};
use grove_core_api::realtime::{ClientFrame, ServerFrame};
use grove_core_api::{Secret, limits, version};
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout, timeout_at};
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::http::{HeaderValue, StatusCode, header};
use tokio_tungstenite::tungstenite::protocol::{Message, WebSocketConfig};
use tokio_tungstenite::tungstenite::{self, Error as WsError};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async_with_config};

/// How a client says who it is.
#[derive(Clone, Debug)]
pub enum Credential {
    /// A personal access token or access token.
    Bearer(Secret),
    /// The cookie of a login session, as `name=value`.
    Cookie(Secret),
}

/// Where an instance is, and who comes.
#[derive(Clone, Debug)]
pub struct Place {
    /// The instance's URL, such as `http://127.0.0.1:4768`.
    pub url: String,
    /// Who one is; absent where nobody signs in.
    pub credential: Option<Credential>,
}

/// Why a connection could not be made or is over.
#[derive(Debug, thiserror::Error)]
pub enum LinkError {
    /// The server refused the upgrade.
    #[error("the server refused the connection ({0})")]
    Refused(StatusCode),
    /// The address or the credential cannot be used.
    #[error("not an address to connect to: {0}")]
    Address(String),
    /// The connection is over, with the server's code if it gave one.
    #[error("the connection is closed")]
    Closed(Option<u16>),
    /// The server takes or sends nothing.
    #[error("the server does not answer in time")]
    Silent,
    /// A frame that is none of this protocol.
    #[error("not a frame of this protocol: {0}")]
    Unusable(String),
    /// The connection broke.
    #[error("the connection broke")]
    Broken(#[source] Box<WsError>),
}

impl From<WsError> for LinkError {
    fn from(error: WsError) -> Self {
        if matches!(error, WsError::ConnectionClosed | WsError::AlreadyClosed) {
            return Self::Closed(None);
        }
        if let WsError::Http(response) = &error {
            return Self::Refused(response.status());
        }
        Self::Broken(Box::new(error))
    }
}

/// One connection; dropping it breaks it off without a word.
#[derive(Debug)]
pub struct Link {
    stream: WebSocketStream<MaybeTlsStream<TcpStream>>,
    heard_at: Instant,
}

/// Letters of an unusable frame that an error quotes.
const QUOTED_CHARS: usize = 200;

impl Link {
    /// Connects.
    ///
    /// # Errors
    /// `Refused` when the server does not want this client, `Address` when there is no such place;
    /// everything else may go better later.
    ///
    /// # Cancel safety
    /// Cancel safe: nothing is left of an unfinished connection.
    pub async fn open(place: &Place) -> Result<Self, LinkError> {
        let address = |error: tungstenite::Error| LinkError::Address(error.to_string());
        let host = place.url.trim_end_matches('/').strip_prefix("http://");
        let host = host.ok_or_else(|| LinkError::Address(place.url.clone()))?;
        let mut request = format!("ws://{host}/ws").into_client_request().map_err(address)?;
        let (name, text) = match &place.credential {
            None => (None, String::new()),
            Some(Credential::Bearer(token)) => {
                (Some(header::AUTHORIZATION), format!("Bearer {}", token.expose()))
            }
            Some(Credential::Cookie(cookie)) => (Some(header::COOKIE), cookie.expose().to_owned()),
        };
        let headers = request.headers_mut();
        headers.insert(
            header::SEC_WEBSOCKET_PROTOCOL,
            HeaderValue::from_static(version::REALTIME_SUBPROTOCOL),
        );
        if let Some(name) = name {
            let value = HeaderValue::from_str(&text)
                .map_err(|_invalid| LinkError::Address("the token has odd letters".to_owned()))?;
            headers.insert(name, value);
        }
        let most = Some(limits::CLIENT_FRAME_BYTES);
        let config = WebSocketConfig::default().max_message_size(most).max_frame_size(most);
        let connecting = connect_async_with_config(request, Some(config), true);
        let time = Duration::from_millis(limits::CLIENT_CONNECT_MS);
        let (stream, _) =
            timeout(time, connecting).await.map_err(|_elapsed| LinkError::Silent)??;
        Ok(Self { stream, heard_at: Instant::now() })
    }

    /// Queues a frame, to be sent with the next [`Link::flush`] at the latest.
    ///
    /// # Errors
    /// How the connection ended.
    ///
    /// # Cancel safety
    /// Cancel safe: a dropped future has queued nothing.
    pub async fn queue(&mut self, frame: &ClientFrame) -> Result<(), LinkError> {
        let text =
            serde_json::to_string(frame).map_err(|error| LinkError::Unusable(error.to_string()))?;
        let time = Duration::from_millis(limits::WS_WRITE_MS);
        let queueing = self.stream.feed(Message::text(text));
        Ok(timeout(time, queueing).await.map_err(|_elapsed| LinkError::Silent)??)
    }

    /// Sends what is queued.
    ///
    /// # Errors
    /// How the connection ended.
    ///
    /// # Cancel safety
    /// Cancel safe: the rest goes with the next call.
    pub async fn flush(&mut self) -> Result<(), LinkError> {
        let time = Duration::from_millis(limits::WS_WRITE_MS);
        let flushing = timeout(time, self.stream.flush()).await;
        Ok(flushing.map_err(|_elapsed| LinkError::Silent)??)
    }

    /// Waits for a frame. Pings are answered while one waits.
    ///
    /// # Errors
    /// How the connection ended, or that nothing came for `WS_DEAD_MS`, not even a ping.
    ///
    /// # Cancel safety
    /// Cancel safe: what was read is kept.
    pub async fn next(&mut self) -> Result<ServerFrame, LinkError> {
        loop {
            let until = self.heard_at + Duration::from_millis(limits::WS_DEAD_MS);
            let next = timeout_at(until, self.stream.next()).await;
            let next = next.map_err(|_elapsed| LinkError::Silent)?;
            self.heard_at = Instant::now();
            match next {
                None => return Err(LinkError::Closed(None)),
                Some(Err(error)) => return Err(error.into()),
                Some(Ok(Message::Text(text))) => return read(text.as_str()),
                Some(Ok(Message::Close(frame))) => {
                    return Err(LinkError::Closed(frame.map(|it| it.code.into())));
                }
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                Some(Ok(Message::Binary(_) | Message::Frame(_))) => {
                    return Err(LinkError::Unusable("a frame that is not text".to_owned()));
                }
            }
        }
    }
}

fn read(text: &str) -> Result<ServerFrame, LinkError> {
    serde_json::from_str(text).map_err(|error| {
        let quoted: String = text.chars().take(QUOTED_CHARS).collect();
        LinkError::Unusable(format!("{error}: {quoted}"))
    })
}

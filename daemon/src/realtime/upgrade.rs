//! The opening handshake (RFC 6455 section 4.2): an HTTP request becomes a connection of the hub.
//!
//! Made by hand around `hyper`'s upgrade, because the framework's own socket takes whole messages only,
//! keeps a buffer as large as the largest frame that it ever sent, and has no door to smaller ones.
//! Deliberately not here: the `Origin` check and TCP options (the server's).

use super::backend::Backend;
use super::hub::Hub;
use super::socket;
use crate::error::Error;
use axum::body::Body;
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Version, header};
use axum::response::Response;
use grove_core_api::{ErrorCode, version};
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use std::sync::Arc;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

/// A request that asks to become a WebSocket, and may.
#[derive(Debug)]
pub struct Upgrade {
    accept: HeaderValue,
    has_protocol: bool,
    on_upgrade: OnUpgrade,
}

impl<S: Sync> FromRequestParts<S> for Upgrade {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Error> {
        let headers = &parts.headers;
        let is_asked = parts.method == Method::GET
            && parts.version == Version::HTTP_11
            && lists(headers, &header::CONNECTION, "upgrade")
            && lists(headers, &header::UPGRADE, "websocket");
        if !is_asked {
            return Err(refused("this address is a WebSocket"));
        }
        if !lists(headers, &header::SEC_WEBSOCKET_VERSION, "13") {
            return Err(refused("only version 13 of the WebSocket protocol is spoken here"));
        }
        let has_protocol =
            lists(headers, &header::SEC_WEBSOCKET_PROTOCOL, version::REALTIME_SUBPROTOCOL);
        let key = headers.get(header::SEC_WEBSOCKET_KEY);
        let key = key.ok_or_else(|| refused("`Sec-WebSocket-Key` is missing"))?;
        let accept = derive_accept_key(key.as_bytes());
        let accept = HeaderValue::from_str(&accept).map_err(|error| {
            Error::internal("a key of the handshake is no header").because(error)
        })?;
        let on_upgrade = parts.extensions.remove::<OnUpgrade>();
        let on_upgrade = on_upgrade.ok_or_else(|| refused("this connection cannot be upgraded"))?;
        Ok(Self { accept, has_protocol, on_upgrade })
    }
}

/// Upgrades a request to a connection of the hub, spoken as `grove.v1`.
pub fn upgrade<B: Backend>(asked: Upgrade, hub: Arc<Hub<B>>, caller: B::Caller) -> Response {
    let Upgrade { accept, has_protocol, on_upgrade } = asked;
    let serving = Arc::clone(&hub);
    hub.spawn(async move {
        match on_upgrade.await {
            Ok(upgraded) => {
                let ws = socket::open(TokioIo::new(upgraded)).await;
                serving.serve(ws, caller).await;
            }
            Err(error) => tracing::debug!(%error, "a client left before its upgrade"),
        }
    });
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    let headers = response.headers_mut();
    headers.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
    headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
    headers.insert(header::SEC_WEBSOCKET_ACCEPT, accept);
    if has_protocol {
        let protocol = HeaderValue::from_static(version::REALTIME_SUBPROTOCOL);
        headers.insert(header::SEC_WEBSOCKET_PROTOCOL, protocol);
    }
    response
}

/// Whether a header lists a word, in any case and among others.
fn lists(headers: &HeaderMap, name: &HeaderName, word: &str) -> bool {
    let values = headers.get_all(name).into_iter();
    values
        .flat_map(|value| value.as_bytes().split(|byte| *byte == b','))
        .any(|item| item.trim_ascii().eq_ignore_ascii_case(word.as_bytes()))
}

fn refused(detail: &str) -> Error {
    Error::new(ErrorCode::InvalidRequest, detail)
}

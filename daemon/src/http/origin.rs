//! Keeps other sites out: a page from elsewhere must not act with the local user's rights.
//!
//! Nobody signs in yet, so the network is the only border. Two checks on each request: `Host` must
//! be a loopback name (against DNS rebinding), and what changes something, opens a WebSocket or
//! speaks MCP must come from this origin when it says where it comes from.

use crate::error::Error;
use axum::extract::Request;
use axum::http::{HeaderMap, Method, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use grove_core_api::ErrorCode;

/// Refuses requests of other origins.
pub(crate) async fn layer(request: Request, next: Next) -> Response {
    let headers = request.headers();
    if !is_loopback_host(headers) {
        let detail = "this Grove answers only to localhost, 127.0.0.1 and [::1]";
        return Error::new(ErrorCode::Forbidden, detail).into_response();
    }
    let is_safe = matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS)
        && !headers.contains_key(header::UPGRADE);
    if !is_safe && !is_same_origin(headers) {
        let detail = "the request comes from another site";
        return Error::new(ErrorCode::Forbidden, detail).into_response();
    }
    next.run(request).await
}

fn text(headers: &HeaderMap, name: header::HeaderName) -> Option<&str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

fn is_loopback_host(headers: &HeaderMap) -> bool {
    let Some(host) = text(headers, header::HOST) else { return false };
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    };
    matches!(name, "localhost" | "127.0.0.1" | "[::1]")
}

fn is_same_origin(headers: &HeaderMap) -> bool {
    if let Some(origin) = text(headers, header::ORIGIN) {
        let host = text(headers, header::HOST);
        return origin.split_once("://").is_some_and(|(_, rest)| Some(rest) == host);
    }
    // Programs send no Origin; browsers always do on what is not safe, or say the site.
    match headers.get("sec-fetch-site").and_then(|value| value.to_str().ok()) {
        None | Some("same-origin" | "none") => true,
        Some(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs.iter().map(|(k, v)| (k.parse().expect("name"), HeaderValue::from_static(v))).collect()
    }

    #[test]
    fn only_loopback_names_are_hosts() {
        for (host, is_ok) in [
            ("localhost:4768", true),
            ("127.0.0.1", true),
            ("[::1]:80", true),
            ("evil.example", false),
            ("127.0.0.1.evil.example", false),
            ("localhost.evil:80", false),
        ] {
            assert_eq!(is_loopback_host(&headers(&[("host", host)])), is_ok, "{host}");
        }
        assert!(!is_loopback_host(&headers(&[])));
    }

    #[test]
    fn other_origins_are_other() {
        let host = ("host", "127.0.0.1:4768");
        for (origin, is_ok) in [
            ("http://127.0.0.1:4768", true),
            ("http://127.0.0.1:9999", false),
            ("http://evil.example", false),
            ("null", false),
        ] {
            assert_eq!(is_same_origin(&headers(&[host, ("origin", origin)])), is_ok, "{origin}");
        }
        assert!(!is_same_origin(&headers(&[host, ("sec-fetch-site", "cross-site")])));
        assert!(is_same_origin(&headers(&[host])));
    }
}

//! The web interface, embedded in the binary (in debug builds read from `web/dist`).

use crate::error::Error;
use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use rust_embed::{EmbeddedFile, RustEmbed};

#[derive(RustEmbed)]
#[folder = "$CARGO_MANIFEST_DIR/../web/dist"]
struct Web;

/// Answers with a file, or with the page itself for the addresses that the page knows.
pub(crate) async fn serve(uri: Uri, headers: HeaderMap) -> Response {
    let path = uri.path().trim_start_matches('/');
    let is_page = !["api/", "assets/", "mcp", "ws"].iter().any(|it| path.starts_with(it));
    let (path, file) = match Web::get(if path.is_empty() { "index.html" } else { path }) {
        Some(file) if !path.is_empty() => (path, file),
        Some(file) => ("index.html", file),
        None if is_page => match Web::get("index.html") {
            Some(file) => ("index.html", file),
            None => return Error::not_found("page", uri.path()).into_response(),
        },
        None => return Error::not_found("page", uri.path()).into_response(),
    };
    let etag = etag(&file);
    if headers.get(header::IF_NONE_MATCH) == Some(&etag) {
        return (StatusCode::NOT_MODIFIED, [(header::ETAG, etag)]).into_response();
    }
    answer(path, file, etag, &headers)
}

fn etag(file: &EmbeddedFile) -> HeaderValue {
    let hash = hex::encode(&file.metadata.sha256_hash()[..12]);
    HeaderValue::from_str(&format!("\"{hash}\"")).unwrap_or(HeaderValue::from_static("\"\""))
}

fn answer(path: &str, file: EmbeddedFile, etag: HeaderValue, headers: &HeaderMap) -> Response {
    let kind = mime_guess::from_path(path).first_or_octet_stream();
    let is_hashed = path.starts_with("assets/");
    let cache = if is_hashed { "public, max-age=31536000, immutable" } else { "no-cache" };
    let takes_brotli = headers
        .get(header::ACCEPT_ENCODING)
        .and_then(|value| value.to_str().ok())
        .is_some_and(|value| value.split(',').any(|it| it.trim().starts_with("br")));
    let brotli = if takes_brotli { Web::get(&format!("{path}.br")) } else { None };
    let is_brotli = brotli.is_some();
    let body = Body::from(brotli.unwrap_or(file).data.into_owned());
    let mut response = Response::new(body);
    let out = response.headers_mut();
    if let Ok(kind) = HeaderValue::from_str(kind.as_ref()) {
        out.insert(header::CONTENT_TYPE, kind);
    }
    out.insert(header::ETAG, etag);
    out.insert(header::CACHE_CONTROL, HeaderValue::from_static(cache));
    out.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    if is_brotli {
        out.insert(header::CONTENT_ENCODING, HeaderValue::from_static("br"));
    }
    response
}

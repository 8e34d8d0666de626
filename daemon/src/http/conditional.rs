//! Answers that a client may have already: `ETag` and `If-None-Match`, and states of topics with them.

use crate::context::Ctx;
use crate::error::Error;
use crate::{events, topic_state};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use grove_core_api::event::Topic;

/// Makes the tag of a version.
pub(crate) fn tag(version: &str) -> HeaderValue {
    HeaderValue::from_str(&format!("\"{version}\"")).unwrap_or(HeaderValue::from_static("\"\""))
}

/// Returns whether the client says that it has this version.
pub(crate) fn has(headers: &HeaderMap, tag: &HeaderValue) -> bool {
    headers.get_all(header::IF_NONE_MATCH).iter().any(|known| {
        let (Ok(known), Ok(tag)) = (known.to_str(), tag.to_str()) else { return false };
        // A proxy that compresses makes a tag weak; the version is the same.
        known.split(',').any(|it| it.trim().trim_start_matches("W/") == tag)
    })
}

/// Says that the client has the newest version.
pub(crate) fn not_modified(tag: HeaderValue) -> Response {
    (StatusCode::NOT_MODIFIED, [(header::ETAG, tag)]).into_response()
}

/// The whole state of a topic that the caller may read, unless the client has it.
pub(crate) async fn state(ctx: &Ctx, topic: Topic, headers: &HeaderMap) -> Result<Response, Error> {
    let head = events::service::head(ctx.read(), topic).await?;
    let known = tag(&format!("{}-{}", head.epoch, head.seq));
    if has(headers, &known) {
        return Ok(not_modified(known));
    }
    let state = topic_state::now(&ctx.app.db, topic).await?;
    let fresh = tag(&format!("{}-{}", state.epoch, state.seq));
    let no_cache = HeaderValue::from_static("private, no-cache");
    let headers = [(header::ETAG, fresh), (header::CACHE_CONTROL, no_cache)];
    Ok((headers, axum::Json(state)).into_response())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_known_however_its_tag_came_back() {
        let tag = tag("9c1f-17");
        for (sent, is_known) in [
            ("\"9c1f-17\"", true),
            ("W/\"9c1f-17\"", true),
            ("\"other\", \"9c1f-17\"", true),
            ("\"9c1f-18\"", false),
            ("9c1f-17", false),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(header::IF_NONE_MATCH, HeaderValue::from_str(sent).unwrap());
            assert_eq!(has(&headers, &tag), is_known, "{sent}");
        }
        assert!(!has(&HeaderMap::new(), &tag));
    }
}

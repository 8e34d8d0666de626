//! What executors without a network of their own reach of this server, over their tunnels.
//!
//! Not the whole API: there a program on the loopback interface may count as the instance's owner,
//! and an agent must not become that.

use crate::app::App;
use crate::error::Error;
use axum::Router;
use axum::extract::Request;
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use axum::serve::Listener;
use grove_core_api::ErrorCode;
use std::io;
use std::sync::Arc;
use tokio::io::DuplexStream;
use tokio::sync::mpsc;

/// Paths that executors may use.
const PATHS: [&str; 1] = ["/mcp"];

/// Serves the streams of executors until the daemon ends.
pub(crate) fn serve(app: &Arc<App>, router: Router) {
    let Some(streams) = app.egress.streams_to_grove() else { return };
    let shutdown = app.shutdown.clone().cancelled_owned();
    let serving = axum::serve(Streams(streams), narrowed(router)).with_graceful_shutdown(shutdown);
    app.spawner.spawn(async move {
        if let Err(error) = serving.await {
            tracing::error!(%error, "failed to serve executors");
        }
    });
}

fn narrowed(router: Router) -> Router {
    router.layer(from_fn(only_theirs))
}

async fn only_theirs(request: Request, next: Next) -> Response {
    if PATHS.contains(&request.uri().path()) {
        return next.run(request).await;
    }
    Error::new(ErrorCode::Forbidden, "a session reaches only /mcp of Grove").into_response()
}

struct Streams(mpsc::Receiver<DuplexStream>);

impl Listener for Streams {
    type Io = DuplexStream;
    type Addr = ();

    async fn accept(&mut self) -> (DuplexStream, ()) {
        match self.0.recv().await {
            Some(stream) => (stream, ()),
            // The daemon is ending; whoever serves is told so in another way.
            None => std::future::pending().await,
        }
    }

    fn local_addr(&self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::routing::any;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio_util::task::TaskTracker;

    #[tokio::test]
    async fn executors_reach_mcp_and_nothing_else() {
        let (sender, streams) = mpsc::channel(1);
        let router = Router::new()
            .route("/mcp", any(async || "tools"))
            .route("/mcp/{*rest}", any(async || "below"))
            .route("/api/v1/users/me", any(async || "the owner"))
            .fallback(async || "the web interface");
        let serving = axum::serve(Streams(streams), narrowed(router)).into_future();
        TaskTracker::new().spawn(serving);
        for (target, is_ok) in [
            ("/mcp", true),
            ("/mcp?x=1", true),
            ("http://127.0.0.1:4768/mcp", true),
            ("/", false),
            ("/mcp/", false),
            ("/mcp/../api/v1/users/me", false),
            ("/mcp/%2e%2e/api/v1/users/me", false),
            ("//mcp", false),
            ("/MCP", false),
            ("/ws", false),
            ("/api/v1/users/me", false),
            ("http://127.0.0.1:4768/api/v1/users/me", false),
        ] {
            let (mut ours, theirs) = tokio::io::duplex(4_096);
            sender.send(theirs).await.unwrap();
            let head =
                format!("POST {target} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n");
            ours.write_all(head.as_bytes()).await.unwrap();
            let mut answer = String::new();
            ours.read_to_string(&mut answer).await.unwrap();
            let status = if is_ok { "HTTP/1.1 200 " } else { "HTTP/1.1 403 " };
            assert!(answer.starts_with(status), "{target}: {answer}");
            assert_eq!(answer.ends_with("tools"), is_ok, "{target}: {answer}");
        }
    }
}

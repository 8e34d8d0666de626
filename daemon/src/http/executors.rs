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
    let router = router.layer(from_fn(only_theirs));
    let shutdown = app.shutdown.clone().cancelled_owned();
    let serving = axum::serve(Streams(streams), router).with_graceful_shutdown(shutdown);
    app.spawner.spawn(async move {
        if let Err(error) = serving.await {
            tracing::error!(%error, "failed to serve executors");
        }
    });
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

//! The HTTP server: a thread of its own with its own runtime, so that no lane ever waits for a scrape.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::thread;

use axum::Router;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::routing::get;
use prometheus_client::encoding::prometheus_text;
use tokio::runtime::Builder;
use tokio::sync::oneshot;

use super::metrics::Metrics;
use super::ready::Readiness;

/// A running server; it stops to accept when dropped.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    _stop: oneshot::Sender<()>,
}

impl Server {
    /// Where it listens: the port that was found where 0 was asked for.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

/// Serves `/metrics`, `/healthz` and `/readyz` until the server is dropped. Fails where the address cannot be had.
pub fn serve(
    listen: SocketAddr,
    metrics: Arc<Metrics>,
    readiness: Arc<Readiness>,
) -> io::Result<Server> {
    let listener = TcpListener::bind(listen)?;
    serve_routes("http", listener, routes(metrics, readiness))
}

/// Serves routes from a thread of that name.
pub(super) fn serve_routes(
    name: &str,
    listener: TcpListener,
    routes: Router,
) -> io::Result<Server> {
    listener.set_nonblocking(true)?;
    let address = listener.local_addr()?;
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let (stop, stopped) = oneshot::channel::<()>();
    thread::Builder::new().name(name.to_owned()).spawn(move || {
        let served = runtime.block_on(async {
            let listener = tokio::net::TcpListener::from_std(listener)?;
            // A dropped sender is what is waited for.
            let end = async { drop(stopped.await) };
            axum::serve(listener, routes).with_graceful_shutdown(end).await
        });
        if let Err(error) = served {
            tracing::error!("failed to serve HTTP on {address}: {error}");
        }
    })?;
    Ok(Server { address, _stop: stop })
}

fn routes(metrics: Arc<Metrics>, readiness: Arc<Readiness>) -> Router {
    let scrape = move || async move {
        match metrics.encode() {
            Ok(text) => (StatusCode::OK, [(CONTENT_TYPE, prometheus_text::CONTENT_TYPE)], text),
            Err(error) => {
                let text = format!("failed to encode the metrics: {error}\n");
                (StatusCode::INTERNAL_SERVER_ERROR, [(CONTENT_TYPE, "text/plain")], text)
            }
        }
    };
    let ready = move || async move {
        match readiness.check() {
            Ok(()) => (StatusCode::OK, "ready\n".to_owned()),
            Err(why) => (StatusCode::SERVICE_UNAVAILABLE, format!("{why}\n")),
        }
    };
    Router::new()
        .route("/metrics", get(scrape))
        .route("/healthz", get(|| async { "alive\n" }))
        .route("/readyz", get(ready))
}

//! The HTTP server: a thread of its own with its own runtime, so that no lane ever waits for a scrape.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::thread;

use axum::Router;
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, StatusCode};
use axum::response::IntoResponse;
use axum::routing::get;
use prometheus_client::encoding::prometheus_text;
use tokio::runtime::Builder;
use tokio::sync::oneshot;

use super::guard::{Guard, Refused, Role, Tokens};
use super::metrics::Metrics;
use super::ready::Readiness;
use super::tls::Tls;

/// A running server; it stops to accept when dropped.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    scheme: &'static str,
    _stop: oneshot::Sender<()>,
}

impl Server {
    /// Where it listens: the port that was found where 0 was asked for.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The same as a URL.
    pub fn url(&self) -> String {
        format!("{}://{}", self.scheme, self.address)
    }
}

/// Serves `/metrics`, `/healthz` and `/readyz` until the server is dropped. Fails where the address cannot be had.
pub fn serve(
    listen: SocketAddr,
    guard: Guard,
    metrics: Arc<Metrics>,
    readiness: Arc<Readiness>,
) -> io::Result<Server> {
    let listener = TcpListener::bind(listen)?;
    serve_routes("http", listener, routes(guard.tokens, metrics, readiness), guard.tls)
}

/// Serves routes from a thread of that name.
pub(super) fn serve_routes(
    name: &str,
    listener: TcpListener,
    routes: Router,
    tls: Option<Tls>,
) -> io::Result<Server> {
    listener.set_nonblocking(true)?;
    let address = listener.local_addr()?;
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let (stop, stopped) = oneshot::channel::<()>();
    let scheme = if tls.is_some() { "https" } else { "http" };
    thread::Builder::new().name(name.to_owned()).spawn(move || {
        let served = runtime.block_on(async {
            let listener = tokio::net::TcpListener::from_std(listener)?;
            // A dropped sender is what is waited for.
            let end = async { drop(stopped.await) };
            match tls {
                None => axum::serve(listener, routes).with_graceful_shutdown(end).await,
                #[cfg(feature = "tls")]
                Some(tls) => {
                    let listener = super::tls::listener(listener, &tls)?;
                    axum::serve(listener, routes).with_graceful_shutdown(end).await
                }
                // No value of the type can be had without the feature.
                #[cfg(not(feature = "tls"))]
                Some(_) => Ok(()),
            }
        });
        if let Err(error) = served {
            tracing::error!("failed to serve HTTP on {address}: {error}");
        }
    })?;
    Ok(Server { address, scheme, _stop: stop })
}

/// Alive is told to everybody: it says nothing of what is done here.
fn routes(tokens: Tokens, metrics: Arc<Metrics>, readiness: Arc<Readiness>) -> Router {
    let tokens = Arc::new(tokens);
    let guard = Arc::clone(&tokens);
    let scrape = move |headers: HeaderMap| async move {
        may_read(&guard, &headers)?;
        Ok::<_, Refused>(match metrics.encode() {
            Ok(text) => (StatusCode::OK, [(CONTENT_TYPE, prometheus_text::CONTENT_TYPE)], text)
                .into_response(),
            Err(error) => {
                let text = format!("failed to encode the metrics: {error}\n");
                (StatusCode::INTERNAL_SERVER_ERROR, text).into_response()
            }
        })
    };
    let ready = move |headers: HeaderMap| async move {
        may_read(&tokens, &headers)?;
        Ok::<_, Refused>(match readiness.check() {
            Ok(()) => (StatusCode::OK, "ready\n".to_owned()),
            Err(why) => (StatusCode::SERVICE_UNAVAILABLE, format!("{why}\n")),
        })
    };
    Router::new()
        .route("/metrics", get(scrape))
        .route("/healthz", get(|| async { "alive\n" }))
        .route("/readyz", get(ready))
}

fn may_read(tokens: &Tokens, headers: &HeaderMap) -> Result<(), Refused> {
    match tokens.lacks(Role::Reader) {
        true => Ok(()),
        false => tokens.check(headers, Role::Reader),
    }
}

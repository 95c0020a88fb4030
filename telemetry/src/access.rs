//! The decision point over HTTP: the OpenID AuthZEN Authorization API 1.0, for callers that bear a token. What is decided
//! stands in `alerting`; here are status codes, tokens, request ids and the age of what is known.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use alerting::access::{Malformed, Point, TrustTable, evaluation, evaluations};
use axum::Router;
use axum::body::to_bytes;
use axum::extract::{Request, State};
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};

use super::guard::{Guard, Role};
use super::server::{Server, serve_routes};

/// Longest request, in bytes; 1 MiB.
const BODY_BYTES_MAX: usize = 1 << 20;
const REQUEST_ID: &str = "x-request-id";
const EVALUATION: &str = "/access/v1/evaluation";
const EVALUATIONS: &str = "/access/v1/evaluations";
const METADATA: &str = "/.well-known/authzen-configuration";

/// Answers one kind of request.
type Answer = fn(&Point<'_>, &[u8]) -> Result<serde_json::Value, Malformed>;

/// What a decision point is made with.
#[derive(Clone, Debug)]
pub struct AccessSettings {
    /// Policies and mode.
    pub respond: alerting::Settings,
    /// Tokens of all roles, and TLS; without a token of callers nobody is answered.
    pub guard: Guard,
    /// Address by which callers know it; empty where that is where it listens.
    pub url: String,
    /// Milliseconds after which trust that was not confirmed is too old.
    pub age_ms_max: i64,
    /// Milliseconds since 1970.
    pub clock: fn() -> i64,
}

/// The decision point: trust as known, told by whoever follows its topic.
#[derive(Debug)]
pub struct AccessPoint {
    settings: AccessSettings,
    table: RwLock<TrustTable>,
    confirmed_ms: AtomicI64,
}

// === impl AccessPoint ===

impl AccessPoint {
    /// One that knows nothing yet: until it is confirmed, what it knows is too old.
    pub fn new(settings: AccessSettings) -> Self {
        Self { settings, table: RwLock::default(), confirmed_ms: AtomicI64::new(i64::MIN) }
    }

    /// Changes what is known of trust.
    pub fn change(&self, change: impl FnOnce(&mut TrustTable)) {
        change(&mut self.table.write().unwrap_or_else(PoisonError::into_inner));
    }

    /// Tells that everything there was to read is known now.
    pub fn confirm(&self) {
        self.confirmed_ms.store((self.settings.clock)(), Ordering::Relaxed);
    }

    fn answer(&self, answer: Answer, body: &[u8]) -> Result<serde_json::Value, Malformed> {
        let confirmed = self.confirmed_ms.load(Ordering::Relaxed);
        let age_ms = (self.settings.clock)().saturating_sub(confirmed);
        let table = self.table.read().unwrap_or_else(PoisonError::into_inner);
        let stale = self.settings.age_ms_max < age_ms;
        let respond = &self.settings.respond;
        let (policies, protected) = (respond.policy_set(), &*respond.protected);
        answer(&Point { policies, protected, table: &table, stale }, body)
    }
}

/// Serves the decision point until the server is dropped. Fails where the address cannot be had.
pub fn serve_access(listen: SocketAddr, point: Arc<AccessPoint>) -> io::Result<Server> {
    let listener = TcpListener::bind(listen)?;
    let tls = point.settings.guard.tls.clone();
    let url = match point.settings.url.trim_end_matches('/') {
        "" => {
            let scheme = if tls.is_some() { "https" } else { "http" };
            format!("{scheme}://{}", listener.local_addr()?)
        }
        url => url.to_owned(),
    };
    let metadata = serde_json::json!({
        "policy_decision_point": url,
        "access_evaluation_endpoint": format!("{url}{EVALUATION}"),
        "access_evaluations_endpoint": format!("{url}{EVALUATIONS}"),
    });
    let metadata = metadata.to_string();
    let told = move |headers: HeaderMap| async move {
        reply(&headers, StatusCode::OK, ("application/json", metadata))
    };
    let asked = |answer: Answer| {
        post(move |State(point): State<Arc<AccessPoint>>, request: Request| async move {
            respond(&point, answer, request).await
        })
    };
    let routes = Router::new()
        .route(EVALUATION, asked(evaluation))
        .route(EVALUATIONS, asked(evaluations))
        .route(METADATA, get(told))
        .with_state(point);
    serve_routes("access", listener, routes, tls)
}

async fn respond(point: &AccessPoint, answer: Answer, request: Request) -> Response {
    let (head, body) = request.into_parts();
    let headers = &head.headers;
    let text = |status, text: &str| reply(headers, status, ("text/plain", format!("{text}\n")));
    if let Err(refused) = point.settings.guard.tokens.check(headers, Role::Caller) {
        return bearing_id(headers, refused.into_response());
    }
    let kind = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim();
    if !kind.eq_ignore_ascii_case("application/json") {
        return text(StatusCode::BAD_REQUEST, "send application/json");
    }
    // Only who is known has its body read.
    let Ok(body) = to_bytes(body, BODY_BYTES_MAX).await else {
        return text(StatusCode::PAYLOAD_TOO_LARGE, "send at most 1 MiB, and all of it");
    };
    match point.answer(answer, &body) {
        Ok(answer) => reply(headers, StatusCode::OK, ("application/json", answer.to_string())),
        Err(error) => text(StatusCode::BAD_REQUEST, &format!("failed to {error}")),
    }
}

/// A response that bears the id of its request.
fn reply(
    headers: &HeaderMap,
    status: StatusCode,
    (kind, text): (&'static str, String),
) -> Response {
    bearing_id(headers, (status, [(CONTENT_TYPE, kind)], text).into_response())
}

fn bearing_id(headers: &HeaderMap, mut response: Response) -> Response {
    if let Some(id) = headers.get(REQUEST_ID) {
        response.headers_mut().insert(REQUEST_ID, id.clone());
    }
    response
}

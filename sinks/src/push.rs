//! Push of security event tokens by RFC 8935: one POST, and what its answer means. It keeps no state: whether and when
//! a token is sent again is not decided here.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use jiff::Timestamp;
use schemas::set::SET_MEDIA_TYPE;
use serde_json::Value;
use ureq::Agent;
use ureq::http::{HeaderMap, StatusCode};

/// How long one push may take, name look-up and answer included.
const TIMEOUT: Duration = Duration::from_secs(10);
/// Most bytes of an answer that are read.
const ANSWER_BYTES_MAX: u64 = 16 << 10;
/// Most characters of a receiver's description that are kept.
const DESCRIPTION_CHARS_MAX: usize = 256;
/// The longest wait that a receiver may ask for.
const RETRY_AFTER_MAX: Duration = Duration::from_secs(3_600);

/// Reasons for which a receiver refuses a token (RFC 8935 2.4, SSF 1.0).
const CODES: [&str; 7] = [
    "invalid_request",
    "invalid_key",
    "invalid_issuer",
    "invalid_audience",
    "authentication_failed",
    "access_denied",
    "invalid_state",
];
/// What stands for a reason that is none of these.
const OTHER_CODE: &str = "other";

/// Where a receiver takes tokens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// Its address.
    pub url: String,
    /// File whose text is sent as `Authorization`, read anew for each push.
    pub authorization_file: Option<PathBuf>,
}

/// Why an address cannot be pushed to.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EndpointError {
    /// It needs TLS.
    #[error("push to {0}: this program was built without the feature `tls`")]
    NoTls(String),
}

/// What became of one push.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// The receiver has it.
    Accepted,
    /// The receiver will never take it.
    Refused {
        /// Its reason: a word of RFC 8935, or `other`.
        code: &'static str,
        /// What it says of it; a stranger's text, cut, without control characters.
        description: String,
    },
    /// It may be taken later.
    Later {
        /// Why, for people.
        why: String,
        /// The earliest time that the receiver wants to hear of it.
        after: Option<Duration>,
    },
}

/// Pushes to one receiver.
pub struct Pusher {
    agent: Agent,
    endpoint: Endpoint,
}

// === impl Pusher ===

impl Pusher {
    /// For one receiver; nothing is sent yet.
    pub fn new(endpoint: Endpoint) -> Result<Self, EndpointError> {
        if !cfg!(feature = "tls") && !endpoint.url.starts_with("http://") {
            return Err(EndpointError::NoTls(endpoint.url));
        }
        let agent = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .timeout_global(Some(TIMEOUT))
            .user_agent(concat!("habitus/", env!("CARGO_PKG_VERSION")))
            .build()
            .into();
        Ok(Self { agent, endpoint })
    }

    /// Pushes one token; `now_ms` is the wall clock, for a date in `Retry-After`.
    pub fn push(&self, token: &[u8], now_ms: i64) -> Answer {
        let later = |why: String| Answer::Later { why, after: None };
        let mut request = self
            .agent
            .post(&self.endpoint.url)
            .header("content-type", SET_MEDIA_TYPE)
            .header("accept", "application/json");
        if let Some(file) = &self.endpoint.authorization_file {
            match fs::read_to_string(file) {
                Ok(text) => request = request.header("authorization", text.trim()),
                Err(error) => return later(format!("{}: {error}", file.display())),
            }
        }
        let mut response = match request.send(token) {
            Ok(response) => response,
            Err(error) => return later(error.to_string()),
        };
        let (status, after) = (response.status(), retry_after(response.headers(), now_ms));
        let body = response.body_mut().with_config().limit(ANSWER_BYTES_MAX).read_to_vec();
        meaning(status, after, &body.unwrap_or_default())
    }
}

/// What an answer means: only 202 says that a token was taken, only 400 that it never will be. Anything else is a fault
/// of the receiver or of the way to it, and no token is lost by it.
fn meaning(status: StatusCode, after: Option<Duration>, body: &[u8]) -> Answer {
    match status {
        StatusCode::ACCEPTED => Answer::Accepted,
        StatusCode::BAD_REQUEST => {
            let said: Value = serde_json::from_slice(body).unwrap_or_default();
            let text = |member: &str| said.get(member).and_then(Value::as_str).unwrap_or_default();
            let code = CODES.into_iter().find(|code| *code == text("err")).unwrap_or(OTHER_CODE);
            let plain = text("description").chars().filter(|c| !c.is_control());
            Answer::Refused { code, description: plain.take(DESCRIPTION_CHARS_MAX).collect() }
        }
        status => Answer::Later { why: format!("status {}", status.as_u16()), after },
    }
}

/// Seconds or a date, as `Retry-After` says them.
fn retry_after(headers: &HeaderMap, now_ms: i64) -> Option<Duration> {
    let text = headers.get("retry-after")?.to_str().ok()?.trim();
    let wait = match text.parse() {
        Ok(seconds) => Duration::from_secs(seconds),
        Err(_) => {
            let then: Timestamp = jiff::fmt::rfc2822::DateTimeParser::new()
                .relaxed_weekday(true)
                .parse_timestamp(text)
                .ok()?;
            let ms = then.as_millisecond().saturating_sub(now_ms);
            Duration::from_millis(u64::try_from(ms).unwrap_or(0))
        }
    };
    Some(wait.min(RETRY_AFTER_MAX))
}

#[cfg(test)]
mod tests;

//! What the config says of the decision point, as plain data for whoever serves it.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use super::kind::Value;
use super::security::text;

/// The decision point.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccessConfig {
    /// Where it listens.
    pub listen: SocketAddr,
    /// File of the tokens that callers may bear.
    pub token_file: String,
    /// Address by which callers know it; empty where that is where it listens.
    pub url: String,
    /// Trust that was not confirmed for longer is too old.
    pub trust_age_max: Duration,
}

// === impl AccessConfig ===

impl AccessConfig {
    /// Of the values of a config; `None` where it does not listen.
    pub(super) fn of(values: &BTreeMap<String, Value>) -> Option<Self> {
        let age_ms = match values.get("access.trust_age_max") {
            Some(Value::Measure(_, ms)) => *ms,
            _ => 0,
        };
        Some(Self {
            listen: text(values, "access.listen")?.parse().ok()?,
            token_file: text(values, "access.token_file").unwrap_or_default().to_owned(),
            url: text(values, "access.url").unwrap_or_default().to_owned(),
            trust_age_max: Duration::from_millis(age_ms),
        })
    }
}

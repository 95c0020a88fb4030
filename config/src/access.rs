//! What the config says of the decision point, as plain data for whoever serves it.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use super::kind::Value;

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
            listen: text(values, "access.listen").parse().ok()?,
            token_file: text(values, "access.token_file").to_owned(),
            url: text(values, "access.url").to_owned(),
            trust_age_max: Duration::from_millis(age_ms),
        })
    }
}

fn text<'v>(values: &'v BTreeMap<String, Value>, path: &str) -> &'v str {
    match values.get(path) {
        Some(Value::Text(text)) => text,
        _ => "",
    }
}

/// What no single setting can tell: path, message, help.
pub(super) fn cross_check(
    values: &BTreeMap<String, Value>,
    tell: &mut impl FnMut(&str, String, String),
) {
    let Ok(listen) = text(values, "access.listen").parse::<SocketAddr>() else { return };
    let path = "access.listen";
    if !listen.ip().is_loopback()
        && values.get("access.beyond_loopback") != Some(&Value::Flag(true))
    {
        let message = format!("`{path}` is beyond loopback, where anybody may ask");
        tell(path, message, "set `access.beyond_loopback = true` if that is meant".to_owned());
    }
    if text(values, "access.token_file").is_empty() {
        let message =
            format!("`{path}` needs `access.token_file`: nobody is answered without a token");
        tell(path, message, "name a file with a token a line".to_owned());
    }
}

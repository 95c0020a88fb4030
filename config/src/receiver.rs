//! Receivers of security event tokens: `[[receiver]]` tables, every mistake with its place.

use std::ops::Range;

use alerting::set::{SetKind, SetReceiver};
use serde_json::{Value as Json, json};
use toml_edit::{Item, Value};

use super::client::Mistake;
use super::rows::{BYTES_MAX, FILE, Row, Rows, TENANTS, is_file, list, one_of};

/// Receivers at most.
const RECEIVERS_MAX: usize = 64;
/// What an agent may be to a receiver: the members of a complex subject.
const PRINCIPALS: [&str; 7] =
    ["USER", "APPLICATION", "DEVICE", "SESSION", "TENANT", "ORG_UNIT", "GROUP"];
const ALGORITHMS: [&str; 2] = ["RS256", "ES256"];
const KEYS: [&str; 9] = [
    "algorithm",
    "audience",
    "authorization_file",
    "events",
    "id",
    "principal",
    "subject_issuer",
    "tenants",
    "url",
];

/// A receiver of security event tokens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReceiverConfig {
    /// Who is told, and of what.
    pub set: SetReceiver,
    /// Where tokens are pushed; without it they only stand on the topic.
    pub url: Option<String>,
    /// File whose text is sent as `Authorization`.
    pub authorization_file: Option<String>,
    /// How its tokens are signed; without it by the first key.
    pub algorithm: Option<String>,
}

/// Reads the receivers of an item.
pub(super) fn read(item: &Item, outer: &Range<usize>) -> (Vec<ReceiverConfig>, Vec<Mistake>) {
    let mut rows = Rows::new("receiver", &KEYS, &["id", "audience"]);
    let receivers = rows.all(item, outer, RECEIVERS_MAX, |rows, row| {
        let receiver = receiver(rows, row);
        (receiver.set.id.clone(), receiver)
    });
    (receivers, rows.mistakes)
}

fn receiver(rows: &mut Rows, row: &Row<'_>) -> ReceiverConfig {
    let mut text =
        |key: &str, wanted: &str, fits: &dyn Fn(&str) -> bool| rows.text(row, key, (wanted, fits));
    let plain = "a text without blanks";
    let is_plain = |text: &str| text.bytes().all(|b| b.is_ascii_graphic());
    let id = text("id", "letters, digits, `.`, `_` or `-`, at most 64", &|text| {
        text.len() <= 64 && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b))
    });
    let audience = text("audience", plain, &is_plain);
    let subject_issuer = text("subject_issuer", plain, &is_plain);
    let url =
        text("url", "an address that begins with `https://`, or `http://` on loopback", &is_url);
    let authorization_file = text("authorization_file", FILE, &is_file);
    let principal = text("principal", &one_of(&PRINCIPALS), &|word| PRINCIPALS.contains(&word));
    let algorithm = text("algorithm", &one_of(&ALGORITHMS), &|word| ALGORITHMS.contains(&word));
    let wanted = format!("a list of {}", one_of(&events()));
    let events = rows.texts(row, "events", (&wanted, &|word| SetKind::from_wire(word).is_some()));
    let tenants = rows.texts(row, "tenants", TENANTS);
    let events = events.map_or_else(
        || vec![SetKind::RiskLevelChange],
        |words| words.iter().filter_map(|word| SetKind::from_wire(word)).collect(),
    );
    ReceiverConfig {
        set: SetReceiver {
            id: id.unwrap_or_default(),
            audience: audience.unwrap_or_default(),
            events,
            principal: principal.unwrap_or_else(|| "USER".to_owned()),
            subject_issuer,
            tenants: tenants.unwrap_or_default(),
        },
        url,
        authorization_file,
        algorithm,
    }
}

fn events() -> [&'static str; 3] {
    SetKind::ALL.map(SetKind::as_str)
}

/// Whether tokens may be pushed there: with TLS, or without leaving the machine.
fn is_url(text: &str) -> bool {
    if !text.bytes().all(|b| b.is_ascii_graphic()) {
        return false;
    }
    if let Some(rest) = text.strip_prefix("https://") {
        return !rest.is_empty() && !rest.starts_with('/');
    }
    let Some(rest) = text.strip_prefix("http://") else { return false };
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let (host, port) = match host {
        "[::1]" => (host, "80"),
        _ => host.rsplit_once(':').unwrap_or((host, "80")),
    };
    ["127.0.0.1", "localhost", "[::1]"].contains(&host) && port.parse::<u16>().is_ok()
}

/// Receivers as TOML, in one line.
pub(super) fn toml(receivers: &[ReceiverConfig]) -> String {
    let quoted = |text: &str| Value::from(text).to_string();
    let one = |receiver: &ReceiverConfig| {
        let ReceiverConfig { set, url, authorization_file, algorithm } = receiver;
        let mut members = vec![
            format!("id = {}", quoted(&set.id)),
            format!("audience = {}", quoted(&set.audience)),
            format!("events = {}", list(set.events.iter().map(|kind| kind.as_str()))),
            format!("principal = {}", quoted(&set.principal)),
        ];
        if !set.tenants.is_empty() {
            let tenants = list(set.tenants.iter().map(String::as_str));
            members.push(format!("tenants = {tenants}"));
        }
        for (key, text) in [
            ("subject_issuer", &set.subject_issuer),
            ("url", url),
            ("authorization_file", authorization_file),
            ("algorithm", algorithm),
        ] {
            members.extend(text.as_deref().map(|text| format!("{key} = {}", quoted(text))));
        }
        format!("{{ {} }}", members.join(", "))
    };
    format!("[{}]", receivers.iter().map(one).collect::<Vec<_>>().join(", "))
}

/// The JSON Schema of receivers.
pub(super) fn schema() -> Json {
    let text = json!({"type": "string", "minLength": 1, "maxLength": BYTES_MAX});
    let texts = |items: Json| json!({"type": "array", "minItems": 1, "items": items});
    json!({
        "type": "array",
        "maxItems": RECEIVERS_MAX,
        "items": {
            "type": "object",
            "additionalProperties": false,
            "required": ["id", "audience"],
            "properties": {
                "id": {"type": "string", "pattern": "^[A-Za-z0-9._-]{1,64}$"},
                "audience": text,
                "url": {"type": "string", "pattern": "^https?://"},
                "events": texts(json!({"enum": events()})),
                "principal": {"enum": PRINCIPALS},
                "subject_issuer": text,
                "tenants": texts(text.clone()),
                "algorithm": {"enum": ALGORITHMS},
                "authorization_file": text,
            },
        },
    })
}

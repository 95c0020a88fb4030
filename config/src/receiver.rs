//! Receivers of security event tokens: `[[receiver]]` tables, every mistake with its place.

use std::ops::Range;

use alerting::set::{SetKind, SetReceiver};
use serde_json::{Value as Json, json};
use toml_edit::{Item, TableLike, Value};

use super::client::Mistake;
use super::problem::did_you_mean;

/// Receivers at most, and tenants of one.
const RECEIVERS_MAX: usize = 64;
const TENANTS_MAX: usize = 1_000;
/// Longest text, in bytes.
const BYTES_MAX: usize = 2_048;
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
    let mut reader = Reader { mistakes: Vec::new() };
    let inline =
        item.as_array().into_iter().flatten().map(|value| {
            (value.as_inline_table().map(|table| table as &dyn TableLike), value.span())
        });
    let tables = item.as_array_of_tables().into_iter().flat_map(|tables| tables.iter());
    let tables = tables.map(|table| (Some(table as &dyn TableLike), table.span()));
    let mut receivers: Vec<ReceiverConfig> = Vec::new();
    for (table, span) in inline.chain(tables) {
        let span = span.unwrap_or_else(|| outer.clone());
        let Some(table) = table else {
            reader.mistake(span, "`receiver` must hold tables".to_owned(), None);
            continue;
        };
        let Some(receiver) = reader.receiver(table, &span) else { continue };
        let id = &receiver.set.id;
        if receivers.iter().any(|known| known.set.id == *id) {
            reader.mistake(span, format!("receiver `{id}` stands here a second time"), None);
        } else if receivers.len() == RECEIVERS_MAX {
            reader.mistake(span, format!("more than {RECEIVERS_MAX} receivers"), None);
        } else {
            receivers.push(receiver);
        }
    }
    if !item.is_array_of_tables() && !item.is_array() {
        let help = Some("begin each receiver with `[[receiver]]`".to_owned());
        reader.mistake(outer.clone(), "`receiver` is a list of tables".to_owned(), help);
    }
    (receivers, reader.mistakes)
}

struct Reader {
    mistakes: Vec<Mistake>,
}

// === impl Reader ===

impl Reader {
    fn mistake(&mut self, span: Range<usize>, message: String, help: Option<String>) {
        self.mistakes.push((span, message, help));
    }

    fn receiver(&mut self, table: &dyn TableLike, outer: &Range<usize>) -> Option<ReceiverConfig> {
        let before = self.mistakes.len();
        for (key, _) in table.iter().filter(|(key, _)| !KEYS.contains(key)) {
            let at = table.key(key).and_then(toml_edit::Key::span).unwrap_or(outer.clone());
            let help = did_you_mean(key, KEYS, 0.7);
            self.mistake(at, format!("unknown setting `receiver.{key}`"), help);
        }
        for key in ["id", "audience"] {
            if table.get(key).is_none() {
                self.mistake(outer.clone(), format!("a receiver needs `{key}`"), None);
            }
        }
        let mut text = |key: &str, wanted: &str, fits: &dyn Fn(&str) -> bool| {
            self.text(table, key, (wanted, fits), outer)
        };
        let plain = "a text without blanks";
        let is_plain = |text: &str| text.bytes().all(|b| b.is_ascii_graphic());
        let id = text("id", "letters, digits, `.`, `_` or `-`, at most 64", &|text| {
            text.len() <= 64
                && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b))
        });
        let audience = text("audience", plain, &is_plain);
        let subject_issuer = text("subject_issuer", plain, &is_plain);
        let url = text(
            "url",
            "an address that begins with `https://`, or `http://` on loopback",
            &is_url,
        );
        let authorization_file = text("authorization_file", "the path of a file", &|text| {
            !text.contains(char::is_control)
        });
        let principal = text("principal", &one_of(&PRINCIPALS), &|word| PRINCIPALS.contains(&word));
        let algorithm = text("algorithm", &one_of(&ALGORITHMS), &|word| ALGORITHMS.contains(&word));
        let mut list = |key: &str, wanted: &str, fits: &dyn Fn(&str) -> bool| {
            self.texts(table, key, (wanted, fits), outer)
        };
        let events = list("events", &format!("a list of {}", one_of(&events())), &|word| {
            SetKind::from_wire(word).is_some()
        });
        let tenants = list("tenants", "a list of tenants", &|text| !text.is_empty());
        let events = events.map_or_else(
            || vec![SetKind::RiskLevelChange],
            |words| words.iter().filter_map(|word| SetKind::from_wire(word)).collect(),
        );
        (before == self.mistakes.len()).then(|| ReceiverConfig {
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
        })
    }

    fn text(
        &mut self,
        table: &dyn TableLike,
        key: &str,
        (wanted, fits): (&str, &dyn Fn(&str) -> bool),
        outer: &Range<usize>,
    ) -> Option<String> {
        let item = table.get(key)?;
        let text = item.as_str().filter(|text| (1..=BYTES_MAX).contains(&text.len()) && fits(text));
        if text.is_none() {
            let span = item.span().unwrap_or_else(|| outer.clone());
            self.mistake(span, format!("`receiver.{key}` must be {wanted}"), None);
        }
        text.map(str::to_owned)
    }

    fn texts(
        &mut self,
        table: &dyn TableLike,
        key: &str,
        (wanted, fits): (&str, &dyn Fn(&str) -> bool),
        outer: &Range<usize>,
    ) -> Option<Vec<String>> {
        let item = table.get(key)?;
        let texts = item.as_array().filter(|list| (1..=TENANTS_MAX).contains(&list.len()));
        let texts: Option<Vec<String>> = texts.and_then(|list| {
            list.iter().map(|v| v.as_str().filter(|text| fits(text)).map(str::to_owned)).collect()
        });
        if texts.is_none() {
            let span = item.span().unwrap_or_else(|| outer.clone());
            self.mistake(span, format!("`receiver.{key}` must be {wanted}"), None);
        }
        texts
    }
}

fn events() -> [&'static str; 3] {
    SetKind::ALL.map(SetKind::as_str)
}

fn one_of(words: &[&str]) -> String {
    format!("one of `{}`", words.join("`, `"))
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
    let list = |texts: Vec<&str>| {
        format!("[{}]", texts.into_iter().map(quoted).collect::<Vec<_>>().join(", "))
    };
    let one = |receiver: &ReceiverConfig| {
        let ReceiverConfig { set, url, authorization_file, algorithm } = receiver;
        let mut members = vec![
            format!("id = {}", quoted(&set.id)),
            format!("audience = {}", quoted(&set.audience)),
            format!("events = {}", list(set.events.iter().map(|kind| kind.as_str()).collect())),
            format!("principal = {}", quoted(&set.principal)),
        ];
        if !set.tenants.is_empty() {
            let tenants = list(set.tenants.iter().map(String::as_str).collect());
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

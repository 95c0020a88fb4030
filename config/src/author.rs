//! Authors of what is said from outside: `[[author]]` tables, every mistake with its place.

use std::ops::Range;

use alerting::Secret;
use alerting::intake::{Grant, Right};
use serde_json::{Value as Json, json};
use toml_edit::{Item, Value};

use super::client::Mistake;
use super::rows::{BYTES_MAX, FILE, Rows, TENANTS, is_file, list, one_of};

/// Authors at most.
const AUTHORS_MAX: usize = 1_000;
const KEYS: [&str; 4] = ["name", "rights", "secret_file", "tenants"];

/// Who may say something, and what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuthorConfig {
    /// The name that records bear.
    pub name: String,
    /// What may be said; empty for everything.
    pub rights: Vec<Right>,
    /// Of whom; empty for all tenants.
    pub tenants: Vec<String>,
    /// File of the secrets that the author signs with.
    pub secret_file: String,
}

// === impl AuthorConfig ===

impl AuthorConfig {
    /// What it may say, with these secrets.
    pub fn grant(&self, secrets: Vec<Secret>) -> Grant {
        let (tenants, rights) = (self.tenants.iter().cloned(), self.rights.iter().copied());
        Grant { tenants: tenants.collect(), rights: rights.collect(), secrets }
    }
}

/// Reads the authors of an item.
pub(super) fn read(item: &Item, outer: &Range<usize>) -> (Vec<AuthorConfig>, Vec<Mistake>) {
    let mut rows = Rows::new("author", &KEYS, &["name", "secret_file"]);
    let authors = rows.all(item, outer, AUTHORS_MAX, |rows, row| {
        let is_name = |text: &str| text.chars().count() <= 256 && is_file(text);
        let name = rows.text(row, "name", ("a name of at most 256 characters", &is_name));
        let secret_file = rows.text(row, "secret_file", (FILE, &is_file));
        let wanted = format!("a list of {}", one_of(&words()));
        let rights = rows.texts(row, "rights", (&wanted, &|word| Right::from_word(word).is_some()));
        let rights = rights.unwrap_or_default();
        let author = AuthorConfig {
            name: name.unwrap_or_default(),
            rights: rights.iter().filter_map(|word| Right::from_word(word)).collect(),
            tenants: rows.texts(row, "tenants", TENANTS).unwrap_or_default(),
            secret_file: secret_file.unwrap_or_default(),
        };
        (author.name.clone(), author)
    });
    (authors, rows.mistakes)
}

fn words() -> [&'static str; Right::ALL.len()] {
    Right::ALL.map(Right::as_str)
}

/// Authors as TOML, in one line.
pub(super) fn toml(authors: &[AuthorConfig]) -> String {
    let quoted = |text: &str| Value::from(text).to_string();
    let one = |author: &AuthorConfig| {
        let mut members = vec![
            format!("name = {}", quoted(&author.name)),
            format!("secret_file = {}", quoted(&author.secret_file)),
        ];
        if !author.rights.is_empty() {
            let rights = list(author.rights.iter().map(|right| right.as_str()));
            members.push(format!("rights = {rights}"));
        }
        if !author.tenants.is_empty() {
            let tenants = list(author.tenants.iter().map(String::as_str));
            members.push(format!("tenants = {tenants}"));
        }
        format!("{{ {} }}", members.join(", "))
    };
    format!("[{}]", authors.iter().map(one).collect::<Vec<_>>().join(", "))
}

/// The JSON Schema of authors.
pub(super) fn schema() -> Json {
    let text = json!({"type": "string", "minLength": 1, "maxLength": BYTES_MAX});
    let texts = |items: Json| json!({"type": "array", "minItems": 1, "items": items});
    json!({
        "type": "array",
        "maxItems": AUTHORS_MAX,
        "items": {
            "type": "object",
            "additionalProperties": false,
            "required": ["name", "secret_file"],
            "properties": {
                "name": {"type": "string", "minLength": 1, "maxLength": 256},
                "rights": texts(json!({"enum": words()})),
                "tenants": texts(text.clone()),
                "secret_file": text,
            },
        },
    })
}

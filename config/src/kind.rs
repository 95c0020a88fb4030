//! What a setting may be: how it is read, and what the schema and the reference say of it.

use std::collections::BTreeMap;
use std::fmt;

use alerting::policy::Policy;
use serde_json::{Value as Json, json};
use toml_edit::Item;

use super::author::{self, AuthorConfig};
use super::client;
use super::form::Form;
use super::policy;
use super::problem::did_you_mean;
use super::receiver::{self, ReceiverConfig};
use super::unit::Unit;

/// What a setting may be.
#[derive(Clone, Copy, Debug)]
pub(super) enum Kind {
    /// A whole number within bounds.
    Integer(i64, i64),
    /// A number within bounds.
    Number(f64, f64),
    /// Yes or no.
    Flag,
    /// One of these words.
    Word(&'static [&'static str]),
    /// A size or duration with its unit, within bounds.
    Measure(Unit, u64, u64),
    /// A text of a form.
    Text(Form),
    /// A list of texts, at most this many.
    Texts(usize),
    /// Properties of the Kafka client: a table that `client.rs` reads.
    Client,
    /// Policies: tables that `policy.rs` reads.
    Policies,
    /// Receivers: tables that `receiver.rs` reads.
    Receivers,
    /// Authors: tables that `author.rs` reads.
    Authors,
}

/// One value as read.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Value {
    Integer(i64),
    Number(f64),
    Flag(bool),
    Text(String),
    Measure(Unit, u64),
    Texts(Vec<String>),
    Client(BTreeMap<String, String>),
    Policies(Vec<Policy>),
    Receivers(Vec<ReceiverConfig>),
    Authors(Vec<AuthorConfig>),
}

/// What is wrong with a value, to follow its path, and what to do.
pub(super) type Refusal = (String, Option<String>);

fn within<T: PartialOrd + fmt::Display>(value: &T, low: &T, high: &T) -> Result<(), Refusal> {
    if value >= low && value <= high {
        return Ok(());
    }
    Err((format!("must lie between {low} and {high}"), None))
}

// === impl Kind ===

impl Kind {
    /// Reads a value of this kind.
    pub(super) fn read(self, item: &Item) -> Result<Value, Refusal> {
        let found = item.type_name();
        let wrong = |wanted: &str| (format!("must be {wanted}, found {found}"), None);
        match self {
            Self::Integer(low, high) => {
                let number = item.as_integer().ok_or_else(|| wrong("a whole number"))?;
                within(&number, &low, &high)?;
                Ok(Value::Integer(number))
            }
            Self::Number(low, high) => {
                #[expect(clippy::cast_precision_loss, reason = "bounds are small")]
                let whole = item.as_integer().map(|number| number as f64);
                let number = item.as_float().or(whole).ok_or_else(|| wrong("a number"))?;
                within(&number, &low, &high)?;
                Ok(Value::Number(number))
            }
            Self::Flag => item.as_bool().map(Value::Flag).ok_or_else(|| wrong("true or false")),
            Self::Word(words) => word(words, item),
            Self::Measure(unit, low, high) => {
                let text = item.as_str().ok_or_else(|| wrong(unit.wanted()))?;
                let value = unit.parse(text).ok_or_else(|| {
                    let help = format!("a whole number and one of {}", unit.names(", "));
                    (format!("must be {}", unit.wanted()), Some(help))
                })?;
                if (low..=high).contains(&value) {
                    return Ok(Value::Measure(unit, value));
                }
                let bounds = format!("{} and {}", unit.text(low), unit.text(high));
                Err((format!("must lie between {bounds}"), None))
            }
            Self::Text(form) => {
                // TOML has times of its own: they are meant the same as quoted ones.
                let time = item.as_datetime().map(ToString::to_string);
                let text = item.as_str().map(str::to_owned).or(time);
                let text = text.ok_or_else(|| wrong(&form.wanted()))?;
                match form.check(&text) {
                    Ok(()) => Ok(Value::Text(text)),
                    Err(help) => Err((format!("must be {}", form.wanted()), help)),
                }
            }
            Self::Texts(most) => {
                let array = item.as_array().ok_or_else(|| wrong("a list of texts"))?;
                let texts: Option<Vec<String>> =
                    array.iter().map(|value| value.as_str().map(str::to_owned)).collect();
                let texts = texts.ok_or_else(|| ("must hold texts only".to_owned(), None))?;
                if texts.len() > most {
                    return Err((format!("must hold at most {most} texts"), None));
                }
                Ok(Value::Texts(texts))
            }
            Self::Client => Err(wrong("a table of properties")),
            Self::Policies | Self::Receivers | Self::Authors => Err(wrong("a list of tables")),
        }
    }

    /// Its JSON Schema.
    pub(super) fn schema(self) -> Json {
        match self {
            Self::Integer(low, high) => json!({"type": "integer", "minimum": low, "maximum": high}),
            Self::Number(low, high) => json!({"type": "number", "minimum": low, "maximum": high}),
            Self::Flag => json!({"type": "boolean"}),
            Self::Word(words) => json!({"enum": words}),
            Self::Measure(unit, ..) => {
                json!({"type": "string", "pattern": format!("^[0-9]+ *({})$", unit.names("|"))})
            }
            Self::Text(form) => json!({"type": "string", "pattern": form.pattern()}),
            Self::Texts(most) => {
                json!({"type": "array", "items": {"type": "string"}, "maxItems": most})
            }
            Self::Client => json!({
                "type": "object",
                "propertyNames": {"not": {"enum": client::refused().collect::<Vec<_>>()}},
                "additionalProperties": {"type": ["string", "number", "boolean", "object"]},
            }),
            Self::Policies => policy::schema(),
            Self::Receivers => receiver::schema(),
            Self::Authors => author::schema(),
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Integer(low, i64::MAX) => write!(f, "whole number from {low}"),
            Self::Integer(low, high) => write!(f, "whole number, {low} to {high}"),
            Self::Number(low, high) => write!(f, "number, {low} to {high}"),
            Self::Flag => f.write_str("`true`, `false`"),
            Self::Word(words) => write!(f, "`{}`", words.join("`, `")),
            Self::Measure(unit, low, high) => {
                write!(f, "{}, {} to {}", unit.wanted(), unit.text(*low), unit.text(*high))
            }
            Self::Text(form) => f.write_str(&form.wanted()),
            Self::Texts(most) => write!(f, "list of at most {most} texts"),
            Self::Client => f.write_str("table of texts, numbers and `true` or `false`"),
            Self::Policies => f.write_str("`[[policy]]` tables, see `docs/policy.md`"),
            Self::Receivers => f.write_str("`[[receiver]]` tables, see `docs/sets.md`"),
            Self::Authors => f.write_str("`[[author]]` tables, see `docs/response.md`"),
        }
    }
}

fn word(words: &[&str], item: &Item) -> Result<Value, Refusal> {
    let list = words.join("`, `");
    let Some(word) = item.as_str() else {
        return Err((format!("must be one of `{list}`, found {}", item.type_name()), None));
    };
    if words.contains(&word) {
        return Ok(Value::Text(word.to_owned()));
    }
    // They are few: the nearest is told however far it is.
    let help = did_you_mean(word, words.iter().copied(), f64::NEG_INFINITY);
    Err((format!("must be one of `{list}`"), help))
}

// === impl Value ===

impl fmt::Display for Value {
    /// As TOML.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let quoted = |text: &str| toml_edit::Value::from(text).to_string();
        match self {
            Self::Integer(number) => write!(f, "{number}"),
            Self::Number(number) => write!(f, "{number:?}"),
            Self::Flag(flag) => write!(f, "{flag}"),
            Self::Text(text) => f.write_str(&quoted(text)),
            Self::Measure(unit, value) => f.write_str(&quoted(&unit.text(*value))),
            Self::Texts(texts) => {
                let items: Vec<String> = texts.iter().map(|text| quoted(text)).collect();
                write!(f, "[{}]", items.join(", "))
            }
            Self::Policies(policies) => f.write_str(&policy::toml(policies)),
            Self::Receivers(receivers) => f.write_str(&receiver::toml(receivers)),
            Self::Authors(authors) => f.write_str(&author::toml(authors)),
            Self::Client(properties) if properties.is_empty() => f.write_str("{}"),
            Self::Client(properties) => {
                let shown = |(name, value): (&String, &String)| {
                    format!("{} = {}", quoted(name), quoted(value))
                };
                let items: Vec<String> = properties.iter().map(shown).collect();
                write!(f, "{{ {} }}", items.join(", "))
            }
        }
    }
}

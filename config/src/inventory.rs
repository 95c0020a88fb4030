//! Reads an inventory: a record a line, every mistake at once, each with its line, its field and what was meant. An
//! inventory with a mistake is not used. It opens no file. What one record says is read the same on a topic.

use std::ops::Range;

use detector::{Inventory, NameTaken};
use schemas::EventTime;
use schemas::inventory::{COMPLETE_SCHEMA, INVENTORY_SCHEMA, InventoryComplete, InventoryEntry};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};
use thiserror::Error;

use super::problem::{Problem, Severity, did_you_mean};

/// Mistakes after which a file is not read on.
const MISTAKES_MAX: usize = 100;
/// Likeness from which an unknown name is taken for a known one.
const ALIKE: f64 = 0.8;

/// What is wrong with a record.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Mistake {
    /// Not a JSON object.
    #[error("not a JSON object: {0}")]
    Json(String),
    /// A field that no record has.
    #[error("unknown field `{0}`")]
    Unknown(String),
    /// A field that is needed.
    #[error("`{0}` is missing")]
    Missing(String),
    /// A field that holds something else.
    #[error("`{field}` must be {wanted}")]
    Invalid {
        /// Its path.
        field: String,
        /// What it must be.
        wanted: String,
    },
    /// Times in the wrong order.
    #[error("`{later}` must be after `{earlier}`")]
    Order {
        /// The field that must come first.
        earlier: &'static str,
        /// The field that must come last.
        later: &'static str,
    },
    /// An agent that is listed before.
    #[error("agent `{0}` is listed twice")]
    Twice(String),
    /// A name that another agent has.
    #[error("`{name}` is a name of agent `{by}` already")]
    Taken {
        /// The name.
        name: String,
        /// The agent that has it.
        by: String,
    },
}

/// What a field may hold.
#[derive(Clone, Copy)]
enum Wanted {
    Text(usize),
    Texts(usize, usize),
    Tenant,
    Time,
    Word(&'static [&'static str]),
    Object(&'static [Field]),
}

/// A field, and whether it is needed.
type Field = (&'static str, Wanted, bool);

const OWNER: &[Field] = &[
    ("id", Wanted::Text(2_048), true),
    ("issuer", Wanted::Text(2_048), false),
    ("type", Wanted::Word(&["user", "ai_agent", "service", "device", "group", "unknown"]), false),
    ("name", Wanted::Text(256), false),
];
const CHANGE: &[Field] = &[
    ("version", Wanted::Text(64), true),
    ("from", Wanted::Time, true),
    ("until", Wanted::Time, true),
];
const ENTRY: &[Field] = &[
    ("schema", Wanted::Word(&[INVENTORY_SCHEMA, COMPLETE_SCHEMA]), true),
    ("tenant_id", Wanted::Tenant, true),
    ("agent_id", Wanted::Text(2_048), true),
    ("state", Wanted::Word(&["active", "retired"]), true),
    ("aliases", Wanted::Texts(64, 2_048), false),
    ("owner", Wanted::Object(OWNER), false),
    ("blueprint", Wanted::Text(256), false),
    ("purposes", Wanted::Texts(64, 256), false),
    ("criticality", Wanted::Word(&["low", "normal", "high"]), false),
    ("valid_from", Wanted::Time, false),
    ("valid_until", Wanted::Time, false),
    ("version", Wanted::Text(64), false),
    ("announced_change", Wanted::Object(CHANGE), false),
];
const COMPLETE: &[Field] = &[
    ("schema", Wanted::Word(&[INVENTORY_SCHEMA, COMPLETE_SCHEMA]), true),
    ("tenant_id", Wanted::Tenant, true),
];

/// Reads an inventory; gives it, or every mistake with its place in the text.
pub fn read_inventory(text: &str) -> Result<Inventory, Vec<Problem>> {
    let (mut inventory, mut problems) = (Inventory::default(), Vec::new());
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        let record = line.trim();
        if !record.is_empty() && problems.len() < MISTAKES_MAX {
            let begin = start + (line.len() - line.trim_start().len());
            let mistakes = take(record, &mut inventory);
            problems.extend(mistakes.into_iter().map(|mistake| problem(mistake, record, begin)));
        }
        start += line.len();
    }
    if !problems.is_empty() {
        return Err(problems);
    }
    let digest = Sha256::digest(text.as_bytes());
    let hex: String = digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    inventory.set_hash(format!("sha256:{hex}"));
    Ok(inventory)
}

/// What a record says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Listed {
    /// That an agent is registered.
    Agent(Box<InventoryEntry>),
    /// That all agents of its tenant are.
    Complete(InventoryComplete),
}

/// A mistake, and what was meant.
type Wrong = (Mistake, Option<String>);

/// Takes a record, or says what is wrong with it.
fn take(record: &str, inventory: &mut Inventory) -> Vec<Wrong> {
    match read_listed(record.as_bytes()) {
        Ok(Listed::Complete(claim)) => {
            inventory.claim_complete(claim.tenant_id);
            Vec::new()
        }
        Ok(Listed::Agent(entry)) => {
            let id = entry.agent_id.clone();
            inventory
                .add(*entry)
                .err()
                .map(|taken| (of_name(taken, &id), None))
                .into_iter()
                .collect()
        }
        Err(mistakes) => mistakes,
    }
}

/// Reads one record, or says all that is wrong with it.
pub fn read_listed(record: &[u8]) -> Result<Listed, Vec<Wrong>> {
    let broken = |error: serde_json::Error| vec![(Mistake::Json(error.to_string()), None)];
    let object: Map<String, Value> = serde_json::from_slice(record).map_err(broken)?;
    let is_claim = object.get("schema").and_then(Value::as_str) == Some(COMPLETE_SCHEMA);
    let mut mistakes = Vec::new();
    check(&object, if is_claim { COMPLETE } else { ENTRY }, "", &mut mistakes);
    if !mistakes.is_empty() {
        return Err(mistakes);
    }
    let value = Value::Object(object);
    if is_claim {
        return serde_json::from_value(value).map(Listed::Complete).map_err(broken);
    }
    let entry: InventoryEntry = serde_json::from_value(value).map_err(broken)?;
    let mut order = |earlier, later, from: Option<EventTime>, to: Option<EventTime>| {
        if from.zip(to).is_some_and(|(from, to)| to <= from) {
            mistakes.push((Mistake::Order { earlier, later }, None));
        }
    };
    order("valid_from", "valid_until", entry.valid_from, entry.valid_until);
    let change = entry.announced_change.as_ref();
    order("from", "until", change.map(|change| change.from), change.map(|change| change.until));
    if mistakes.is_empty() { Ok(Listed::Agent(Box::new(entry))) } else { Err(mistakes) }
}

fn of_name(NameTaken { name, by }: NameTaken, id: &str) -> Mistake {
    if by == id && name == id { Mistake::Twice(name) } else { Mistake::Taken { name, by } }
}

fn check(object: &Map<String, Value>, fields: &[Field], path: &str, mistakes: &mut Vec<Wrong>) {
    for name in object.keys().filter(|name| fields.iter().all(|(known, ..)| known != name)) {
        let help = did_you_mean(name, fields.iter().map(|(known, ..)| *known), ALIKE);
        mistakes.push((Mistake::Unknown(format!("{path}{name}")), help));
    }
    for (name, wanted, needed) in fields {
        let field = format!("{path}{name}");
        match (object.get(*name), wanted) {
            (None, _) if *needed => mistakes.push((Mistake::Missing(field), None)),
            (None, _) => {}
            (Some(Value::Object(inner)), Wanted::Object(fields)) => {
                check(inner, fields, &format!("{field}."), mistakes);
            }
            (Some(value), wanted) if !wanted.holds(value) => {
                let mistake = Mistake::Invalid { field, wanted: wanted.words() };
                mistakes.push((mistake, wanted.near(value)));
            }
            (Some(_), _) => {}
        }
    }
}

// === impl Wanted ===

impl Wanted {
    fn holds(self, value: &Value) -> bool {
        let sized = |value: &Value, most: usize| {
            value.as_str().is_some_and(|text| (1..=most).contains(&text.chars().count()))
        };
        match self {
            Self::Text(most) => sized(value, most),
            Self::Texts(n_most, most) => value.as_array().is_some_and(|texts| {
                texts.len() <= n_most && texts.iter().all(|text| sized(text, most))
            }),
            Self::Tenant => {
                let may = |b: u8| b.is_ascii_alphanumeric() || b"._-".contains(&b);
                sized(value, 64) && value.as_str().is_some_and(|text| text.bytes().all(may))
            }
            Self::Time => value.as_str().is_some_and(|text| EventTime::parse(text).is_ok()),
            Self::Word(words) => value.as_str().is_some_and(|word| words.contains(&word)),
            Self::Object(_) => value.is_object(),
        }
    }

    fn words(self) -> String {
        match self {
            Self::Text(most) => format!("a text of 1 to {most} characters"),
            Self::Texts(n_most, most) => {
                format!("a list of at most {n_most} texts of 1 to {most} characters")
            }
            Self::Tenant => "1 to 64 letters, digits, `.`, `_` or `-`".to_owned(),
            Self::Time => "a time as RFC 3339 with offset, from 1990 to 2099".to_owned(),
            Self::Word(words) => format!("one of `{}`", words.join("`, `")),
            Self::Object(_) => "an object".to_owned(),
        }
    }

    /// The word that was meant, where there is one like it.
    fn near(self, value: &Value) -> Option<String> {
        let (Self::Word(words), Some(word)) = (self, value.as_str()) else { return None };
        did_you_mean(word, words.iter().copied(), ALIKE)
    }
}

/// A mistake with the place of what it names within its record.
fn problem((mistake, help): Wrong, record: &str, begin: usize) -> Problem {
    let name = match &mistake {
        Mistake::Unknown(field) | Mistake::Invalid { field, .. } => field.rsplit('.').next(),
        Mistake::Order { later, .. } => Some(*later),
        Mistake::Twice(name) | Mistake::Taken { name, .. } => Some(name.as_str()),
        Mistake::Json(_) | Mistake::Missing(_) => None,
    };
    let quoted = name.map(|name| Value::from(name).to_string());
    let place = quoted.as_deref().and_then(|text| Some((record.find(text)?, text.len())));
    let Range { start, end } = place.map_or(0..record.len(), |(at, length)| at..at + length);
    let span = begin + start..begin + end;
    Problem { severity: Severity::Error, message: mistake.to_string(), span, help }
}

#[cfg(test)]
mod tests;

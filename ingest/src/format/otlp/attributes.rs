//! The attributes of a span, log record or resource that are read. A value is read in the form that is wanted or
//! refused with its place; an empty text is absent.

use std::fmt;

use record::pointer::rejection;
use schemas::activity::Text;
use schemas::reject::{ErrorCode, Rejection};

use super::key::Key;

/// What a record holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Signal {
    Traces,
    Logs,
}

/// Where something stands in its record, in the notation of OTLP/JSON for both encodings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// The n-th group's resource.
    Resource(Signal, usize),
    /// The span or log record at group, scope and index.
    Item(Signal, usize, usize, usize),
    /// The n-th observation of an exported trace, and its resource.
    Observation(usize),
    ObservationResource(usize),
}

/// A value, as far as it is ever read.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value<'a> {
    Text(Text<'a>),
    Integer(i64),
    Number(f64),
    /// A truth value, list, map or bytes.
    Other,
    /// A text that is no UTF-8.
    Garbled,
}

/// One attribute and its index in the list it stood in.
#[derive(Clone, Debug)]
pub(crate) struct Attribute<'a> {
    pub(crate) key: Key,
    pub(crate) index: usize,
    pub(crate) value: Value<'a>,
}

/// The attributes of one place.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Attributes<'t, 'a> {
    list: &'t [Attribute<'a>],
    keys: u64,
    place: Place,
}

// === impl Signal ===

impl Signal {
    /// The lists of groups, scopes and items.
    pub(super) fn lists(self) -> [&'static str; 3] {
        match self {
            Self::Traces => ["resourceSpans", "scopeSpans", "spans"],
            Self::Logs => ["resourceLogs", "scopeLogs", "logRecords"],
        }
    }
}

// === impl Place ===

impl Place {
    /// The pointer of the scope that an item stands in.
    pub(super) fn scope(self) -> String {
        match self {
            Self::Item(signal, i, j, _) => {
                let [groups, scopes, _] = signal.lists();
                format!("/{groups}/{i}/{scopes}/{j}/scope")
            }
            Self::Observation(i) => format!("/observations/{i}/metadata/scope"),
            other => other.to_string(),
        }
    }

    fn attribute(self, key: Key, index: usize) -> String {
        match self {
            Self::Resource(..) | Self::Item(..) => format!("{self}/attributes/{index}/value"),
            Self::Observation(_) => format!("{self}/metadata/attributes/{}", key.name()),
            Self::ObservationResource(_) => format!("{self}/{}", key.name()),
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Resource(signal, i) => write!(f, "/{}/{i}/resource", signal.lists()[0]),
            Self::Item(signal, i, j, k) => {
                let [groups, scopes, items] = signal.lists();
                write!(f, "/{groups}/{i}/{scopes}/{j}/{items}/{k}")
            }
            Self::Observation(i) => write!(f, "/observations/{i}"),
            Self::ObservationResource(i) => {
                write!(f, "/observations/{i}/metadata/resourceAttributes")
            }
        }
    }
}

// === impl Attributes ===

impl<'t, 'a> Attributes<'t, 'a> {
    /// The attributes of a list that stands at a place, and which keys are among them.
    pub(super) fn new(list: &'t [Attribute<'a>], keys: u64, place: Place) -> Self {
        Self { list, keys, place }
    }

    /// The text of the first key that has one; numbers are read as their decimal digits.
    #[inline]
    pub(super) fn text(
        &self,
        keys: &[Key],
        chars_max: usize,
    ) -> Result<Option<Text<'a>>, Rejection> {
        if self.has(keys) { self.present_text(keys, chars_max) } else { Ok(None) }
    }

    fn present_text(&self, keys: &[Key], chars_max: usize) -> Result<Option<Text<'a>>, Rejection> {
        for attribute in keys.iter().filter_map(|key| self.find(*key)) {
            let text = match &attribute.value {
                Value::Text(text) if text.is_empty() => continue,
                Value::Text(text) => text.clone(),
                Value::Integer(number) => Text::Owned(number.to_string()),
                Value::Garbled => return Err(self.garbled(attribute)),
                Value::Number(_) | Value::Other => {
                    return Err(self.fault(attribute, ErrorCode::InvalidField, "read a text"));
                }
            };
            if chars_max < text.len() && chars_max < text.chars().count() {
                let message = format!("accept a text of more than {chars_max} characters");
                return Err(self.fault(attribute, ErrorCode::TooLarge, &message));
            }
            return Ok(Some(text));
        }
        Ok(None)
    }

    /// The text of the first key that has one, in whatever length, where it can be read at all.
    pub(super) fn word(&self, keys: &[Key]) -> Option<&'t str> {
        keys.iter().find_map(|key| match &self.find(*key)?.value {
            Value::Text(text) if !text.is_empty() => Some(text.as_ref()),
            _ => None,
        })
    }

    /// The non-negative integer of the first key that is there.
    pub(super) fn unsigned(&self, keys: &[Key]) -> Result<Option<u64>, Rejection> {
        let Some(attribute) = keys.iter().find_map(|key| self.find(*key)) else { return Ok(None) };
        let number = match &attribute.value {
            Value::Integer(number) => u64::try_from(*number).ok(),
            Value::Number(number) => record::lexeme::Lexeme::Float(*number).unsigned(),
            Value::Text(text) => text.parse().ok(),
            Value::Garbled => return Err(self.garbled(attribute)),
            Value::Other => None,
        };
        number.map(Some).ok_or_else(|| {
            let message = "read a whole number that is not negative";
            self.fault(attribute, ErrorCode::InvalidField, message)
        })
    }

    /// Whether one of the keys is there with any value.
    pub(super) fn has(&self, keys: &[Key]) -> bool {
        keys.iter().any(|key| self.keys & key.bit() != 0)
    }

    /// The last attribute of that name.
    fn find(&self, key: Key) -> Option<&'t Attribute<'a>> {
        if self.keys & key.bit() == 0 {
            return None;
        }
        self.list.iter().rev().find(|attribute| attribute.key == key)
    }

    fn garbled(&self, attribute: &Attribute<'_>) -> Rejection {
        self.fault(attribute, ErrorCode::InvalidUtf8, "read a text as utf-8")
    }

    fn fault(&self, attribute: &Attribute<'_>, code: ErrorCode, message: &str) -> Rejection {
        rejection(code, self.place.attribute(attribute.key, attribute.index), message)
    }
}

//! The attributes of a span or resource: `{"key", "value": {"stringValue": ..}}`. A value is read in the
//! form that is wanted or refused with its place; an empty text is absent.

use std::fmt;

use schemas::activity::Text;
use schemas::reject::{ErrorCode, Rejection};

use crate::lexeme::Lexeme;
use crate::pointer::rejection;
use crate::tree::Tree;

/// Where attributes stand in the record.
#[derive(Clone, Copy, Debug)]
pub(super) enum Place {
    /// Of the n-th group's resource.
    Resource(usize),
    /// Of the span at group, scope and index.
    Span(usize, usize, usize),
}

/// The attributes of one place.
#[derive(Clone, Copy, Debug)]
pub(super) struct Attributes<'t, 'a> {
    list: &'t [Tree<'a>],
    place: Place,
}

// === impl Place ===

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Resource(i) => write!(f, "/resourceSpans/{i}/resource"),
            Self::Span(i, j, k) => write!(f, "/resourceSpans/{i}/scopeSpans/{j}/spans/{k}"),
        }
    }
}

// === impl Attributes ===

impl<'t, 'a> Attributes<'t, 'a> {
    /// The attributes in a list; none where it is absent or no list.
    pub(super) fn new(list: Option<&'t Tree<'a>>, place: Place) -> Self {
        let list = match list {
            Some(Tree::List(items)) => items.as_slice(),
            _ => &[],
        };
        Self { list, place }
    }

    /// The text of the first key that has one; numbers are read as their decimal digits.
    pub(super) fn text(
        &self,
        keys: &[&str],
        chars_max: usize,
    ) -> Result<Option<Text<'a>>, Rejection> {
        for key in keys {
            let Some((index, value)) = self.find(key) else { continue };
            let text = match text_of(value) {
                Some(text) if text.is_empty() => continue,
                Some(text) => text,
                None if matches!(value, Tree::Object(members) if members.is_empty()) => continue,
                None => return Err(self.misfit(index, "read a text")),
            };
            if chars_max < text.len() && chars_max < text.chars().count() {
                let message = format!("accept a text of more than {chars_max} characters");
                return Err(rejection(ErrorCode::TooLarge, self.path(index), message));
            }
            return Ok(Some(text));
        }
        Ok(None)
    }

    /// The non-negative integer of the first key that has one.
    pub(super) fn unsigned(&self, keys: &[&str]) -> Result<Option<u64>, Rejection> {
        let Some((index, value)) = keys.iter().find_map(|key| self.find(key)) else {
            return Ok(None);
        };
        let number = ["intValue", "doubleValue", "stringValue"]
            .iter()
            .find_map(|form| value.get(form))
            .and_then(Tree::unsigned);
        match number {
            Some(number) => Ok(Some(number)),
            None => Err(self.misfit(index, "read a whole number that is not negative")),
        }
    }

    /// Whether the key is there with any value.
    pub(super) fn has(&self, key: &str) -> bool {
        self.find(key).is_some()
    }

    /// The last attribute of that name that has a value.
    fn find(&self, key: &str) -> Option<(usize, &'t Tree<'a>)> {
        self.list.iter().enumerate().rev().find_map(|(index, attribute)| {
            let name = attribute.get("key").and_then(Tree::text)?;
            if name != key {
                return None;
            }
            Some((index, attribute.get("value")?))
        })
    }

    fn misfit(&self, index: usize, message: &str) -> Rejection {
        rejection(ErrorCode::InvalidField, self.path(index), message)
    }

    fn path(&self, index: usize) -> String {
        format!("{}/attributes/{index}/value", self.place)
    }
}

/// A text or integer value as text.
fn text_of<'a>(value: &Tree<'a>) -> Option<Text<'a>> {
    if let Some(text) = value.get("stringValue") {
        return text.text().cloned();
    }
    match value.get("intValue")? {
        Tree::Scalar(Lexeme::Text(digits)) => Some(digits.clone()),
        Tree::Scalar(Lexeme::Unsigned(number)) => Some(Text::Owned(number.to_string())),
        Tree::Scalar(Lexeme::Negative(number)) => Some(Text::Owned(number.to_string())),
        _ => None,
    }
}

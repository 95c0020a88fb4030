//! A whole JSON value in memory, borrowed from the record, for formats that must look ahead. It has no
//! limit of depth of its own: check that first.

use std::fmt;

use schemas::activity::Text;
use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};

use crate::lexeme::Lexeme;

/// A JSON value.
#[derive(Clone, Debug)]
pub enum Tree<'a> {
    /// A value that holds no other.
    Scalar(Lexeme<'a>),
    /// Its items.
    List(Vec<Tree<'a>>),
    /// Its members in their order; names may repeat.
    Object(Vec<(Text<'a>, Tree<'a>)>),
}

// === impl Tree ===

impl<'a> Tree<'a> {
    /// The member of that name; `None` also where it is null or this is no object. The last one counts.
    pub fn get(&self, key: &str) -> Option<&Tree<'a>> {
        let Self::Object(members) = self else { return None };
        // Most names differ in their length or their last letter already.
        let last = key.as_bytes().last();
        let is =
            |name: &str| name.len() == key.len() && name.as_bytes().last() == last && name == key;
        let (_, value) = members.iter().rev().find(|(name, _)| is(name))?;
        (!matches!(value, Self::Scalar(Lexeme::Null))).then_some(value)
    }

    /// The text it is.
    pub fn text(&self) -> Option<&Text<'a>> {
        match self {
            Self::Scalar(Lexeme::Text(text)) => Some(text),
            _ => None,
        }
    }

    /// The non-negative integer it is, as a number or as decimal text, as OTLP/JSON writes 64-bit ones.
    pub fn unsigned(&self) -> Option<u64> {
        match self {
            Self::Scalar(Lexeme::Text(text)) => text.parse().ok(),
            Self::Scalar(lexeme) => lexeme.unsigned(),
            _ => None,
        }
    }

    /// The finite number it is, as a number or as decimal text.
    pub fn number(&self) -> Option<f64> {
        match self {
            Self::Scalar(Lexeme::Text(text)) => {
                text.parse().ok().filter(|number: &f64| number.is_finite())
            }
            Self::Scalar(lexeme) => lexeme.number(),
            _ => None,
        }
    }

    /// The same value, kept beyond the text it was read from.
    pub fn into_owned<'b>(self) -> Tree<'b> {
        let owned = |text: Text<'_>| Text::Owned(text.into_owned());
        match self {
            Self::Scalar(lexeme) => Tree::Scalar(match lexeme {
                Lexeme::Null => Lexeme::Null,
                Lexeme::Bool(truth) => Lexeme::Bool(truth),
                Lexeme::Unsigned(number) => Lexeme::Unsigned(number),
                Lexeme::Negative(number) => Lexeme::Negative(number),
                Lexeme::Float(number) => Lexeme::Float(number),
                Lexeme::Text(text) => Lexeme::Text(owned(text)),
            }),
            Self::List(items) => Tree::List(items.into_iter().map(Tree::into_owned).collect()),
            Self::Object(members) => {
                let member = |(key, value): (Text<'_>, Tree<'_>)| (owned(key), value.into_owned());
                Tree::Object(members.into_iter().map(member).collect())
            }
        }
    }
}

// === impl Deserialize ===

impl<'de> Deserialize<'de> for Tree<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TreeVisitor)
    }
}

struct TreeVisitor;

impl<'de> Visitor<'de> for TreeVisitor {
    type Value = Tree<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
        Ok(Tree::Scalar(Lexeme::Null))
    }

    fn visit_bool<E: Error>(self, truth: bool) -> Result<Self::Value, E> {
        Ok(Tree::Scalar(Lexeme::Bool(truth)))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Self::Value, E> {
        Ok(Tree::Scalar(Lexeme::Unsigned(number)))
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Self::Value, E> {
        Ok(Tree::Scalar(Lexeme::Negative(number)))
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<Self::Value, E> {
        Ok(Tree::Scalar(Lexeme::Float(number)))
    }

    fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Tree::Scalar(Lexeme::Text(Text::Borrowed(text))))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Tree::Scalar(Lexeme::Text(Text::Owned(text.to_owned()))))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = seq.next_element()? {
            items.push(item);
        }
        Ok(Tree::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut members = Vec::new();
        while let Some(Key(key)) = map.next_key()? {
            members.push((key, map.next_value()?));
        }
        Ok(Tree::Object(members))
    }
}

/// The name of a member, borrowed where it holds no escapes.
pub struct Key<'a>(pub Text<'a>);

impl<'de> Deserialize<'de> for Key<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(KeyVisitor)
    }
}

struct KeyVisitor;

impl<'de> Visitor<'de> for KeyVisitor {
    type Value = Key<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the name of a member")
    }

    fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Key(Text::Borrowed(text)))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Key(Text::Owned(text.to_owned())))
    }
}

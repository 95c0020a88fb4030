//! One JSON scalar, borrowed from the record where it holds no escapes. It converts exactly or not at all.

use std::fmt;

use schemas::activity::Text;
use serde::de::{Deserialize, Deserializer, Error, Visitor};

/// A scalar as the parser saw it.
#[derive(Clone, Debug)]
pub enum Lexeme<'a> {
    /// `null`.
    Null,
    /// A truth value.
    Bool(bool),
    /// An integer of 0 or more.
    Unsigned(u64),
    /// An integer below 0.
    Negative(i64),
    /// Any other number.
    Float(f64),
    /// A text, without its quotes and escapes.
    Text(Text<'a>),
}

// === impl Lexeme ===

impl Lexeme<'_> {
    /// What it is, for messages.
    pub fn noun(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "a truth value",
            Self::Unsigned(_) | Self::Negative(_) | Self::Float(_) => "a number",
            Self::Text(_) => "a text",
        }
    }

    /// The non-negative integer it equals; `7.0` is one, `7.5`, `-1` and `"7"` are none.
    pub fn unsigned(&self) -> Option<u64> {
        match *self {
            Self::Unsigned(number) => Some(number),
            Self::Float(number) => integral(number),
            _ => None,
        }
    }

    /// The finite number it is.
    pub fn number(&self) -> Option<f64> {
        match *self {
            Self::Unsigned(number) => Some(number as f64),
            Self::Negative(number) => Some(number as f64),
            Self::Float(number) => Some(number).filter(|number| number.is_finite()),
            _ => None,
        }
    }
}

/// The integer that a float equals, below 2^64.
fn integral(number: f64) -> Option<u64> {
    const END: f64 = 18_446_744_073_709_551_616.0;
    if !(0.0..END).contains(&number) || 0.0 < number.fract() {
        return None;
    }
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a whole number within 0..2^64 loses nothing"
    )]
    let exact = number as u64;
    Some(exact)
}

// === impl Deserialize ===

impl<'de> Deserialize<'de> for Lexeme<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(LexemeVisitor)
    }
}

struct LexemeVisitor;

impl<'de> Visitor<'de> for LexemeVisitor {
    type Value = Lexeme<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a scalar")
    }

    fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
        Ok(Lexeme::Null)
    }

    fn visit_bool<E: Error>(self, truth: bool) -> Result<Self::Value, E> {
        Ok(Lexeme::Bool(truth))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Self::Value, E> {
        Ok(Lexeme::Unsigned(number))
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Self::Value, E> {
        Ok(u64::try_from(number).map_or(Lexeme::Negative(number), Lexeme::Unsigned))
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<Self::Value, E> {
        Ok(Lexeme::Float(number))
    }

    fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Lexeme::Text(Text::Borrowed(text)))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Lexeme::Text(Text::Owned(text.to_owned())))
    }
}

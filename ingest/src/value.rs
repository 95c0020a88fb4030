//! A value on its way from a record into a field: converted exactly, cut, refused or absent, by the kind of
//! the field.

use std::net::IpAddr;

use record::lexeme::Lexeme;
use record::moment;
use record::tree::Tree;
use schemas::activity::{Scalar, Text};
use schemas::reject::ErrorCode;
use schemas::rule::{is_country, is_tenant, is_trace_id};
use schemas::time::{EventTime, TimeError};

use crate::event::{flag_of, text_of};
use crate::field::Kind;

/// A value that fits its field.
///
/// Its tag takes a word, so that it moves in whole words.
#[derive(Clone, Debug)]
#[repr(u64)]
pub(crate) enum Value<'a> {
    Text(Text<'a>),
    /// A text that was longer than its field.
    Cut(Text<'a>),
    Ip(Address),
    /// An address that is none.
    Opaque(Text<'a>),
    Number(u64),
    Degrees(f64),
    Time(EventTime),
    Flag(bool),
    Scalar(Scalar<'a>),
    /// Something that says nothing: `0.0.0.0`.
    Nothing,
}

/// An address on the bounds of a word: askew, it makes every value slow to move.
#[derive(Clone, Copy, Debug)]
#[repr(align(8))]
pub(crate) struct Address(pub(crate) IpAddr);

/// Why a value does not fit.
pub(crate) enum Misfit {
    /// It is absent then, and counted.
    Count,
    /// The record is refused.
    Refuse(ErrorCode, String),
}

// === impl Value ===

impl<'a> Value<'a> {
    /// Converts what stands in a record.
    pub(crate) fn of(kind: Kind, tree: &Tree<'a>) -> Result<Self, Misfit> {
        let text = |misfit: fn() -> Misfit| {
            text_of(tree).ok_or_else(misfit).and_then(|text| Self::of_text(kind, text))
        };
        let fitting = |fits: fn(&str) -> bool| match tree.text() {
            Some(text) if fits(text) => Ok(Self::Text(text.clone())),
            _ => Err(Misfit::Count),
        };
        match kind {
            Kind::Text(_) | Kind::Short(_) | Kind::Address | Kind::Word => text(|| Misfit::Count),
            Kind::Key(_) => {
                text(|| Misfit::Refuse(ErrorCode::InvalidField, "read a text".to_owned()))
            }
            Kind::Number => tree.unsigned().map(Self::Number).ok_or(Misfit::Count),
            Kind::Degrees(max) => degrees(tree, f64::from(max)),
            Kind::When => moment::read(tree).map(Self::Time).map_err(refused_time),
            Kind::Time => moment::read(tree).map(Self::Time).map_err(|_| Misfit::Count),
            Kind::Flag => flag_of(tree).map(Self::Flag).ok_or(Misfit::Count),
            Kind::Country => fitting(is_country),
            Kind::Hex(32) => fitting(|text| is_trace_id(text, 32)),
            Kind::Hex(_) => fitting(|text| is_trace_id(text, 16)),
            Kind::Tenant => fitting(is_tenant),
            Kind::Scalar => scalar(tree),
            Kind::Nothing => Err(Misfit::Count),
        }
    }

    /// Converts a text.
    pub(crate) fn of_text(kind: Kind, text: Text<'a>) -> Result<Self, Misfit> {
        match kind {
            Kind::Text(chars_max) => Ok(limited(text, chars_max)),
            Kind::Key(chars_max) => key(text, chars_max),
            Kind::Short(chars_max) => match limited(text, chars_max) {
                Self::Cut(_) => Err(Misfit::Count),
                fits => Ok(fits),
            },
            Kind::Address => address(text),
            Kind::Word => Ok(Self::Text(text)),
            _ => Self::of(kind, &Tree::Scalar(Lexeme::Text(text))),
        }
    }
}

fn key(text: Text<'_>, chars_max: usize) -> Result<Value<'_>, Misfit> {
    match limited(text, chars_max) {
        Value::Cut(_) => {
            let message = format!("accept a text of more than {chars_max} characters");
            Err(Misfit::Refuse(ErrorCode::TooLarge, message))
        }
        fits => Ok(fits),
    }
}

/// A text of at most so many characters.
fn limited(text: Text<'_>, chars_max: usize) -> Value<'_> {
    let end = if text.len() <= chars_max { None } else { text.char_indices().nth(chars_max) };
    let Some((end, _)) = end else { return Value::Text(text) };
    Value::Cut(match text {
        Text::Borrowed(text) => Text::Borrowed(text.get(..end).unwrap_or_default()),
        Text::Owned(mut text) => {
            text.truncate(end);
            Text::Owned(text)
        }
    })
}

fn address(text: Text<'_>) -> Result<Value<'_>, Misfit> {
    match text.parse::<IpAddr>() {
        Ok(ip) if ip.is_unspecified() => Ok(Value::Nothing),
        Ok(ip) => Ok(Value::Ip(Address(ip))),
        Err(_) => match limited(text, 255) {
            Value::Text(text) => Ok(Value::Opaque(text)),
            _ => Err(Misfit::Count),
        },
    }
}

fn degrees<'a>(tree: &Tree<'a>, max: f64) -> Result<Value<'a>, Misfit> {
    let number = match tree {
        Tree::Scalar(Lexeme::Text(text)) => text.parse().ok(),
        Tree::Scalar(lexeme) => lexeme.number(),
        _ => None,
    };
    number.filter(|number| (-max..=max).contains(number)).map(Value::Degrees).ok_or(Misfit::Count)
}

fn refused_time(error: TimeError) -> Misfit {
    let code = match error {
        TimeError::Malformed => ErrorCode::InvalidField,
        TimeError::OutOfRange => ErrorCode::TimeOutOfRange,
    };
    Misfit::Refuse(code, error.to_string())
}

fn scalar<'a>(tree: &Tree<'a>) -> Result<Value<'a>, Misfit> {
    let Tree::Scalar(lexeme) = tree else { return Err(Misfit::Count) };
    Ok(Value::Scalar(match lexeme {
        Lexeme::Null => return Ok(Value::Nothing),
        Lexeme::Bool(truth) => Scalar::Bool(*truth),
        Lexeme::Negative(number) => Scalar::Integer(*number),
        Lexeme::Float(number) => Scalar::Number(*number),
        Lexeme::Unsigned(number) => {
            i64::try_from(*number).map_or(Scalar::Number(*number as f64), Scalar::Integer)
        }
        Lexeme::Text(text) => match limited(text.clone(), 256) {
            Value::Text(text) | Value::Cut(text) => Scalar::Text(text),
            _ => return Ok(Value::Nothing),
        },
    }))
}

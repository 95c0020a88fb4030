//! How an object of the format is read: its [`Node`] matches each key and asks its [`Member`] for the value
//! in the form it wants. Null is absent; of repeated members the last counts; nothing is read twice.

use std::net::IpAddr;
use std::ops::RangeInclusive;

use schemas::activity::{Scalar, Text};
use schemas::reject::ErrorCode;
use schemas::time::{EventTime, TimeError};
use serde::de::{IgnoredAny, MapAccess};

use super::context::Context;
use super::seed::{NodeSeed, NodesSeed, TextsSeed};
use crate::lexeme::Lexeme;
use crate::rfc3339;

/// What is required and absent: the code, and its place below the object.
pub(super) type Absent = (ErrorCode, &'static str);

/// An object of the format while its members arrive.
pub(super) trait Node<'de>: Default {
    /// What it becomes.
    type Value;

    /// Takes the value of one member.
    fn member<A: MapAccess<'de>>(
        &mut self,
        key: &Text<'de>,
        at: &mut Member<'_, '_, 'de, A>,
    ) -> Result<(), A::Error>;

    /// The value, or the code and place below it of what is required and absent.
    fn finish(self) -> Result<Self::Value, Absent>;
}

/// What stands in an `ip` member.
pub(super) enum Address<'a> {
    Ip(IpAddr),
    Opaque(Text<'a>),
}

/// The value of one member, not read yet.
pub(super) struct Member<'c, 'n, 'de, A> {
    pub(super) ctx: &'c mut Context<'n, 'de>,
    pub(super) map: &'c mut A,
}

// === impl Member ===

impl<'de, A: MapAccess<'de>> Member<'_, '_, 'de, A> {
    /// A text of at most so many characters.
    pub(super) fn text(&mut self, chars_max: usize) -> Result<Option<Text<'de>>, A::Error> {
        let lexeme = self.map.next_value()?;
        self.ctx.text(lexeme, chars_max)
    }

    /// A text that may not be empty.
    pub(super) fn name(&mut self, chars_max: usize) -> Result<Option<Text<'de>>, A::Error> {
        let name = self.text(chars_max)?;
        if name.as_ref().is_some_and(|name| name.is_empty()) {
            return Err(self.fault(ErrorCode::InvalidField, "accept an empty text"));
        }
        Ok(name)
    }

    /// A text that must satisfy a rule where it is given.
    pub(super) fn text_like(
        &mut self,
        is_like: fn(&str) -> bool,
        rule: &str,
    ) -> Result<Option<Text<'de>>, A::Error> {
        let found = self.text(usize::MAX)?;
        if found.as_ref().is_some_and(|text| !is_like(text)) {
            return Err(
                self.fault(ErrorCode::InvalidField, format!("accept a text that is not {rule}"))
            );
        }
        Ok(found)
    }

    /// A text that is dropped and counted where it does not satisfy a rule.
    pub(super) fn text_if(
        &mut self,
        is_like: impl Fn(&str) -> bool,
    ) -> Result<Option<Text<'de>>, A::Error> {
        match self.text(usize::MAX)? {
            Some(text) if !is_like(&text) => {
                self.ctx.count_value();
                Ok(None)
            }
            found => Ok(found),
        }
    }

    /// A word of an enum; one that is not ours becomes the default and is counted.
    pub(super) fn word<T: Default>(
        &mut self,
        from_wire: fn(&str) -> Option<T>,
    ) -> Result<Option<T>, A::Error> {
        let Some(word) = self.text(usize::MAX)? else { return Ok(None) };
        let known = from_wire(&word);
        if known.is_none() {
            self.ctx.count_value();
        }
        Ok(Some(known.unwrap_or_default()))
    }

    /// The time of the activity.
    pub(super) fn time(&mut self) -> Result<Option<EventTime>, A::Error> {
        let Some(text) = self.text(usize::MAX)? else { return Ok(None) };
        match rfc3339::parse(&text) {
            Ok(time) => Ok(Some(time)),
            Err(error @ TimeError::Malformed) => {
                Err(self.fault(ErrorCode::InvalidField, error.to_string()))
            }
            Err(error @ TimeError::OutOfRange) => {
                Err(self.fault(ErrorCode::TimeOutOfRange, error.to_string()))
            }
        }
    }

    /// A time beside that of the activity: out of range (a credential without end) it is absent, counted.
    pub(super) fn side_time(&mut self) -> Result<Option<EventTime>, A::Error> {
        let Some(text) = self.text(usize::MAX)? else { return Ok(None) };
        match rfc3339::parse(&text) {
            Ok(time) => Ok(Some(time)),
            Err(error @ TimeError::Malformed) => {
                Err(self.fault(ErrorCode::InvalidField, error.to_string()))
            }
            Err(TimeError::OutOfRange) => {
                self.ctx.count_value();
                Ok(None)
            }
        }
    }

    /// A whole number that is not negative and fits its type.
    pub(super) fn unsigned<T: TryFrom<u64>>(&mut self) -> Result<Option<T>, A::Error> {
        let lexeme: Lexeme<'de> = self.map.next_value()?;
        if matches!(lexeme, Lexeme::Null) {
            return Ok(None);
        }
        match lexeme.unsigned().and_then(|number| T::try_from(number).ok()) {
            Some(number) => Ok(Some(number)),
            None => Err(self.ctx.misfit("a whole number within its bounds", &lexeme)),
        }
    }

    /// A number within bounds.
    pub(super) fn number(&mut self, bounds: RangeInclusive<f64>) -> Result<Option<f64>, A::Error> {
        let lexeme: Lexeme<'de> = self.map.next_value()?;
        if matches!(lexeme, Lexeme::Null) {
            return Ok(None);
        }
        match lexeme.number().filter(|number| bounds.contains(number)) {
            Some(number) => Ok(Some(number)),
            None => Err(self.ctx.misfit("a number within its bounds", &lexeme)),
        }
    }

    /// A truth value.
    pub(super) fn flag(&mut self) -> Result<Option<bool>, A::Error> {
        match self.map.next_value()? {
            Lexeme::Null => Ok(None),
            Lexeme::Bool(truth) => Ok(Some(truth)),
            lexeme => Err(self.ctx.misfit("a truth value", &lexeme)),
        }
    }

    /// Any scalar.
    pub(super) fn scalar(&mut self) -> Result<Scalar<'de>, A::Error> {
        let lexeme: Lexeme<'de> = self.map.next_value()?;
        Ok(match lexeme {
            Lexeme::Null => Scalar::Null,
            Lexeme::Bool(truth) => Scalar::Bool(truth),
            Lexeme::Negative(number) => Scalar::Integer(number),
            Lexeme::Float(number) => Scalar::Number(number),
            Lexeme::Text(text) => Scalar::Text(text),
            Lexeme::Unsigned(number) => {
                i64::try_from(number).map_or(Scalar::Number(number as f64), Scalar::Integer)
            }
        })
    }

    /// An IP address, strictly; what is none is an opaque host, counted. Unspecified addresses are absent.
    pub(super) fn address(&mut self) -> Result<Option<Address<'de>>, A::Error> {
        // As long as the host it may become; the schema's 45 are for addresses.
        let Some(text) = self.text(255)? else { return Ok(None) };
        match text.parse::<IpAddr>() {
            Ok(ip) => Ok((!ip.is_unspecified()).then_some(Address::Ip(ip))),
            Err(_) if text.is_empty() => Ok(None),
            Err(_) => {
                self.ctx.count_opaque_address();
                Ok(Some(Address::Opaque(text)))
            }
        }
    }

    /// An object.
    pub(super) fn node<N: Node<'de>>(&mut self) -> Result<Option<N::Value>, A::Error> {
        self.map.next_value_seed(NodeSeed::<N>::new(self.ctx))
    }

    /// A list of at most so many objects.
    pub(super) fn nodes<N: Node<'de>>(
        &mut self,
        items_max: usize,
    ) -> Result<Option<Vec<N::Value>>, A::Error> {
        self.map.next_value_seed(NodesSeed::<N>::new(self.ctx, items_max))
    }

    /// A list of at most so many texts of at most so many characters.
    pub(super) fn texts(
        &mut self,
        items_max: usize,
        chars_max: usize,
    ) -> Result<Vec<Text<'de>>, A::Error> {
        let seed = TextsSeed { ctx: self.ctx, items_max, chars_max };
        Ok(self.map.next_value_seed(seed)?.unwrap_or_default())
    }

    /// Skips a member that no field of ours reads, and counts it.
    pub(super) fn unknown(&mut self) -> Result<(), A::Error> {
        self.ctx.count_field();
        self.map.next_value::<IgnoredAny>().map(|_| ())
    }

    /// A fault at this member.
    pub(super) fn fault(&mut self, code: ErrorCode, message: impl Into<String>) -> A::Error {
        self.ctx.fault(code, message)
    }

    /// The fault that the object of this member has too many.
    pub(super) fn too_many(&mut self, items_max: usize) -> A::Error {
        self.ctx.too_long(items_max)
    }
}

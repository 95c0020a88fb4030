//! From a value of the record to the form that a field wants. It converts what loses nothing (a number as text, a
//! text of digits as number) and refuses the rest with a reason that shows no payload.

use std::net::IpAddr;

use record::lexeme::Lexeme;
use record::tree::Tree;
use record::{moment, rfc3339, url};
use schemas::activity::{Argument, Endpoint, Principal, Scalar, Text};
use schemas::choice::PrincipalType;
use schemas::reject::ErrorCode;
use schemas::rule::{is_country, is_keyed_hash, is_tenant, is_trace_id};
use schemas::time::{EventTime, TimeError};

use super::field::Kind;

/// A value in the form of its field.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Put<'a> {
    Text(Text<'a>),
    Time(EventTime),
    Whole(u64),
    Number(f64),
    Flag(bool),
    Ip(IpAddr),
    Opaque(Text<'a>),
    Texts(Vec<Text<'a>>),
    Principals(Vec<Principal<'a>>),
    Arguments(Vec<Argument<'a>>),
    Scalar(Scalar<'a>),
}

/// What became of a value.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Form<'a> {
    Is(Put<'a>),
    /// There is none.
    Absent,
    /// It is none that counts, which is counted.
    Dropped,
    /// It is refused.
    Fault(ErrorCode, String),
}

/// How a time is read that does not say it itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct TimeForm {
    /// Seconds ahead of UTC of a time without offset.
    pub(super) offset_s: i32,
    /// How many of the unit of a number are a second; by its magnitude where absent.
    pub(super) per_second: Option<u32>,
}

/// Reads a value for a field.
pub(super) fn read<'a>(kind: Kind, tree: Tree<'a>, form: TimeForm) -> Form<'a> {
    match kind {
        Kind::Text(chars_max) => text(tree, chars_max),
        Kind::Url(chars_max) => match text(tree, chars_max) {
            Form::Is(Put::Text(text)) => {
                url::bare(text).map_or(Form::Absent, |url| Form::Is(Put::Text(url)))
            }
            other => other,
        },
        Kind::Word(_) => text(tree, usize::MAX),
        Kind::Time => match time(&tree, form) {
            Ok(time) => Form::Is(Put::Time(time)),
            Err(error) => Form::Fault(code_of(error), error.to_string()),
        },
        Kind::SideTime => match time(&tree, form) {
            Ok(time) => Form::Is(Put::Time(time)),
            Err(TimeError::OutOfRange) => Form::Dropped,
            Err(error) => Form::Fault(code_of(error), error.to_string()),
        },
        Kind::Whole(max) => match tree.unsigned().filter(|number| *number <= max) {
            Some(number) => Form::Is(Put::Whole(number)),
            None => misfit("a whole number within its bounds", &tree),
        },
        Kind::Number(low, high) => match tree.number() {
            Some(number) if (low..=high).contains(&number) => Form::Is(Put::Number(number)),
            _ => misfit("a number within its bounds", &tree),
        },
        Kind::Flag => match flag(&tree) {
            Some(truth) => Form::Is(Put::Flag(truth)),
            None => misfit("a truth value", &tree),
        },
        Kind::Address => address(tree),
        Kind::Country => text_if(tree, is_country),
        Kind::Hex(digits) => text_if(tree, |text| is_trace_id(text, digits)),
        Kind::Tenant => text_like(tree, is_tenant, "[A-Za-z0-9._-]{1,64}"),
        Kind::KeyedHash => text_like(tree, is_keyed_hash, "hmac-sha256:[0-9a-f]{32,64}"),
        Kind::Texts(items_max, chars_max) => texts(tree, items_max, chars_max),
        Kind::Principals => principals(tree),
        // Made of hashes, where they are put.
        Kind::Arguments => misfit("arguments that are not hashed", &tree),
        Kind::Scalar => scalar(tree),
    }
}

/// A time of any form; what it does not say itself, the config says.
pub(super) fn time(tree: &Tree<'_>, form: TimeForm) -> Result<EventTime, TimeError> {
    if let Some(per_second) = form.per_second
        && let Some(number) = tree.number()
    {
        let ms = number * 1_000.0 / f64::from(per_second);
        #[expect(
            clippy::cast_possible_truncation,
            reason = "it saturates, which is out of range"
        )]
        return EventTime::from_millis(ms.round() as i64);
    }
    match tree.text() {
        Some(text) if form.offset_s != 0 && text.len() < 40 => {
            match rfc3339::parse_at(text, form.offset_s) {
                Err(TimeError::Malformed) => moment::read(tree),
                other => other,
            }
        }
        _ => moment::read(tree),
    }
}

fn code_of(error: TimeError) -> ErrorCode {
    match error {
        TimeError::Malformed => ErrorCode::InvalidField,
        TimeError::OutOfRange => ErrorCode::TimeOutOfRange,
    }
}

fn text(tree: Tree<'_>, chars_max: usize) -> Form<'_> {
    let text = match as_text(tree) {
        Ok(text) => text,
        Err(tree) => return misfit("a text", &tree),
    };
    if text.is_empty() {
        Form::Absent
    } else if text.len() <= chars_max || text.chars().count() <= chars_max {
        Form::Is(Put::Text(text))
    } else {
        let message = format!("accept a text of more than {chars_max} characters");
        Form::Fault(ErrorCode::TooLarge, message)
    }
}

/// A scalar as text; lists and objects are none.
pub(super) fn as_text(tree: Tree<'_>) -> Result<Text<'_>, Tree<'_>> {
    match tree {
        Tree::Scalar(Lexeme::Text(text)) => Ok(text),
        Tree::Scalar(Lexeme::Bool(truth)) => {
            Ok(Text::Borrowed(if truth { "true" } else { "false" }))
        }
        Tree::Scalar(Lexeme::Unsigned(number)) => Ok(Text::Owned(number.to_string())),
        Tree::Scalar(Lexeme::Negative(number)) => Ok(Text::Owned(number.to_string())),
        Tree::Scalar(Lexeme::Float(number)) => Ok(Text::Owned(number.to_string())),
        Tree::Scalar(Lexeme::Null) => Ok(Text::Borrowed("")),
        other => Err(other),
    }
}

fn text_if<'a>(tree: Tree<'a>, is_like: impl Fn(&str) -> bool) -> Form<'a> {
    match text(tree, usize::MAX) {
        Form::Is(Put::Text(text)) if !is_like(&text) => Form::Dropped,
        other => other,
    }
}

fn text_like<'a>(tree: Tree<'a>, is_like: fn(&str) -> bool, rule: &str) -> Form<'a> {
    match text(tree, usize::MAX) {
        Form::Is(Put::Text(text)) if !is_like(&text) => {
            Form::Fault(ErrorCode::InvalidField, format!("accept a text that is not {rule}"))
        }
        other => other,
    }
}

fn flag(tree: &Tree<'_>) -> Option<bool> {
    match tree {
        Tree::Scalar(Lexeme::Bool(truth)) => Some(*truth),
        Tree::Scalar(Lexeme::Text(text)) => text.parse().ok(),
        _ => None,
    }
}

fn address(tree: Tree<'_>) -> Form<'_> {
    match text(tree, 255) {
        Form::Is(Put::Text(text)) => match text.parse::<IpAddr>() {
            Ok(ip) if ip.is_unspecified() => Form::Absent,
            Ok(ip) => Form::Is(Put::Ip(ip)),
            Err(_) => Form::Is(Put::Opaque(text)),
        },
        other => other,
    }
}

/// A list of texts; one text is a list of one.
fn texts(tree: Tree<'_>, items_max: usize, chars_max: usize) -> Form<'_> {
    let items = match tree {
        Tree::List(items) => items,
        one => vec![one],
    };
    if items_max < items.len() {
        return too_many(items_max);
    }
    let mut texts = Vec::with_capacity(items.len());
    for item in items {
        match text(item, chars_max) {
            Form::Is(Put::Text(text)) => texts.push(text),
            Form::Absent => {}
            other => return other,
        }
    }
    Form::Is(Put::Texts(texts))
}

fn principals(tree: Tree<'_>) -> Form<'_> {
    const ITEMS_MAX: usize = 32;
    let Tree::List(items) = tree else { return misfit("a list", &tree) };
    if ITEMS_MAX < items.len() {
        return too_many(ITEMS_MAX);
    }
    let mut principals = Vec::with_capacity(items.len());
    for item in items {
        let member = |key: &str, chars_max| match item.get(key).cloned().map(|v| text(v, chars_max))
        {
            Some(Form::Is(Put::Text(text))) => Some(text),
            _ => None,
        };
        let id = match &item {
            Tree::Object(_) => member("id", 2_048),
            other => as_text(other.clone()).ok().filter(|id| id.chars().count() <= 2_048),
        };
        let Some(id) = id.filter(|id| !id.is_empty()) else {
            return misfit("the id of a principal", &item);
        };
        let kind = member("type", 64).map(|t| PrincipalType::from_wire(&t).unwrap_or_default());
        let (issuer, name) = (member("issuer", 2_048), member("name", 256));
        principals.push(Principal { id, issuer, kind, name });
    }
    Form::Is(Put::Principals(principals))
}

fn scalar(tree: Tree<'_>) -> Form<'_> {
    Form::Is(Put::Scalar(match tree {
        Tree::Scalar(Lexeme::Text(text)) => Scalar::Text(text),
        Tree::Scalar(Lexeme::Bool(truth)) => Scalar::Bool(truth),
        Tree::Scalar(Lexeme::Negative(number)) => Scalar::Integer(number),
        Tree::Scalar(Lexeme::Float(number)) => Scalar::Number(number),
        Tree::Scalar(Lexeme::Unsigned(number)) => {
            i64::try_from(number).map_or(Scalar::Number(number as f64), Scalar::Integer)
        }
        Tree::Scalar(Lexeme::Null) => return Form::Absent,
        other => return misfit("a scalar", &other),
    }))
}

fn too_many<'a>(items_max: usize) -> Form<'a> {
    Form::Fault(ErrorCode::TooLarge, format!("accept more than {items_max} items"))
}

/// The refusal of a value of another kind.
pub(super) fn misfit<'a>(wanted: &str, found: &Tree<'_>) -> Form<'a> {
    let noun = match found {
        Tree::Scalar(lexeme) => lexeme.noun(),
        Tree::List(_) => "a list",
        Tree::Object(_) => "an object",
    };
    Form::Fault(ErrorCode::InvalidField, format!("read {wanted}: found {noun}"))
}

// === impl Put ===

impl<'a> Put<'a> {
    pub(super) fn text(self) -> Option<Text<'a>> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    pub(super) fn time(self) -> Option<EventTime> {
        match self {
            Self::Time(time) => Some(time),
            _ => None,
        }
    }

    /// A word of ours, or the default.
    pub(super) fn word<T: Default>(self, from_wire: fn(&str) -> Option<T>) -> Option<T> {
        self.text().map(|word| from_wire(&word).unwrap_or_default())
    }

    pub(super) fn whole<T: TryFrom<u64>>(self) -> Option<T> {
        match self {
            Self::Whole(number) => T::try_from(number).ok(),
            _ => None,
        }
    }

    pub(super) fn number(self) -> Option<f64> {
        match self {
            Self::Number(number) => Some(number),
            _ => None,
        }
    }

    pub(super) fn flag(self) -> Option<bool> {
        match self {
            Self::Flag(truth) => Some(truth),
            _ => None,
        }
    }

    /// An address, or the host where it is none and none is given.
    pub(super) fn address(self, endpoint: &mut Endpoint<'a>) {
        match self {
            Self::Ip(ip) => endpoint.ip = Some(ip),
            Self::Opaque(text) => {
                endpoint.host.get_or_insert(text);
            }
            _ => {}
        }
    }

    pub(super) fn texts(self) -> Vec<Text<'a>> {
        match self {
            Self::Texts(texts) => texts,
            _ => Vec::new(),
        }
    }

    pub(super) fn principals(self) -> Vec<Principal<'a>> {
        match self {
            Self::Principals(principals) => principals,
            _ => Vec::new(),
        }
    }

    pub(super) fn arguments(self) -> Option<Vec<Argument<'a>>> {
        match self {
            Self::Arguments(arguments) => Some(arguments),
            _ => None,
        }
    }
}

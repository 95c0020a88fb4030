//! Conditions of policies: a typed subset of CEL. Types are checked when a rule is loaded, so what can still go wrong
//! later is a fact that is absent or a property of another type: that is an error, never silently "no match". As in
//! CEL, `false && error` is false and `true || error` is true, in either order.

use std::cmp::Ordering;
use std::ops::Range;

use serde_json::Value as Json;

use super::facts::View;

/// What is wrong with a condition, and where in its text, in bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistake {
    /// Where.
    pub at: Range<usize>,
    /// What.
    pub message: String,
    /// The name that is not known, if that is the mistake.
    pub unknown: Option<String>,
}

/// A value of a condition.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Value<'a> {
    /// True or false.
    Flag(bool),
    /// A number: CEL's int and double, which compare with each other.
    Number(f64),
    /// A text.
    Text(&'a str),
    /// A list of texts.
    Texts(&'a [String]),
    /// A list that the caller sent.
    Items(&'a [Json]),
}

/// Type of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Type {
    /// True or false.
    Flag,
    /// A number.
    Number,
    /// A text.
    Text,
    /// A list of texts.
    Texts,
    /// What the caller sent: known when it is there.
    Any,
}

/// A constant.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Constant {
    Flag(bool),
    Number(f64),
    Text(String),
}

/// A fact by name, or a member of what the caller sent.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Place {
    pub(crate) name: &'static str,
    pub(crate) members: Vec<String>,
}

/// One side of a comparison.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Operand {
    Constant(Constant),
    Place(Place, Type),
    List(Vec<Constant>),
    Size(Place),
}

/// How two values are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Comparison {
    Equal,
    Unequal,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

/// Where a text is looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Affix {
    Start,
    End,
    Within,
}

/// A condition.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Condition {
    Truth(Operand),
    Compare(Operand, Comparison, Operand),
    In(Operand, Operand),
    Has(Place),
    Affix(Affix, Operand, String),
    Not(Box<Condition>),
    All(Vec<Condition>),
    Any(Vec<Condition>),
}

/// A fact is absent, or of a type that the condition does not expect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Unfit;

// === impl Condition ===

impl Condition {
    /// Whether it holds for what is known.
    pub(crate) fn holds(&self, view: &View<'_>) -> Result<bool, Unfit> {
        match self {
            Self::Truth(operand) => match operand.value(view)? {
                Value::Flag(flag) => Ok(flag),
                _ => Err(Unfit),
            },
            Self::Compare(left, comparison, right) => {
                comparison.holds(left.value(view)?, right.value(view)?)
            }
            Self::In(item, list) => {
                let item = item.value(view)?;
                let equal = |one: Value<'_>| order(item, one) == Some(Ordering::Equal);
                Ok(match list {
                    Operand::List(constants) => constants.iter().any(|one| equal(one.value())),
                    list => match list.value(view)? {
                        Value::Texts(texts) => texts.iter().any(|text| equal(Value::Text(text))),
                        Value::Items(items) => items.iter().filter_map(Value::of).any(equal),
                        _ => return Err(Unfit),
                    },
                })
            }
            Self::Has(place) => Ok(view.get(place).is_some()),
            Self::Affix(affix, operand, part) => match operand.value(view)? {
                Value::Text(text) => Ok(match affix {
                    Affix::Start => text.starts_with(part.as_str()),
                    Affix::End => text.ends_with(part.as_str()),
                    Affix::Within => text.contains(part.as_str()),
                }),
                _ => Err(Unfit),
            },
            Self::Not(inner) => inner.holds(view).map(|holds| !holds),
            Self::All(parts) => joined(parts, view, false),
            Self::Any(parts) => joined(parts, view, true),
        }
    }
}

impl Condition {
    /// Whether it looks at what the caller sends, which has no type before it is there.
    pub(super) fn is_open(&self) -> bool {
        match self {
            Self::Truth(operand) | Self::Affix(_, operand, _) => operand.is_open(),
            Self::Compare(one, _, other) | Self::In(one, other) => one.is_open() || other.is_open(),
            Self::Has(place) => !place.members.is_empty(),
            Self::Not(inner) => inner.is_open(),
            Self::All(parts) | Self::Any(parts) => parts.iter().any(Self::is_open),
        }
    }
}

/// Whether the parts joined hold; one that is `decisive` decides, whatever the others come to.
fn joined(parts: &[Condition], view: &View<'_>, decisive: bool) -> Result<bool, Unfit> {
    let mut unfit = false;
    for part in parts {
        match part.holds(view) {
            Ok(holds) if holds == decisive => return Ok(decisive),
            Ok(_) => {}
            Err(Unfit) => unfit = true,
        }
    }
    if unfit { Err(Unfit) } else { Ok(!decisive) }
}

// === impl Operand ===

impl Operand {
    fn value<'a>(&'a self, view: &View<'a>) -> Result<Value<'a>, Unfit> {
        match self {
            Self::Constant(constant) => Ok(constant.value()),
            Self::Place(place, _) => view.get(place).ok_or(Unfit),
            Self::List(_) => Err(Unfit),
            Self::Size(place) => {
                let length = match view.get(place).ok_or(Unfit)? {
                    Value::Text(text) => text.chars().count(),
                    Value::Texts(texts) => texts.len(),
                    Value::Items(items) => items.len(),
                    Value::Flag(_) | Value::Number(_) => return Err(Unfit),
                };
                Ok(Value::Number(f64::from(u32::try_from(length).unwrap_or(u32::MAX))))
            }
        }
    }

    fn is_open(&self) -> bool {
        match self {
            Self::Place(place, _) | Self::Size(place) => !place.members.is_empty(),
            Self::Constant(_) | Self::List(_) => false,
        }
    }

    /// Its type, as known when the rule is loaded.
    pub(crate) fn kind(&self) -> Type {
        match self {
            Self::Constant(constant) => constant.kind(),
            Self::Place(_, kind) => *kind,
            Self::List(_) => Type::Texts,
            Self::Size(_) => Type::Number,
        }
    }
}

// === impl Constant ===

impl Constant {
    fn value(&self) -> Value<'_> {
        match self {
            Self::Flag(flag) => Value::Flag(*flag),
            Self::Number(number) => Value::Number(*number),
            Self::Text(text) => Value::Text(text),
        }
    }

    /// Its type.
    pub(crate) fn kind(&self) -> Type {
        match self {
            Self::Flag(_) => Type::Flag,
            Self::Number(_) => Type::Number,
            Self::Text(_) => Type::Text,
        }
    }
}

// === impl Comparison ===

impl Comparison {
    fn holds(self, left: Value<'_>, right: Value<'_>) -> Result<bool, Unfit> {
        let order = order(left, right).ok_or(Unfit)?;
        let (flag, is_order) = (matches!(left, Value::Flag(_)), self.is_order());
        if flag && is_order {
            return Err(Unfit);
        }
        Ok(match self {
            Self::Equal => order.is_eq(),
            Self::Unequal => order.is_ne(),
            Self::Less => order.is_lt(),
            Self::LessOrEqual => order.is_le(),
            Self::Greater => order.is_gt(),
            Self::GreaterOrEqual => order.is_ge(),
        })
    }

    /// Whether it asks for more than equality.
    pub(crate) fn is_order(self) -> bool {
        !matches!(self, Self::Equal | Self::Unequal)
    }
}

/// How two values stand to each other; `None` where they cannot be compared.
fn order(left: Value<'_>, right: Value<'_>) -> Option<Ordering> {
    match (left, right) {
        (Value::Flag(left), Value::Flag(right)) => Some(left.cmp(&right)),
        (Value::Number(left), Value::Number(right)) => left.partial_cmp(&right),
        (Value::Text(left), Value::Text(right)) => Some(left.cmp(right)),
        _ => None,
    }
}

// === impl Value ===

impl<'a> Value<'a> {
    /// What a caller sent as a value; an object and `null` are none.
    pub(crate) fn of(json: &'a Json) -> Option<Self> {
        match json {
            Json::Bool(flag) => Some(Self::Flag(*flag)),
            Json::Number(number) => number.as_f64().map(Self::Number),
            Json::String(text) => Some(Self::Text(text)),
            Json::Array(items) => Some(Self::Items(items)),
            Json::Null | Json::Object(_) => None,
        }
    }
}

// === impl Type ===

impl Type {
    /// What it is called in messages.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Flag => "true or false",
            Self::Number => "a number",
            Self::Text => "a text",
            Self::Texts => "a list",
            Self::Any => "any value",
        }
    }

    /// Whether a value of the one may be a value of the other.
    pub(crate) fn fits(self, other: Self) -> bool {
        self == other || self == Self::Any || other == Self::Any
    }
}

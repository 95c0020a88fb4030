//! Where a field's value comes from: a place, a constant or several places joined, and what is done with it on the
//! way. The order is fixed: JSON in a text, split, conversions, prefix and suffix, scale, map, else.

use std::collections::BTreeMap;

use super::condition::Condition;
use super::hash;
use super::paths::{Slots, Steps, find};
use super::put::{TimeForm, as_text, time};
use record::lexeme::Lexeme;
use record::tree::Tree;
use record::url;
use schemas::activity::Text;

/// One way to a value; of several the first that has one counts.
#[derive(Clone, Debug)]
pub(super) struct Source {
    pub(super) when: Option<Condition>,
    pub(super) input: Input,
    pub(super) steps: Vec<Convert>,
    pub(super) map: Option<BTreeMap<String, Tree<'static>>>,
    pub(super) otherwise: Option<Tree<'static>>,
    pub(super) time: TimeForm,
}

/// What a value begins as.
#[derive(Clone, Debug)]
pub(super) enum Input {
    /// The first of these places that has a value.
    Places(Vec<usize>),
    Constant(Tree<'static>),
    /// Texts joined; each place must have a value. The slot stands for all of them.
    Pieces(Vec<Piece>, Option<usize>),
}

/// A part of a joined text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Piece {
    Literal(String),
    Place(usize),
}

/// One conversion.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Convert {
    /// The value is JSON in a text; what stands at this path of it.
    Json(Steps),
    /// The n-th part between separators, from the end where negative.
    Split(String, i64),
    Lower,
    Host,
    Url,
    Text,
    Number,
    Bool,
    /// `12 KiB` as bytes.
    Bytes,
    /// A time as RFC 3339.
    Time,
    /// A keyed hash.
    Hash,
    Prefix(String),
    Suffix(String),
    /// A number times this, rounded where the flag says so.
    Scale(f64, bool),
}

/// What a source gave.
pub(super) enum Given<'a> {
    /// A value, and the slot it came from.
    Value(Tree<'a>, Option<usize>),
    Nothing,
    /// A value that its map does not know.
    Unmapped(usize),
}

// === impl Source ===

impl Source {
    /// Its value in a record.
    pub(super) fn value<'a>(&'a self, slots: &Slots<'a>, secret: &[u8]) -> Given<'a> {
        if self.when.as_ref().is_some_and(|when| !when.holds(slots)) {
            return Given::Nothing;
        }
        let mut unmapped = None;
        if let Some((tree, slot)) = self.input.value(slots)
            && let Some(tree) = self.converted(tree, secret)
        {
            match &self.map {
                None => return Given::Value(tree, slot),
                Some(map) => {
                    if let Some(value) = as_text(tree).ok().and_then(|text| map.get(text.as_ref()))
                    {
                        return Given::Value(borrowed(value), slot);
                    }
                    unmapped = slot;
                }
            }
        }
        match (&self.otherwise, unmapped) {
            (Some(value), slot) => Given::Value(borrowed(value), slot),
            (None, Some(slot)) => Given::Unmapped(slot),
            (None, None) => Given::Nothing,
        }
    }

    /// The place that it reads, where it does nothing else.
    pub(super) fn plain(&self) -> Option<usize> {
        match &self.input {
            Input::Places(slots)
                if self.when.is_none() && self.map.is_none() && self.steps.is_empty() =>
            {
                slots.first().copied().filter(|_| slots.len() == 1)
            }
            _ => None,
        }
    }

    /// The first place that it reads.
    pub(super) fn place(&self) -> Option<usize> {
        match &self.input {
            Input::Places(slots) => slots.first().copied(),
            Input::Constant(_) => None,
            Input::Pieces(_, lead) => *lead,
        }
    }

    fn converted<'a>(&'a self, tree: Tree<'a>, secret: &[u8]) -> Option<Tree<'a>> {
        self.steps.iter().try_fold(tree, |tree, step| step.apply(tree, self.time, secret))
    }
}

// === impl Input ===

impl Input {
    fn value<'a>(&'a self, slots: &Slots<'a>) -> Option<(Tree<'a>, Option<usize>)> {
        let at = |slot: usize| {
            let tree = slots.get(slot)?.as_ref()?;
            let is_absent = match tree {
                Tree::Scalar(Lexeme::Null) => true,
                Tree::Scalar(Lexeme::Text(text)) => text.is_empty(),
                _ => false,
            };
            (!is_absent).then_some(tree)
        };
        match self {
            Self::Places(places) => {
                places.iter().find_map(|slot| at(*slot).map(|tree| (tree.clone(), Some(*slot))))
            }
            Self::Constant(value) => Some((borrowed(value), None)),
            Self::Pieces(pieces, lead) => {
                let mut joined = String::new();
                for piece in pieces {
                    match piece {
                        Piece::Literal(text) => joined.push_str(text),
                        Piece::Place(slot) => {
                            joined.push_str(&as_text(at(*slot)?.clone()).ok()?);
                        }
                    }
                }
                Some((Tree::Scalar(Lexeme::Text(Text::Owned(joined))), *lead))
            }
        }
    }
}

// === impl Convert ===

impl Convert {
    /// The value after it; `None` where it does not apply.
    fn apply<'a>(&'a self, tree: Tree<'a>, form: TimeForm, secret: &[u8]) -> Option<Tree<'a>> {
        let text = |text: String| Some(Tree::Scalar(Lexeme::Text(Text::Owned(text))));
        match self {
            Self::Json(steps) => {
                let json = as_text(tree).ok()?;
                if record::depth::exceeds(&json, record::limits::Limits::default().depth_max) {
                    return None;
                }
                let inner: Tree<'_> = serde_json::from_str(&json).ok()?;
                Some(find(&inner, steps, &[])?.clone().into_owned())
            }
            Self::Split(on, part) => {
                let whole = as_text(tree).ok()?;
                let part = match usize::try_from(*part) {
                    Ok(index) => whole.split(on.as_str()).nth(index)?,
                    Err(_) => {
                        let back = usize::try_from(part.unsigned_abs()).ok()?;
                        whole.rsplit(on.as_str()).nth(back - 1)?
                    }
                };
                (!part.is_empty()).then(|| text(part.to_owned()))?
            }
            Self::Lower => text(as_text(tree).ok()?.to_lowercase()),
            Self::Host => text(url::host_of(&as_text(tree).ok()?)?),
            Self::Url => Some(Tree::Scalar(Lexeme::Text(url::bare(as_text(tree).ok()?)?))),
            Self::Text => Some(Tree::Scalar(Lexeme::Text(as_text(tree).ok()?))),
            Self::Number => number(tree.number()?),
            Self::Bool => match as_text(tree).ok()?.to_ascii_lowercase().as_str() {
                "true" | "yes" | "1" | "on" => Some(Tree::Scalar(Lexeme::Bool(true))),
                "false" | "no" | "0" | "off" => Some(Tree::Scalar(Lexeme::Bool(false))),
                _ => None,
            },
            Self::Bytes => number(bytes(&as_text(tree).ok()?)?),
            Self::Time => text(time(&tree, form).ok()?.rfc3339()),
            Self::Hash if secret.is_empty() => None,
            Self::Hash => text(hash::keyed(secret, &tree)),
            Self::Prefix(prefix) => text(format!("{prefix}{}", as_text(tree).ok()?)),
            Self::Suffix(suffix) => text(format!("{}{suffix}", as_text(tree).ok()?)),
            Self::Scale(factor, whole) => {
                let scaled = tree.number()? * factor;
                number(if *whole { scaled.round() } else { scaled })
            }
        }
    }
}

/// A number in its plainest form.
fn number<'a>(number: f64) -> Option<Tree<'a>> {
    let float = Lexeme::Float(number);
    let plain = match float.unsigned() {
        Some(whole) => Lexeme::Unsigned(whole),
        None => float,
    };
    number.is_finite().then_some(Tree::Scalar(plain))
}

/// Bytes of a size with or without unit: `512`, `12 KiB`, `1.5MB`.
fn bytes(text: &str) -> Option<f64> {
    let text = text.trim();
    let split = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at_checked(split)?;
    let factor = match unit.trim().to_ascii_lowercase().as_str() {
        "" | "b" | "bytes" => 1.0,
        "k" | "kb" => 1e3,
        "m" | "mb" => 1e6,
        "g" | "gb" => 1e9,
        "t" | "tb" => 1e12,
        "kib" => 1_024.0,
        "mib" => 1_048_576.0,
        "gib" => 1_073_741_824.0,
        "tib" => 1_099_511_627_776.0,
        _ => return None,
    };
    Some((number.parse::<f64>().ok()? * factor).round())
}

/// A constant, borrowed from its mapping.
fn borrowed<'a>(value: &'a Tree<'static>) -> Tree<'a> {
    match value {
        Tree::Scalar(Lexeme::Text(text)) => Tree::Scalar(Lexeme::Text(Text::Borrowed(text))),
        other => other.clone(),
    }
}

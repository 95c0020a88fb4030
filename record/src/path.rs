//! Steps down a value: members by name, items by index, and what is absent. A path is written as a JSON
//! pointer without its first slash; `-1` is the last item of a list.

use schemas::activity::Text;
use serde::{Serialize, Serializer};

use crate::lexeme::Lexeme;
use crate::tree::Tree;

// === impl Tree ===

impl<'a> Tree<'a> {
    /// What stands at a path; `None` also where it is null or empty.
    pub fn at(&self, path: &str, caseless: bool) -> Option<&Tree<'a>> {
        // Faster than searching for a character: paths are short.
        let end = path.bytes().position(|byte| byte == b'/').unwrap_or(path.len());
        let (step, below) = path.split_at_checked(end)?;
        let tree = self.step(step, caseless)?;
        match below.strip_prefix('/') {
            Some(below) => tree.at(below, caseless),
            None => (!tree.is_absent()).then_some(tree),
        }
    }

    /// The text at a path; `None` where it is empty or no text.
    pub fn word(&self, path: &str) -> Option<&str> {
        self.at(path, false)?.text().map(AsRef::as_ref)
    }

    /// The members of an object; none of anything else.
    pub fn members(&self) -> &[(Text<'a>, Tree<'a>)] {
        match self {
            Self::Object(members) => members,
            _ => &[],
        }
    }

    /// The items of a list; none of anything else.
    pub fn items(&self) -> &[Tree<'a>] {
        match self {
            Self::List(items) => items,
            _ => &[],
        }
    }

    /// The last member of that name in any case that is not absent.
    pub fn get_caseless(&self, key: &str) -> Option<&Tree<'a>> {
        let mut members = self.members().iter().rev();
        let is = |(name, value): &&(Text<'a>, Self)| {
            name.eq_ignore_ascii_case(key) && !value.is_absent()
        };
        members.find(is).map(|(_, value)| value)
    }

    /// Whether a member of any of these names, in any case, is there and not absent.
    pub fn has_caseless(&self, keys: &[&str]) -> bool {
        let bit = |name: &str| 1_u64 << (name.len() % 64);
        // Most members differ from all of them in their length already.
        let lengths = keys.iter().fold(0, |lengths, key| lengths | bit(key));
        let is = |name: &str| keys.iter().any(|key| name.eq_ignore_ascii_case(key));
        let mut members = self.members().iter();
        members.any(|(name, value)| lengths & bit(name) != 0 && is(name) && !value.is_absent())
    }

    /// Null, an empty text, an empty object or an empty list.
    pub fn is_absent(&self) -> bool {
        match self {
            Self::Scalar(Lexeme::Null) => true,
            Self::Scalar(Lexeme::Text(text)) => text.is_empty(),
            Self::Scalar(_) => false,
            Self::List(items) => items.is_empty(),
            Self::Object(members) => members.is_empty(),
        }
    }

    /// Whether it is an object.
    pub fn is_object(&self) -> bool {
        matches!(self, Self::Object(_))
    }

    fn step(&self, step: &str, caseless: bool) -> Option<&Tree<'a>> {
        match self {
            Self::List(items) if step == "-1" => items.last(),
            Self::List(items) => items.get(step.parse::<usize>().ok()?),
            Self::Object(_) if step.bytes().any(|byte| byte == b'~') => {
                self.get(&step.replace("~1", "/").replace("~0", "~"))
            }
            Self::Object(_) if caseless => self.get_caseless(step),
            Self::Object(_) => self.get(step),
            Self::Scalar(_) => None,
        }
    }
}

// === impl Serialize ===

impl Serialize for Tree<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::List(items) => serializer.collect_seq(items),
            Self::Object(members) => {
                serializer.collect_map(members.iter().map(|(key, value)| (key, value)))
            }
            Self::Scalar(lexeme) => match lexeme {
                Lexeme::Null => serializer.serialize_unit(),
                Lexeme::Bool(truth) => serializer.serialize_bool(*truth),
                Lexeme::Unsigned(number) => serializer.serialize_u64(*number),
                Lexeme::Negative(number) => serializer.serialize_i64(*number),
                Lexeme::Float(number) => serializer.serialize_f64(*number),
                Lexeme::Text(text) => serializer.serialize_str(text),
            },
        }
    }
}

/// Whether a text may be a JSON object.
pub fn is_json_object(text: &str) -> bool {
    text.trim_start().starts_with('{')
}

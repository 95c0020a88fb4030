//! When a mapping or one of its lines holds: comparisons of places with constants, joined by `and`, `or`, `not`.
//! Each place has a value or none; an absent value equals only `null` and is less than nothing.

use std::cmp::Ordering;

use record::lexeme::Lexeme;
use record::tree::Tree;

use super::paths::{self, Paths, Slots, Step, Steps};

/// Deepest nesting of parentheses and `not`; 16.
const DEPTH_MAX: usize = 16;

/// A condition over the slots of a record.
#[derive(Clone, Debug)]
pub(super) enum Condition {
    Compare(usize, Comparison, Constant),
    In(usize, Vec<Constant>),
    Exists(usize),
    /// `starts_with`, `ends_with`, `contains`.
    Affix(Affix, usize, String),
    Not(Box<Condition>),
    All(Vec<Condition>),
    Any(Vec<Condition>),
}

/// How a value is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Comparison {
    Equal,
    Unequal,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

/// Where a text is looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Affix {
    Start,
    End,
    Within,
}

/// What a value is compared with.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Constant {
    Null,
    Flag(bool),
    Number(f64),
    Text(String),
}

/// What is wrong with a condition, and where in its text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Mistake {
    pub(super) at: std::ops::Range<usize>,
    pub(super) message: String,
}

/// Reads a condition.
pub(super) fn parse(
    text: &str,
    paths: &mut Paths,
    each: Option<&Steps>,
) -> Result<Condition, Mistake> {
    let mut parser = Parser { text, at: 0, paths, each, depth: 0 };
    let condition = parser.any()?;
    match parser.rest() {
        "" => Ok(condition),
        rest => {
            let end = rest.find(char::is_whitespace).unwrap_or(rest.len());
            Err(parser.mistake(end, "expected `and`, `or` or the end"))
        }
    }
}

// === impl Condition ===

impl Condition {
    /// Whether it holds.
    pub(super) fn holds(&self, slots: &Slots<'_>) -> bool {
        match self {
            Self::Compare(slot, comparison, constant) => {
                comparison.holds(order(value(slots, *slot), constant))
            }
            Self::In(slot, constants) => {
                let value = value(slots, *slot);
                constants.iter().any(|one| order(value, one) == Some(Ordering::Equal))
            }
            Self::Exists(slot) => value(slots, *slot).is_some(),
            Self::Affix(affix, slot, part) => match value(slots, *slot).and_then(Tree::text) {
                None => false,
                Some(text) => match affix {
                    Affix::Start => text.starts_with(part),
                    Affix::End => text.ends_with(part),
                    Affix::Within => text.contains(part.as_str()),
                },
            },
            Self::Not(inner) => !inner.holds(slots),
            Self::All(parts) => parts.iter().all(|part| part.holds(slots)),
            Self::Any(parts) => parts.iter().any(|part| part.holds(slots)),
        }
    }
}

fn value<'s, 'a>(slots: &'s Slots<'a>, slot: usize) -> Option<&'s Tree<'a>> {
    let value = slots.get(slot)?.as_ref()?;
    (!matches!(value, Tree::Scalar(Lexeme::Null))).then_some(value)
}

/// How a value stands to a constant; `None` where they cannot be compared.
fn order(value: Option<&Tree<'_>>, constant: &Constant) -> Option<Ordering> {
    let equal = |is_equal: bool| is_equal.then_some(Ordering::Equal);
    match (value, constant) {
        (None, Constant::Null) => Some(Ordering::Equal),
        (Some(Tree::Scalar(Lexeme::Bool(truth))), Constant::Flag(flag)) => equal(truth == flag),
        (Some(Tree::Scalar(Lexeme::Text(text))), Constant::Text(other)) => {
            Some(text.as_ref().cmp(other))
        }
        (Some(Tree::Scalar(lexeme)), Constant::Number(number)) => {
            lexeme.number()?.partial_cmp(number)
        }
        _ => None,
    }
}

// === impl Comparison ===

impl Comparison {
    fn holds(self, order: Option<Ordering>) -> bool {
        match self {
            Self::Equal => order == Some(Ordering::Equal),
            Self::Unequal => order != Some(Ordering::Equal),
            Self::Less => order == Some(Ordering::Less),
            Self::LessOrEqual => order.is_some_and(Ordering::is_le),
            Self::Greater => order == Some(Ordering::Greater),
            Self::GreaterOrEqual => order.is_some_and(Ordering::is_ge),
        }
    }
}

struct Parser<'t, 'p> {
    text: &'t str,
    at: usize,
    paths: &'p mut Paths,
    each: Option<&'p Steps>,
    depth: usize,
}

// === impl Parser ===

impl<'t> Parser<'t, '_> {
    fn any(&mut self) -> Result<Condition, Mistake> {
        let mut parts = vec![self.all()?];
        while self.takes("||") || self.takes_word("or") {
            parts.push(self.all()?);
        }
        Ok(single(parts, Condition::Any))
    }

    fn all(&mut self) -> Result<Condition, Mistake> {
        let mut parts = vec![self.one()?];
        while self.takes("&&") || self.takes_word("and") {
            parts.push(self.one()?);
        }
        Ok(single(parts, Condition::All))
    }

    fn one(&mut self) -> Result<Condition, Mistake> {
        self.depth += 1;
        if DEPTH_MAX < self.depth {
            return Err(self.mistake(1, "nested too deep"));
        }
        let condition = self.nested();
        self.depth -= 1;
        condition
    }

    fn nested(&mut self) -> Result<Condition, Mistake> {
        if self.takes_word("not") || (!self.rest().starts_with("!=") && self.takes("!")) {
            return Ok(Condition::Not(Box::new(self.one()?)));
        }
        if self.takes("(") {
            let inner = self.any()?;
            self.expect(")")?;
            return Ok(inner);
        }
        if self.takes_word("exists") || self.takes_word("has") {
            self.expect("(")?;
            let slot = self.place()?;
            self.expect(")")?;
            return Ok(Condition::Exists(slot));
        }
        let affixes =
            [("starts_with", Affix::Start), ("ends_with", Affix::End), ("contains", Affix::Within)];
        for (word, affix) in affixes {
            if self.takes_word(word) {
                self.expect("(")?;
                let slot = self.place()?;
                self.expect(",")?;
                let Constant::Text(part) = self.constant()? else {
                    return Err(self.mistake(0, "expected a text in quotes"));
                };
                self.expect(")")?;
                return Ok(Condition::Affix(affix, slot, part));
            }
        }
        let slot = self.place()?;
        self.comparison(slot)
    }

    fn comparison(&mut self, slot: usize) -> Result<Condition, Mistake> {
        if self.takes_word("in") {
            self.expect("[")?;
            let mut constants = vec![self.constant()?];
            while self.takes(",") {
                constants.push(self.constant()?);
            }
            self.expect("]")?;
            return Ok(Condition::In(slot, constants));
        }
        let comparisons = [
            ("==", Comparison::Equal),
            ("!=", Comparison::Unequal),
            ("<=", Comparison::LessOrEqual),
            (">=", Comparison::GreaterOrEqual),
            ("<", Comparison::Less),
            (">", Comparison::Greater),
        ];
        match comparisons.into_iter().find(|(sign, _)| self.takes(sign)) {
            Some((_, comparison)) => Ok(Condition::Compare(slot, comparison, self.constant()?)),
            None => {
                Err(self
                    .mistake(1, "expected a comparison: `==`, `!=`, `<`, `<=`, `>`, `>=`, `in`"))
            }
        }
    }

    /// A place: `/a/b`, or `a.b`, where a name holds letters, digits, `_`, `-`, `@`, `$` or is `*`.
    fn place(&mut self) -> Result<usize, Mistake> {
        let rest = self.rest();
        let is_name = |c: char| c.is_alphanumeric() || "_-@$*".contains(c);
        let is_pointer = rest.starts_with('/');
        let is_path =
            |c: char| is_name(c) || if is_pointer { "/~.:".contains(c) } else { c == '.' };
        let length = rest.find(|c| !is_path(c)).unwrap_or(rest.len());
        let (Some(written), Some(_)) = (rest.get(..length), rest.chars().next()) else {
            return Err(self.mistake(0, "expected a field such as `event_type` or `/event/type`"));
        };
        if written.is_empty() || written.starts_with(|c: char| c.is_ascii_digit()) {
            return Err(self
                .mistake(length.max(1), "expected a field such as `event_type` or `/event/type`"));
        }
        let pointer = match is_pointer {
            true => written.to_owned(),
            false => format!("/{}", written.replace('.', "/")),
        };
        let steps = paths::parse(&pointer).map_err(|why| self.mistake(length, why))?;
        if !is_within(&steps, self.each) {
            return Err(self.mistake(length, "`*` stands for the items of `each` only"));
        }
        let slot = self.paths.slot(&pointer, &steps);
        let slot = slot.ok_or_else(|| self.mistake(length, "too many fields are read"))?;
        self.at += length;
        Ok(slot)
    }

    fn constant(&mut self) -> Result<Constant, Mistake> {
        let rest = self.rest();
        if let Some(quote) = rest.chars().next().filter(|c| matches!(c, '"' | '\'')) {
            let inner = rest.get(1..).unwrap_or_default();
            let Some(end) = inner.find(quote) else {
                return Err(self.mistake(rest.len(), "expected the closing quote"));
            };
            self.at += end + 2;
            return Ok(Constant::Text(inner.get(..end).unwrap_or_default().to_owned()));
        }
        for (word, constant) in [
            ("true", Constant::Flag(true)),
            ("false", Constant::Flag(false)),
            ("null", Constant::Null),
        ] {
            if self.takes_word(word) {
                return Ok(constant);
            }
        }
        let length = rest.find(|c: char| !"+-.0123456789eE".contains(c)).unwrap_or(rest.len());
        match rest.get(..length).unwrap_or_default().parse::<f64>() {
            Ok(number) if number.is_finite() => {
                self.at += length;
                Ok(Constant::Number(number))
            }
            _ => Err(self.mistake(
                length.max(1),
                "expected a text in quotes, a number, true, false or null",
            )),
        }
    }

    fn rest(&mut self) -> &'t str {
        let rest = self.text.get(self.at..).unwrap_or_default();
        let trimmed = rest.trim_start();
        self.at += rest.len() - trimmed.len();
        trimmed
    }

    fn takes(&mut self, sign: &str) -> bool {
        let is_next = self.rest().starts_with(sign);
        if is_next {
            self.at += sign.len();
        }
        is_next
    }

    fn takes_word(&mut self, word: &str) -> bool {
        let after = self.rest().strip_prefix(word);
        let is_word = after.is_some_and(|after| {
            !after.starts_with(|c: char| c.is_alphanumeric() || "_-.".contains(c))
        });
        is_word && self.takes(word)
    }

    fn expect(&mut self, sign: &str) -> Result<(), Mistake> {
        if self.takes(sign) { Ok(()) } else { Err(self.mistake(1, &format!("expected `{sign}`"))) }
    }

    fn mistake(&mut self, length: usize, message: &str) -> Mistake {
        let end = self.text.len();
        let start = self.at.min(end);
        Mistake { at: start..(start + length).min(end), message: message.to_owned() }
    }
}

fn single(mut parts: Vec<Condition>, join: fn(Vec<Condition>) -> Condition) -> Condition {
    if parts.len() == 1 { parts.remove(0) } else { join(parts) }
}

/// Whether each `*` of a path is one of the list that the record is split by.
pub(super) fn is_within(steps: &[Step], each: Option<&Steps>) -> bool {
    let Some(last) = steps.iter().rposition(|step| *step == Step::Each) else { return true };
    let before = steps.get(..last).unwrap_or_default();
    each.is_some_and(|each| {
        each == before || (each.starts_with(before) && each.get(last) == Some(&Step::Each))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn holds(condition: &str, record: &str) -> bool {
        let mut paths = Paths::default();
        let condition = parse(condition, &mut paths, None).unwrap();
        let mut slots = vec![None; paths.pointers.len()];
        paths.capture(record, &mut slots, &mut record::notes::Notes::default()).unwrap();
        condition.holds(&slots)
    }

    #[test]
    fn conditions_hold_or_do_not() {
        let record =
            r#"{"kind": "call", "n": 7, "on": true, "none": null, "a": {"b": "x"}, "l": ["y"]}"#;
        for (condition, expected) in [
            (r#"kind == "call""#, true),
            (r#"kind != "call""#, false),
            (r#"missing != "call""#, true),
            (r#"missing == "call""#, false),
            ("missing == null && none == null", true),
            ("kind == null", false),
            ("exists(kind) and not exists(none)", true),
            ("has(a.b)", true),
            (r#"a.b in ["y", 'x']"#, true),
            (r#"/a/b in ["y"]"#, false),
            (r#"/l/0 == "y""#, true),
            ("n >= 7 and n < 7.5 and n > -1e3", true),
            ("n < 7 or n <= 6", false),
            (r#"n == "7""#, false),
            (r#"kind < "d""#, true),
            ("on == true", true),
            ("on != false", true),
            (r#"!(kind == "x" || (n == 7 && on == false))"#, true),
            (r#"not kind == "x""#, true),
            (r#"starts_with(kind, "ca") and ends_with(kind, "ll") and contains(kind, "al")"#, true),
            (r#"starts_with(n, "7")"#, false),
            (r#"kind == "x" or kind == "y" or kind == "call""#, true),
            ("missing < 3", false),
        ] {
            assert_eq!(holds(condition, record), expected, "{condition}");
        }
    }

    #[test]
    fn a_mistake_has_its_place() {
        let mistake = |text: &str| parse(text, &mut Paths::default(), None).unwrap_err();
        for (text, at, message) in [
            ("", 0..0, "expected a field"),
            ("kind = \"x\"", 5..6, "expected a comparison"),
            ("kind == x", 8..9, "expected a text in quotes"),
            ("kind == \"x", 8..10, "expected the closing quote"),
            ("kind == \"x\" nope", 12..16, "expected `and`"),
            ("(kind == 1", 10..10, "expected `)`"),
            ("a.*.b == 1", 0..5, "`*` stands for"),
            ("7 == 7", 0..1, "expected a field"),
            ("kind in 7", 8..9, "expected `[`"),
        ] {
            let found = mistake(text);
            assert!(found.at == at && found.message.starts_with(message), "{text}: {found:?}");
        }
        assert!(mistake(&"(".repeat(99)).message.contains("too deep"));
        assert!(mistake(&"!".repeat(99)).message.contains("too deep"));
    }
}

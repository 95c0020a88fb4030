//! Reads a condition and checks it against the names that there are: unknown names, slips of type, too long a text and
//! too deep a nesting are mistakes with their place. The subset of CEL: `&&`, `||`, `!`, parentheses, comparisons,
//! `in`, `has(..)`, `size(..)`, `.startsWith(..)`, `.endsWith(..)`, `.contains(..)`, constants and lists of them.

use super::condition::{Affix, Comparison, Condition, Constant, Mistake, Operand, Place, Type};
use super::facts::{OPEN, known};

/// Longest condition, in bytes; 4 KiB.
const BYTES_MAX: usize = 4 << 10;
/// Deepest nesting of parentheses and `!`.
const DEPTH_MAX: usize = 16;
const METHODS: [(&str, Affix); 3] =
    [("startsWith", Affix::Start), ("endsWith", Affix::End), ("contains", Affix::Within)];
const COMPARISONS: [(&str, Comparison); 6] = [
    ("==", Comparison::Equal),
    ("!=", Comparison::Unequal),
    ("<=", Comparison::LessOrEqual),
    (">=", Comparison::GreaterOrEqual),
    ("<", Comparison::Less),
    (">", Comparison::Greater),
];

/// Reads a condition.
pub(super) fn parse(text: &str) -> Result<Condition, Mistake> {
    if BYTES_MAX < text.len() {
        let message = format!("longer than {BYTES_MAX} bytes");
        return Err(Mistake { at: 0..text.len(), message, unknown: None });
    }
    let mut parser = Parser { text, at: 0, depth: 0 };
    let condition = parser.any()?;
    match parser.rest() {
        "" => Ok(condition),
        rest => {
            let end = rest.find(char::is_whitespace).unwrap_or(rest.len());
            Err(parser.mistake(end, "expected `&&`, `||` or the end"))
        }
    }
}

struct Parser<'t> {
    text: &'t str,
    at: usize,
    depth: usize,
}

/// What stands where a value may stand.
enum Term {
    Operand(Operand),
    Affix(Affix, Operand, String),
}

// === impl Parser ===

impl<'t> Parser<'t> {
    fn any(&mut self) -> Result<Condition, Mistake> {
        let mut parts = vec![self.all()?];
        while self.takes("||") {
            parts.push(self.all()?);
        }
        Ok(single(parts, Condition::Any))
    }

    fn all(&mut self) -> Result<Condition, Mistake> {
        let mut parts = vec![self.one()?];
        while self.takes("&&") {
            parts.push(self.one()?);
        }
        Ok(single(parts, Condition::All))
    }

    fn one(&mut self) -> Result<Condition, Mistake> {
        self.depth += 1;
        if DEPTH_MAX < self.depth {
            return Err(self.mistake(1, &format!("nested deeper than {DEPTH_MAX}")));
        }
        let condition = self.nested();
        self.depth -= 1;
        condition
    }

    fn nested(&mut self) -> Result<Condition, Mistake> {
        if !self.rest().starts_with("!=") && self.takes("!") {
            return Ok(Condition::Not(Box::new(self.one()?)));
        }
        if self.takes("(") {
            let inner = self.any()?;
            self.expect(")")?;
            return Ok(inner);
        }
        self.rest();
        let begin = self.at;
        if self.takes_call("has") {
            let (place, _) = self.place()?;
            self.expect(")")?;
            return Ok(Condition::Has(place));
        }
        let left = match self.term()? {
            Term::Affix(affix, operand, part) => return Ok(Condition::Affix(affix, operand, part)),
            Term::Operand(operand) => operand,
        };
        self.comparison(begin, left)
    }

    fn comparison(&mut self, begin: usize, left: Operand) -> Result<Condition, Mistake> {
        if self.takes_word("in") {
            let right = self.operand()?;
            return self.membership(begin, left, right);
        }
        let found = COMPARISONS.into_iter().find(|(sign, _)| self.takes(sign));
        let Some((sign, comparison)) = found else {
            if left.kind().fits(Type::Flag) && !matches!(left, Operand::List(_)) {
                return Ok(Condition::Truth(left));
            }
            let expected = "expected a comparison: `==`, `!=`, `<`, `<=`, `>`, `>=`, `in`";
            return Err(self.mistake(1, expected));
        };
        let right = self.operand()?;
        let (one, other) = (left.kind(), right.kind());
        let compares = one != Type::Texts && other != Type::Texts && one.fits(other);
        let orders = !comparison.is_order() || (one != Type::Flag && other != Type::Flag);
        if compares && orders {
            return Ok(Condition::Compare(left, comparison, right));
        }
        let message = format!("`{sign}` cannot compare {} with {}", one.word(), other.word());
        Err(self.slip(begin, message))
    }

    fn membership(
        &mut self,
        begin: usize,
        item: Operand,
        list: Operand,
    ) -> Result<Condition, Mistake> {
        let kind = item.kind();
        let fits = match &list {
            Operand::List(constants) => constants.iter().all(|one| one.kind().fits(kind)),
            list => {
                list.kind() == Type::Any || (list.kind() == Type::Texts && kind.fits(Type::Text))
            }
        };
        if fits && kind != Type::Texts {
            return Ok(Condition::In(item, list));
        }
        let of = if matches!(list, Operand::List(_)) { "this list" } else { list.kind().word() };
        Err(self.slip(begin, format!("{} cannot be in {of}", kind.word())))
    }

    fn operand(&mut self) -> Result<Operand, Mistake> {
        self.rest();
        let begin = self.at;
        match self.term()? {
            Term::Operand(operand) => Ok(operand),
            Term::Affix(..) => Err(self.slip(begin, "expected a value".to_owned())),
        }
    }

    fn term(&mut self) -> Result<Term, Mistake> {
        if self.takes("[") {
            let mut constants = Vec::new();
            while !self.takes("]") {
                if !constants.is_empty() {
                    self.expect(",")?;
                }
                constants.push(self.constant()?);
            }
            return Ok(Term::Operand(Operand::List(constants)));
        }
        if self.takes_call("size") {
            let begin = self.at;
            let (place, kind) = self.place()?;
            self.expect(")")?;
            if matches!(kind, Type::Flag | Type::Number) {
                return Err(self.slip(begin, format!("{} has no size", kind.word())));
            }
            return Ok(Term::Operand(Operand::Size(place)));
        }
        let rest = self.rest();
        let is_name = rest.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
        if !is_name || ["true", "false"].iter().any(|word| self.is_word(word)) {
            return Ok(Term::Operand(Operand::Constant(self.constant()?)));
        }
        let begin = self.at;
        let (place, kind) = self.place()?;
        let operand = Operand::Place(place, kind);
        let method = METHODS.into_iter().find(|(name, _)| self.takes(&format!(".{name}(")));
        let Some((name, affix)) = method else { return Ok(Term::Operand(operand)) };
        if !kind.fits(Type::Text) {
            return Err(self.slip(begin, format!("`{name}` needs a text, not {}", kind.word())));
        }
        let Constant::Text(part) = self.constant()? else {
            return Err(self.slip(begin, format!("`{name}` needs a text in quotes")));
        };
        self.expect(")")?;
        Ok(Term::Affix(affix, operand, part))
    }

    /// The name of a fact, or of a member of what the caller sent. A method that follows is not taken.
    fn place(&mut self) -> Result<(Place, Type), Mistake> {
        let rest = self.rest();
        let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '.';
        let length = rest.find(|c| !is_part(c)).unwrap_or(rest.len());
        let mut written = rest.get(..length).unwrap_or_default();
        let after = rest.get(length..).unwrap_or_default();
        if let Some((before, method)) = written.rsplit_once('.')
            && after.starts_with('(')
            && METHODS.iter().any(|(name, _)| *name == method)
        {
            written = before;
        }
        if written.is_empty() {
            return Err(self.mistake(0, "expected the name of a fact, such as `trust.score`"));
        }
        let open = OPEN.into_iter().find_map(|root| {
            let members = written.strip_prefix(root)?.strip_prefix('.')?;
            let members: Vec<String> = members.split('.').map(str::to_owned).collect();
            members.iter().all(|member| !member.is_empty()).then_some((root, members))
        });
        let found = match open {
            Some((name, members)) => Some((Place { name, members }, Type::Any)),
            None => known(written).map(|(name, kind)| (Place { name, members: vec![] }, kind)),
        };
        let Some(found) = found else {
            let at = self.at..self.at + written.len();
            let message = format!("`{written}` is not known");
            return Err(Mistake { at, message, unknown: Some(written.to_owned()) });
        };
        self.at += written.len();
        Ok(found)
    }

    fn constant(&mut self) -> Result<Constant, Mistake> {
        let rest = self.rest();
        if let Some(quote) = rest.chars().next().filter(|c| matches!(c, '"' | '\'')) {
            let inner = rest.get(1..).unwrap_or_default();
            let Some(end) = inner.find(quote) else {
                return Err(self.mistake(rest.len(), "expected the closing quote"));
            };
            let text = inner.get(..end).unwrap_or_default();
            if text.contains('\\') {
                return Err(self.mistake(end + 2, "a text in quotes has no `\\` here"));
            }
            self.at += end + 2;
            return Ok(Constant::Text(text.to_owned()));
        }
        for (word, flag) in [("true", true), ("false", false)] {
            if self.takes_word(word) {
                return Ok(Constant::Flag(flag));
            }
        }
        let length = rest.find(|c: char| !"+-.0123456789eE".contains(c)).unwrap_or(rest.len());
        match rest.get(..length).unwrap_or_default().parse::<f64>() {
            Ok(number) if number.is_finite() => {
                self.at += length;
                Ok(Constant::Number(number))
            }
            _ => {
                let expected = "expected a name, a text in quotes, a number, true or false";
                Err(self.mistake(length.max(1), expected))
            }
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

    fn is_word(&mut self, word: &str) -> bool {
        let after = self.rest().strip_prefix(word);
        after.is_some_and(|after| {
            !after.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_' || c == '.')
        })
    }

    fn takes_word(&mut self, word: &str) -> bool {
        self.is_word(word) && self.takes(word)
    }

    fn takes_call(&mut self, name: &str) -> bool {
        self.takes(&format!("{name}("))
    }

    fn expect(&mut self, sign: &str) -> Result<(), Mistake> {
        if self.takes(sign) { Ok(()) } else { Err(self.mistake(1, &format!("expected `{sign}`"))) }
    }

    /// A mistake at what comes next.
    fn mistake(&mut self, length: usize, message: &str) -> Mistake {
        let (start, end) = (self.at.min(self.text.len()), self.text.len());
        // A place lies between characters.
        let to = (start + length..=end).find(|at| self.text.is_char_boundary(*at)).unwrap_or(end);
        Mistake { at: start..to, message: message.to_owned(), unknown: None }
    }

    /// A mistake in what was read since `begin`.
    fn slip(&self, begin: usize, message: String) -> Mistake {
        Mistake { at: begin..self.at, message, unknown: None }
    }
}

fn single(mut parts: Vec<Condition>, join: fn(Vec<Condition>) -> Condition) -> Condition {
    if parts.len() == 1 { parts.remove(0) } else { join(parts) }
}

#[cfg(test)]
mod tests;

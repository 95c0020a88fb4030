//! JSON as logs mostly hold it, in one pass: depth, strings without escapes and whole numbers are read here. Rare tokens
//! are handed to `serde_json` one by one, and a text with anything wrong in it is left to it whole: values, refusals and
//! their words are always its own.

use schemas::activity::Text;

use crate::depth::after_string;
use crate::lexeme::Lexeme;
use crate::tree::Tree;

/// Far below where `serde_json` gives up; who nests deeper is left to it.
const DEPTH_MAX: usize = 96;

/// The object or list that a text is, and the text up to its end; `None` where it is another value, several, deeper than
/// the limit, or broken.
pub fn one(text: &str, depth_max: usize) -> Option<(Tree<'_>, &str)> {
    let mut reader = Reader { text, at: 0, members: Vec::with_capacity(64), items: Vec::new() };
    let depth_left = depth_max.min(DEPTH_MAX);
    let tree = match reader.peek()? {
        b'{' | b'[' => reader.value(depth_left)?,
        _ => return None,
    };
    let (own, rest) = text.split_at_checked(reader.at)?;
    rest.bytes().all(is_space).then_some((tree, own))
}

fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\n' | b'\t' | b'\r')
}

fn of_number(byte: &u8) -> bool {
    matches!(byte, b'0'..=b'9' | b'+' | b'-' | b'.' | b'e' | b'E')
}

struct Reader<'a> {
    text: &'a str,
    /// Where the next byte stands.
    at: usize,
    /// What was read of the objects that are open, the innermost last.
    members: Vec<(Text<'a>, Tree<'a>)>,
    /// The same of lists.
    items: Vec<Tree<'a>>,
}

// === impl Reader ===

impl<'a> Reader<'a> {
    /// The next byte that is no space; it stays.
    #[inline]
    fn peek(&mut self) -> Option<u8> {
        let bytes = self.text.as_bytes();
        loop {
            let byte = *bytes.get(self.at)?;
            if !is_space(byte) {
                return Some(byte);
            }
            self.at += 1;
        }
    }

    /// Takes the next byte that is no space where it is this one.
    #[inline]
    fn take(&mut self, byte: u8) -> Option<()> {
        (self.peek()? == byte).then(|| self.at += 1)
    }

    /// Takes what stands behind an item: `true` where another one must follow, `false` at the end.
    #[inline]
    fn goes_on(&mut self, end: u8) -> Option<bool> {
        let byte = self.peek()?;
        self.at += 1;
        match byte {
            b',' => Some(true),
            _ => (byte == end).then_some(false),
        }
    }

    fn value(&mut self, depth_left: usize) -> Option<Tree<'a>> {
        match self.peek()? {
            b'"' => Some(Tree::Scalar(Lexeme::Text(self.string()?))),
            b'{' => self.object(depth_left.checked_sub(1)?),
            b'[' => self.list(depth_left.checked_sub(1)?),
            b'-' | b'0'..=b'9' => self.number(),
            b't' => self.word("true", Lexeme::Bool(true)),
            b'f' => self.word("false", Lexeme::Bool(false)),
            b'n' => self.word("null", Lexeme::Null),
            _ => None,
        }
    }

    fn object(&mut self, depth_left: usize) -> Option<Tree<'a>> {
        self.at += 1;
        let start = self.members.len();
        if self.peek()? == b'}' {
            self.at += 1;
            return Some(Tree::Object(Vec::new()));
        }
        loop {
            if self.peek()? != b'"' {
                return None;
            }
            let key = self.string()?;
            self.take(b':')?;
            // Most values are plain: those go where they stay at once.
            let member = match self.peek()? {
                b'"' => self.plain().map(|text| Lexeme::Text(Text::Borrowed(text))),
                b'0'..=b'9' => self.whole().map(Lexeme::Unsigned),
                _ => None,
            };
            match member {
                Some(lexeme) => self.members.push((key, Tree::Scalar(lexeme))),
                None => {
                    let value = self.value(depth_left)?;
                    self.members.push((key, value));
                }
            }
            if !self.goes_on(b'}')? {
                break;
            }
        }
        Some(Tree::Object(self.members.drain(start..).collect()))
    }

    fn list(&mut self, depth_left: usize) -> Option<Tree<'a>> {
        self.at += 1;
        let start = self.items.len();
        if self.peek()? == b']' {
            self.at += 1;
            return Some(Tree::List(Vec::new()));
        }
        loop {
            let value = self.value(depth_left)?;
            self.items.push(value);
            if !self.goes_on(b']')? {
                break;
            }
        }
        Some(Tree::List(self.items.drain(start..).collect()))
    }

    /// The string that begins here.
    #[inline]
    fn string(&mut self) -> Option<Text<'a>> {
        match self.plain() {
            Some(text) => Some(Text::Borrowed(text)),
            None => self.escaped(),
        }
    }

    /// The same, where it has no escapes; it stays otherwise.
    #[inline(always)]
    fn plain(&mut self) -> Option<&'a str> {
        let start = self.at + 1;
        let rest = self.text.as_bytes().get(start..)?;
        let length = special(rest)?;
        if *rest.get(length)? != b'"' {
            return None;
        }
        self.at = start + length + 1;
        self.text.get(start..start + length)
    }

    /// The same with escapes.
    #[cold]
    fn escaped(&mut self) -> Option<Text<'a>> {
        let start = self.at;
        let rest = after_string(self.text.as_bytes().get(start + 1..)?);
        self.at = self.text.len() - rest.len();
        match serde_json::from_str(self.text.get(start..self.at)?) {
            Ok(Lexeme::Text(text)) => Some(text),
            _ => None,
        }
    }

    /// The whole number of digits alone that begins here and fits; it stays otherwise.
    #[inline(always)]
    fn whole(&mut self) -> Option<u64> {
        /// Digits that any `u64` has room for.
        const DIGITS: usize = 19;
        let (bytes, start) = (self.text.as_bytes(), self.at);
        let (mut number, mut at) = (0_u64, start);
        while let Some(digit @ b'0'..=b'9') = bytes.get(at) {
            number = number.wrapping_mul(10).wrapping_add(u64::from(digit & 15));
            at += 1;
        }
        let n_digits = at - start;
        let is_whole = (1..=DIGITS).contains(&n_digits)
            && (n_digits == 1 || bytes.get(start) != Some(&b'0'))
            && !bytes.get(at).is_some_and(of_number);
        is_whole.then(|| {
            self.at = at;
            number
        })
    }

    fn number(&mut self) -> Option<Tree<'a>> {
        if let Some(number) = self.whole() {
            return Some(Tree::Scalar(Lexeme::Unsigned(number)));
        }
        let rest = self.text.get(self.at..)?;
        let end = rest.bytes().take_while(of_number).count();
        self.at += end;
        serde_json::from_str(rest.get(..end)?).ok().map(Tree::Scalar)
    }

    fn word(&mut self, word: &str, lexeme: Lexeme<'a>) -> Option<Tree<'a>> {
        let is_there = self.text.get(self.at..)?.starts_with(word);
        self.at += word.len();
        is_there.then_some(Tree::Scalar(lexeme))
    }
}

/// Where a string ends or holds what is not itself: a quote, a backslash or a control character. Eight bytes at a time:
/// of the bits that tell, the lowest is exact.
#[inline(always)]
fn special(bytes: &[u8]) -> Option<usize> {
    const ONES: u64 = u64::MAX / 255;
    const HIGH: u64 = ONES << 7;
    let below = |word: u64, byte: u8| word.wrapping_sub(ONES * u64::from(byte)) & !word & HIGH;
    let is = |word: u64, byte: u8| below(word ^ (ONES * u64::from(byte)), 1);
    let (words, rest) = bytes.as_chunks::<8>();
    for (index, word) in words.iter().enumerate() {
        let word = u64::from_le_bytes(*word);
        let found = below(word, b' ') | is(word, b'"') | is(word, b'\\');
        if found != 0 {
            return Some(8 * index + (found.trailing_zeros() / 8) as usize);
        }
    }
    let is_special = |byte: &u8| *byte < b' ' || matches!(byte, b'"' | b'\\');
    rest.iter().position(is_special).map(|at| 8 * words.len() + at)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::depth;

    /// What the slow way makes of the same text.
    fn slowly(text: &str, depth_max: usize) -> Option<(String, usize)> {
        let mut stream = serde_json::Deserializer::from_str(text).into_iter::<Tree<'_>>();
        let tree = stream.next()?.ok()?;
        let end = stream.byte_offset();
        let is_one = stream.next().is_none();
        (is_one && !depth::exceeds(text, depth_max)).then(|| (format!("{tree:?}"), end))
    }

    #[test]
    fn what_is_read_here_is_what_is_read_slowly() {
        // Pieces of JSON in any order: most are broken, many are not.
        let piece = proptest::sample::select(vec![
            "{",
            "}",
            "[",
            "]",
            ",",
            ":",
            "\"",
            "\"a\":",
            "\"key\":",
            "\"\":",
            "\"é\":",
            "\"a b c d e f g h\"",
            "\"\\n\"",
            "\"x\\\"y\\\\\"",
            "\"\\ud83d\\ude00\"",
            "\"\\ud83d\"",
            "\"tab\there\"",
            "\"ümlaute überall\"",
            "0",
            "00",
            "7",
            "-1",
            "-0",
            "1.5",
            "1e3",
            "1e999",
            "18446744073709551615",
            "18446744073709551616",
            "9999999999999999999",
            "123abc",
            "true",
            "false",
            "null",
            "nul",
            " ",
            "\n",
            "\u{a0}",
            "[1,2]",
            "{\"a\":{}}",
            "[[[]]]",
            "[]",
            "{}",
        ]);
        let member = proptest::sample::select(vec![
            "1",
            "\"t\"",
            "[]",
            "{\"b\":null}",
            "-3.25",
            "\"\\u0041\"",
            "x",
            "[[1]]",
        ]);
        proptest::proptest!(proptest::test_runner::Config::with_cases(20_000), |(
            pieces in proptest::collection::vec(piece, 0..9),
            members in proptest::collection::vec((member, "[a-d\\\\]{0,9}", " {0,1}"), 0..5),
            depth_max in 0_usize..5,
        )| {
            let object: Vec<String> =
                members.iter().map(|(value, key, space)| format!("{space}\"{key}\":{space}{value}")).collect();
            let whole = format!("{{{}}}{}", object.join(","), pieces.concat());
            for text in [pieces.concat(), format!("[{}]", pieces.concat()), whole] {
                let slow = slowly(&text, depth_max);
                match one(&text, depth_max) {
                    Some((tree, own)) => assert_eq!(Some((format!("{tree:?}"), own.len())), slow, "{text}"),
                    // Only a bare value is read slowly although it is sound.
                    None => assert!(slow.is_none() || !text.trim_start().starts_with(['{', '[']), "{text}"),
                }
            }
        });
    }

    #[test]
    fn depth_ends_where_that_of_the_slow_way_does() {
        for depth in [94, 95, 96, 97, 126, 127, 128, 129] {
            let text = format!("{}1{}", "[".repeat(depth), "]".repeat(depth));
            if let Some((tree, own)) = one(&text, 200) {
                assert_eq!(slowly(&text, 200), Some((format!("{tree:?}"), own.len())), "{depth}");
            }
            assert_eq!(one(&text, 200).is_some(), depth <= DEPTH_MAX, "{depth}");
        }
    }

    #[test]
    fn special_bytes_are_found_beside_any_others() {
        let near =
            [0, 0x1f, 0x20, 0x21, 0x22, 0x23, 0x5b, 0x5c, 0x5d, 0x7f, 0x80, 0xa2, 0xdc, 0xff];
        let bytes = proptest::collection::vec(proptest::sample::select(near.to_vec()), 0..24);
        proptest::proptest!(|(bytes in bytes)| {
            let first = bytes.iter().position(|byte| *byte < 32 || matches!(byte, b'"' | b'\\'));
            proptest::prop_assert_eq!(special(&bytes), first);
        });
    }

    #[test]
    fn every_special_byte_is_found_wherever_it_stands() {
        for byte in 0..=u8::MAX {
            for at in 0..20 {
                let mut bytes = vec![b'\x7f'; 20];
                bytes[at] = byte;
                let is_special = byte < 32 || byte == b'"' || byte == b'\\';
                assert_eq!(special(&bytes), is_special.then_some(at), "{byte} at {at}");
            }
        }
    }
}

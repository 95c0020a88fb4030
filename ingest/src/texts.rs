//! Text of a record before its format is told: the values that stand in it one after the other, the lines of which
//! some may be broken, and columns that hold JSON as text.

use record::depth;
use record::path::is_json_object;
use record::tree::Tree;

use crate::format::otlp::is_protobuf;

/// The first key of a text that begins as an object.
pub(crate) fn first_key(text: &str) -> Option<&str> {
    let is_space = |character| matches!(character, ' ' | '\t' | '\r' | '\n');
    let members = text.trim_start_matches(is_space).strip_prefix('{')?;
    let key = members.trim_start_matches(is_space).strip_prefix('"')?;
    key.split('"').next()
}

/// The values of a text, one after the other, each with its own text.
pub(crate) fn documents(text: &str) -> Result<Vec<(Tree<'_>, &str)>, serde_json::Error> {
    let mut stream = serde_json::Deserializer::from_str(text).into_iter::<Tree<'_>>();
    let mut found = Vec::new();
    let mut start = 0;
    while let Some(next) = stream.next() {
        let tree = next?;
        let end = stream.byte_offset();
        found.push((tree, text.get(start..end).unwrap_or_default()));
        start = end;
    }
    Ok(found)
}

/// Whether a text that does not parse is made of lines: more than one, and the first is an object.
pub(crate) fn is_lines(text: &str) -> bool {
    let mut lines = text.lines().filter(|line| !line.trim().is_empty());
    let is_object = |line: &str| {
        is_json_object(line) && serde_json::from_str::<serde::de::IgnoredAny>(line).is_ok()
    };
    lines.next().is_some_and(is_object) && lines.next().is_some()
}

/// The same record with the members read that hold JSON as text, as Log Analytics writes its columns; `None`
/// where there are none.
pub(crate) fn unfold<'a>(tree: &Tree<'a>) -> Option<Tree<'a>> {
    let parsed = |value: &Tree<'_>| {
        let text = value.text().filter(|text| text.starts_with(['{', '[']))?;
        let fits = text.len() <= 1 << 16 && !depth::exceeds(text, 32);
        fits.then(|| serde_json::from_str::<Tree<'_>>(text).ok().map(Tree::into_owned)).flatten()
    };
    let mut changed = false;
    let mut members = Vec::with_capacity(tree.members().len());
    for (key, value) in tree.members() {
        let value = match parsed(value) {
            Some(inner) => {
                changed = true;
                inner
            }
            None => value.clone(),
        };
        members.push((key.clone(), value));
    }
    changed.then_some(Tree::Object(members))
}

/// The records of a file, each with its line from 0: a line each, or the values that stand in it one after the other
/// over several lines, or the whole where it is no text.
pub(crate) fn records(bytes: &[u8]) -> Box<dyn Iterator<Item = (usize, &[u8])> + '_> {
    if is_protobuf(bytes) {
        return Box::new(std::iter::once((0, bytes)));
    }
    let lines = || bytes.split(|byte| *byte == b'\n').enumerate();
    let is_blank = |line: &[u8]| line.trim_ascii().is_empty();
    let first = lines().map(|(_, line)| line).find(|line| !is_blank(line)).unwrap_or_default();
    let is_value = |bytes: &[u8]| serde_json::from_slice::<serde::de::IgnoredAny>(bytes).is_ok();
    let opens =
        first.trim_ascii_start().starts_with(b"{") || first.trim_ascii_start().starts_with(b"[");
    let begins = bytes.iter().position(|byte| !byte.is_ascii_whitespace()).unwrap_or_default();
    let is_pretty = || {
        let end = value_end(bytes, begins);
        begins + first.len() < end && bytes.get(begins..end).is_some_and(is_value)
    };
    if !opens || !is_pretty() {
        return Box::new(lines().filter(move |(_, line)| !is_blank(line)));
    }
    let (mut at, mut line) = (0, 0);
    Box::new(std::iter::from_fn(move || {
        let rest = bytes.get(at..)?;
        let start = at + rest.iter().position(|byte| !byte.is_ascii_whitespace())?;
        line += count_lines(bytes.get(at..start)?);
        at = value_end(bytes, start);
        let record = (line, bytes.get(start..at)?);
        line += count_lines(record.1);
        Some(record)
    }))
}

fn count_lines(bytes: &[u8]) -> usize {
    bytes.iter().filter(|byte| **byte == b'\n').count()
}

/// The end of the value that begins here, by its brackets; of what is none, the end of the line.
fn value_end(bytes: &[u8], start: usize) -> usize {
    let (mut depth, mut in_text, mut escaped) = (0_usize, false, false);
    for (index, byte) in bytes.iter().enumerate().skip(start) {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_text => escaped = true,
            b'"' => in_text = !in_text,
            _ if in_text => {}
            b'{' | b'[' => depth += 1,
            b'}' | b']' => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    return index + 1;
                }
            }
            b'\n' if depth == 0 => return index,
            _ => {}
        }
    }
    bytes.len()
}

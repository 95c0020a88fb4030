//! Text of a record before its format is told: the values that stand in it one after the other, the lines of which
//! some may be broken, and columns that hold JSON as text.

use std::sync::LazyLock;

use memchr::memmem::Finder;
use record::depth;
use record::path::is_json_object;
use record::tree::Tree;

use crate::format::otlp::is_protobuf;

/// Whether a text holds what native records hold and others do not.
pub(crate) fn names_native(text: &str) -> bool {
    static NAME: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new("\"agent.activity/1\""));
    NAME.find(text.as_bytes()).is_some()
}

/// The members of a native record.
#[rustfmt::skip]
const NATIVE: [&str; 18] = [
    "action", "agent", "attributes", "credential", "delegation", "destination", "id", "observed_time", "outcome",
    "producer", "resource", "schema", "session", "source", "tenant_id", "time", "trace", "usage",
];

/// Whether a native record may begin with this key.
pub(crate) fn is_of_native(key: &str) -> bool {
    NATIVE.contains(&key)
}

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

/// What is read from a value that holds JSON as text.
pub(crate) fn inner(value: &Tree<'_>) -> Option<Tree<'static>> {
    let text = value.text().filter(|text| text.starts_with(['{', '[']))?;
    let fits = text.len() <= 1 << 16 && !depth::exceeds(text, 32);
    fits.then(|| serde_json::from_str::<Tree<'_>>(text).ok().map(Tree::into_owned)).flatten()
}

/// The same record with the members read that hold JSON as text, as Log Analytics writes its columns; `None`
/// where there are none.
pub(crate) fn unfold<'a>(tree: &Tree<'a>) -> Option<Tree<'a>> {
    let mut changed = false;
    let mut members = Vec::with_capacity(tree.members().len());
    for (key, value) in tree.members() {
        let inner = inner(value);
        changed |= inner.is_some();
        members.push((key.clone(), inner.unwrap_or_else(|| value.clone())));
    }
    changed.then_some(Tree::Object(members))
}

/// The records of a file, each with its line from 0: a line each, or the values that stand in it one after the other
/// over several lines, or the whole where it is no text. A value that nothing closes ends before the next line that
/// begins one: it costs itself.
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
    let spans_lines = |begins: usize| {
        let value = value_end(bytes, begins, usize::MAX).and_then(|end| bytes.get(begins..end));
        value.is_some_and(|value| value.contains(&b'\n') && is_value(value))
    };
    // The first value may be the broken one.
    let is_pretty =
        || spans_lines(begins) || (!is_value(first) && spans_lines(next_start(bytes, begins)));
    if !opens || !is_pretty() {
        return Box::new(lines().filter(move |(_, line)| !is_blank(line)));
    }
    let (mut at, mut line, mut in_vain) = (0, 0, IN_VAIN_MAX);
    Box::new(std::iter::from_fn(move || {
        let rest = bytes.get(at..)?;
        let start = at + rest.iter().position(|byte| !byte.is_ascii_whitespace())?;
        line += count_lines(bytes.get(at..start)?);
        let bytes_max = if at == 0 { usize::MAX } else { in_vain };
        at = value_end(bytes, start, bytes_max).unwrap_or_else(|| {
            in_vain = in_vain.saturating_sub(bytes.len() - start);
            next_start(bytes, start)
        });
        let record = (line, bytes.get(start..at)?);
        line += count_lines(record.1);
        Some(record)
    }))
}

fn count_lines(bytes: &[u8]) -> usize {
    bytes.iter().filter(|byte| **byte == b'\n').count()
}

/// Bytes of a file that are looked at in vain for the end of values that nothing closes; 64 MiB.
const IN_VAIN_MAX: usize = 64 << 20;

/// The next line that begins a value without being indented; the end where there is none.
fn next_start(bytes: &[u8], start: usize) -> usize {
    let rest = bytes.get(start..).unwrap_or_default();
    let begins = |pair: &[u8]| matches!(pair, [b'\n', b'{' | b'[']);
    rest.windows(2).position(begins).map_or(bytes.len(), |at| start + at + 1)
}

/// The end of the value that begins here, by its brackets; of what is none, the end of the line. `None` where nothing
/// closes it within so many bytes.
fn value_end(bytes: &[u8], start: usize, bytes_max: usize) -> Option<usize> {
    let (mut depth, mut in_text, mut escaped) = (0_usize, false, false);
    for (index, byte) in bytes.iter().enumerate().skip(start).take(bytes_max) {
        match byte {
            b'\n' if depth == 0 => return Some(index),
            // No text of JSON goes beyond its line.
            b'\n' => (in_text, escaped) = (false, false),
            _ if escaped => escaped = false,
            b'\\' if in_text => escaped = true,
            b'"' => in_text = !in_text,
            _ if in_text => {}
            b'{' | b'[' => depth += 1,
            b'}' | b']' => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    return Some(index + 1);
                }
            }
            _ => {}
        }
    }
    (depth == 0 && bytes.len() <= start.saturating_add(bytes_max)).then_some(bytes.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_members_of_a_native_record_are_those_of_its_schema() {
        let schema = include_str!("../../schemas/json/agent.activity-1.schema.json");
        let schema: serde_json::Value = serde_json::from_str(schema).expect("JSON");
        let mut names: Vec<&str> =
            schema["properties"].as_object().expect("members").keys().map(String::as_str).collect();
        names.sort_unstable();
        assert_eq!(names, NATIVE);
    }
}

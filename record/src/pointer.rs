//! JSON pointers (RFC 6901) and the rejection that carries one. A rejection names places and never shows
//! payload; a member name too long to be a name ends the pointer before it.

use std::fmt::Write;

use schemas::activity::Text;
use schemas::reject::{ErrorCode, Rejection, Stage};

/// Longest member name that a pointer or a counter shows, in bytes.
const NAME_BYTES_MAX: usize = 128;

/// One step from the record down to a value.
#[derive(Clone, Debug)]
pub enum Segment<'a> {
    /// To the member of that name.
    Key(Text<'a>),
    /// To the item at that index.
    Index(usize),
}

/// The exact pointer of a path.
pub fn exact(path: &[Segment<'_>]) -> String {
    let mut pointer = String::new();
    for segment in path {
        match segment {
            Segment::Key(key) if NAME_BYTES_MAX < key.len() => break,
            Segment::Key(key) => push_key(&mut pointer, key),
            Segment::Index(index) => push_index(&mut pointer, *index),
        }
    }
    pointer
}

/// The pointer of a kind of place, for counting: every index is `*`, long names are cut.
pub fn kind_into(pointer: &mut String, path: &[Segment<'_>]) {
    pointer.clear();
    for segment in path {
        match segment {
            Segment::Key(key) => push_key(pointer, cut(key)),
            Segment::Index(_) => pointer.push_str("/*"),
        }
    }
}

/// Appends a member.
pub fn push_key(pointer: &mut String, key: &str) {
    pointer.push('/');
    for character in key.chars() {
        match character {
            '~' => pointer.push_str("~0"),
            '/' => pointer.push_str("~1"),
            other => pointer.push(other),
        }
    }
}

/// Appends an index.
pub fn push_index(pointer: &mut String, index: usize) {
    // Writing to a String cannot fail.
    write!(pointer, "/{index}").unwrap_or_default();
}

/// A rejection at the step that its reason belongs to.
pub fn rejection(code: ErrorCode, path: String, message: impl Into<String>) -> Rejection {
    Rejection { code, stage: stage_of(code, &path), path, message: message.into() }
}

fn stage_of(code: ErrorCode, path: &str) -> Stage {
    match code {
        ErrorCode::EmptyValue | ErrorCode::InvalidUtf8 => Stage::Decode,
        ErrorCode::TooLarge if path.is_empty() => Stage::Decode,
        ErrorCode::InvalidJson | ErrorCode::TooDeep | ErrorCode::UnsupportedFormat => Stage::Parse,
        _ => Stage::Validate,
    }
}

fn cut(name: &str) -> &str {
    let mut end = name.len().min(NAME_BYTES_MAX);
    while !name.is_char_boundary(end) {
        end -= 1;
    }
    name.get(..end).unwrap_or_default()
}

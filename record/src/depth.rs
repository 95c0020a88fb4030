//! How deep a text nests. The parser skips unknown fields without a limit of its own, so this scan guards
//! what the decoders do not walk: for native records where something unknown was skipped or parsing failed, for all others
//! before they are read into memory.

use memchr::memchr2;

/// Whether objects and lists nest deeper than the limit; brackets within strings do not count.
pub fn exceeds(text: &str, depth_max: usize) -> bool {
    // What opens so seldom cannot nest so deep; counting is many times faster than following.
    let n_opened = count(text, |byte| (byte == b'{') | (byte == b'['));
    if n_opened <= depth_max {
        return false;
    }
    let (mut depth, mut rest) = (0_usize, text.as_bytes());
    while let Some((byte, after)) = rest.split_first() {
        rest = after;
        match byte {
            b'"' => rest = after_string(after),
            b'{' | b'[' => {
                depth += 1;
                if depth_max < depth {
                    return true;
                }
            }
            b'}' | b']' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    false
}

/// What follows a string that was opened.
pub(crate) fn after_string(mut bytes: &[u8]) -> &[u8] {
    while let Some(at) = memchr2(b'"', b'\\', bytes) {
        let is_end = bytes.get(at) == Some(&b'"');
        bytes = bytes.get(at + if is_end { 1 } else { 2 }..).unwrap_or_default();
        if is_end {
            return bytes;
        }
    }
    &[]
}

/// Counts what a text would hold in memory, from above: each value or member has a comma, a colon or a
/// bracket; those within strings count too.
pub fn values_at_most(text: &str) -> usize {
    count(text, |byte| (byte == b',') | (byte == b'{') | (byte == b'['))
}

/// Counts in stretches whose count fits a byte, unchecked: so the compiler makes vectors of it.
fn count(text: &str, is: impl Fn(u8) -> bool) -> usize {
    let add = |n: u8, byte: &u8| n.wrapping_add(u8::from(is(*byte)));
    let stretches = text.as_bytes().chunks(usize::from(u8::MAX));
    stretches.map(|bytes| usize::from(bytes.iter().fold(0, add))).sum()
}

#[cfg(test)]
mod tests {
    use super::{exceeds, values_at_most};

    #[test]
    fn every_bracket_is_counted_however_long_the_text() {
        for n in [0, 1, 254, 255, 256, 1_000] {
            assert_eq!(values_at_most(&"[".repeat(n)), n);
            assert!(n == 0 || exceeds(&"[".repeat(n), n - 1));
        }
    }

    #[test]
    fn only_brackets_outside_strings_nest() {
        assert!(exceeds("[[[", 2));
        assert!(!exceeds("[[[", 3));
        assert!(!exceeds(r#"["[[[\"[[[\\", []]"#, 2));
        assert!(exceeds(r#"["\\", [[]]]"#, 2));
        assert!(!exceeds("[][][]{}", 1));
    }
}

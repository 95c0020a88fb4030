//! How deep a text nests. The parser skips unknown fields without a limit of its own, so this scan guards
//! what the decoders do not walk; it runs only where something unknown was skipped or parsing failed.

/// Whether objects and lists nest deeper than the limit; brackets within strings do not count.
pub fn exceeds(text: &str, depth_max: usize) -> bool {
    // What opens so seldom cannot nest so deep; counting is many times faster than following.
    let n_opened = text.bytes().filter(|byte| matches!(byte, b'{' | b'[')).count();
    if n_opened <= depth_max {
        return false;
    }
    let (mut depth, mut in_string, mut escaped) = (0_usize, false, false);
    for byte in text.bytes() {
        if in_string {
            match byte {
                _ if escaped => escaped = false,
                b'\\' => escaped = true,
                b'"' => in_string = false,
                _ => {}
            }
            continue;
        }
        match byte {
            b'"' => in_string = true,
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

/// Counts what a text would hold in memory, from above: each value or member has a comma, a colon or a
/// bracket; those within strings count too.
pub fn values_at_most(text: &str) -> usize {
    text.bytes().filter(|byte| matches!(byte, b',' | b'{' | b'[')).count()
}

#[cfg(test)]
mod tests {
    use super::exceeds;

    #[test]
    fn only_brackets_outside_strings_nest() {
        assert!(exceeds("[[[", 2));
        assert!(!exceeds("[[[", 3));
        assert!(!exceeds(r#"["[[[\"[[[\\", []]"#, 2));
        assert!(exceeds(r#"["\\", [[]]]"#, 2));
        assert!(!exceeds("[][][]{}", 1));
    }
}

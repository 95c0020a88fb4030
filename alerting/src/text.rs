//! Texts from events on their way into sentences: they are data, never markup, templates or terminal
//! commands. Ids in structured fields are left as they are: consumers join on them.

/// Longest text of an event inside a sentence, in characters.
pub(crate) const TEXT_CHARS_MAX: usize = 256;

/// The text without control, bidi and zero-width characters, cut to 256 characters.
pub(crate) fn clean(text: &str) -> String {
    let mut kept = text.chars().filter(|c| !hidden(*c));
    let mut cleaned: String = kept.by_ref().take(TEXT_CHARS_MAX).collect();
    if kept.next().is_some() {
        cleaned.pop();
        cleaned.push('…');
    }
    cleaned
}

/// Bytes of a character inside a JSON string.
pub(crate) fn json_bytes(c: char) -> usize {
    match c {
        '"' | '\\' | '\n' | '\r' | '\t' | '\u{8}' | '\u{c}' => 2,
        c if c < ' ' => 6,
        c => c.len_utf8(),
    }
}

fn hidden(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}')
        || matches!(c, '\u{61c}' | '\u{feff}' | '\u{ad}' | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hidden_characters_go_and_long_texts_end() {
        assert_eq!(clean("a\u{1b}[31mb\nc\u{202e}d\u{200b}\u{9b}"), "a[31mbcd");
        assert_eq!(clean("\"quoted\" {} %s \\n"), "\"quoted\" {} %s \\n");
        assert_eq!(clean(&"ä".repeat(256)), "ä".repeat(256));
        assert_eq!(clean(&"ä".repeat(257)), format!("{}…", "ä".repeat(255)));
    }

    #[test]
    fn the_bytes_of_a_character_are_those_that_json_takes() {
        for c in ('\0'..='\u{17f}').chain(['\u{2028}', '\u{feff}', '😀']) {
            let json = serde_json::to_string(&c.to_string()).expect("a text is JSON");
            assert_eq!(json_bytes(c), json.len() - 2, "{c:?}");
        }
    }
}
